/** The page of the chat: with a session it shows the chat, without one the log-in. */

import { logOut, NoAnswer, whoAmI } from './account-api.ts'
import { ChatScreen } from './chat-screen.ts'
import { byId } from './elements.ts'
import { LogInForm } from './log-in-form.ts'

const LOSE = 'Some of your texts have not been sent yet. Log out and lose them?'

/** Delay before asking again a server that did not answer. */
const AGAIN_MS = 2_000

const form = new LogInForm(() => (screen ? location.reload() : begin()))
let screen: ChatScreen | undefined

addEventListener('error', ({ message }) => tellFault(message))
addEventListener('unhandledrejection', ({ reason }) => tellFault(String(reason?.message ?? reason)))
byId('log-out', HTMLButtonElement).addEventListener('click', leave)
begin()

async function begin(): Promise<void> {
  const name = await whoAmI().catch(onNoAnswer)
  if (name === null) return
  tellFault('')
  if (name === undefined) return form.show()
  form.hide()
  screen = new ChatScreen(chatAddress(), name, onEnded)
}

/** The session is over. After the next log-in the page is reloaded, so nothing of this session is left. */
function onEnded(): void {
  if (!screen) return
  const { client, otherPerson } = screen.conversation
  if (client.state.kind !== 'ended' || client.state.code !== 'no-session') return
  screen.hide()
  if (otherPerson === undefined) form.show('Your session has ended. Log in again.')
  else form.show(`${otherPerson} is logged in now. Log in again, or reload this page.`)
}

async function leave(): Promise<void> {
  if (screen && screen.conversation.unsaid > 0 && !confirm(LOSE)) return
  try {
    await logOut()
    screen?.conversation.client.close()
    location.reload()
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    tellFault('The log-out did not work: you are still logged in.')
  }
}

function onNoAnswer(error: unknown): null {
  if (!(error instanceof NoAnswer)) throw error
  tellFault('The server does not answer. Trying again …')
  setTimeout(begin, AGAIN_MS)
  return null
}

/** An empty text removes the last one. The learner writes the client, so a step of it may be missing. */
function tellFault(text: string): void {
  const fault = byId('fault', HTMLElement)
  fault.textContent = text.replace(/^.*\bTODO (\d\d\.\d)$/, 'Step $1 is still to be written.')
  fault.hidden = text === ''
}

function chatAddress(): string {
  const { protocol, host } = location
  return `${protocol === 'https:' ? 'wss' : 'ws'}://${host}/chat`
}
