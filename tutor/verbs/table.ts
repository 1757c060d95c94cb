/** Every verb there is, in the order of the help text. */

import wrapAnsi from 'wrap-ansi'
import { catchUp } from './catch-up.ts'
import { chat } from './chat.ts'
import { diff } from './diff.ts'
import { doctor } from './doctor.ts'
import { hint } from './hint.ts'
import { measure } from './measure.ts'
import { read } from './read.ts'
import { reset } from './reset.ts'
import { restore } from './restore.ts'
import { serve } from './serve.ts'
import { status } from './status.ts'
import { talk } from './talk.ts'
import type { Verb } from './verb.ts'

export const VERBS: Record<string, Verb> = {
  status,
  read,
  hint,
  diff,
  reset,
  'catch-up': catchUp,
  restore,
  serve,
  talk,
  chat,
  measure,
  doctor,
}

const COLUMNS = 80
const USAGE_COLUMNS = 19
const INDENT = ' '.repeat('npm start '.length + USAGE_COLUMNS)

export const USAGE = [
  'npm start                    the guide (in a terminal)',
  ...Object.values(VERBS).flatMap(({ usage, summary }) => {
    const [first, ...more] = wrapAnsi(summary, COLUMNS - INDENT.length).split('\n')
    return [
      ...(usage.length <= USAGE_COLUMNS - 2
        ? [`npm start ${usage.padEnd(USAGE_COLUMNS)}${first}`]
        : [`npm start ${usage}`, INDENT + first]),
      ...more.map((line) => INDENT + line),
    ]
  }),
  '',
].join('\n')
