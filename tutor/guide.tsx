/** The guide in a terminal: wires the state to the screen, the files, the judge and the editor. */

import chalk from 'chalk'
import { render } from 'ink'
import { noteHints, ProgressFile } from '../tests/judge/progress.ts'
import { readBook } from './book/book.ts'
import { type LendTerminal, openEditor } from './effects/editor.ts'
import { Judging } from './effects/judging.ts'
import { watchChapters, watchFile } from './effects/watching.ts'
import { beginWith } from './state/reduce.ts'
import type { Effect } from './state/state.ts'
import { Store } from './state/store.ts'
import { App } from './ui/app.tsx'
import { loadMarkdown } from './ui/markdown.ts'

/** Resolves with the exit code when the learner leaves. */
export async function openGuide(): Promise<number> {
  const progress = new ProgressFile()
  const store = new Store(beginWith(readBook(), progress.read()))
  const judging = new Judging(progress)
  const style = { chalk, markdown: await loadMarkdown() }
  let lendTerminal: LendTerminal = (use) => use()
  const app = <App store={store} style={style} onMounted={(lend) => (lendTerminal = lend)} />
  const screen = render(app, { alternateScreen: true })
  const tellNotices = (): void => {
    for (const text of progress.takeNotices()) store.dispatch({ kind: 'noticed', text })
  }
  const watchers = [
    watchChapters({
      onSave: (save) => {
        store.dispatch({ kind: 'saved', ...save, at: new Date().toTimeString().slice(0, 8) })
      },
      onRemove: (chapter) => store.dispatch({ kind: 'removed', chapter }),
    }),
    watchFile(progress.path, () => {
      store.dispatch({ kind: 'progressRead', progress: progress.read() })
      tellNotices()
    }),
  ]

  store.onEffect((effect: Effect) => {
    switch (effect.kind) {
      case 'judge': {
        const { run } = effect
        judging.start({
          ...effect,
          onEvent: (event) => store.dispatch({ kind: 'judge', run, event }),
          onEnd: (ms) => store.dispatch({ kind: 'judged', run, ms }),
        })
        break
      }
      case 'rememberPlace':
        progress.update((known) => {
          known.place = effect.place
        })
        break
      case 'rememberHint':
        progress.update((known) => noteHints(known, effect.step, effect.taken))
        break
      case 'edit':
        openEditor(effect.file, effect.line, lendTerminal).catch((error: Error) => {
          store.dispatch({ kind: 'noticed', text: error.message })
        })
        break
      case 'quit':
        screen.unmount()
    }
    tellNotices()
  })
  store.dispatch({ kind: 'opened' })
  tellNotices()

  await screen.waitUntilExit()
  judging.stop()
  await Promise.all(watchers.map((watcher) => watcher.close()))
  return 0
}
