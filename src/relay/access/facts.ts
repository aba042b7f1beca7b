import type { Address } from '../../protocol/smtp/address.ts';
import type { ListenerRole } from '../connection/connection.ts';
import type { Principal } from '../identity/principal.ts';

/**
 * The peer's name by its address (PTR), as Sendmail uses it. `ok`: the name's own addresses contain the peer's.
 * `unasked`: names are not looked up (configuration), treated as `none`.
 */
export interface PeerName {
  readonly state: 'ok' | 'forged' | 'none' | 'temporary' | 'unasked';
  readonly name: string | undefined;
}

/** All that steps 1 to 3 know of a peer. Facts only: decisions are in decide.ts. */
export interface AccessFacts {
  readonly role: ListenerRole;
  readonly address: string;
  readonly name: PeerName;
  readonly helo: string | undefined;
  readonly principal: Principal;
  /** Undefined without TLS. */
  readonly tls: TlsStrength | undefined;
  /** A successful AUTH, undefined without. */
  readonly authenticated: Authenticated | undefined;
}

export interface TlsStrength {
  /** Secret bits of the cipher. */
  readonly bits: number;
}

export interface Authenticated {
  /** As in EHLO, upper case. */
  readonly mechanism: string;
  readonly identity: string;
  /** The holder whose password or certificate it was; undefined: nobody on record with us. */
  readonly holder: string | undefined;
}

/**
 * What the name service says of a reverse-path's domain: whether mail could go there. `temporary`: it gave no answer;
 * `unasked`: no rule of the policy needs to know.
 */
export type DomainState = 'exists' | 'missing' | 'temporary' | 'unasked';

/** The reverse-path; `address` undefined for the null one. `typed` is what stood after `MAIL FROM:`, brackets included. */
export interface AccessSender {
  readonly typed: string;
  readonly address: Address | undefined;
  /** Absent: `unasked`. */
  readonly domain?: DomainState | undefined;
  /** The domain that stands for the one that was typed (domaintable). */
  readonly mapped?: string | undefined;
}

/** One recipient; `typed` is what stood after `RCPT TO:`, brackets included. */
export interface AccessRecipient {
  readonly typed: string;
  readonly address: Address;
  /**
   * Whether this host is an MX of the recipient's domain, and of those that its local part names; absent: no rule of the
   * policy needs to know.
   */
  readonly served?: ReadonlyMap<string, 'yes' | 'no' | 'temporary'> | undefined;
  /** Something before said that the message is thrown away; Sendmail then looks at no mailbox any more. */
  readonly discarded?: boolean | undefined;
}
