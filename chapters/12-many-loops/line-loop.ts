/** The script of this chapter's threads: a loop that speaks the line protocol. */

import { serveLines } from '../07-event-loop/server.ts'
import { runLoop } from './loop-thread.ts'

runLoop(serveLines)
