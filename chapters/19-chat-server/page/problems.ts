/** What a refusal means, for the person who reads it. The codes are those of chapter 13. */

const TEXTS: Record<string, string> = {
  'bad-login': 'Name and password do not belong together.',
  'bad-name':
    'A name is 1 to 32 letters, digits, "_", "." or "-", and begins with a letter or digit.',
  'bad-room':
    'The name of a room is 1 to 32 letters, digits, "_", "." or "-", and begins with a letter or digit.',
  'bad-request': 'The server could not make sense of it.',
  busy: 'The server is busy. Try again in a moment.',
  'email-taken': 'There is an account with this e-mail address.',
  internal: 'The server has made a mistake.',
  'name-taken': 'Somebody has this name.',
  'no-session': 'Your session has ended. Log in again.',
  'not-a-member': 'You are not in this room.',
  'not-sent': 'It was not sent.',
  'room-full': 'The room is full.',
  'stale-key': 'It is too long ago to know whether this was said.',
  'text-too-long': 'It is too long.',
  'too-fast': 'You are too fast.',
  'too-many-rooms': 'You are in as many rooms as you may be, or have created as many.',
  'try-later': 'Too many attempts.',
  unknown: 'Nobody knows whether this was said.',
  'unsupported-version': 'The server speaks another version. Load it anew.',
}

export interface Problem {
  code: string
  /** After how many seconds another try may work. */
  seconds?: number
}

export function textOfProblem({ code, seconds }: Problem): string {
  const text = TEXTS[code] ?? `The server says "${code}".`
  return seconds === undefined ? text : `${text} Try again in ${seconds} s.`
}
