import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { problem } from '../../protocol/acme/problem.ts';
import {
  beginChallenge,
  beginIssue,
  closeOrder,
  completeIssue,
  deactivateAuthorization,
  failChallenge,
  failIssue,
  isWorking,
  noteAttempt,
  openOrder,
  orderAt,
  passChallenge,
  type ChallengePlace,
  type Order,
} from './order.ts';

const T0 = 1_800_000_000_000;
const LIFE = 1_000;
const fault = problem('dns', 'not there');
const http = (index: number): ChallengePlace => ({ index, type: 'http-01' });
const dns = (index: number): ChallengePlace => ({ index, type: 'dns-01' });

function opened(...names: readonly string[]): Order {
  let count = 0;
  const token = (): string => `t${++count}`;
  return openOrder({ id: 'o', account: 'a', names, replaces: undefined, now: T0, life: LIFE, token });
}

/** All moves that there are, by name. */
const moves: Readonly<Record<string, (order: Order) => Order>> = {
  begin: (order) => beginChallenge(order, http(0)),
  beginDns: (order) => beginChallenge(order, dns(0)),
  note: (order) => noteAttempt(order, http(0), fault),
  pass: (order) => passChallenge(order, http(0), T0 + 1),
  fail: (order) => failChallenge(order, http(0), fault),
  deactivate: (order) => deactivateAuthorization(order, 0),
  close: closeOrder,
  issue: (order) => beginIssue(order, '30', T0 + 2),
  cannotIssue: (order) => failIssue(order, fault),
  complete: (order) => completeIssue(order, '0a', T0 + 9_000),
  expire: (order) => orderAt(order, T0 + LIFE),
};

const pending = opened('a.example');
const looking = beginChallenge(pending, http(0));
const ready = passChallenge(looking, http(0), T0 + 1);
const processing = beginIssue(ready, '30', T0 + 2);
const valid = completeIssue(processing, '0a', T0 + 9_000);
const invalid = failChallenge(looking, http(0), fault);

/** What each move makes of an order in each state: status of order, authorization and http-01; `-`: nothing. */
const table: readonly (readonly [name: string, from: Order, expected: Readonly<Record<string, string>>])[] = [
  [
    'pending',
    pending,
    {
      begin: 'pending pending processing',
      beginDns: 'pending pending pending',
      deactivate: 'invalid deactivated pending',
      close: 'invalid pending pending',
      expire: 'invalid expired pending',
    },
  ],
  [
    'looking',
    looking,
    {
      beginDns: 'pending pending processing',
      note: 'pending pending processing',
      pass: 'ready valid valid',
      fail: 'invalid invalid invalid',
      deactivate: 'invalid deactivated processing',
      close: 'invalid pending processing',
      expire: 'invalid expired processing',
    },
  ],
  [
    'ready',
    ready,
    {
      deactivate: 'invalid deactivated valid',
      close: 'invalid valid valid',
      issue: 'processing valid valid',
      expire: 'invalid expired valid',
    },
  ],
  ['processing', processing, { cannotIssue: 'ready valid valid', complete: 'valid valid valid' }],
  ['valid', valid, { deactivate: 'valid deactivated valid' }],
  ['invalid', invalid, {}],
];

const said = (order: Order): string =>
  `${order.status} ${order.authorizations[0]?.status} ${order.authorizations[0]?.challenges[0]?.status}`;

describe('an order', () => {
  for (const [name, from, expected] of table)
    test(`${name}: every move`, () => {
      for (const [move, act] of Object.entries(moves)) {
        const next = act(from);
        assert.equal(next === from ? '-' : said(next), expected[move] ?? '-', move);
      }
    });

  test('is ready when all names are proved, by whichever challenge', () => {
    const two = opened('a.example', 'b.example');
    const one = passChallenge(beginChallenge(two, http(0)), http(0), T0);
    assert.equal(one.status, 'pending');
    assert.equal(passChallenge(beginChallenge(one, dns(1)), dns(1), T0).status, 'ready');
  });

  test('a wildcard is proved by dns-01 alone', () => {
    const wild = opened('*.a.example');
    assert.deepEqual(
      wild.authorizations[0]?.challenges.map(({ type }) => type),
      ['dns-01'],
    );
    assert.equal(beginChallenge(wild, http(0)), wild);
    assert.equal(passChallenge(beginChallenge(wild, dns(0)), dns(0), T0).status, 'ready');
  });

  test('failed: says which name and why', () => {
    const two = opened('a.example', 'b.example');
    const { error } = failChallenge(beginChallenge(two, http(1)), http(1), fault);
    assert.equal(error?.detail, 'b.example was not proved by http-01: not there');
    assert.deepEqual(error?.subproblems, [{ type: 'dns', detail: 'not there', name: 'b.example' }]);
  });

  test('each challenge has a token of its own', () => {
    const tokens = opened('a.example', 'b.example').authorizations.flatMap(({ challenges }) =>
      challenges.map(({ token }) => token),
    );
    assert.equal(new Set(tokens).size, 4);
  });

  test('whatever happens, in whatever order: invariants', () => {
    const place = fc.record({
      index: fc.integer({ min: -1, max: 3 }),
      type: fc.constantFrom('http-01' as const, 'dns-01' as const),
    });
    const step = fc.oneof(
      place.map((at) => (order: Order) => beginChallenge(order, at)),
      place.map((at) => (order: Order) => noteAttempt(order, at, fault)),
      place.map((at) => (order: Order) => passChallenge(order, at, T0 + 1)),
      place.map((at) => (order: Order) => failChallenge(order, at, fault)),
      place.map(
        ({ index }) =>
          (order: Order) =>
            deactivateAuthorization(order, index),
      ),
      fc.constantFrom(...Object.values(moves)),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let order = opened('a.example', '*.b.example', 'c.example');
        for (const act of steps) {
          const next = act(order);
          check(order, next);
          order = next;
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

function check(before: Order, after: Order): void {
  if (before.status === 'invalid') assert.equal(after.status, 'invalid');
  if (before.status === 'valid') assert.equal(after.status, 'valid');
  const proved = after.authorizations.every(({ status }) => status === 'valid');
  if (after.status === 'ready' || after.status === 'processing') assert.ok(proved);
  if (after.status === 'pending')
    assert.ok(!proved && after.authorizations.every(({ status }) => status === 'pending' || status === 'valid'));
  assert.equal(after.serial !== undefined, after.status === 'valid');
  assert.equal(
    after.publicKey !== undefined && after.beganAt !== undefined,
    after.status === 'processing' || after.status === 'valid',
  );
  if (after.status === 'invalid') assert.ok(after.error !== undefined);
  // Nobody is valid who was not proved: a valid authorization has a valid challenge.
  for (const { status, challenges } of after.authorizations)
    if (status === 'valid')
      assert.ok(challenges.some((challenge) => challenge.status === 'valid' && challenge.validatedAt !== undefined));
  if (isWorking(after)) assert.ok(after.status === 'pending' || after.status === 'processing');
}
