/** A client for whom there is no thread. */

import type { Client } from '../../harness/client.ts'
import type { HostedServer } from '../../harness/hosted-server.ts'
import type { Stage } from '../../judge/step.ts'
import { expectNoTimer, expectOpenSockets } from './threads.ts'

/** cyd hears `busy` and FIN, is never reset, and leaves no socket behind. Two others are connected. */
export async function expectRefused(
  stage: Stage,
  server: HostedServer,
  cyd: Client,
): Promise<void> {
  await cyd.expectLine('busy', {
    because:
      'There is no thread for cyd. She is told so at once, instead of waiting or being cut off.',
    likely:
      'refuse() sends the line. If cyd was given a thread, look at tieTogether(): the limit counts `threads`.',
    look: ['refuse()', 'tieTogether()'],
    seen: {
      part: 'The line has no line end. Send `busy` and \\n.',
      'other bytes': 'The line is `busy`, in lower case, and nothing else.',
      ended:
        'FIN arrived without the line. end() sends what it is given before FIN; destroy() sends nothing.',
      reset: 'The connection was closed in both directions. Send the line and FIN with end().',
    },
  })
  await cyd.expectEnd({
    because: 'After `busy` there is nothing more to say.',
    likely: 'Say FIN at once, after that line, whatever she does.',
    seen: { 'other bytes': 'One line is enough. FIN comes next.' },
  })
  await expectNoTimer(stage, server, {
    because: 'cyd says FIN when she likes. Until then her connection is open in her direction.',
    look: 'refuse()',
  })
  const long = `echo ${'hello? '.repeat(20_000)}\n`
  // By the last of them the server has had its turns for all of the long one.
  const more = Array.from({ length: 12 }, () => 'echo hello?\n')
  for (const text of ['echo am I late?\n', long, ...more]) {
    await cyd.send(text)
    await server.roundTrip()
  }
  await cyd.expectEnd({
    because: 'After `busy`, cyd gets nothing but FIN: a client that talks on is not reset.',
    likely:
      'Both directions are closed, so the kernel answers what she says with RST. Close only ours, with end().',
  })
  await cyd.halfClose()
  await expectOpenSockets(server, 2, {
    because: 'Both sides have said FIN. A refused client must not cost a socket.',
    likely: 'Is what she said read? Her FIN comes after it, and is not seen until then.',
  })
}
