/**
 * What ACME keeps: keys that operators gave out, accounts made with them, orders. Every method that changes something
 * is durable when it returns, so what a client was told survives a crash. Implemented by `storage/<engine>/acme.ts`.
 */
import type { Bytes } from '../../base/bytes.ts';
import type { Ms } from '../../base/clock.ts';
import type { ProfileName } from '../ledger.ts';
import type { Order } from './order.ts';

/** Profiles for which ACME proves names: those that carry DNS names. */
export type HostProfile = Extract<ProfileName, 'server' | 'device' | 'service'>;

/** A key for external account binding: who holds it may open one account, for this holder. */
export interface AcmeKey {
  readonly id: string;
  /** The key of the MAC itself: whoever checks an HMAC needs it, a hash would not do. */
  readonly secret: Bytes;
  readonly holder: string;
  readonly profile: HostProfile;
  /** Names its certificates may carry; lower case, `*.` before those for a wildcard. */
  readonly names: readonly string[];
  /** Life of its certificates; undefined: the profile's. */
  readonly life: Ms | undefined;
  readonly createdAt: Ms;
  /** Until then the account can be opened; the account goes on. */
  readonly expires: Ms;
  /** The account that was opened with it. */
  readonly account: string | undefined;
  readonly withdrawn: boolean;
}

export type AccountStatus = 'valid' | 'deactivated' | 'revoked';

export interface Account {
  readonly id: string;
  readonly status: AccountStatus;
  /** Canonical JSON of its key, and the thumbprint by which it is found (RFC 7638). */
  readonly key: string;
  readonly thumbprint: string;
  readonly contacts: readonly string[];
  /** The external account binding as it came, in JSON; it is shown to the client again (RFC 8555 §7.1.2). */
  readonly binding: string;
  readonly keyId: string;
  readonly createdAt: Ms;
}

export interface AcmeStore {
  addKey(key: AcmeKey): void;
  key(id: string): AcmeKey | undefined;
  /** In order of making. */
  keys(): AcmeKey[];
  /** Withdraws the key, and with it revokes the account, in one step. */
  withdrawKey(id: string): void;

  /** Opens the account and binds its key to it, in one step. False, and nothing changes, when the binding or the account's key is taken. */
  addAccount(account: Account): boolean;
  account(id: string): Account | undefined;
  accountByThumbprint(thumbprint: string): Account | undefined;
  /** Contacts and status. */
  saveAccount(account: Account): void;
  /** False, and nothing changes, when another account has the new key (RFC 8555 §7.3.5). */
  changeAccountKey(id: string, key: string, thumbprint: string): boolean;

  addOrder(order: Order): void;
  order(id: string): Order | undefined;
  saveOrder(order: Order): void;
  /** Ids of the account's orders above `after` ('': from the first), in order of id. */
  orders(account: string, after: string, limit: number): string[];
  /** Orders of the account that wait for something: pending, ready, processing. */
  openOrders(account: string): Order[];
  /** The order that a certificate came from. */
  orderOf(serial: string): Order | undefined;
  /** The latest valid orders of the account, last first. */
  issuedOrders(account: string, limit: number): Order[];
  /** Orders that were to replace this certificate. */
  replacing(serial: string): Order[];
  /** Orders in which something was under way: a challenge, or the issue. */
  unfinished(): Order[];
  /** Removes orders that ended before this time; gives how many. */
  forget(before: Ms): number;
  close(): void;
}
