/** Messages as list items. Consecutive messages of one person share a heading. */

import type { RoomMessage } from '../../16-client/room-feed.ts'
import { element } from './elements.ts'
import { dayOf, exactTimeOf, isSameDay, timeOf } from './times.ts'

/** After a pause longer than this the heading is repeated. */
const ROW_MS = 5 * 60_000

/** What precedes a message. */
export interface Before {
  message: RoomMessage | undefined
  /** Whether the message is the first that was not read. */
  isFirstUnread: boolean
}

/** The items for one message: separator lines (gap, day, unread), then the message. */
export function itemsOf(
  message: RoomMessage,
  { message: before, isFirstUnread }: Before,
  now: number,
): HTMLLIElement[] {
  const items: HTMLLIElement[] = []
  const isOtherDay = !before || !isSameDay(before.at, message.at)
  const lost = before ? message.number - before.number - 1 : 0
  if (lost > 0) items.push(line('gap', `${lost} messages are not kept any more`))
  if (isOtherDay) items.push(line('day', dayOf(message.at, now)))
  if (isFirstUnread) items.push(line('unread-line', 'New'))
  const isInRow =
    items.length === 0 && before?.name === message.name && message.at - before.at < ROW_MS
  items.push(isInRow ? laterItem(message) : firstItem(message))
  return items
}

export function initialOf(name: string): HTMLElement {
  const hue = [...name.toLowerCase()].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 8
  return element(
    'span',
    { class: `initial hue-${hue}`, 'aria-hidden': 'true' },
    name.charAt(0).toUpperCase(),
  )
}

function firstItem(message: RoomMessage): HTMLLIElement {
  const { name } = message
  const head = element(
    'p',
    { class: 'message-head' },
    element('strong', {}, name),
    ' ',
    timeItem(message),
  )
  return item('message first', message, initialOf(name), head)
}

function laterItem(message: RoomMessage): HTMLLIElement {
  const who = element('span', { class: 'for-ears' }, `${message.name}, `)
  return item('message', message, element('span', { class: 'when' }, who, timeItem(message)))
}

function item(kind: string, message: RoomMessage, ...heads: HTMLElement[]): HTMLLIElement {
  const { number, text } = message
  const said = element('p', { class: 'said', dir: 'auto' }, text)
  return element('li', { class: kind, 'data-number': String(number) }, ...heads, said)
}

function timeItem({ at }: RoomMessage): HTMLElement {
  return element(
    'time',
    { datetime: new Date(at).toISOString(), title: exactTimeOf(at) },
    timeOf(at),
  )
}

function line(kind: string, text: string): HTMLLIElement {
  return element('li', { class: `line ${kind}` }, element('span', {}, text))
}
