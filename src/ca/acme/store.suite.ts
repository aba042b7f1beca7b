/** The contract of `AcmeStore`, run by every engine. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { beginChallenge, beginIssue, completeIssue, openOrder, passChallenge, type Order } from './order.ts';
import type { Account, AcmeKey, AcmeStore } from './store.ts';
import { problem } from '../../protocol/acme/problem.ts';

const T0 = 1_800_000_000_000;

export function someKey(id: string, over: Partial<AcmeKey> = {}): AcmeKey {
  return {
    id,
    secret: Uint8Array.of(1, 2, 0xff),
    holder: 'mx.example.net',
    profile: 'service',
    names: ['mx.example.net', 'mail.example.net'],
    life: undefined,
    createdAt: T0,
    expires: T0 + 1000,
    account: undefined,
    withdrawn: false,
    ...over,
  };
}

export function someAccount(id: string, over: Partial<Account> = {}): Account {
  return {
    id,
    status: 'valid',
    key: `{"key":"${id}"}`,
    thumbprint: `thumb-${id}`,
    contacts: ['mailto:root@example.net'],
    binding: '{"payload":"x"}',
    keyId: `key-${id}`,
    createdAt: T0,
    ...over,
  };
}

export function someOrder(id: string, account: string, names: readonly string[] = ['mx.example.net']): Order {
  let count = 0;
  const token = (): string => `token-${++count}`;
  return openOrder({ id, account, names, replaces: undefined, now: T0, life: 1000, token });
}

/** An order that came to a certificate. */
function issuedOrder(id: string, account: string, serial: string): Order {
  const place = { index: 0, type: 'http-01' } as const;
  const ready = passChallenge(beginChallenge(someOrder(id, account), place), place, T0 + 1);
  return completeIssue(beginIssue(ready, '3059', T0 + 2), serial, T0 + 5000);
}

/** As `ledgerSuite`: `open` gives a store of the name's records; for an engine that `lasts`, a second one has the same. */
export function acmeStoreSuite(
  name: string,
  lasts: boolean,
  open: (records: string) => AcmeStore,
  done: (records: string) => void = () => {},
): void {
  let count = 0;
  const using = (act: (store: AcmeStore, again: () => AcmeStore) => void) => (): void => {
    const records = `acme-${name}-${++count}`;
    const store = open(records);
    try {
      act(store, () => open(records));
    } finally {
      store.close();
      done(records);
    }
  };

  describe(`ACME store: ${name}`, () => {
    test(
      'gives back keys, accounts and orders with all fields',
      using((store) => {
        const plain = someKey('b');
        const full = someKey('a', { life: 86_400_000, profile: 'server', names: ['*.example.net'], createdAt: T0 + 1 });
        store.addKey(plain);
        store.addKey(full);
        assert.deepEqual(store.key('b'), plain);
        assert.deepEqual(store.keys(), [plain, full]);
        assert.equal(store.key('c'), undefined);
        store.addKey(someKey('key-1'));
        const account = someAccount('1');
        assert.equal(store.addAccount(account), true);
        assert.deepEqual(store.account('1'), account);
        assert.deepEqual(store.accountByThumbprint('thumb-1'), account);
        const order = { ...someOrder('o1', '1'), replaces: { name: 'x.y', serial: '0a' } };
        store.addOrder(order);
        assert.deepEqual(store.order('o1'), order);
        const failed: Order = { ...order, status: 'invalid', error: problem('dns', 'no "TXT" ✓', { subproblems: [] }) };
        store.saveOrder(failed);
        assert.deepEqual(store.order('o1'), failed);
      }),
    );

    test(
      'a key opens one account, a key of JSON belongs to one account, and what is refused changes nothing',
      using((store) => {
        store.addKey(someKey('key-1'));
        store.addKey(someKey('key-2'));
        assert.equal(store.addAccount(someAccount('1')), true);
        assert.equal(store.key('key-1')?.account, '1');
        assert.equal(store.addAccount(someAccount('2', { keyId: 'key-1' })), false, 'the binding is taken');
        assert.equal(store.addAccount(someAccount('2', { thumbprint: 'thumb-1' })), false, 'the key is taken');
        assert.equal(store.addAccount(someAccount('2', { keyId: 'none' })), false, 'there is no such binding');
        assert.equal(store.account('2'), undefined);
        assert.equal(store.key('key-2')?.account, undefined);
        assert.equal(store.addAccount(someAccount('2')), true);
        assert.equal(store.changeAccountKey('2', '{}', 'thumb-1'), false);
        assert.equal(store.account('2')?.thumbprint, 'thumb-2');
        assert.equal(store.changeAccountKey('2', '{"n":1}', 'thumb-3'), true);
        assert.equal(store.accountByThumbprint('thumb-3')?.key, '{"n":1}');
        assert.equal(store.accountByThumbprint('thumb-2'), undefined);
      }),
    );

    test(
      'a withdrawn key opens nothing and ends its account',
      using((store) => {
        store.addKey(someKey('key-1'));
        store.addKey(someKey('key-2'));
        store.addAccount(someAccount('1'));
        store.withdrawKey('key-1');
        store.withdrawKey('key-2');
        assert.equal(store.account('1')?.status, 'revoked');
        assert.equal(store.key('key-1')?.withdrawn, true);
        assert.equal(store.addAccount(someAccount('2')), false);
        store.saveAccount(someAccount('1', { status: 'deactivated', contacts: [] }));
        assert.equal(store.account('1')?.status, 'deactivated');
      }),
    );

    test(
      'orders are found by account, certificate, what they replace, and what was under way',
      using((store) => {
        for (const id of ['o3', 'o1', 'o2']) store.addOrder(someOrder(id, '1'));
        store.addOrder(someOrder('o0', '2'));
        assert.deepEqual(store.orders('1', '', 10), ['o1', 'o2', 'o3']);
        assert.deepEqual(store.orders('1', 'o1', 1), ['o2']);
        store.saveOrder(issuedOrder('o2', '1', '0a'));
        store.saveOrder(issuedOrder('o3', '1', '0b'));
        assert.deepEqual(
          store.openOrders('1').map(({ id }) => id),
          ['o1'],
        );
        assert.deepEqual(
          store.issuedOrders('1', 10).map(({ id }) => id),
          ['o3', 'o2'],
        );
        assert.deepEqual(
          store.issuedOrders('1', 1).map(({ id }) => id),
          ['o3'],
        );
        assert.equal(store.orderOf('0a')?.id, 'o2');
        assert.equal(store.orderOf('0c'), undefined);
        store.addOrder({ ...someOrder('o4', '1'), replaces: { name: 'x.y', serial: '0a' } });
        assert.deepEqual(
          store.replacing('0a').map(({ id }) => id),
          ['o4'],
        );
        assert.deepEqual(store.unfinished(), []);
        store.saveOrder(beginChallenge(someOrder('o1', '1'), { index: 0, type: 'dns-01' }));
        store.saveOrder({ ...someOrder('o0', '2'), status: 'processing', publicKey: '30', beganAt: T0 });
        assert.deepEqual(
          store.unfinished().map(({ id }) => id),
          ['o0', 'o1'],
        );
      }),
    );

    test(
      'forgets what ended before a time, and nothing that is under way',
      using((store) => {
        store.addOrder(someOrder('o1', '1'));
        store.addOrder({ ...someOrder('o2', '1'), status: 'processing' });
        store.addOrder({ ...someOrder('o3', '1'), expires: T0 + 9000 });
        assert.equal(store.forget(T0 + 1000), 0);
        assert.equal(store.forget(T0 + 1001), 1);
        assert.deepEqual(store.orders('1', '', 10), ['o2', 'o3']);
      }),
    );

    if (!lasts) return;
    test(
      'lasts',
      using((store, again) => {
        store.addKey(someKey('key-1'));
        store.addAccount(someAccount('1'));
        store.addOrder(someOrder('o1', '1'));
        const other = again();
        try {
          assert.equal(other.key('key-1')?.account, '1');
          assert.deepEqual(other.account('1'), store.account('1'));
          assert.deepEqual(other.order('o1'), store.order('o1'));
        } finally {
          other.close();
        }
      }),
    );
  });
}
