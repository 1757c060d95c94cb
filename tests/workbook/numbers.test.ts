/** Numbers read as Node's own formatter writes them, without its price. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { withCommas } from '../harness/numbers.ts'

test.each([
  [0, '0'],
  [999, '999'],
  [1_000, '1,000'],
  [-1_234_567, '-1,234,567'],
  [1_234.5, '1,234.5'],
  [0.12345, '0.123'],
])('%d is written as %s', (value, text) => expect(withCommas(value)).toBe(text))

test('any number of three decimals is written as en writes it', () => {
  const thousandths = fc.integer({ min: -(10 ** 12), max: 10 ** 12 })
  fc.assert(
    fc.property(thousandths, (count) => {
      const value = count / 1_000
      expect(withCommas(value)).toBe(value.toLocaleString('en'))
    }),
    { seed: 1 },
  )
})
