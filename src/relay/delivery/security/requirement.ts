/**
 * What TLS one hop must offer: every source is asked, the strictest answer holds. A source never loosens what another
 * demands. Sources are listed in sources.ts; today the route alone, later DANE and MTA-STS.
 */
import type { Route } from '../route.ts';
import type { HopTls } from '../settings.ts';

/** A next hop by name, before its addresses are known. */
export interface HopName {
  readonly host: string;
  readonly port: number;
  /** The recipient domain that led here. */
  readonly domain: string;
}

export interface TlsRequirement {
  readonly tls: HopTls;
  /** TLS from the first byte. */
  readonly implicit: boolean;
  /** CA file for `verify`; undefined: the system's. */
  readonly authorities: string | undefined;
  /** After a failed handshake, once more in clear. */
  readonly fallback: boolean;
  /** Which source demanded it, for details. */
  readonly source: string;
}

export interface RequirementSource {
  readonly name: string;
  /** Undefined: no opinion about this hop. */
  demand(hop: HopName, route: Route): TlsRequirement | undefined | Promise<TlsRequirement | undefined>;
}

const strictness: Readonly<Record<HopTls, number>> = { none: 0, opportunistic: 1, required: 2, verify: 3 };

/** The strictest of all demands, the earlier one among equals; in clear when nobody demands anything. */
export function strictest(demands: readonly TlsRequirement[]): TlsRequirement {
  let best: TlsRequirement = {
    tls: 'none',
    implicit: false,
    authorities: undefined,
    fallback: false,
    source: 'nobody',
  };
  for (const [index, demand] of demands.entries())
    if (index === 0 || strictness[demand.tls] > strictness[best.tls]) best = demand;
  return best;
}
