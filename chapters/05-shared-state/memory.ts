/** What lies where in the memory that all threads of this chapter's server share. */

import { GUEST_BOOK_WORDS } from './guest-book.ts'

/** How many visitors there have been. */
export const VISITORS = 0

export const GUEST_BOOK = 1

export const MEMORY_BYTES = (GUEST_BOOK + GUEST_BOOK_WORDS) * Int32Array.BYTES_PER_ELEMENT
