/** Chapter 07's poller on the real clock: for how long it asks Node to sleep. */

import { afterEach, expect, test, vi } from 'vitest'
import { NetPoller } from '../../solutions/07-event-loop/poller.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

test('a sleep with a fraction is rounded up, because setTimeout() drops the fraction', async () => {
  const setTimeout = vi.spyOn(globalThis, 'setTimeout')
  await new NetPoller().wait(1.25)
  expect(setTimeout.mock.calls.map(([, ms]) => ms)).toEqual([2])
})
