import { local } from './local.ts';
import type { RequirementSource } from './requirement.ts';

/** Who may demand TLS of a hop; the strictest holds. */
export const requirementSources: readonly RequirementSource[] = [local];
