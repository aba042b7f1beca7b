/** A request whose signature was checked, and whose it is. */
import type { Bytes } from '../../base/bytes.ts';
import type { Jwk } from '../../protocol/acme/jwk.ts';
import { refuse } from '../../protocol/acme/problem.ts';
import type { Places } from './answer.ts';
import { orderAt, type Order } from './order.ts';
import type { AcmeServices } from './services.ts';
import type { Account, AcmeKey } from './store.ts';

/** What every request brings. */
export interface SignedRequest {
  readonly url: string;
  readonly query: string;
  readonly payload: Bytes;
  readonly at: Places;
}

/** From an account that is valid. */
export interface AccountRequest extends SignedRequest {
  readonly kind: 'account';
  readonly account: Account;
  readonly key: Jwk;
}

/** From whoever has this key: a new account, or the revocation of a certificate by its own key. */
export interface KeyRequest extends SignedRequest {
  readonly kind: 'key';
  readonly key: Jwk;
}

/** Who did it, for the issuance log. */
export function actorOf({ account }: AccountRequest): string {
  return `acme:${account.id}`;
}

/** The key that the account was opened with: holder and names are its. */
export function bindingOf({ store }: AcmeServices, account: Account): AcmeKey {
  const key = store.key(account.keyId);
  if (key === undefined) throw new Error(`account ${account.id} has no key ${account.keyId}`);
  return key;
}

/** RFC 8555 §6.3: reading is a POST with nothing in it. */
export function readsOnly({ payload }: SignedRequest): void {
  if (payload.length > 0) refuse('malformed', 'this resource is read with an empty payload (POST-as-GET)');
}

/** An order of the account, as it is now. Others learn that it is not theirs, and nothing of it. */
export function ownOrder({ store, clock }: AcmeServices, { account }: AccountRequest, id: string): Order {
  const order = store.order(id);
  if (order === undefined) refuse('malformed', 'there is no such order', { status: 404 });
  if (order.account !== account.id) refuse('unauthorized', 'this order belongs to another account');
  return orderAt(order, clock.now());
}
