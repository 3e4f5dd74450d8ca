// Prints what a call through three policies takes while somebody listens, or nobody: what listens is the argument.
import { heard, type Listening } from '../rows/events.js';

console.log(await heard(process.argv[2] as Listening));
