/** A thread that ends at once, and says nothing to its client. */

export {}
