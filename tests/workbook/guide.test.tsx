/** The guide without a terminal: events in, state and text out. */

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Chalk } from 'chalk'
import { renderToString } from 'ink'
import stringWidth from 'string-width'
import { beforeAll, describe, expect, test } from 'vitest'
import { readBook } from '../../tutor/book/book.ts'
import { BINDINGS } from '../../tutor/state/keys.ts'
import { seeOutlook } from '../../tutor/state/outlook.ts'
import { beginWith, reduce } from '../../tutor/state/reduce.ts'
import type { Effect, TutorEvent, TutorState } from '../../tutor/state/state.ts'
import { Store } from '../../tutor/state/store.ts'
import { App } from '../../tutor/ui/app.tsx'
import { bodyLines } from '../../tutor/ui/body.ts'
import { headerRows } from '../../tutor/ui/header.tsx'
import { rowsBelowMap } from '../../tutor/ui/map-screen.tsx'
import { loadMarkdown, type RenderMarkdown } from '../../tutor/ui/markdown.ts'
import type { Card, JudgeEvent } from '../judge/events.ts'
import type { Progress } from '../judge/progress.ts'
import { makeHome } from './home.ts'

const book = readBook()
const plain = new Chalk({ level: 0 })
const nothing: Progress = { version: 1, steps: {}, hints: {}, finished: {} }
const step = (id: string) => ({
  id,
  title: book.flatMap(({ lesson }) => lesson.steps).find((step) => step.id === id)!.title,
})

let markdown: RenderMarkdown
beforeAll(async () => {
  markdown = await loadMarkdown()
})

/** Plays events one after the other, and collects what they asked for. */
function play(
  state: TutorState,
  ...events: (TutorEvent | JudgeEvent | string)[]
): { state: TutorState; effects: Effect[] } {
  return events.reduce<{ state: TutorState; effects: Effect[] }>(
    (so, event) => {
      const next = reduce(so.state, toTutorEvent(event, so.state.run))
      return { state: next.state, effects: [...so.effects, ...next.effects] }
    },
    { state, effects: [] },
  )
}

/** A word is a key; a judge's event belongs to the newest run. */
function toTutorEvent(event: TutorEvent | JudgeEvent | string, run: number): TutorEvent {
  if (typeof event === 'string') return { kind: 'key', key: event, page: 10, maxScroll: 5 }
  return /^(chapter|step|stands|types|files|unknown)/.test(event.kind)
    ? { kind: 'judge', run, event: event as JudgeEvent }
    : (event as TutorEvent)
}

function passed(id: string): JudgeEvent {
  return { kind: 'stepPassed', step: step(id), ms: 5 }
}

function failed(id: string, more: Partial<Card> = {}): JudgeEvent {
  const card: Card = {
    step: step(id),
    headline: 'It went wrong.',
    story: [],
    seed: 1,
    lookAt: [],
    ...more,
  }
  return { kind: 'stepFailed', step: step(id), ms: 5, passedBefore: false, card }
}

/** The rows of a terminal of that size, without the blanks at their ends. */
function drawOn(columns: number, rows: number, state: TutorState): string[] {
  const before = { columns: process.stdout.columns, rows: process.stdout.rows }
  Object.assign(process.stdout, { columns, rows })
  try {
    const app = (
      <App store={new Store(state)} style={{ chalk: plain, markdown }} onMounted={() => {}} />
    )
    return renderToString(app, { columns })
      .split('\n')
      .map((line) => line.trimEnd())
  } finally {
    Object.assign(process.stdout, before)
  }
}

describe('where the guide begins', () => {
  test('a newcomer sees the map', () => {
    expect(beginWith(book, nothing)).toMatchObject({ screen: 'map', chapter: 0, step: 0 })
  })

  test('who was here before is back at the same step', () => {
    const state = beginWith(book, { ...nothing, place: '02.3' })
    expect(state).toMatchObject({ screen: 'step', chapter: 1, step: 2 })
    const { effects } = play(state, { kind: 'opened' })
    expect(effects[0]).toMatchObject({ kind: 'judge', chapter: '02-echo', upTo: '02.3' })
  })

  test('a step that the book has no longer: its chapter begins again, and what is green stays', () => {
    const steps = Object.fromEntries(
      ['02.1', '02.2', '02.3', '02.4', '98.7'].map((id) => [id, { passedAt: 'then' }]),
    )
    const known = { ...nothing, steps, hints: { '02.4': 2 }, place: '02.4' }
    const state = beginWith(book, known)
    expect(state).toMatchObject({ screen: 'step', chapter: 1, step: 0 })
    expect(play(state, { kind: 'opened' }).effects[0]).toMatchObject({ upTo: '02.3' })
    const { chapters, next } = seeOutlook(book, known)
    expect(chapters.map((chapter) => chapter.state).slice(0, 2)).toEqual(['untouched', 'done'])
    expect(next?.step.id).toBe('03.1')
  })

  test('a place that is gone does no harm', () => {
    const known = { ...nothing, place: '98.7' }
    expect(beginWith(book, known)).toMatchObject({ chapter: 0, step: 0 })
    expect(seeOutlook(book, known).next?.step.id).toBe('01.1')
  })

  test('who has skipped chapters is not sent back to them', () => {
    const next = (place: string, ...green: string[]) => {
      const steps = Object.fromEntries(green.map((id) => [id, { passedAt: 'then' }]))
      return seeOutlook(book, { ...nothing, steps, place }).next?.step.id
    }
    expect(next('07.1', '05.1')).toBe('07.1')
    expect(next('07.3', '07.1', '07.2')).toBe('07.3')
    const all = book[6].lesson.steps.map(({ id }) => id)
    expect(next('07.1', ...all)).toBe('08.1')
    expect(next('07.1', ...all, '05.1')).toBe('05.2')
  })
})

describe('what happens', () => {
  const begun = play(beginWith(book, nothing), 'enter')

  test('a chapter that nobody has begun opens with its lesson, and is judged meanwhile', () => {
    expect(begun.state).toMatchObject({ screen: 'lesson', isJudging: true })
    expect(begun.effects).toEqual([
      { kind: 'judge', run: 1, chapter: '01-hello', upTo: '01.1' },
      { kind: 'rememberPlace', place: '01.1' },
    ])
  })

  test('a save is judged; events of an older run are ignored', () => {
    const saved = play(begun.state, 't', {
      kind: 'saved',
      chapter: '01-hello',
      file: 'server.ts',
      at: '10:11:12',
    })
    expect(saved.effects[0]).toMatchObject({ kind: 'judge', run: 2 })
    const late = reduce(saved.state, { kind: 'judge', run: 1, event: failed('01.1') })
    expect(late.state.verdicts).toEqual({})
  })

  test('an attempt that failed shows its card; a task not begun shows the task', () => {
    const red = play(begun.state, 't', failed('01.1'))
    expect(red.state.screen).toBe('card')
    const open = play(begun.state, 't', failed('01.1', { openStep: '01.1' }))
    expect(open.state.screen).toBe('step')
  })

  test('green never advances by itself', () => {
    const green = play(begun.state, 't', passed('01.1'), {
      kind: 'chapterDone',
      passed: 1,
      asked: 1,
    })
    expect(green.state.step).toBe(0)
    expect(play(green.state, 'n').state.step).toBe(1)
    expect(play(green.state, 'n').effects[0]).toMatchObject({ kind: 'judge', upTo: '01.2' })
  })

  test('next waits for green, and what it said is over at the next save', () => {
    const { state } = play(begun.state, 't', 'n')
    expect(state).toMatchObject({ step: 0, notice: expect.stringMatching(/Not yet/) })
    const save = { kind: 'saved', chapter: '01-hello', file: 'server.ts', at: '' } as const
    expect(play(state, save).state.notice).toBeUndefined()
  })

  test('of two notices, none is lost', () => {
    const notices = ['one', 'two'].map((text) => ({ kind: 'noticed', text }) as const)
    expect(play(begun.state, ...notices).state.notice).toBe('one\ntwo')
  })

  test('a save does not write the place again: another terminal may have written another', () => {
    const save = { kind: 'saved', chapter: '01-hello', file: 'server.ts', at: '' } as const
    expect(play(begun.state, 't', save, 'r').effects.map(({ kind }) => kind)).toEqual([
      'judge',
      'judge',
    ])
  })

  test('the reference in another chapter is no save of the learner, but may change the verdict here', () => {
    const written = { kind: 'saved', chapter: '02-echo', file: 'server.ts', at: '' } as const
    const { state, effects } = play(begun.state, { ...written, isReference: true })
    expect(state).toMatchObject({ chapter: 0, step: 0, lastSave: undefined })
    expect(effects).toMatchObject([{ kind: 'judge', chapter: '01-hello' }])
  })

  test('what another terminal has written is seen', () => {
    const progress = { ...nothing, steps: { '01.1': { passedAt: 'then' } }, hints: { '01.1': 2 } }
    const { state } = play(begun.state, 't', { kind: 'progressRead', progress }, 'h')
    expect(state.progress.hints).toEqual({ '01.1': 3 })
    expect(play(state, 'n').state.step).toBe(1)
  })

  test('the keys lead back to where they were asked for', () => {
    const { state } = play(begun.state, 't', passed('01.1'), 'n')
    for (const key of ['?', 'escape'])
      expect(play(state, '?', key).state).toMatchObject({ screen: 'step', step: 1 })
    expect(play(state, 'm', '?', '?').state.screen).toBe('map')
  })

  test('a page on the map is many chapters', () => {
    const { state } = play(begun.state, 'm', 'pagedown')
    expect(state.chapter).toBe(10)
    expect(play(state, 'pageup').state.chapter).toBe(0)
  })

  test('a file that is removed is missed at once', () => {
    const removed = { kind: 'removed', chapter: '01-hello' } as const
    const files = ['chapters/01-hello/server.ts']
    const green = play(begun.state, 't', passed('01.1'), removed)
    expect(green.effects.at(-1)).toMatchObject({ kind: 'judge', chapter: '01-hello' })
    const missing = { kind: 'filesMissing', chapter: '01-hello', files } as const
    const { state } = play({ ...green.state, screen: 'card' }, missing)
    expect(state.screen).toBe('step')
    const reader = { ...green.state, screen: 'lesson', scroll: 3 } as const
    expect(play(reader, missing).state).toMatchObject({ screen: 'lesson', scroll: 3 })
    const text = bodyLines(state, { columns: 200, chalk: plain, markdown }).join('\n')
    expect(text).toMatch(
      /^! Missing: chapters\/01-hello\/server\.ts\. npm start reset 1 puts the starter back/,
    )
    expect(text).not.toContain('✓ Green')
    expect(play(begun.state, { ...removed, chapter: '02-echo' }).effects).toEqual([])
  })

  test('what was green and is red again is not forgotten, nor hidden', () => {
    const { state } = play(begun.state, 't', passed('01.1'), failed('01.1'))
    expect(state.progress.steps['01.1']).toHaveProperty('brokenAt')
    expect(play(state, 'n').state.step).toBe(0)
  })

  test('going back keeps later steps judged', () => {
    const { effects } = play(begun.state, 't', passed('01.1'), 'n', passed('01.2'), 'b')
    expect(effects.at(-2)).toMatchObject({ kind: 'judge', upTo: '01.2' })
  })

  test('hints come one by one, and are remembered', () => {
    const first = play(begun.state, 'h').state
    expect(first.notice).toBeUndefined()
    const taken = play(begun.state, 't', 'h', 'h')
    expect(taken.state.progress.hints['01.1']).toBe(2)
    expect(taken.effects.at(-1)).toEqual({ kind: 'rememberHint', step: '01.1', taken: 2 })
    const all = play(taken.state, 'h', 'h')
    expect(all.state).toMatchObject({
      progress: { hints: { '01.1': 3 } },
      notice: expect.stringMatching(/^Those were all the hints\..*npm start diff 1\.1/),
    })
  })

  test('a save in another chapter goes there', () => {
    const { state, effects } = play(begun.state, {
      kind: 'saved',
      chapter: '02-echo',
      file: 'server.ts',
      at: '',
    })
    expect(state).toMatchObject({ chapter: 1, step: 0 })
    expect(effects[0]).toMatchObject({ chapter: '02-echo' })
  })

  test('a save while reading does not take the text away', () => {
    const { state } = play(
      begun.state,
      { kind: 'saved', chapter: '01-hello', file: 'server.ts', at: '' },
      failed('01.1'),
    )
    expect(state.screen).toBe('lesson')
  })

  test('scrolling stays within the text', () => {
    expect(play(begun.state, 'down', 'pagedown', 'pagedown').state.scroll).toBe(5)
    expect(play(begun.state, 'down', 'up', 'up').state.scroll).toBe(0)
  })

  test('the editor opens where it went wrong', () => {
    const trace = [{ file: 'chapters/01-hello/server.ts', line: 42, function: 'greet' }]
    const { effects } = play(begun.state, 't', failed('01.1', { trace }), 'e')
    expect(effects.at(-1)).toEqual({ kind: 'edit', file: 'chapters/01-hello/server.ts', line: 42 })
  })

  test('every key of every screen does something, and no key twice', () => {
    for (const screen of ['map', 'step', 'card', 'lesson', 'keys'] as const) {
      const here = BINDINGS.filter(({ screens }) => !screens || screens.includes(screen)).flatMap(
        ({ keys }) => keys,
      )
      expect(new Set(here).size).toBe(here.length)
      for (const key of here) expect(() => play({ ...begun.state, screen }, key)).not.toThrow()
    }
  })
})

test('a copy of what is green that cannot be written is a notice, and the verdict stands', async () => {
  const home = makeHome('guide-no-copies')
  home.writeUpTo('01-hello', '01.2')
  home.write('.workbook', 'a file, where the folder belongs')
  const fixture = join(import.meta.dirname, 'fixtures', 'judge-as-the-guide.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [fixture, '01-hello', '01.1'], {
    env: { ...process.env, WORKBOOK_HOME: home.root },
  })
  expect(stdout).toMatch(
    /stepPassed[\s\S]*notice No copy of what is green could be kept \(E.*\njudged\n$/,
  )
})

describe('what is on the screen', () => {
  const style = (columns: number) => ({ columns, chalk: plain, markdown })
  const begun = play(beginWith(book, nothing), 'enter', 't').state

  test('a step: its task, and where to write', () => {
    const lookAt = [
      { file: 'chapters/01-hello/server.ts', line: 71, function: 'listen', doc: 'Listens.' },
    ]
    const { state } = play(begun, failed('01.1', { openStep: '01.1', lookAt }))
    const text = bodyLines(state, style(80)).join('\n')
    expect(text).toMatch(
      /01\.1 {2}listens on a free port[\s\S]*Write {2}chapters\/01-hello\/server\.ts:71, in listen\(\), and save/,
    )
    expect(text).not.toContain('<details>')
  })

  test('green says what comes next', () => {
    expect(bodyLines(play(begun, passed('01.1')).state, style(80))[0]).toMatch(
      /✓ Green\..*n goes on to 01\.2/,
    )
  })

  test('remarks about the chapter come first', () => {
    const hole = {
      step: '01.4',
      place: { file: 'chapters/01-hello/server.ts', line: 9, function: '' },
    }
    const { state } = play(begun, {
      kind: 'standsOnUnfinished',
      chapter: '01-hello',
      holes: [hole],
    })
    expect(bodyLines(state, style(80))[0]).toMatch(/^! This chapter stands on step 01\.4/)
  })

  test.each([40, 60, 80, 120])('no line is wider than %i columns', (columns) => {
    for (const screen of ['lesson', 'step', 'card', 'keys'] as const) {
      // A quote in a lesson has two blanks in front, and is wrapped.
      const shape = screen === 'lesson' ? /[│┌└─{}()=>]|^ {4}/ : /[│┌└─{}()=>]|^ {2}/
      const { state } = play(
        begun,
        failed('01.1', { likely: 'a rather long explanation '.repeat(9) }),
      )
      const wide = bodyLines({ ...state, screen }, style(columns)).filter(
        // Pictures and code keep their shape; the screen cuts them.
        (line) => stringWidth(line) > columns && !shape.test(line),
      )
      expect(wide).toEqual([])
    }
  })

  test('nothing that a lesson says is cut at 80 columns, neither code nor pictures', () => {
    const texts = book.flatMap(({ lesson }) => [
      lesson.introduction,
      ...lesson.steps.flatMap(({ text, hints }) => [text, ...hints.map(({ text }) => text)]),
      lesson.closing,
    ])
    const lines = texts.flatMap((text) => markdown(text, { columns: 79, level: 0 }).split('\n'))
    // An address has no place where it could be broken.
    const wide = lines.filter((line) => stringWidth(line) > 79 && !/https?:/.test(line))
    expect(wide).toEqual([])
  })

  test.each([
    [
      'the items of a list are wrapped, and what is written in them is rendered',
      'Three:\n\n- `one` and **two**,\n  on two lines of the lesson & more\n- three\n\n3. four\n',
      [
        'Three:',
        '',
        '  • `one` and two,',
        '    on two lines of',
        '    the lesson &',
        '    more',
        '  • three',
        '',
        ' 3. four',
      ],
    ],
    [
      'code in a sentence is shown as it is written',
      'A `{"a":1 && b<c}`,\n`x: y`.',
      ['A `{"a":1 && b<c}`,', '`x: y`.'],
    ],
    [
      'a quote is no wider than the screen, and a bracket stays beside what it closes',
      'A limit (`ulimit -n`). Then:\n\n> **Predict.** How many of them?\n>\n> `npm start`\n\nEnd.\n',
      [
        'A limit (`ulimit',
        '-n`). Then:',
        '',
        '  Predict. How many',
        '  of them?',
        '',
        '  `npm start`',
        '',
        'End.',
      ],
    ],
  ])('%s', (_what, text, lines) => {
    expect(markdown(text, { columns: 20, level: 0 }).split('\n')).toEqual(lines)
  })

  test('a map that does not fit says how many rows are below it, until the last chapter is marked', () => {
    const first = beginWith(book, nothing)
    const rows = 10
    const inAll = book.length + new Set(book.map(({ lesson }) => lesson.part)).size
    expect(rowsBelowMap(first, rows)).toBe(inAll - (rows - 2))
    expect(rowsBelowMap({ ...first, chapter: book.length - 1 }, rows)).toBe(0)
    expect(rowsBelowMap(first, inAll + 2)).toBe(0)
  })

  describe.each([
    [80, 24],
    [60, 24],
    [40, 15],
    [60, 40],
  ])('on %i columns and %i rows', (columns, rows) => {
    const body = (state: TutorState) => bodyLines(state, style(columns - 1))
    const lastSave = { file: 'blocking-socket.ts', at: '10:11:12' }
    const third = play(beginWith(book, nothing), 'down', 'down', 'enter').state
    const judged: TutorState = { ...third, lastSave, isJudging: false, lastRunMs: 10_297 }
    const notice = 'A notice of many words, each of which matters: '.repeat(3)

    test.each(['lesson', 'step', 'keys'] as const)(
      '%s: a long line of news cuts no text',
      (screen) => {
        for (const state of [judged, { ...judged, isJudging: true }, { ...judged, notice }]) {
          const here = { ...state, screen }
          const screenful = drawOn(columns, rows, here)
          expect(screenful).toHaveLength(rows)
          for (const line of screenful) expect(stringWidth(line)).toBeLessThanOrEqual(columns)
          const text = screenful.slice(headerRows(here, rows))
          const news = text.findIndex((line) =>
            /^(blocking-s|judg|A notice|A save|Saving)/.test(line),
          )
          const expected = body(here).map((line) => line.slice(0, columns - 2).trimEnd())
          expect(news).toBeGreaterThan(4)
          for (const [index, line] of text.slice(0, news).entries())
            expect(line.slice(0, columns - 2).trimEnd()).toBe(expected[index] ?? '')
        }
      },
    )

    test('the map has one row for each chapter', () => {
      const screenful = drawOn(columns, rows, { ...judged, screen: 'map' })
      expect(screenful).toHaveLength(rows)
      expect(screenful[2]).toBe('Part I · A connection')
      expect(screenful[6]).toMatch(/^▸ {2}03 A blocking s.* ○{6} +100 min$/)
      expect(screenful).toContainEqual(expect.stringMatching(/^Next: 03\.1/))
    })

    test('a notice is shown to its end', () => {
      const screenful = drawOn(columns, rows, {
        ...judged,
        screen: 'step',
        notice: `${notice}END.`,
      })
      expect(screenful.at(-2)).toMatch(/END\.$/)
    })

    test('a notice that would fill the screen leaves some of the text', () => {
      const endless = drawOn(columns, rows, {
        ...judged,
        screen: 'step',
        notice: notice.repeat(99),
      })
      expect(endless).toHaveLength(rows)
      expect(endless.at(-2)).toMatch(/…$/)
      expect(endless.join('\n')).toContain(body({ ...judged, screen: 'step' })[0])
    })
  })

  test('without colours, one sees what is marked, what is green and what has broken', () => {
    const steps = { '01.1': { passedAt: 'then' }, '01.2': { passedAt: 'then', brokenAt: 'now' } }
    const screenful = drawOn(80, 24, beginWith(book, { ...nothing, steps }))
    expect(screenful[3]).toMatch(/^▸ {2}01 Hello +●✗○○○/)
  })

  test('the keys say how to leave them', () => {
    expect(drawOn(80, 24, { ...begun, screen: 'keys' }).at(-1)).toMatch(/m map {2}escape back/)
  })

  test('the whole app draws: map, step, keys', () => {
    const draw = (state: TutorState) =>
      renderToString(
        <App store={new Store(state)} style={{ chalk: plain, markdown }} onMounted={() => {}} />,
        { columns: 80 },
      )
    expect(draw(beginWith(book, nothing))).toMatch(
      /Part I · A connection[\s\S]*01 Hello[\s\S]*enter open/,
    )
    expect(draw(begun)).toMatch(/01 · Hello[\s\S]*listens on a free port[\s\S]*h hint/)
    expect(draw({ ...begun, screen: 'keys' })).toMatch(/one more hint for this step/)
    const lastSave = { file: 'server.ts', at: '10:51' }
    const red = play({ ...begun, screen: 'lesson', lastSave, isJudging: false }, failed('01.1'))
    expect(draw(red.state)).toMatch(/server\.ts saved at 10:51 · ✗ 01\.1, press c to see why/)
  })
})
