/** Files of a site through a real server of chapter 17. */

import type { Stage } from '../../judge/step.ts'
import { answerLike, readAnswers, request } from '../../protocols/http.ts'
import { NOT_TWICE, PATHS, SECRET, type SiteFolder, SPELLINGS } from './http-files.ts'

const CHAPTER = '17-http'

const ODD_ESCAPE = /%(?![0-9a-f]{2})|%[01c-f]|%7f/i

const ANY_ANSWER = { ...answerLike(0), what: 'an answer', fits: () => true }

export async function expectSite(
  { serve, connect, expectSame }: Stage,
  { root }: SiteFolder,
): Promise<void> {
  const server = await serve(CHAPTER, { site: root })
  const ada = await connect(server, 'ada')
  const paths = [
    ...PATHS.slice(1, 7).map(([path]) => path),
    ...SPELLINGS,
    ...NOT_TWICE,
    '/link.txt',
    '/out/secret.txt',
    '/next/secret.txt',
    '/fifo',
    '/inside',
  ]
  // What is left has no byte, and no escape, that the head would be refused for.
  const usual = paths.filter((path) => /^\/[^\\]*$/.test(path) && !ODD_ESCAPE.test(path))
  ada.beQuiet(`asks for ${usual.length} paths, one after the other`)
  const found: string[] = []
  for (const path of usual) {
    await ada.send(request(`GET ${path}`))
    const bytes = await ada.expectMessage(ANY_ANSWER, { because: 'Every request gets an answer.' })
    const [answer] = readAnswers(bytes).answers
    if (answer.status !== 404) found.push(`${path} ${answer.status}`)
    expectSame('"the answer contains the secret"', answer.body.includes(SECRET), false, {
      because: `The client asked for ${path}, which must not lead to it.`,
    })
  }
  expectSame(
    'the paths that were found',
    found,
    [
      '/a.txt 200',
      '/inside/deep/d.txt 200',
      '/inside/ 200',
      '/b%20c.txt 200',
      '/%61.txt 200',
      '/100%25.txt 200',
    ],
    {
      because: 'Those are files of the site. Everything else is 404.',
      look: ['namesIn()', 'openInside()'],
    },
  )
  ada.leave()
  server.beginClose()
  await server.expectClosed({ because: 'No client is left.' })
  await server.expectNothingLeft({ because: 'Whatever is left keeps the process alive.' })
}
