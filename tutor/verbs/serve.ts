import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { fileIn } from '../../tests/harness/code-tree.ts'
import { describePlace, explainThrown } from '../../tests/harness/diagnosis.ts'
import { toThrownError } from '../../tests/harness/last-words.ts'
import { openHole } from '../../tests/harness/open-hole.ts'
import { LEARNER, SOLUTION, STATE } from '../../tests/judge/workbook.ts'
import { readBook } from '../book/book.ts'
import type { Talk } from '../book/lesson.ts'
import { type Call, chooseChapter, toType, UsedWrongly, type Verb } from './verb.ts'

/** What every chapter's server resolves with. */
interface RunningServer {
  readonly port: number
  /** Where the page is, if there is one. */
  readonly webPort?: number
  close(): Promise<void>
  /** The chat server's: at a second signal, and at SIGHUP without a terminal. */
  cut?(): void
  reload?(): Promise<void>
}

export const serve: Verb = {
  usage: 'serve 7 [--port 4007] [--solution]',
  summary: 'run the server of a chapter by hand',
  async run(call) {
    const { chapter } = chooseChapter(call, 'serve 1')
    const number = Number(chapter.slice(0, 2))
    const { lesson } = readBook().find(({ name }) => name === chapter)!
    const port = readPort(call, number)
    const tree = call.flags.solution ? SOLUTION : LEARNER
    const file = fileIn(tree, chapter, 'server.ts')
    if (!existsSync(file)) throw new UsedWrongly(`There is no ${tree.label}/${chapter}/server.ts.`)

    // A hole ends nothing: the server goes on, and says where it would have needed an answer.
    process.on('uncaughtException', (error) => {
      explain(call, error, tree)
      if (openHole(error) === undefined) process.exit(1)
    })
    let server: RunningServer
    try {
      const module = await import(pathToFileURL(file).href)
      server = await module.startServer({ port, ...keepingData(number) })
    } catch (error) {
      explain(call, error, tree)
      if (openHole(toThrownError(error)) !== undefined) {
        const withAnswer = toType(['serve', number], { ...call.flags, solution: true })
        call.write(`  The model answer runs: ${withAnswer}\n`)
      }
      return 1
    }
    const told = nextSignal()
    const { reload } = server
    // With a terminal the signal means that this is gone, and without a listener it ends the process.
    if (reload && !hasTerminal()) process.on('SIGHUP', () => reload())
    call.write(`${tree.label}/${chapter} listens on 127.0.0.1 port ${server.port}.\n`)
    call.write(`${howToTalk(call.flags, server, number, lesson.talk)}\nStop it with Ctrl-C.\n`)
    await told
    call.write('\nclosing …\n')
    nextSignal().then(() => server.cut?.())
    try {
      await server.close()
      return 0
    } catch (error) {
      explain(call, error, tree)
      return 1
    }
  },
}

/** What is typed next repeats what this server was given. */
export function howToTalk(
  { solution }: Call['flags'],
  { port, webPort }: Pick<RunningServer, 'port' | 'webPort'>,
  number: number,
  talk: Talk,
): string {
  const isUsual = port === 4000 + number
  if (webPort === undefined) {
    return talk === 'browser'
      ? `Open it in a browser:  http://localhost:${port}`
      : `Talk to it from another terminal:  ${toType(['talk', number], { port: isUsual ? undefined : String(port) })}`
  }
  const address = isUsual ? [] : [`127.0.0.1:${port}`]
  const chat = toType(['chat', ...address], { solution })
  return `Talk in a browser:  http://localhost:${webPort}\nIn a terminal:      ${chat}`
}

/** Without one, a service manager has started it, or `nohup`. */
function hasTerminal(): boolean {
  return [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY)
}

/** Ctrl-C, or what a system sends to end a program. */
function nextSignal(): Promise<unknown> {
  return Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
}

/** From chapter 14 on a server has something to keep: it is kept until somebody removes the folder. */
function keepingData(chapterNumber: number): { data?: string } {
  return chapterNumber < 14 ? {} : { data: join(STATE, 'serve', String(chapterNumber)) }
}

/** Chapter 7 is served on port 4007 unless one says otherwise. */
export function readPort({ flags }: Call, chapterNumber: number): number {
  if (flags.port === undefined) return 4000 + chapterNumber
  const port = Number(flags.port)
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw new UsedWrongly(`A port is a number from 0 to 65535, not "${flags.port}".`)
}

function explain({ write, chalk }: Call, error: unknown, tree: typeof LEARNER): void {
  const thrown = toThrownError(error)
  const { trace = [], likely, openStep } = explainThrown(thrown, tree, 'it threw')
  const where = trace.length > 0 ? ` (${describePlace(trace[0])})` : ''
  if (openStep) {
    write(
      `${chalk.yellow('!')} It fell into step ${openStep}, which is still to be written${where}.  npm start read ${openStep.replace(/^0/, '')}\n`,
    )
  } else {
    // A failed start is a sentence for people: see chapter 01, step 01.5.
    write(`${chalk.red('✗')} ${thrown.message}${where}\n${likely ? `  ${likely}\n` : ''}`)
  }
}
