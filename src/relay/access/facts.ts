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
  /** The identity of a successful AUTH, undefined without. */
  readonly authenticated: string | undefined;
}

/** The reverse-path; `address` undefined for the null one. `typed` is what stood after `MAIL FROM:`, brackets included. */
export interface AccessSender {
  readonly typed: string;
  readonly address: Address | undefined;
}

/** One recipient; `typed` is what stood after `RCPT TO:`, brackets included. */
export interface AccessRecipient {
  readonly typed: string;
  readonly address: Address;
}
