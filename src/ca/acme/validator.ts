/**
 * Whether whoever ordered a name controls it: fetches what http-01 or dns-01 asks for (RFC 8555 §8), a few times, because DNS
 * takes its time and a client is sometimes early. Runs beside the requests, so many at once and no more; what was under
 * way when the program ended goes on when it comes back.
 */
import { sleep, type Ms } from '../../base/clock.ts';
import { asFault } from '../../base/fault.ts';
import { problem, refuse, type Problem } from '../../protocol/acme/problem.ts';
import {
  challengeAt,
  failChallenge,
  noteAttempt,
  orderAt,
  passChallenge,
  type ChallengePlace,
  type Order,
} from './order.ts';
import type { AcmeServices } from './services.ts';
import { dnsProof, keyAuthorization } from './signature.ts';

/** Waits before the second and later attempts. */
const RETRIES: readonly Ms[] = [1_000, 3_000, 6_000];
/** Challenges looked at at once, and those that may wait for their turn. */
const AT_ONCE = 10;
const WAITING = 1_000;

export interface Validator {
  /** Throws rateLimited when too many wait. */
  checkRoom(): void;
  /** Looks until the challenge, which is `processing`, is settled. */
  start(orderId: string, place: ChallengePlace): void;
  /** Resolves when nothing is under way. */
  settled(): Promise<void>;
  /** Stops looking; nothing is written any more. */
  close(): Promise<void>;
}

export function validator(services: AcmeServices): Validator {
  const { store, clock, events } = services;
  const stop = new AbortController();
  const waiting: { readonly orderId: string; readonly place: ChallengePlace }[] = [];
  const running = new Set<Promise<void>>();

  function startNext(): void {
    if (running.size >= AT_ONCE || stop.signal.aborted) return;
    const turn = waiting.shift();
    if (turn === undefined) return;
    const run: Promise<void> = validate(turn.orderId, turn.place)
      .catch((error: unknown) => {
        if (!stop.signal.aborted)
          events.tell({
            kind: 'trouble',
            where: 'ACME',
            detail: `challenge of order ${turn.orderId}: ${asFault(error).detail}`,
          });
      })
      .then(() => {
        running.delete(run);
        startNext();
      });
    running.add(run);
    startNext();
  }

  async function validate(orderId: string, place: ChallengePlace): Promise<void> {
    for (const wait of [...RETRIES, undefined]) {
      const open = stillOpen(orderId, place);
      if (open === undefined) return;
      const fault = await attempt(services, open, place, stop.signal);
      if (stop.signal.aborted) return;
      // Read again: the client may have given up meanwhile, and other challenges moved the order on.
      const now = stillOpen(orderId, place);
      if (now === undefined) return;
      if (fault === undefined) return store.saveOrder(passChallenge(now, place, clock.now()));
      if (wait === undefined) return store.saveOrder(failChallenge(now, place, fault));
      store.saveOrder(noteAttempt(now, place, fault));
      await sleep(clock, wait, stop.signal);
    }
  }

  function stillOpen(orderId: string, place: ChallengePlace): Order | undefined {
    const stored = store.order(orderId);
    const order = stored && orderAt(stored, clock.now());
    return order?.status === 'pending' && challengeAt(order, place)?.status === 'processing' ? order : undefined;
  }

  return {
    checkRoom() {
      if (waiting.length >= WAITING) refuse('rateLimited', 'too many challenges wait to be looked at; try again later');
    },
    start(orderId, place) {
      waiting.push({ orderId, place });
      startNext();
    },
    async settled() {
      while (running.size > 0) await Promise.all(running);
    },
    async close() {
      stop.abort(new Error('the server stops'));
      await Promise.all(running);
    },
  };
}

/** One look; undefined: the proof is there. */
async function attempt(
  { store, net }: AcmeServices,
  order: Order,
  place: ChallengePlace,
  signal: AbortSignal,
): Promise<Problem | undefined> {
  const challenge = challengeAt(order, place);
  const account = store.account(order.account);
  const name = order.authorizations[place.index]?.name.replace(/^\*\./, '');
  if (challenge === undefined || account === undefined || name === undefined)
    return problem('serverInternal', 'the challenge is gone');
  const wanted = keyAuthorization(challenge.token, account.thumbprint);
  return place.type === 'http-01'
    ? await lookByHttp(net, name, challenge.token, wanted, signal)
    : await lookByDns(net, name, dnsProof(wanted));
}

async function lookByHttp(
  net: AcmeServices['net'],
  name: string,
  token: string,
  wanted: string,
  signal: AbortSignal,
): Promise<Problem | undefined> {
  const path = `/.well-known/acme-challenge/${token}`;
  const found = await net.fetch(name, path, signal);
  if (found.kind === 'failed') return problem(found.fault === 'refused' ? 'unauthorized' : found.fault, found.why);
  const where = `http://${name}${path} (${found.from})`;
  if (found.status !== 200) return problem('unauthorized', `${where} answered ${found.status}`);
  // RFC 8555 §8.3: blanks at the end do not count.
  if (found.text.trimEnd() === wanted) return undefined;
  // What is there is not repeated: a request could be led to where others' secrets are.
  return problem('incorrectResponse', `${where} does not hold the key authorization of this account`);
}

async function lookByDns(net: AcmeServices['net'], name: string, wanted: string): Promise<Problem | undefined> {
  const record = `_acme-challenge.${name}`;
  const found = await net.texts(record);
  if (found.kind === 'temporary') return problem('dns', `${record}: ${found.detail}`);
  if (found.kind === 'none') return problem('dns', `${record} has no TXT record; it must be "${wanted}"`);
  if (found.texts.includes(wanted)) return undefined;
  return problem('incorrectResponse', `none of the ${found.texts.length} TXT records of ${record} is "${wanted}"`);
}
