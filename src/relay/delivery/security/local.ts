import type { RequirementSource } from './requirement.ts';

/** What the configured route demands. */
export const local: RequirementSource = {
  name: 'route',
  demand: (_hop, route) => ({
    // TLS from the first byte cannot be left out by the server, so it is never less than required.
    tls: route.implicit && (route.tls === 'none' || route.tls === 'opportunistic') ? 'required' : route.tls,
    implicit: route.implicit,
    authorities: route.authorities,
    fallback: route.tls === 'opportunistic' && !route.implicit && route.tlsFallback === true,
    source: 'route',
  }),
};
