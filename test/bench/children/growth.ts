// Prints how much more a call costs among 100,000 callers than among 1,000.
import { growth } from '../rows/crowd.js';

console.log(await growth());
