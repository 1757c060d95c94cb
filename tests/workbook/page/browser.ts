/** A browser that drives the page: Chromium, and axe-core to look for what keeps people out. */

import { existsSync, readFileSync } from 'node:fs'
import { within } from '../../harness/patience.ts'
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

/** Now and then Chromium hangs before it has shown a page. That is not what is tested: it is launched so many times. */
const LAUNCHES = 3

/** A browser that has shown a page. */
export async function launchBrowser(): Promise<Any> {
  let problem: unknown
  for (let launches = 0; launches < LAUNCHES; launches++) {
    try {
      return await launchOnce()
    } catch (error) {
      problem = error
    }
  }
  throw new Error(`Chromium did not come up in ${LAUNCHES} launches.`, { cause: problem })
}

async function launchOnce(): Promise<Any> {
  const browser = await requirePeer('playwright-core').chromium.launch({
    executablePath,
    // Its sandbox and a large /dev/shm are missing in most containers, and only our own page is loaded.
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
    timeout: 30_000,
  })
  const page = await within<Any>(15_000, browser.newPage())
  if (page !== 'too late') {
    await page.close()
    return browser
  }
  await within(5_000, browser.close())
  throw new Error('No page was opened within 15 s.')
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
