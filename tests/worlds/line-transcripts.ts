/**
 * The line protocol, as conversations that every server of it must have: what the client sends, and all it receives.
 *
 * The rules. A line ends in `\n` or `\r\n`; what comes last before FIN is a line, too, even without an end. Its end and
 * one `\r` before it do not count: the rest may have 64 KiB. Lines are answered in order. A longer line is answered
 * with `error line too long` in its place, and then the server says FIN and answers no more. How the bytes are cut makes
 * no difference to any of this.
 */

import { type Bytes, toBytes } from '../harness/bytes.ts'
import { cutAtRandom, randomInteger, seededRandom } from '../harness/random.ts'

export interface LineTranscript {
  /** Completes "the server …". */
  name: string
  sends: Bytes
  /** Whether FIN follows. A client who breaks the limit is told before it says FIN. */
  saysFin: boolean
  /** Every byte the server sends; its FIN follows. */
  receives: string
}

/** Bytes that a line may have, its end not counted. */
const LIMIT = 65_536

const TOO_LONG = 'error line too long\n'
const UNKNOWN = 'error unknown command\n'

/** A command of so many bytes, and its answer. */
const echoOf = (bytes: number, filling = 'x') => `echo ${filling.repeat(bytes - 'echo '.length)}`
const answerTo = (command: string) => `${command.slice('echo '.length)}\n`

const longest = echoOf(LIMIT)
const many = Array.from({ length: 5_000 }, (_, index) => `number ${index}`)

export const LINE_TRANSCRIPTS: LineTranscript[] = [
  polite('says nothing but FIN to a client who says nothing', '', ''),
  polite('answers a line', 'echo hello\n', 'hello\n'),
  polite('answers a line that ends in CR LF', 'echo hello\r\n', 'hello\n'),
  polite('leaves a CR inside a line where it is', 'echo a\rb\n', 'a\rb\n'),
  polite('takes only one CR off a line', 'echo a\r\r\n', 'a\r\n'),
  polite('keeps blanks', 'echo  a \n', ' a \n'),
  polite('answers empty lines', '\n\r\n\n', UNKNOWN.repeat(3)),
  polite('answers a command it does not know', 'nonsense\necho a\n', `${UNKNOWN}a\n`),
  polite('reads UTF-8', 'echo Grüße, 語 🌍!\n', 'Grüße, 語 🌍!\n'),
  polite('replaces what is no UTF-8', Buffer.from('echo \xff\n', 'latin1'), '\ufffd\n'),
  polite('answers in order', 'fib 20\necho b\nfib 3\nsleep 1\necho e\n', '6765\nb\n2\nslept\ne\n'),
  polite('answers a last line without an end', 'echo a\necho last', 'a\nlast\n'),
  polite('answers the only line without an end', 'echo last', 'last\n'),
  polite('takes the CR off a last line without LF', 'echo last\r', 'last\n'),
  polite('answers a last line in its place', 'fib 20\necho last', '6765\nlast\n'),
  polite(
    'answers 5,000 lines in one go',
    many.map((text) => `echo ${text}\n`).join(''),
    many.map((text) => `${text}\n`).join(''),
  ),
  polite('answers the longest line', `${longest}\n`, answerTo(longest)),
  polite('answers the longest line with CR LF', `${longest}\r\n`, answerTo(longest)),
  polite('answers the longest line without an end', longest, answerTo(longest)),
  polite('answers the longest line with CR alone', `${longest}\r`, answerTo(longest)),
  polite(
    'has the same limit for each line',
    `${longest}\n${echoOf(LIMIT, 'y')}\r\necho z`,
    `${answerTo(longest)}${answerTo(echoOf(LIMIT, 'y'))}z\n`,
  ),
  polite(
    'counts bytes, not characters',
    `echo a${'ü'.repeat((LIMIT - 6) / 2)}\n`,
    `a${'ü'.repeat((LIMIT - 6) / 2)}\n`,
  ),
  rude('refuses a byte more', `${echoOf(LIMIT + 1)}\n`, TOO_LONG),
  rude('refuses a byte more with CR LF', `${echoOf(LIMIT + 1)}\r\n`, TOO_LONG),
  rude('refuses a byte more as soon as it arrives', echoOf(LIMIT + 1), TOO_LONG),
  rude('refuses what follows a CR at the limit', `${longest}\rx`, TOO_LONG),
  rude('refuses a second CR at the limit', `${longest}\r\r`, TOO_LONG),
  rude('refuses too many characters of two bytes', `echo ${'ü'.repeat(LIMIT / 2)}`, TOO_LONG),
  rude(
    'answers what came before a line that is too long',
    `fib 20\necho b\n${'x'.repeat(70_000)}`,
    `6765\nb\n${TOO_LONG}`,
  ),
  rude(
    'answers nothing after a line that is too long',
    `echo a\n${'x'.repeat(70_000)}\necho b\n${'y'.repeat(70_000)}\necho c\n`,
    `a\n${TOO_LONG}`,
  ),
  polite('refuses a last line without an end', `echo a\n${echoOf(LIMIT + 1)}`, `a\n${TOO_LONG}`),
  rude('refuses 300 KB', 'x'.repeat(300_000), TOO_LONG),
]

/** The same bytes in several ways: as one chunk, cut at every place that matters, and cut at random. */
export function cutsOf({ name, sends }: LineTranscript): { how: string; pieces: Uint8Array[] }[] {
  const bytes = Buffer.from(toBytes(sends))
  const random = seededRandom(9, name)
  const maxPiece = 2 ** (3 + randomInteger(random, 4)) + bytes.length / 10
  return [
    { how: 'in one piece', pieces: [bytes] },
    { how: 'cut at line ends and limits', pieces: cutAt(bytes, placesOf(bytes)) },
    { how: 'cut at random', pieces: cutAtRandom(random, bytes, Math.ceil(maxPiece)) },
  ].filter(({ pieces }, index) => index === 0 || pieces.length > 1)
}

function polite(name: string, sends: Bytes, receives: string): LineTranscript {
  return { name, sends, saysFin: true, receives }
}

function rude(name: string, sends: Bytes, receives: string): LineTranscript {
  return { name, sends, saysFin: false, receives }
}

/** Short messages byte by byte; in long ones before and behind the first line ends, the limit, and the last byte. */
function placesOf(bytes: Buffer): number[] {
  if (bytes.length <= 40) return Array.from(bytes.keys())
  const ends = [bytes.indexOf('\n'), bytes.indexOf('\r'), bytes.lastIndexOf('\n')]
  const around = [...ends, LIMIT, bytes.length - 1].filter((place) => place >= 0)
  return around.flatMap((place) => [place - 1, place, place + 1, place + 2])
}

function cutAt(bytes: Buffer, places: number[]): Uint8Array[] {
  const starts = [...new Set([0, ...places])].filter((place) => place >= 0 && place < bytes.length)
  const ordered = starts.sort((a, b) => a - b)
  return ordered.map((start, index) => bytes.subarray(start, ordered[index + 1]))
}
