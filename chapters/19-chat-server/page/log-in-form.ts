/** The form with which somebody logs in, or makes an account first. */

import { logIn, NoAnswer, register } from './account-api.ts'
import { byId } from './elements.ts'
import { type Problem, textOfProblem } from './problems.ts'

const NO_ANSWER = 'The server does not answer. Try again in a moment.'
const PASSWORD_HINT = 'At least 10 characters.'
const MIN_PASSWORD = 10

export class LogInForm {
  readonly #screen = byId('log-in-screen', HTMLElement)
  readonly #form = byId('log-in', HTMLFormElement)
  readonly #name = byId('log-in-name', HTMLInputElement)
  readonly #email = byId('log-in-email', HTMLInputElement)
  readonly #password = byId('log-in-password', HTMLInputElement)
  readonly #problem = byId('log-in-problem', HTMLElement)
  readonly #button = byId('log-in-button', HTMLButtonElement)
  readonly #other = byId('log-in-other', HTMLButtonElement)
  readonly #onLoggedIn: () => void
  /** Whether an account is to be made. */
  #isNew = false

  constructor(onLoggedIn: () => void) {
    this.#onLoggedIn = onLoggedIn
    this.#other.addEventListener('click', () => {
      this.#ask(!this.#isNew)
      this.#name.focus()
    })
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault()
      this.#submit()
    })
  }

  /** Shows the form; `why` says why somebody who was logged in sees it. */
  show(why = ''): void {
    this.#ask(false)
    this.#problem.textContent = why
    this.#password.value = ''
    this.#screen.hidden = false
    document.title = 'Log in · Chat'
    this.#name.focus()
  }

  hide(): void {
    this.#screen.hidden = true
  }

  #ask(isNew: boolean): void {
    this.#isNew = isNew
    byId('log-in-title', HTMLElement).textContent = isNew ? 'Make an account' : 'Log in'
    byId('name-label', HTMLElement).textContent = isNew ? 'Name' : 'Name or e-mail'
    byId('email-field', HTMLElement).hidden = !isNew
    byId('password-hint', HTMLElement).textContent = isNew ? PASSWORD_HINT : ''
    this.#email.required = isNew
    this.#password.autocomplete = isNew ? 'new-password' : 'current-password'
    this.#password.minLength = isNew ? MIN_PASSWORD : 0
    this.#button.textContent = isNew ? 'Make the account' : 'Log in'
    this.#other.textContent = isNew ? 'I have an account' : 'New here? Make an account'
    this.#problem.textContent = ''
  }

  async #submit(): Promise<void> {
    this.#problem.textContent = ''
    this.#button.disabled = true
    const problem = await this.#enter()
    this.#button.disabled = false
    this.#problem.textContent = problem ?? ''
    if (problem === undefined) this.#onLoggedIn()
    else this.#password.select()
  }

  /** What is wrong, if anything. */
  async #enter(): Promise<string | undefined> {
    const [name, email] = [this.#name.value.trim(), this.#email.value.trim()]
    const password = this.#password.value
    try {
      const problem = this.#isNew ? await register({ name, email, password }) : undefined
      return asText(problem ?? (await logIn(name, password)))
    } catch (error) {
      if (error instanceof NoAnswer) return NO_ANSWER
      throw error
    }
  }
}

function asText(problem: Problem | undefined): string | undefined {
  return problem && textOfProblem(problem)
}
