/**
 * The page in a real browser: ada at a desk and bob on a phone talk with cy, who calls over TCP.
 *
 * The tests of this file are one afternoon, in order: each begins where the one before has ended.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Any, launchBrowser, MISSING } from './page/browser.ts'
import { Caller } from './page/caller.ts'
import { ChatProcess } from './page/chat-process.ts'
import { Person } from './page/person.ts'

const PASSWORD = 'correct horse battery'
/** A browser starts slowly on a busy machine. */
const START_MS = 240_000
const SOON = { timeout: 30_000, interval: 20 }

/** Texts that would run as code if the page ever parsed them as HTML. */
const TRICKS = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(2)>',
  '"><svg/onload=alert(3)>',
  'javascript:alert(4)',
  '<a href="javascript:alert(5)">click</a>',
  '{{constructor.constructor("alert(6)")()}}',
  '&lt;b&gt; is not <b>bold</b> &amp;',
  '</ol></section><iframe srcdoc="<script>alert(7)</script>">',
  '<style>*{display:none}</style>',
  'W'.repeat(4_000),
  '\u202Eright to left <math><mi xlink:href="data:x,<script>alert(8)</script>">',
]

/** Lists the elements that are wider than their space. */
const TOO_WIDE =
  "[document.documentElement, ...document.querySelectorAll('main, main > :not(.for-ears), #log')].filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth).map(({ id, className }) => id || className)"

// In CI nothing is skipped: there it is installed, or the proof fails.
const isSkipped = MISSING !== '' && !process.env.CI
const why = isSkipped ? ` (skipped; to run it: ${MISSING})` : ''

describe.skipIf(isSkipped)(`the page in a browser${why}`, () => {
  let folder: string
  let server: ChatProcess
  let browser: Any
  let ada: Person
  let bob: Person
  let cy: Caller

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'workbook-page-'))
    server = new ChatProcess(folder)
    await server.start()
    browser = await launchBrowser()
    ada = await Person.sitDown(browser, 'ada', 'desk', 'light')
    bob = await Person.sitDown(browser, 'bob', 'phone', 'dark')
  }, START_MS)

  let hasFailed = false
  beforeEach(({ skip }) => skip(hasFailed, 'an earlier test has failed'))

  afterEach(({ task }) => {
    hasFailed ||= task.result?.state === 'fail'
    expect([...ada.faults, ...bob.faults]).toEqual([])
  })

  afterAll(async () => {
    cy?.hangUp()
    await browser?.close()
    await server.kill()
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }, START_MS)

  /** Waits until both pages and cy have said the same in a room, and nothing is on its way. */
  async function allRead(room: string, texts: string[]): Promise<void> {
    await expect.poll(() => ada.texts(), SOON).toEqual(texts)
    await expect.poll(() => bob.texts(), SOON).toEqual(texts)
    await expect.poll(() => cy.texts(room), SOON).toEqual(texts)
    await expect.poll(() => ada.onTheirWay(), SOON).toEqual([])
    await expect.poll(() => bob.onTheirWay(), SOON).toEqual([])
  }

  test('without a session the page asks for a log-in or makes an account, and says what is wrong', async () => {
    await ada.visit(server.url)
    await ada.page.getByRole('heading', { name: 'Log in' }).waitFor()
    expect(await ada.barriers()).toEqual([])
    await ada.logIn('not my password')
    await ada.page.getByText('Name and password do not belong together.').waitFor()
    await ada.register(PASSWORD)
    await ada.isConnected()
    await ada.page.getByRole('heading', { name: 'No room is open' }).waitFor()
    expect(await ada.barriers()).toEqual([])

    await bob.visit(server.url)
    expect(await bob.barriers()).toEqual([])
    await bob.register(PASSWORD)
    await bob.isConnected()
    cy = await Caller.call(server.port, 'cy', PASSWORD)
  })

  test('a page, a phone and a terminal talk in one room, in one order', async () => {
    await ada.openRoom('kitchen')
    await bob.openRoom('Kitchen')
    await ada.say('from a page')
    await expect.poll(() => bob.texts(), SOON).toEqual(['from a page'])
    await cy.say('kitchen', 'over TCP')
    await expect.poll(() => bob.texts(), SOON).toHaveLength(2)
    await bob.say('from a phone\nin two lines')
    await allRead('kitchen', ['from a page', 'over TCP', 'from a phone\nin two lines'])
    const members = ada.page.locator('#members .member')
    await expect.poll(() => members.allTextContents(), SOON).toEqual(['ada', 'bob', 'cy'])
    expect(await ada.barriers()).toEqual([])
    expect(await bob.barriers()).toEqual([])
  })

  test('messages stay text, whatever they contain', async () => {
    const before = await ada.texts()
    await cy.say('kitchen', ...TRICKS.slice(0, 5))
    for (const trick of TRICKS.slice(5)) await ada.say(trick)
    await allRead('kitchen', [...before, ...TRICKS])
    for (const { page } of [ada, bob]) {
      const made = page.locator('#messages :is(script, img, svg, a, b, iframe, style, math)')
      expect(await made.count()).toBe(0)
      expect(await page.evaluate(TOO_WIDE)).toEqual([])
    }
    await ada.askForRoom('<b>')
    await ada.page.getByText('<b>: The name of a room is').waitFor()
    await expect.poll(() => ada.rooms(), SOON).toEqual(['kitchen'])
  })

  test('unread messages are counted until somebody looks at them', async () => {
    await ada.openRoom('garden')
    await cy.say('kitchen', 'one', 'two', 'three')
    await expect.poll(() => ada.unread('kitchen'), SOON).toBe(3)
    expect(await ada.page.title()).toBe('(3) garden')
    await ada.room('kitchen').click()
    await ada.isIn('kitchen')
    await ada.page.locator('.unread-line').waitFor()
    await expect.poll(() => ada.unread('kitchen'), SOON).toBe(0)
    await expect.poll(() => ada.page.title(), SOON).toBe('kitchen')

    // On a phone the list of rooms is a screen of its own, and a room behind it is not looked at.
    await bob.page.getByRole('button', { name: 'Rooms' }).click()
    await cy.say('kitchen', 'four')
    await expect.poll(() => bob.unread('kitchen'), SOON).toBe(1)
    expect(await bob.barriers()).toEqual([])
    await bob.room('kitchen').click()
    await expect.poll(() => bob.unread('kitchen'), SOON).toBe(0)
  })

  test('earlier messages appear on scrolling up, and the reader keeps their place', async () => {
    const texts = Array.from({ length: 120 }, (_, index) => `line ${index + 1}`)
    await cy.say('attic', ...texts)
    await ada.openRoom('attic')
    await expect.poll(() => ada.numbers(), SOON).toEqual(numbers(71, 120))
    const log = ada.page.locator('#log')
    await ada.page.evaluate("document.getElementById('log').scrollTop = 200")
    const top = await ada.topOf(75)
    await expect.poll(() => ada.numbers(), SOON).toEqual(numbers(21, 120))
    expect(Math.abs((await ada.topOf(75)) - top)).toBeLessThanOrEqual(1)
    // And by keyboard.
    await log.focus()
    await ada.page.keyboard.press('Home')
    await ada.page.getByText('This is where attic begins.').waitFor()
    expect(await ada.texts()).toEqual(texts)

    await cy.say('attic', 'the newest')
    await ada.page.getByRole('button', { name: '1 new' }).click()
    await expect.poll(() => ada.unread('attic'), SOON).toBe(0)
  })

  test('rooms and read numbers are there again after a reload', async () => {
    await ada.room('garden').click()
    await ada.isIn('garden')
    await ada.page.goto('about:blank')
    await cy.say('kitchen', 'five', 'six')
    await ada.visit(server.url)
    await ada.isConnected()
    expect(await ada.rooms()).toEqual(['kitchen', 'garden', 'attic'])
    await ada.isIn('kitchen')
    await expect.poll(() => ada.texts(), SOON).toContain('six')
    await ada.page.getByText('New', { exact: true }).waitFor()
    await ada.page.goto(`${server.url}/#attic`)
    await ada.isIn('attic')
    await ada.page.goBack()
    await ada.isIn('kitchen')
  })

  test('the keyboard is enough', async () => {
    const { keyboard } = ada.page
    await ada.page.getByLabel('Message to kitchen').focus()
    await keyboard.press('Alt+ArrowDown')
    await ada.isIn('garden')
    await keyboard.press('Alt+ArrowUp')
    await ada.isIn('kitchen')
    await keyboard.type('first')
    await keyboard.press('Shift+Enter')
    await keyboard.type('second')
    await keyboard.press('Enter')
    await expect.poll(() => ada.texts(), SOON).toContain('first\nsecond')

    await bob.page.getByRole('button', { name: '3 people' }).click()
    await bob.page.getByRole('heading', { name: 'Here now' }).waitFor()
    expect(await bob.barriers()).toEqual([])
    await bob.page.keyboard.press('Escape')
    await expect.poll(() => bob.page.locator('#members-panel').isVisible(), SOON).toBe(false)
  })

  test('the server dies and comes back, and nothing is lost or doubled', async () => {
    const before = cy.texts('kitchen')
    // ada has reloaded, so her page has at most the newest fifty: all of them, as long as there are fewer.
    expect(before.length).toBeLessThan(50)
    const said = { ada: lines('ada', 12), bob: lines('bob', 12), cy: lines('cy', 12) }
    for (const text of said.ada.slice(0, 6)) await ada.say(text)
    for (const text of said.bob.slice(0, 6)) await bob.say(text)
    const allOfCy = cy.say('kitchen', ...said.cy)
    allOfCy.catch(() => {})
    await server.kill()
    await ada.page.getByRole('status').getByText('connection lost').waitFor()
    for (const text of said.ada.slice(6)) await ada.say(text)
    for (const text of said.bob.slice(6)) await bob.say(text)
    const onTheirWay = expect.arrayContaining(said.ada.slice(6))
    await expect.poll(() => ada.onTheirWay(), SOON).toEqual(onTheirWay)
    expect(await ada.barriers()).toEqual([])

    await server.start()
    // The pages may have reconnected by themselves by now; then there is nothing to click.
    const tryNow = [
      ada.page.getByRole('button', { name: 'Try now' }),
      bob.page.getByRole('button', { name: 'connection lost' }),
    ]
    for (const button of tryNow) button.click().catch(() => {})
    await Promise.all([ada.isConnected(), bob.isConnected(), allOfCy])
    await expect.poll(() => ada.onTheirWay(), SOON).toEqual([])
    await expect.poll(() => bob.onTheirWay(), SOON).toEqual([])
    await expect.poll(() => cy.texts('kitchen'), SOON).toHaveLength(before.length + 36)
    const after = cy.texts('kitchen').slice(before.length)
    for (const [name, texts] of Object.entries(said))
      expect(after.filter((text) => text.startsWith(`${name} `))).toEqual(texts)
    await allRead('kitchen', cy.texts('kitchen'))
  })

  test('after a log-in as somebody else in another tab, nothing is said under their name', async () => {
    const other = await ada.openTab()
    await ada.openRoom('kitchen')
    const before = cy.texts('kitchen')
    await ada.page.context().clearCookies()
    await other.visit(server.url)
    await other.register(PASSWORD, 'eve')
    await other.isConnected()
    expect(other.faults).toEqual([])
    await other.page.close()
    await server.kill()
    await ada.page.getByRole('status').getByText('connection lost').waitFor()
    await ada.say('only in my own name')
    await expect.poll(() => ada.onTheirWay(), SOON).toEqual(['only in my own name'])
    await ada.page.getByRole('button', { name: 'Log out' }).click()
    const asked = 'a window: Some of your texts have not been sent yet. Log out and lose them?'
    expect(ada.faults.splice(0)).toEqual([asked])
    await server.start()
    ada.page
      .getByRole('button', { name: 'Try now' })
      .click()
      .catch(() => {})
    await ada.page.getByText('eve is logged in now.').waitFor()
    const unsaid = ada.page.getByRole('region', { name: 'Not confirmed' })
    await unsaid.getByText('only in my own name').waitFor()
    await unsaid.getByText('In kitchen. It was not sent.').waitFor()
    expect(await ada.barriers()).toEqual([])
    await ada.logIn(PASSWORD)
    await ada.isConnected()
    await ada.isIn('kitchen')
    await cy.say('kitchen', 'the next one')
    await expect.poll(() => cy.texts('kitchen'), SOON).toEqual([...before, 'the next one'])
  })

  test('logging out ends the session in every tab', async () => {
    const other = await ada.openTab()
    await other.visit(server.url)
    await other.isConnected()
    await ada.page.getByRole('button', { name: 'Log out' }).click()
    await ada.page.getByRole('heading', { name: 'Log in' }).waitFor()
    await other.page.getByText('Your session has ended. Log in again.').waitFor()
    expect(await other.barriers()).toEqual([])
    await other.logIn(PASSWORD)
    await other.isConnected()
    expect(await other.rooms()).toEqual(['kitchen', 'garden', 'attic'])
    expect(other.faults).toEqual([])
  })
})

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index)
}

function lines(name: string, count: number): string[] {
  return numbers(1, count).map((number) => `${name} ${number}`)
}
