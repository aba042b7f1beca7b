/** Accounts (RFC 8555 §7.3): opened with a binding, changed, given up; their key replaced; their orders listed. */
import { encodeBase64url } from '../../protocol/acme/base64url.ts';
import { canonicalJwk } from '../../protocol/acme/jwk.ts';
import { readInnerJws } from '../../protocol/acme/jws.ts';
import { AcmeProblem, problem, refuse } from '../../protocol/acme/problem.ts';
import { readAccountChange, readKeyChange, readNewAccount } from '../../protocol/acme/resources.ts';
import type { WebResponse } from '../web.ts';
import { accountAnswer, jsonAnswer } from './answer.ts';
import { checkBinding } from './binding.ts';
import { actorOf, bindingOf, readsOnly, type AccountRequest, type KeyRequest } from './caller.ts';
import { closeOrder } from './order.ts';
import type { AcmeServices } from './services.ts';
import { checkSignature, thumbprintOf } from './signature.ts';
import type { Account } from './store.ts';

/** Orders of one page of the list. */
const PAGE = 100;

export function newAccount(services: AcmeServices, request: KeyRequest): WebResponse {
  const { store, random, clock, authority } = services;
  const { contacts, onlyExisting, binding } = readNewAccount(request.payload);
  const thumbprint = thumbprintOf(request.key);
  const known = store.accountByThumbprint(thumbprint);
  if (known !== undefined) {
    if (known.status !== 'valid') refuse('unauthorized', `the account of this key is ${known.status}`);
    return accountAnswer(200, known, request.at);
  }
  if (onlyExisting) refuse('accountDoesNotExist', 'no account has this key');
  if (binding === undefined)
    refuse(
      'externalAccountRequired',
      'accounts are opened with an external account binding here: have a key made by "sealpost acme key", and give its id and HMAC key to the client',
    );
  const key = refusalNoted(services, () => checkBinding(binding, request.key, request.url, store, clock.now()));
  const account: Account = {
    id: encodeBase64url(random.bytes(12)),
    status: 'valid',
    key: canonicalJwk(request.key),
    thumbprint,
    contacts,
    binding: JSON.stringify(binding),
    keyId: key.id,
    createdAt: clock.now(),
  };
  if (!store.addAccount(account)) refuse('unauthorized', `key ${key.id} has opened an account already`);
  authority.note('requested', `acme:${account.id}`, key.holder, `ACME account opened with key ${key.id}`);
  return accountAnswer(201, account, request.at);
}

/** Attempts with keys that are none are for the operator to see. */
function refusalNoted<T>({ authority }: AcmeServices, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof AcmeProblem)
      authority.note('refused', 'acme', undefined, `ACME account: ${error.problem.detail}`);
    throw error;
  }
}

export function account(services: AcmeServices, request: AccountRequest, id: string): WebResponse {
  if (id !== request.account.id) refuse('unauthorized', 'this is another account');
  if (request.payload.length === 0) return accountAnswer(200, request.account, request.at);
  const { contacts, deactivate } = readAccountChange(request.payload);
  const changed: Account = {
    ...request.account,
    contacts: contacts ?? request.account.contacts,
    status: deactivate ? 'deactivated' : 'valid',
  };
  services.store.saveAccount(changed);
  if (deactivate) {
    closeOrders(services, changed.id);
    const { holder } = bindingOf(services, changed);
    services.authority.note('requested', actorOf(request), holder, 'ACME account deactivated by its holder');
  }
  return accountAnswer(200, changed, request.at);
}

/** An account that ended: what it had begun comes to nothing (RFC 8555 §7.3.6). */
function closeOrders({ store }: AcmeServices, id: string): void {
  for (const order of store.openOrders(id)) {
    const closed = closeOrder(order);
    if (closed !== order) store.saveOrder(closed);
  }
}

/** RFC 8555 §7.3.5: the old key asks outside, the new key agrees inside. */
export function keyChange(services: AcmeServices, request: AccountRequest): WebResponse {
  const { store, authority } = services;
  const inner = readInnerJws(request.payload);
  if (inner.signer.kind !== 'jwk') refuse('malformed', 'the inner JWS must bring the new key as "jwk"');
  if (inner.url !== request.url) refuse('malformed', 'the inner JWS is for another URL than the outer one');
  if (inner.nonce !== undefined) refuse('malformed', 'the inner JWS has no nonce');
  const next = inner.signer.key;
  checkSignature(inner, next);
  const { account: url, oldKey } = readKeyChange(inner.payload);
  if (url !== request.at.account(request.account.id)) refuse('malformed', '"account" is not the account that asks');
  if (canonicalJwk(oldKey) !== request.account.key) refuse('malformed', '"oldKey" is not the key of the account');
  const [canonical, thumbprint] = [canonicalJwk(next), thumbprintOf(next)];
  if (!store.changeAccountKey(request.account.id, canonical, thumbprint)) {
    const other = store.accountByThumbprint(thumbprint);
    const headers = other === undefined ? {} : { location: request.at.account(other.id) };
    throw new AcmeProblem(problem('malformed', 'another account has this key', { status: 409 }), headers);
  }
  const { holder } = bindingOf(services, request.account);
  authority.note('requested', actorOf(request), holder, `ACME account has another key now, ${thumbprint}`);
  return accountAnswer(200, { ...request.account, key: canonical, thumbprint }, request.at);
}

export function accountOrders({ store }: AcmeServices, request: AccountRequest, id: string): WebResponse {
  if (id !== request.account.id) refuse('unauthorized', 'these are the orders of another account');
  readsOnly(request);
  const after = /^after=([A-Za-z0-9_-]{1,64})$/.exec(request.query)?.[1] ?? '';
  const ids = store.orders(id, after, PAGE + 1);
  const page = ids.slice(0, PAGE);
  const headers = ids.length <= PAGE ? {} : { link: `<${request.at.orders(id)}?after=${page.at(-1)}>;rel="next"` };
  return jsonAnswer(200, { orders: page.map((one) => request.at.order(one)) }, headers);
}
