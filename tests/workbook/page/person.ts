/** Somebody in front of the page: what they do, and what they see. */

import { type Any, barriersOn } from './browser.ts'

const SIZES = {
  desk: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
}

/** Nothing here takes so long. */
const PATIENCE_MS = 30_000

export class Person {
  readonly name: string
  readonly page: Any
  /** What the page has complained about, and every window that a script has opened. */
  readonly faults: string[] = []

  private constructor(name: string, page: Any) {
    this.name = name
    this.page = page
    page.setDefaultTimeout(PATIENCE_MS)
    page.on('pageerror', (error: Error) => this.faults.push(error.message))
    page.on('console', (line: Any) => {
      if (/Content Security Policy/i.test(line.text())) this.faults.push(line.text())
    })
    page.on('dialog', (dialog: Any) => {
      this.faults.push(`a window: ${dialog.message()}`)
      dialog.dismiss()
    })
  }

  /** In a browser of their own, as far as cookies and storage go. */
  static async sitDown(
    browser: Any,
    name: string,
    at: keyof typeof SIZES,
    colorScheme: 'light' | 'dark',
  ): Promise<Person> {
    const context = await browser.newContext({ ...SIZES[at], colorScheme })
    return new Person(name, await context.newPage())
  }

  /** Another tab of the same browser. */
  async openTab(): Promise<Person> {
    return new Person(this.name, await this.page.context().newPage())
  }

  async visit(url: string): Promise<void> {
    await this.page.goto(url)
  }

  async register(password: string, name = this.name): Promise<void> {
    await this.page.getByRole('button', { name: 'New here?' }).click()
    await this.page.getByLabel('Name', { exact: true }).fill(name)
    await this.page.getByLabel('E-mail', { exact: true }).fill(`${name}@chat.example`)
    await this.page.getByLabel('Password').fill(password)
    await this.page.getByRole('button', { name: 'Make the account' }).click()
  }

  async logIn(password: string): Promise<void> {
    await this.page.getByLabel('Name or e-mail').fill(this.name)
    await this.page.getByLabel('Password').fill(password)
    await this.page.getByRole('button', { name: 'Log in', exact: true }).click()
  }

  /** Waits until the page says so. */
  async isConnected(): Promise<void> {
    await this.page.locator('[data-connection=online]').waitFor()
  }

  async askForRoom(name: string): Promise<void> {
    const field = this.page.getByLabel('Name of a room')
    await field.fill(name)
    await field.press('Enter')
  }

  async openRoom(name: string): Promise<void> {
    await this.askForRoom(name)
    await this.isIn(name.toLowerCase())
  }

  /** Waits until that room is shown. */
  async isIn(name: string): Promise<void> {
    await this.page.getByRole('heading', { name, exact: true }).waitFor()
  }

  async say(text: string): Promise<void> {
    const field = this.page.getByLabel('Message to')
    await field.fill(text)
    await field.press('Enter')
  }

  /** The link of a room in the list. */
  room(name: string): Any {
    return this.page.locator(`#rooms a[href="#${name}"]`)
  }

  async rooms(): Promise<string[]> {
    return this.page.locator('#rooms .room-name').allTextContents()
  }

  /** What is unread in a room; 0 when nothing is. */
  async unread(name: string): Promise<number> {
    const [count] = /\d+/.exec(await this.room(name).locator('.for-ears').textContent()) ?? ['0']
    return Number(count)
  }

  /** The texts of the room that is shown. */
  async texts(): Promise<string[]> {
    return this.page.locator('#messages .said').allTextContents()
  }

  async numbers(): Promise<number[]> {
    const script =
      "[...document.querySelectorAll('#messages [data-number]')].map(({ dataset }) => Number(dataset.number))"
    return this.page.evaluate(script)
  }

  /** Where on the screen a message is, in pixels from the top. */
  async topOf(number: number): Promise<number> {
    const { y } = await this.page.locator(`#messages [data-number="${number}"]`).boundingBox()
    return Math.round(y)
  }

  async onTheirWay(): Promise<string[]> {
    return this.page.locator('#sayings .said').allTextContents()
  }

  async barriers(): Promise<string[]> {
    return barriersOn(this.page)
  }
}
