/** A browser that drives the page: Chromium, and axe-core to look for what keeps people out. */

import { existsSync, readFileSync } from 'node:fs'
import { hasPeer, peerFolder, requirePeer } from '../../maintainers/peers.ts'

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

const executablePath = [process.env.CHROMIUM, ...PLACES].find((path) => path && existsSync(path))

/** What is missing to run the page in a browser, and how to have it; empty when nothing is. */
export const MISSING = [
  hasPeer('playwright-core') && hasPeer('axe-core') ? '' : 'npm run peers',
  executablePath ? '' : 'apt-get install chromium (or say CHROMIUM=/where/it/is)',
]
  .filter((how) => how !== '')
  .join(' && ')

// biome-ignore lint/suspicious/noExplicitAny: without the package there are no types of it either.
export type Any = any

export function launchBrowser(): Promise<Any> {
  // Chromium's sandbox does not work in most containers, and only our own page is loaded.
  return requirePeer('playwright-core').chromium.launch({ executablePath, args: ['--no-sandbox'] })
}

/** What axe finds that keeps people out, in a line each. */
export async function barriersOn(page: Any): Promise<string[]> {
  await page.evaluate(readFileSync(`${peerFolder('axe-core')}/axe.min.js`, 'utf8'))
  const { violations } = await page.evaluate('axe.run()')
  return violations.map(
    ({ id, impact, nodes }: Any) =>
      `${id} (${impact}): ${nodes.map(({ html }: Any) => html).join(' ')}`,
  )
}
