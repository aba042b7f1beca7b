/** Answers of the server: resources as JSON (RFC 8555 §7.1), problems, and the header fields that all have. */
import { utf8, type Bytes } from '../../base/bytes.ts';
import type { Ms } from '../../base/clock.ts';
import { problemObject, type Problem } from '../../protocol/acme/problem.ts';
import { timestamp } from '../../protocol/acme/time.ts';
import type { WebResponse } from '../web.ts';
import { orderAt, type Authorization, type Challenge, type Order } from './order.ts';
import type { Account } from './store.ts';

export type Headers = Readonly<Record<string, string>>;

/** Seconds a client shall wait before it asks again for what is under way. */
const POLL = 2;

export function jsonAnswer(status: number, value: object, headers: Headers = {}): WebResponse {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: utf8(JSON.stringify(value)) };
}

export function emptyAnswer(status: number, headers: Headers = {}): WebResponse {
  return { status, headers, body: new Uint8Array(0) };
}

export function problemAnswer(what: Problem, headers: Headers = {}): WebResponse {
  const body: Bytes = utf8(JSON.stringify(problemObject(what)));
  return { status: what.status, headers: { 'content-type': 'application/problem+json', ...headers }, body };
}

/** Below this path everything is. */
export const ACME_PATH = '/acme/';

/** Where each resource is. */
export interface Places {
  readonly directory: string;
  readonly newNonce: string;
  readonly newAccount: string;
  readonly newOrder: string;
  readonly revokeCert: string;
  readonly keyChange: string;
  readonly renewalInfo: string;
  account(id: string): string;
  orders(id: string): string;
  order(id: string): string;
  finalize(id: string): string;
  authorization(id: string, index: number): string;
  challenge(id: string, index: number, type: string): string;
  certificate(serial: string): string;
}

/** `origin` is `https://HOST:PORT`. */
export function places(origin: string): Places {
  const base = `${origin}${ACME_PATH.slice(0, -1)}`;
  return {
    directory: `${base}/directory`,
    newNonce: `${base}/new-nonce`,
    newAccount: `${base}/new-account`,
    newOrder: `${base}/new-order`,
    revokeCert: `${base}/revoke-cert`,
    keyChange: `${base}/key-change`,
    renewalInfo: `${base}/renewal-info`,
    account: (id) => `${base}/account/${id}`,
    orders: (id) => `${base}/account/${id}/orders`,
    order: (id) => `${base}/order/${id}`,
    finalize: (id) => `${base}/order/${id}/finalize`,
    authorization: (id, index) => `${base}/authorization/${id}/${index}`,
    challenge: (id, index, type) => `${base}/challenge/${id}/${index}/${type}`,
    certificate: (serial) => `${base}/certificate/${serial}`,
  };
}

export function directoryAnswer(at: Places): WebResponse {
  const { newNonce, newAccount, newOrder, revokeCert, keyChange, renewalInfo } = at;
  const meta = { externalAccountRequired: true };
  return jsonAnswer(200, { newNonce, newAccount, newOrder, revokeCert, keyChange, renewalInfo, meta });
}

export function accountAnswer(status: number, account: Account, at: Places): WebResponse {
  const value = {
    status: account.status,
    contact: account.contacts,
    externalAccountBinding: JSON.parse(account.binding) as object,
    orders: at.orders(account.id),
  };
  return jsonAnswer(status, value, { location: at.account(account.id) });
}

export function orderAnswer(status: number, stored: Order, at: Places, now: Ms): WebResponse {
  const order = orderAt(stored, now);
  const value = {
    status: order.status,
    expires: timestamp(order.expires),
    identifiers: order.authorizations.map(({ name }) => ({ type: 'dns', value: name })),
    authorizations: order.authorizations.map((_, index) => at.authorization(order.id, index)),
    finalize: at.finalize(order.id),
    ...(order.error === undefined ? {} : { error: problemObject(order.error) }),
    ...(order.serial === undefined ? {} : { certificate: at.certificate(order.serial) }),
    ...(order.replaces === undefined ? {} : { replaces: order.replaces.name }),
  };
  const waits: Headers = order.status === 'processing' ? { 'retry-after': String(POLL) } : {};
  return jsonAnswer(status, value, { location: at.order(order.id), ...waits });
}

export function authorizationAnswer(stored: Order, index: number, at: Places, now: Ms): WebResponse {
  const order = orderAt(stored, now);
  const authorization = order.authorizations[index] as Authorization;
  const { name, status, challenges } = authorization;
  const wildcard = name.startsWith('*.');
  // RFC 8555 §7.1.4: of a valid authorization, what proved it; of others, what could or could not.
  const shown = status === 'valid' ? challenges.filter((challenge) => challenge.status === 'valid') : challenges;
  const value = {
    identifier: { type: 'dns', value: wildcard ? name.slice(2) : name },
    status,
    expires: timestamp(order.expires),
    challenges: shown.map((challenge) => challengeObject(challenge, order.id, index, at)),
    ...(wildcard ? { wildcard: true } : {}),
  };
  const waits = challenges.some((challenge) => challenge.status === 'processing');
  return jsonAnswer(200, value, waits ? { 'retry-after': String(POLL) } : {});
}

export function challengeAnswer(order: Order, index: number, challenge: Challenge, at: Places): WebResponse {
  const up = `<${at.authorization(order.id, index)}>;rel="up"`;
  const waits: Headers = challenge.status === 'processing' ? { 'retry-after': String(POLL) } : {};
  return jsonAnswer(200, challengeObject(challenge, order.id, index, at), { link: up, ...waits });
}

function challengeObject(challenge: Challenge, id: string, index: number, at: Places): object {
  const { type, token, status, validatedAt, error } = challenge;
  return {
    type,
    url: at.challenge(id, index, type),
    status,
    token,
    ...(validatedAt === undefined ? {} : { validated: timestamp(validatedAt) }),
    ...(error === undefined ? {} : { error: problemObject(error) }),
  };
}
