import { decideServerTls, tryTls, type TlsPolicy } from '../../access/tls.ts';
import type { RequirementSource } from './requirement.ts';

/** What the access map says of hops: Try_TLS: and TLS_Srv:, by the map as it is at that moment. */
export function accessMapSource(policy: () => TlsPolicy | undefined): RequirementSource {
  return {
    name: 'access map',
    demand({ host, address }) {
      const now = policy();
      if (now?.map === undefined) return undefined;
      // Without an address only the name can be asked for: what matters of a kept connection is the judge.
      const wish = tryTls(now, { host, address: address ?? '' });
      return {
        tls: 'none',
        implicit: false,
        authorities: undefined,
        fallback: false,
        source: 'access map',
        avoid: wish.try
          ? undefined
          : (wish.trail.findLast((step) => step.source !== undefined)?.source ?? 'access map'),
        judge: (peer) => decideServerTls(policy() ?? now, peer),
      };
    },
  };
}
