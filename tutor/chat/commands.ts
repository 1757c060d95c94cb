/** What somebody types in the chat: a text, or a command that begins with a slash. */

export type Command =
  | { kind: 'say'; text: string }
  | { kind: 'join'; room: string }
  | { kind: 'leave' }
  | { kind: 'who' }
  | { kind: 'rooms' }
  | { kind: 'help' }
  | { kind: 'quit' }
  | { kind: 'nothing' }
  | { kind: 'unknown'; name: string }

export const HELP = '/join kitchen  /leave  /who  /rooms  /quit  (//text says "/text")'

export function describeUnknown(name: string): string {
  return name === 'join'
    ? 'Which room?  /join kitchen'
    : `There is no /${name}. What there is: /help`
}

export function parseCommand(line: string): Command {
  const typed = line.trim()
  if (typed === '') return { kind: 'nothing' }
  if (typed.startsWith('//')) return { kind: 'say', text: typed.slice(1) }
  if (!typed.startsWith('/')) return { kind: 'say', text: typed }
  const [name, room = ''] = typed.slice(1).split(/\s+/)
  if (name === 'join') return room ? { kind: 'join', room } : { kind: 'unknown', name: 'join' }
  const isCommand = ['leave', 'who', 'rooms', 'help', 'quit'].includes(name)
  return isCommand ? { kind: name as 'who' } : { kind: 'unknown', name }
}
