/** Every verb there is, in the order of the help text. */

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

export const USAGE = [
  'npm start                    the guide (in a terminal)',
  ...Object.values(VERBS).flatMap(({ usage, summary }) =>
    usage.length <= 17
      ? `npm start ${usage.padEnd(19)}${summary}`
      : [`npm start ${usage}`, `${' '.repeat(29)}${summary}`],
  ),
  '',
].join('\n')
