/** Starters, lessons and quotes are made from one source each. */

import { describe, expect, test } from 'vitest'
import { readLesson } from '../../tutor/book/lesson.ts'
import { fillQuotes } from '../../tutor/book/quotes.ts'
import { findHoles, makeStarter } from '../../tutor/book/starter.ts'

const SOLUTION = `/**
 * A file.
 */

import { createServer } from 'node:net'

export const LIMIT = 3

/**
 * Doubles.
 *
 * @step 05.1
 */
export function double(value: number): number {
  return value * 2
}

/** @answer 05.2 */
function helper(): void {
  createServer()
}

export class Box {
  #content = 1

  /** @step 05.2 05.3 */
  get content(): number {
    return this.#content
  }

  /**
   * Fills it.
   *
   * @step 05.3
   */
  async fill(): Promise<void> {
    await Promise.resolve()
  }
}
`

describe('starters', () => {
  test('a hole loses its body and keeps everything else', () => {
    expect(makeStarter(SOLUTION)).toBe(
      SOLUTION.replace('  return value * 2\n', "  // TODO 05.1\n  throw new Error('TODO 05.1')\n")
        .replace(
          '    return this.#content\n',
          "    // TODO 05.2\n    throw new Error('TODO 05.2')\n",
        )
        .replace(
          '    await Promise.resolve()\n',
          "    // TODO 05.3\n    throw new Error('TODO 05.3')\n",
        )
        .replace(/\/\*\* @answer[\s\S]*?\n}\n\n/, ''),
    )
  })

  test('what has been written up to a step stays', () => {
    const written = makeStarter(SOLUTION, '05.2')
    expect(written).toContain('return value * 2')
    expect(written).toContain('createServer()')
    expect(written).toContain('return this.#content')
    expect(written).toContain("throw new Error('TODO 05.3')")
    expect(makeStarter(SOLUTION, '05.3')).toBe(SOLUTION)
  })

  test('holes are found with their steps, names and lines', () => {
    expect(findHoles(SOLUTION)).toEqual([
      { steps: ['05.1'], name: 'double', line: 14 },
      { steps: ['05.2', '05.3'], name: 'content', line: 27 },
      { steps: ['05.3'], name: 'fill', line: 36 },
    ])
  })

  test('a file can be one hole', () => {
    const source = `/**
 * A design of one's own.
 *
 * @step 05.4
 */

import { connect } from 'node:net'

export interface Door {
  open: boolean
}

const SECRET = 1

export class House {
  readonly doors = 2
  #rooms = SECRET

  enter(): Door {
    return this.#open()
  }

  #open(): Door {
    connect(this.#rooms)
    return { open: true }
  }
}

function hidden(): void {}
`
    const starter = makeStarter(source)
    expect(starter).toContain('export interface Door')
    expect(starter).toContain(
      "enter(): Door {\n    // TODO 05.4\n    throw new Error('TODO 05.4')\n  }",
    )
    for (const secret of ['SECRET', '#rooms', '#open', 'hidden'])
      expect(starter).not.toContain(secret)
  })

  test('a tag without a function is an error', () => {
    expect(() => makeStarter('/** @step 05.1 */\nexport const a = 1\n')).toThrow(/no body/)
  })
})

describe('lessons', () => {
  const LESSON = `---
title: Boxes
part: I · Things
minutes: 10
---
# 05 · Boxes

Why.

> **Predict.** How many
> boxes?
>
> \`npm start measure 05.boxes\`

## 05.1 holds one

Text.

\`\`\`ts
## 05.9 is code, not a heading
\`\`\`

<details><summary>Hint: Which one?</summary>

That one.

</details>

## 05.2 holds two

More.

## By hand

Closing.
`
  test('are read into steps, hints and predictions', () => {
    const lesson = readLesson(LESSON)
    expect(lesson).toMatchObject({ title: 'Boxes', part: 'I · Things', minutes: 10 })
    expect(lesson.steps.map(({ id, title }) => `${id} ${title}`)).toEqual([
      '05.1 holds one',
      '05.2 holds two',
    ])
    expect(lesson.steps[0].text).toMatch(/^Text\.[\s\S]*not a heading\n```$/)
    expect(lesson.steps[0].hints).toEqual([{ summary: 'Which one?', text: 'That one.' }])
    expect(lesson.introduction).toMatch(/^# 05 · Boxes[\s\S]*measure 05\.boxes`$/)
    expect(lesson.closing).toBe('## By hand\n\nClosing.')
    expect(lesson.predictions).toEqual([{ question: 'How many\nboxes?', measure: '05.boxes' }])
  })

  test.each([
    ['no front matter', '# Title\n', /no front matter/],
    ['no steps', '---\ntitle: a\npart: b\nminutes: 1\n---\n# a\n', /no steps/],
    ['no minutes', '---\ntitle: a\npart: b\n---\n## 01.1 a\n', /needs title, part and minutes/],
    [
      'a prediction without a measurement',
      LESSON.replace('`npm start measure 05.boxes`', 'guess!'),
      /must end with/,
    ],
  ])('%s is an error', (_name, markdown, message) => {
    expect(() => readLesson(markdown)).toThrow(message)
  })
})

describe('quotes', () => {
  test('are filled from the code, whatever stood there', () => {
    const markdown = '```ts solutions/05-boxes/box.ts#Box.fill\nold\n```\n'
    expect(fillQuotes(markdown, () => SOLUTION)).toBe(
      '```ts solutions/05-boxes/box.ts#Box.fill\nasync fill(): Promise<void> {\n  await Promise.resolve()\n}\n```\n',
    )
  })

  test('cannot quote what is not there', () => {
    expect(() => fillQuotes('```ts a.ts#gone\n```\n', () => SOLUTION)).toThrow('a.ts has no gone')
  })
})
