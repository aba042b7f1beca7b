/** The AUTH mechanisms there are, in the order of offer. A new one is a file beside this one and a row here. */
import { external } from './external.ts';
import type { Mechanism } from './mechanism.ts';

export const mechanisms: readonly Mechanism[] = [external];
