/** Servers that cannot listen, and what a person is told of it. */

import { createServer, type Server } from 'node:net'
import type { Stage } from '../../judge/step.ts'

export type Listen = (server: Server, port: number, host: string) => Promise<number>

/** Why else a server may not listen. A code of `undefined` is an error that is none of errno(3)'s. */
const OTHER_PROBLEMS = [
  ['EACCES', 'permission denied'],
  ['EADDRNOTAVAIL', 'address not available'],
  ['EMFILE', 'too many open files'],
  [undefined, 'the host said no'],
] as const

/** The error that Node makes of it. */
function failedListen(
  code: string | undefined,
  words: string,
  port: number,
): NodeJS.ErrnoException {
  if (!code) return new Error(words)
  const error = new Error(`listen ${code}: ${words} 127.0.0.1:${port}`)
  return Object.assign(error, { code, syscall: 'listen', address: '127.0.0.1', port })
}

/** The sentence that a reason is told in, or what came instead of an `Error`. */
function sentenceOf(make: () => unknown): { sentence?: string; instead?: string } {
  try {
    const made = make()
    return made instanceof Error ? { sentence: made.message } : { instead: `returns ${made}` }
  } catch (error) {
    return { instead: `throws ${(error as Error)?.message ?? error}` }
  }
}

/** What `listen()` rejects with on a port where somebody listens already, and whether anything listens after all. */
export async function listenTwice(listen: Listen, port: number): Promise<unknown> {
  const server = createServer()
  try {
    await listen(server, port, '127.0.0.1')
    return undefined
  } catch (reason) {
    return reason
  } finally {
    server.close()
  }
}

export function isSentence(text: string, port: number): boolean {
  return text.includes(String(port)) && !text.includes('\n')
}

/** Every reason has a sentence of its own; `taken` is the one for a taken port. */
export function expectOtherProblems(
  { expect, story }: Stage,
  listenProblem: (error: NodeJS.ErrnoException, port: number) => unknown,
  { port, taken }: { port: number; taken: string },
): void {
  const sentences = new Map([[taken, 'a taken port']])
  for (const [code, words] of OTHER_PROBLEMS) {
    story.tell('kernel', `refuses to let a server listen (${code ?? 'an error without a code'})`)
    const problem = failedListen(code, words, port)
    const { sentence, instead } = sentenceOf(() => listenProblem(problem, port))
    expect('listenProblem() to return an Error', sentence !== undefined, {
      because: 'listen() rejects with what listenProblem() returns, whatever the code is.',
      likely: instead?.startsWith('throws')
        ? 'It throws where it should return. Handle errors with a code that you do not know, and with none at all.'
        : 'Return an Error for every code, even for those that you do not know.',
      received: instead,
    })
    if (sentence === undefined) return
    const same = sentences.get(sentence)
    expect(`a sentence other than the one for ${same ?? 'any other problem'}`, same === undefined, {
      because: `The reason is: ${words}. A person who is told another reason looks in the wrong place.`,
      likely:
        'Look at error.code. For a code that you do not know, repeat what error.message says.',
      received: sentence,
    })
    sentences.set(sentence, `${code}`)
    expect(
      'a sentence about this problem, and no other',
      !/\btaken\b|\bin use\b|undefined/i.test(sentence),
      {
        because: sentence.includes('undefined')
          ? 'A person reads this sentence, and wants to know what to do.'
          : 'The port is free, and a person who reads that it is taken looks for a program that is not there.',
        likely: sentence.includes('undefined')
          ? 'error.code may be missing. error.message is always there.'
          : 'Only EADDRINUSE says that another program listens there.',
        received: sentence,
      },
    )
    expect('one sentence that names the port', isSentence(sentence, port), {
      because: 'With several servers on one machine, the port tells which of them could not start.',
      likely: 'Name the port in every case, and leave the stack out: it names files of Node.',
      received: sentence,
    })
  }
  const inWords = (code: string | undefined) => {
    const error = Object.assign(new Error(UNHEARD_OF), code === undefined ? {} : { code })
    return sentenceOf(() => listenProblem(error, port)).sentence ?? ''
  }
  story.tell('kernel', `refuses for an unknown reason: ${UNHEARD_OF}`)
  for (const code of ['EUNHEARD', undefined]) {
    // A sentence may begin with a capital letter.
    const isSaid = inWords(code).toLowerCase().includes(UNHEARD_OF)
    expect('a sentence that repeats the system’s words', isSaid, {
      because: 'For an unknown problem, the system’s own words are the best there are.',
      likely:
        'For an error that you have no words for, repeat error.message in full. The code alone tells a person nothing.',
      expected: `… ${UNHEARD_OF}`,
      received: inWords(code),
    })
  }
  const isKnown = inWords('EADDRINUSE') !== inWords('EUNHEARD')
  expect(
    'a taken port to be recognised by its code',
    isKnown && isSentence(inWords('EADDRINUSE'), port),
    {
      because:
        'The code is EADDRINUSE on every system. Its number and its words differ between systems.',
      likely: isKnown
        ? 'Use the port that listenProblem() was given. The error need not have one.'
        : 'Compare error.code, not error.errno or the words of error.message.',
      received: inWords('EADDRINUSE'),
    },
  )
}

/** Longer than it need be. */
const UNHEARD_OF =
  'the line is dead because the cable was pulled out of the wall by somebody who did not look where he went'
