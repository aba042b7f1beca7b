/**
 * What TLS one hop must offer: every source is asked, the strictest answer holds. A source never loosens what another
 * demands. Sources are listed in sources.ts: the route, and the access map,
 * which also judges a connection by what it turned out to be.
 */
import type { TlsRefusal } from '../../access/tls.ts';
import type { TlsPeer } from '../../access/tls-requirement.ts';
import type { Route } from '../route.ts';
import type { Authorities, HopTls } from '../settings.ts';

/** A next hop by name. */
export interface HopName {
  readonly host: string;
  /** Undefined while its addresses are not known: a kept connection is looked for by name. */
  readonly address: string | undefined;
  readonly port: number;
  /** The recipient domain that led here. */
  readonly domain: string;
}

export interface TlsRequirement {
  readonly tls: HopTls;
  /** TLS from the first byte. */
  readonly implicit: boolean;
  /** For `verify`; undefined: the system's. */
  readonly authorities: Authorities | undefined;
  /** After a failed handshake, once more in clear. */
  readonly fallback: boolean;
  /** Which source demanded it, for details. */
  readonly source: string;
  /** STARTTLS is left alone where nobody demands it; says who wants that. */
  readonly avoid?: string | undefined;
  /** Judges the connection, with or without TLS, once the hop has greeted and the handshake is done or has failed. */
  readonly judge?: Judge | undefined;
}

export type Judge = (peer: TlsPeer) => TlsRefusal | undefined;

export interface RequirementSource {
  readonly name: string;
  /** Undefined: no opinion about this hop. */
  demand(hop: HopName, route: Route): TlsRequirement | undefined | Promise<TlsRequirement | undefined>;
}

const strictness: Readonly<Record<HopTls, number>> = { none: 0, opportunistic: 1, required: 2, verify: 3 };

/** The strictest of all demands, the earlier one among equals, and all judges; in clear when nobody demands anything. */
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
  const avoid = demands.find((demand) => demand.avoid !== undefined)?.avoid;
  const judges = demands.flatMap(({ judge }) => (judge === undefined ? [] : [judge]));
  return avoid === undefined && judges.length === 0 ? best : { ...best, avoid, judge: all(judges) };
}

/** The first refusal counts. */
function all(judges: readonly Judge[]): Judge {
  return (peer) => {
    for (const judge of judges) {
      const refusal = judge(peer);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  };
}
