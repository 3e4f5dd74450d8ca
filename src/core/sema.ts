/** A file of its own in the package, too: a bundle without limits leaves it out, and async-sema with it. */
export { Sema } from 'async-sema';
