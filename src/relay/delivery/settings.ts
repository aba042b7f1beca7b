import type { Ms } from '../../base/clock.ts';

/** What TLS a hop must offer. `opportunistic`: use it when offered, do not verify. `required`: encrypt. `verify`: encrypt and check the name. */
export type HopTls = 'none' | 'opportunistic' | 'required' | 'verify';

/** The identity we show to a next hop; PEM files. */
export interface ClientIdentity {
  readonly certificate: string;
  readonly key: string;
  /**
   * Set: when the files cannot be used, or others than these may read the key, the connection is made without them, as
   * Sendmail does. Else there is no connection then.
   */
  readonly optional?: { readonly readers: 'any' | 'group' | 'owner' };
}

/** Whose certificates of hops are believed, instead of the system's: PEM files, and directories as `openssl rehash` makes them. */
export interface Authorities {
  readonly files: readonly string[];
  readonly directories: readonly string[];
}

/** How we log in at a smarthost. */
export interface LoginSettings {
  readonly user: string;
  /** A file of one line that nobody else can read; undefined: EXTERNAL, by our certificate. */
  readonly passwordFile: string | undefined;
  /** Undefined: the best that the hop offers, passwords in clear only within TLS. */
  readonly mechanisms: readonly string[] | undefined;
}

/**
 * What is done with mail that goes nowhere. `refuse` is the reply of a refusal: `550 5.1.2 words`, the codes may be left
 * out; `hold` waits, with its reason, until an operator lets it go.
 */
export type RouteEnd =
  | { readonly kind: 'refuse'; readonly reply: string }
  | { readonly kind: 'hold'; readonly reason: string }
  | { readonly kind: 'discard' };

/** A route by recipient domain; the first that matches counts. */
export interface RouteSettings {
  /** Domains, `.example.net` for its subdomains, `*` for all. */
  readonly domains: readonly string[];
  /**
   * `host:port` (a name or `[address]`), `mx:domain:port` for the MX of that domain; undefined: by MX of the recipient's.
   * `%0` stands for the recipient's domain, `%1` for the part of it before a `.example.net` in `domains`.
   */
  readonly to: string | undefined;
  /** Next hops in the form of `to`, without places: each is tried when none before it could be used. */
  readonly otherwise?: readonly string[] | undefined;
  /** Mail that is not handed on at all. */
  readonly end?: RouteEnd | undefined;
  readonly tls: HopTls;
  /** TLS from the first byte instead of STARTTLS. */
  readonly implicit: boolean;
  /** For `opportunistic` only: after a failed handshake try once more in clear. Default false: the message waits. */
  readonly tlsFallback?: boolean;
  readonly identity: ClientIdentity | undefined;
  /** Whose signature the hop's certificate must have, for `verify`; undefined: the system's. */
  readonly authorities: Authorities | undefined;
  readonly login?: LoginSettings | undefined;
}

/** What counts where no route says otherwise. */
export interface RouteDefaults {
  readonly tlsFallback: boolean;
  readonly identity: ClientIdentity | undefined;
  readonly authorities: Authorities | undefined;
}

export interface DeliverySettings {
  readonly routes: readonly RouteSettings[];
  /** For mail by MX that no route names. Undefined: TLS where offered, no certificate, the system's authorities. */
  readonly defaults?: RouteDefaults;
  /** Sendmail's authinfo table: logins by hop, where a route has none. */
  readonly authinfo?: string | undefined;
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
