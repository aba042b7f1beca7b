import type { TlsPolicy } from '../../access/tls.ts';
import { accessMapSource } from './access-map.ts';
import { local } from './local.ts';
import type { RequirementSource } from './requirement.ts';

/** Who may demand TLS of a hop, or judge it; the strictest holds. */
export function requirementSources(policy: () => TlsPolicy | undefined): readonly RequirementSource[] {
  return [local, accessMapSource(policy)];
}
