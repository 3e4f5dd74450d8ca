// Prints what a call among 10,000 costs one library, in nanoseconds.
import { alone, type Library } from '../rows/crowd.js';

console.log(await alone(process.argv[2] as Library));
