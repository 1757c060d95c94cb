/**
 * Elements of the page, made of text and of other elements.
 *
 * Every text that people write becomes a text node here. Nothing in this page is ever parsed as HTML.
 */

type Child = Node | string

/** A new element: `element('p', { class: 'quiet' }, 'Nobody is here.')`. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  made.append(...children)
  return made
}

/** A button that does something. */
export function button(
  attributes: Record<string, string>,
  onClick: () => void,
  ...children: Child[]
): HTMLButtonElement {
  const made = element('button', { type: 'button', ...attributes }, ...children)
  made.addEventListener('click', onClick)
  return made
}

/** The element of the page with that id, which must be of that kind. */
export function byId<E extends HTMLElement>(id: string, kind: new () => E): E {
  const found = document.getElementById(id)
  if (!(found instanceof kind)) throw new Error(`The page has no ${kind.name} "${id}".`)
  return found
}
