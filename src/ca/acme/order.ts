/**
 * An order with its authorizations and challenges (RFC 8555 §7.1.6): one value that is stored as one row, so that no
 * crash can leave an authorization that its order does not know of. Pure: each function gives the next state, or the
 * same object when the move is not legal in the present one.
 *
 *   order          pending → ready → processing → valid     pending, ready, processing → invalid     processing → ready
 *   authorization  pending → valid → deactivated            pending → invalid, deactivated
 *   challenge      pending → processing → valid             processing → invalid
 *
 * What waited too long is invalid (orders) or expired (authorizations) from then on, without being written again.
 */
import type { Ms } from '../../base/clock.ts';
import { problem, type Problem } from '../../protocol/acme/problem.ts';

export type OrderStatus = 'pending' | 'ready' | 'processing' | 'valid' | 'invalid';
export type AuthorizationStatus = 'pending' | 'valid' | 'invalid' | 'deactivated' | 'expired';
export type ChallengeStatus = 'pending' | 'processing' | 'valid' | 'invalid';
export type ChallengeType = 'http-01' | 'dns-01';

export interface Challenge {
  readonly type: ChallengeType;
  readonly token: string;
  readonly status: ChallengeStatus;
  readonly validatedAt: Ms | undefined;
  readonly error: Problem | undefined;
}

export interface Authorization {
  /** As it was ordered, `*.` included. */
  readonly name: string;
  readonly status: AuthorizationStatus;
  readonly challenges: readonly Challenge[];
}

export interface Order {
  readonly id: string;
  readonly account: string;
  readonly status: OrderStatus;
  readonly createdAt: Ms;
  /** Pending and ready: until when. Valid: the end of the certificate. */
  readonly expires: Ms;
  readonly authorizations: readonly Authorization[];
  /** The certificate that this one is to replace (RFC 9773 §5): its name there, and its serial number. */
  readonly replaces: { readonly name: string; readonly serial: string } | undefined;
  /** Why it is invalid, or why the last attempt to issue failed. */
  readonly error: Problem | undefined;
  /** Key of the CSR, SubjectPublicKeyInfo in hexadecimal, and when its issue began; from `processing` on. */
  readonly publicKey: string | undefined;
  readonly beganAt: Ms | undefined;
  /** Serial number of the certificate; valid orders alone. */
  readonly serial: string | undefined;
}

export interface OrderWish {
  readonly id: string;
  readonly account: string;
  readonly names: readonly string[];
  readonly replaces: Order['replaces'];
  readonly now: Ms;
  readonly life: Ms;
  /** A fresh one each time it is called. */
  readonly token: () => string;
}

export function openOrder({ id, account, names, replaces, now, life, token }: OrderWish): Order {
  return {
    id,
    account,
    status: 'pending',
    createdAt: now,
    expires: now + life,
    authorizations: names.map((name) => ({
      name,
      status: 'pending',
      challenges: challengeTypes(name).map((type) => ({
        type,
        token: token(),
        status: 'pending',
        validatedAt: undefined,
        error: undefined,
      })),
    })),
    replaces,
    error: undefined,
    publicKey: undefined,
    beganAt: undefined,
    serial: undefined,
  };
}

/** What runs behind one host proves nothing about all names beside it (RFC 8555 §8.3). */
function challengeTypes(name: string): readonly ChallengeType[] {
  return name.startsWith('*.') ? ['dns-01'] : ['http-01', 'dns-01'];
}

export function orderNames(order: Order): string[] {
  return order.authorizations.map(({ name }) => name);
}

/** Whether something is under way that must go on after a restart. */
export function isWorking({ status, authorizations }: Order): boolean {
  if (status === 'processing') return true;
  const looksAt = ({ challenges }: Authorization): boolean => challenges.some(({ status }) => status === 'processing');
  return status === 'pending' && authorizations.some(looksAt);
}

/** The order as it is at this time. */
export function orderAt(order: Order, now: Ms): Order {
  if (now < order.expires || (order.status !== 'pending' && order.status !== 'ready')) return order;
  return {
    ...order,
    status: 'invalid',
    error: order.error ?? problem('malformed', 'the order was not finished in time; make a new one'),
    authorizations: order.authorizations.map((authorization) =>
      authorization.status === 'pending' || authorization.status === 'valid'
        ? { ...authorization, status: 'expired' }
        : authorization,
    ),
  };
}

/** Which challenge, of which authorization. */
export interface ChallengePlace {
  readonly index: number;
  readonly type: ChallengeType;
}

export function challengeAt(order: Order, { index, type }: ChallengePlace): Challenge | undefined {
  return order.authorizations[index]?.challenges.find((challenge) => challenge.type === type);
}

/** The client says that it is ready to be looked at. */
export function beginChallenge(order: Order, place: ChallengePlace): Order {
  return moveChallenge(order, place, 'pending', (challenge) => ({ ...challenge, status: 'processing' }));
}

/** It was not there, and will be looked for again. */
export function noteAttempt(order: Order, place: ChallengePlace, error: Problem): Order {
  return moveChallenge(order, place, 'processing', (challenge) => ({ ...challenge, error }));
}

export function passChallenge(order: Order, place: ChallengePlace, at: Ms): Order {
  const passed = moveChallenge(
    order,
    place,
    'processing',
    (challenge) => ({ ...challenge, status: 'valid', validatedAt: at, error: undefined }),
    'valid',
  );
  if (passed === order || !passed.authorizations.every(({ status }) => status === 'valid')) return passed;
  return { ...passed, status: 'ready' };
}

/** RFC 8555 §7.1.6: with the challenge falls its authorization, and with that the order. */
export function failChallenge(order: Order, place: ChallengePlace, error: Problem): Order {
  const failed = moveChallenge(
    order,
    place,
    'processing',
    (challenge) => ({ ...challenge, status: 'invalid', error }),
    'invalid',
  );
  if (failed === order) return order;
  const name = failed.authorizations[place.index]?.name ?? '';
  const detail = `${name} was not proved by ${place.type}: ${error.detail}`;
  return {
    ...failed,
    status: 'invalid',
    error: { ...error, detail, subproblems: [{ type: error.type, detail: error.detail, name }] },
  };
}

function moveChallenge(
  order: Order,
  { index, type }: ChallengePlace,
  from: ChallengeStatus,
  move: (challenge: Challenge) => Challenge,
  authorized?: 'valid' | 'invalid',
): Order {
  const authorization = order.authorizations[index];
  if (order.status !== 'pending' || authorization?.status !== 'pending') return order;
  if (!authorization.challenges.some((challenge) => challenge.type === type && challenge.status === from)) return order;
  const next: Authorization = {
    ...authorization,
    status: authorized ?? authorization.status,
    challenges: authorization.challenges.map((challenge) => (challenge.type === type ? move(challenge) : challenge)),
  };
  return { ...order, authorizations: order.authorizations.with(index, next) };
}

/** The client gives an authorization up (RFC 8555 §7.5.2); an order that needs it can come to nothing. */
export function deactivateAuthorization(order: Order, index: number): Order {
  const authorization = order.authorizations[index];
  if (authorization?.status !== 'pending' && authorization?.status !== 'valid') return order;
  if (order.status === 'processing') return order;
  const given = {
    ...order,
    authorizations: order.authorizations.with(index, { ...authorization, status: 'deactivated' }),
  };
  if (order.status === 'valid' || order.status === 'invalid') return given;
  return {
    ...given,
    status: 'invalid',
    error: problem('unauthorized', `the authorization of ${authorization.name} was given up`),
  };
}

/** The account ended: nothing of it goes on. */
export function closeOrder(order: Order): Order {
  if (order.status !== 'pending' && order.status !== 'ready') return order;
  return { ...order, status: 'invalid', error: problem('unauthorized', 'the account was closed') };
}

export function beginIssue(order: Order, publicKey: string, at: Ms): Order {
  if (order.status !== 'ready') return order;
  return { ...order, status: 'processing', publicKey, beganAt: at, error: undefined };
}

/** The CA could not sign; nothing is wrong with the order, and the client may finalize again. */
export function failIssue(order: Order, error: Problem): Order {
  if (order.status !== 'processing') return order;
  return { ...order, status: 'ready', publicKey: undefined, beganAt: undefined, error };
}

export function completeIssue(order: Order, serial: string, notAfter: Ms): Order {
  if (order.status !== 'processing') return order;
  return { ...order, status: 'valid', serial, expires: notAfter, error: undefined };
}
