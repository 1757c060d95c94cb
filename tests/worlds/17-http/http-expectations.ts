/** `Expect` in chapter 17, and what is said before a body comes. */

import type { Stage } from '../../judge/step.ts'
import { request } from '../../protocols/http.ts'
import type { HttpWorld } from './http-connections.ts'

export async function expectLeave({ expectSame }: Stage, world: HttpWorld): Promise<void> {
  const { site } = world
  const look = '#meetExpectation()'
  const dee = await world.arrive('dee')
  await dee.send(request('POST /d', ['Expect: 100-continue', 'Content-Length: 5']))
  dee.expectReceived('HTTP/1.1 100 Continue\r\n\r\n', {
    because: 'She waits for leave to send her body (RFC 9110 §10.1.1).',
    look,
  })
  await dee.send('hello')
  dee.expectAnswers([{ status: 200, body: 'POST /d hello' }], {
    because: 'Her body has arrived.',
    look,
  })
  await dee.send(request('POST /d', ['expect: 100-Continue', 'Transfer-Encoding: chunked']))
  dee.expectReceived('HTTP/1.1 100 Continue\r\n\r\n', {
    because: 'The expectation is the same in upper and lower case, and for chunks.',
    likely: 'Compare after toLowerCase().',
    look,
  })
  await dee.send('0\r\n\r\n')
  dee.expectAnswers([{ status: 200, body: 'POST /d' }], { because: 'Her body has arrived.', look })
  await dee.send(request('POST /d', ['Expect: 100-continue', 'Content-Length: 5'], 'h'))
  dee.expectNothing({
    because: 'She has begun to send without leave, and does not wait for it.',
    likely: 'Send the 100 only if the body isWaiting.',
    look,
  })
  await dee.send('ello')
  dee.expectAnswers([{ status: 200, body: 'POST /d hello' }], {
    because: 'Her body has arrived.',
    look,
  })
  await dee.send(request('GET /d', ['Expect: 100-continue']))
  dee.expectAnswers([{ status: 200, body: 'GET /d' }], {
    because: 'There is no body to wait for.',
    likely: 'Send the 100 only if the body isWaiting.',
    look,
  })
  const dan = await world.arrive('dan')
  await dan.send(
    request('GET /first') + request('POST /second', ['Expect: 100-continue', 'Content-Length: 5']),
  )
  dan.expectText(
    /^HTTP\/1\.1 200 .*\r\n\r\nGET \/firstHTTP\/1\.1 100 Continue\r\n\r\n$/s,
    '200 "GET /first", then 100',
    (text) => ({
      because:
        'Both requests arrived in one chunk, and only the second one waits for leave. What the server says goes out in the order of the requests.',
      likely: text.startsWith('HTTP/1.1 100 ')
        ? 'The 100 has overtaken an answer that the sender still held: use #sender.say(), not connection.send().'
        : undefined,
      look,
    }),
  )
  await dan.send('hello')
  dan.expectAnswers([{ status: 200, body: 'POST /second hello' }], {
    because: 'His body has arrived.',
    look,
  })
  await dan.halfClose()
  const asked = site.asked.length
  await dee.send(request('POST /d', ['Expect: 100-continue', 'Content-Length: 5000']))
  dee.expectAnswers([{ status: 413, headers: { connection: 'close' } }], {
    because: 'That is why she asked: 5,000 bytes are too many, and now she need not send them.',
    look,
  })
  dee.expectEnd({ because: 'The server cannot know whether she sends them all the same.' })

  const eve = await world.arrive('eve')
  await eve.send('POST /e HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n')
  eve.expectNothing({
    because: 'HTTP/1.0 has no status 100: she would take it for her answer.',
    look,
  })
  await eve.send('hello')
  eve.expectAnswers([{ status: 200, body: 'POST /e hello' }], {
    because: 'Her body has arrived.',
    look,
  })
  await eve.halfClose()
  const old = await world.arrive('eve')
  await old.send('GET /e HTTP/1.0\r\nExpect: 200-ok\r\n\r\n')
  old.expectAnswers([{ status: 200, body: 'GET /e' }], {
    because: 'A request in HTTP/1.0 expects nothing, whatever it says.',
    likely: 'Check the version first.',
    look,
  })
  for (const expectations of [
    ['200-ok'],
    ['100-continue, 200-ok'],
    ['200-ok, 100-continue'],
    ['100-continue', '200-ok'],
    [''],
  ]) {
    const flo = await world.arrive('flo')
    await flo.send(
      request(
        'GET /f',
        expectations.map((each) => `Expect: ${each}`),
      ),
    )
    flo.expectAnswers([{ status: 417, headers: { connection: 'close' } }], {
      because: `This server cannot meet "${expectations.join('" and "')}".`,
      likely:
        expectations.length > 1
          ? 'get() joins several lines with a comma. Together they are not 100-continue.'
          : 'Return UNMET for everything but 100-continue.',
      look,
    })
    flo.expectEnd({ because: 'The request was refused.', look })
  }
  expectSame('what the handler was asked', site.asked.slice(asked), ['POST /e hello', 'GET /e'], {
    because: 'A refused request never reaches the handler.',
    look,
  })
}
