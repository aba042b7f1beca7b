import type { Ms } from '../../base/clock.ts';

/** What TLS a hop must offer. `opportunistic`: use it when offered, do not verify. `required`: encrypt. `verify`: encrypt and check the name. */
export type HopTls = 'none' | 'opportunistic' | 'required' | 'verify';

/** The identity we show to a next hop; PEM files. */
export interface ClientIdentity {
  readonly certificate: string;
  readonly key: string;
}

/** A route by recipient domain; the first that matches counts. */
export interface RouteSettings {
  /** Domains, `.example.net` for its subdomains, `*` for all. */
  readonly domains: readonly string[];
  /** `host:port` (a name or `[address]`), undefined: by MX. */
  readonly to: string | undefined;
  readonly tls: HopTls;
  /** TLS from the first byte instead of STARTTLS. */
  readonly implicit: boolean;
  /** For `opportunistic` only: after a failed handshake try once more in clear. Default false: the message waits. */
  readonly tlsFallback?: boolean;
  readonly identity: ClientIdentity | undefined;
  /** CA file that must have signed the hop's certificate, for `verify`; undefined: the system's. */
  readonly authorities: string | undefined;
}

export interface DeliverySettings {
  readonly routes: readonly RouteSettings[];
  /** Name we say in EHLO. */
  readonly hostname: string;
  /** Port of servers found by MX. */
  readonly port: number;
  readonly connectTime: Ms;
  /** Patience for a reply; end of content has its own (RFC 5321 §4.5.3.2). */
  readonly replyTime: Ms;
  readonly contentTime: Ms;
  /** How long an idle connection to a hop is kept for reuse, and for how many messages. */
  readonly idleTime: Ms;
  readonly messagesPerConnection: number;
  /** Hosts (addresses of ours with port) that would be a loop. */
  readonly ownAddresses: readonly { readonly address: string; readonly port: number }[];
}
