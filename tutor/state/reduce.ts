/**
 * What happens to the guide: one pure function from state and event to the next state and the effects it asks for.
 *
 * Green never advances by itself: it is a place to experiment, and `next` is the learner's to press.
 */

import type { JudgeEvent } from '../../tests/judge/events.ts'
import { placesToShow } from '../../tests/judge/places-to-show.ts'
import { isGreen, type Progress } from '../../tests/judge/progress.ts'
import type { Chapter } from '../book/book.ts'
import { type Action, findAction } from './keys.ts'
import { seeOutlook } from './outlook.ts'
import {
  currentChapter,
  currentStep,
  type Next,
  type TutorEvent,
  type TutorState,
} from './state.ts'

type KeyEvent = Extract<TutorEvent, { kind: 'key' }>

/** Where the learner left off, or the first thing that is not green. */
export function beginWith(book: Chapter[], progress: Progress): TutorState {
  const { next } = seeOutlook(book, progress)
  const place = progress.place ?? next?.step.id ?? book[0].lesson.steps[0].id
  const chapter = Math.max(
    0,
    book.findIndex(({ name }) => name.slice(0, 2) === place.slice(0, 2)),
  )
  const step = Math.max(
    0,
    book[chapter].lesson.steps.findIndex(({ id }) => id === place),
  )
  return {
    book,
    progress,
    screen: progress.place ? 'step' : 'map',
    behindKeys: 'map',
    scroll: 0,
    chapter,
    step,
    verdicts: {},
    run: 0,
    isJudging: false,
    lastRunMs: undefined,
    remarks: { holes: [], types: [], missing: [] },
    lastSave: undefined,
    notice: undefined,
  }
}

export function reduce(state: TutorState, event: TutorEvent): Next {
  switch (event.kind) {
    case 'opened':
      return state.screen === 'map' ? stay(state) : startRun(state)
    case 'key': {
      const action = findAction(event.key, state.screen)
      const scroll = Math.min(state.scroll, event.maxScroll)
      return action ? act({ ...state, scroll, notice: undefined }, action, event) : stay(state)
    }
    case 'saved':
      return saved({ ...state, notice: undefined }, event)
    case 'removed':
      return event.chapter === currentChapter(state).name && state.screen !== 'map'
        ? startRun({ ...state, notice: undefined })
        : stay(state)
    case 'judge':
      return event.run === state.run ? stay(judged(state, event.event)) : stay(state)
    case 'judged':
      return event.run === state.run
        ? stay({ ...state, isJudging: false, lastRunMs: event.ms })
        : stay(state)
    case 'progressRead':
      return stay({ ...state, progress: event.progress })
    case 'noticed':
      return stay(withNotice(state, event.text))
  }
}

function act(state: TutorState, action: Action, { page, maxScroll }: KeyEvent): Next {
  const scrollBy = (lines: number): Next =>
    stay({ ...state, scroll: Math.min(maxScroll, Math.max(0, state.scroll + lines)) })

  switch (action) {
    case 'up':
      return state.screen === 'map' ? stay(markChapter(state, -1)) : scrollBy(-1)
    case 'down':
      return state.screen === 'map' ? stay(markChapter(state, 1)) : scrollBy(1)
    case 'pageUp':
      return state.screen === 'map' ? stay(markChapter(state, -page)) : scrollBy(-page)
    case 'pageDown':
      return state.screen === 'map' ? stay(markChapter(state, page)) : scrollBy(page)
    case 'open':
      return openChapter(state)
    case 'next':
      return nextStep(state)
    case 'back':
      return state.step > 0 ? goTo({ ...state, step: state.step - 1 }) : stay(state)
    case 'hint':
      return takeHint(state)
    case 'card':
      return redCard(state)
        ? stay(show(state, 'card'))
        : stay({ ...state, notice: 'There is no failure to show.' })
    case 'task':
      return stay(show(state, 'step'))
    case 'lesson':
      return stay(show(state, 'lesson'))
    case 'judge':
      return startRun(state)
    case 'edit':
      return edit(state)
    case 'map':
      return stay(show(state, 'map'))
    case 'leave':
      return stay(show(state, state.screen === 'keys' ? state.behindKeys : 'map'))
    case 'keys':
      return state.screen === 'keys'
        ? stay(show(state, state.behindKeys))
        : stay(show({ ...state, behindKeys: state.screen }, 'keys'))
    case 'quit':
      return { state, effects: [{ kind: 'quit' }] }
  }
}

/**
 * A save in the chapter at hand is judged; one elsewhere opens that chapter, for that is where the learner is. Not when
 * the reference was put there: then the chapter at hand may stand on it.
 */
function saved(
  state: TutorState,
  { chapter, file, at, isReference }: Extract<TutorEvent, { kind: 'saved' }>,
): Next {
  const index = state.book.findIndex(({ name }) => name === chapter)
  if (index < 0) return stay(state)
  const lastSave = { file, at }
  if (index === state.chapter && state.screen !== 'map') return startRun({ ...state, lastSave })
  if (isReference) return state.screen === 'map' ? stay(state) : startRun(state)
  return openChapter({ ...state, lastSave, chapter: index })
}

function judged(state: TutorState, event: JudgeEvent): TutorState {
  switch (event.kind) {
    case 'standsOnUnfinished':
      return { ...state, remarks: { ...state.remarks, holes: event.holes } }
    case 'stepStarted':
      return withVerdict(state, event.step.id, { kind: 'running' })
    case 'stepPassed':
      return withProgress(
        withVerdict(state, event.step.id, { kind: 'green', ms: event.ms }),
        event.step.id,
        true,
      )
    case 'stepFailed': {
      const red = withVerdict(state, event.step.id, {
        kind: 'red',
        card: event.card,
        wasGreen: event.passedBefore,
      })
      const next = withProgress(red, event.step.id, false)
      const isReading =
        state.screen === 'lesson' || state.screen === 'keys' || state.screen === 'map'
      // A task that is not begun shows what it asks for; an attempt that failed shows why.
      return isReading ? next : show(next, event.card.openStep === event.step.id ? 'step' : 'card')
    }
    case 'typesChecked':
      return { ...state, remarks: { ...state.remarks, types: event.problems } }
    case 'filesMissing':
      return {
        ...(state.screen === 'card' ? show(state, 'step') : state),
        remarks: { ...state.remarks, missing: event.files },
      }
    case 'notice':
      return withNotice(state, event.text)
    case 'chapterDone':
      return state.screen === 'card' && !redCard(state) ? show(state, 'step') : state
    default:
      return state
  }
}

function startRun(state: TutorState): Next {
  const run = state.run + 1
  const chapter = currentChapter(state)
  return {
    state: {
      ...state,
      run,
      isJudging: true,
      verdicts: {},
      remarks: { holes: [], types: [], missing: [] },
    },
    effects: [{ kind: 'judge', run, chapter: chapter.name, upTo: furthestStep(state) }],
  }
}

/** The step at hand, or a later one that has been green: what was reached stays judged. */
function furthestStep(state: TutorState): string {
  const { steps } = currentChapter(state).lesson
  const reached = steps.findLastIndex(({ id }) => state.progress.steps[id] !== undefined)
  return steps[Math.max(state.step, reached)].id
}

/** At its first open step; a chapter that nobody has begun opens with its lesson. */
function openChapter(state: TutorState): Next {
  const { steps } = currentChapter(state).lesson
  const open = steps.findIndex(({ id }) => !isGreen(state.progress, id))
  const next = goTo({ ...state, step: open < 0 ? steps.length - 1 : open })
  const isUntouched = steps.every(({ id }) => state.progress.steps[id] === undefined)
  return isUntouched ? { ...next, state: show(next.state, 'lesson') } : next
}

function nextStep(state: TutorState): Next {
  if (!isGreen(state.progress, currentStep(state).id)) {
    return stay({ ...state, notice: 'Not yet: this step is not green.' })
  }
  if (state.step + 1 < currentChapter(state).lesson.steps.length)
    return goTo({ ...state, step: state.step + 1 })
  if (state.chapter + 1 < state.book.length)
    return openChapter({ ...state, chapter: state.chapter + 1 })
  return stay({ ...show(state, 'map'), notice: 'That was the last chapter there is so far.' })
}

/** Shows the step at hand and judges the chapter up to it. Only who goes somewhere is remembered to be there. */
function goTo(state: TutorState): Next {
  const place = currentStep(state).id
  const next = startRun(show({ ...state, progress: { ...state.progress, place } }, 'step'))
  return { ...next, effects: [...next.effects, { kind: 'rememberPlace', place }] }
}

function takeHint(state: TutorState): Next {
  const { id, hints } = currentStep(state)
  const taken = state.progress.hints[id] ?? 0
  const shown = show(state, 'step')
  if (taken >= hints.length) {
    const number = currentChapter(state).number
    return stay({
      ...shown,
      notice: `Those were all the hints. The answer so far: npm start diff ${number}.${id.split('.')[1]}`,
    })
  }
  const progress = { ...state.progress, hints: { ...state.progress.hints, [id]: taken + 1 } }
  const next = { ...shown, progress, scroll: Number.MAX_SAFE_INTEGER }
  return { state: next, effects: [{ kind: 'rememberHint', step: id, taken: taken + 1 }] }
}

function edit(state: TutorState): Next {
  const card = redCard(state)
  const [place] = card ? placesToShow(card) : []
  const file = place?.file ?? `chapters/${currentChapter(state).name}/server.ts`
  return { state, effects: [{ kind: 'edit', file, line: place?.line ?? 1 }] }
}

/** The first failure there is: steps behind it were not reached. */
export function redCard({ verdicts }: TutorState) {
  return Object.values(verdicts).find((verdict) => verdict.kind === 'red')?.card
}

/** One run may have several things to say. */
function withNotice(state: TutorState, text: string): TutorState {
  return { ...state, notice: state.notice === undefined ? text : `${state.notice}\n${text}` }
}

function withVerdict(
  state: TutorState,
  step: string,
  verdict: TutorState['verdicts'][string],
): TutorState {
  return { ...state, verdicts: { ...state.verdicts, [step]: verdict } }
}

/** What the judge has written down, seen at once. */
function withProgress(state: TutorState, step: string, isGreenNow: boolean): TutorState {
  const known = state.progress.steps[step]
  if (!isGreenNow && !known) return state
  const passedAt = known?.passedAt ?? 'now'
  const steps = {
    ...state.progress.steps,
    [step]: isGreenNow ? { passedAt } : { passedAt, brokenAt: 'now' },
  }
  return { ...state, progress: { ...state.progress, steps } }
}

function markChapter(state: TutorState, by: number): TutorState {
  const chapter = Math.min(state.book.length - 1, Math.max(0, state.chapter + by))
  return { ...state, chapter, step: 0 }
}

function show(state: TutorState, screen: TutorState['screen']): TutorState {
  return { ...state, screen, scroll: 0 }
}

function stay(state: TutorState): Next {
  return { state, effects: [] }
}
