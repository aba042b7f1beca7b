/** The AUTH mechanisms there are, strongest first. A new one is a file beside this one and a row here. */
import { external } from './external.ts';
import { login } from './login.ts';
import type { Mechanism } from './mechanism.ts';
import { plain } from './plain.ts';
import { scram, scramPlus } from './scram.ts';

export const mechanisms: readonly Mechanism[] = [external, scramPlus, scram, plain, login];
