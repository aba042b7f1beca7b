/** The contract of `EnrolmentStore`, run by every engine. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededRandom } from '../../test/fakes/random.ts';
import { faultOf, hashOfToken, makeToken, type Enrolment, type EnrolmentStore } from './enrolment.ts';

const T0 = 1_800_000_000_000;

function some(id: string, over: Partial<Enrolment> = {}): Enrolment {
  return {
    id,
    holder: 'alice@example.net',
    profile: 'person',
    dnsNames: [],
    life: undefined,
    createdAt: T0,
    expires: T0 + 1_000,
    by: 'cli:root',
    usedAt: undefined,
    serial: undefined,
    withdrawn: false,
    ...over,
  };
}

export function enrolmentSuite(engine: string, open: () => EnrolmentStore): void {
  describe(`tokens: ${engine}`, () => {
    const withStore = (name: string, act: (store: EnrolmentStore) => void): void => {
      test(name, () => {
        const store = open();
        try {
          act(store);
        } finally {
          store.close();
        }
      });
    };

    withStore('what was added is found by its hash, with all it says', (store) => {
      const full = some('aa', { dnsNames: ['mx.example.net', 'mx2.example.net'], profile: 'device', life: 86_400_000 });
      store.add(full, 'hash-a');
      store.add(some('bb', { createdAt: T0 + 1 }), 'hash-b');
      assert.deepEqual(store.byHash('hash-a'), full);
      assert.equal(store.byHash('hash-c'), undefined);
      assert.deepEqual(
        store.list(10).map(({ id }) => id),
        ['bb', 'aa'],
      );
      assert.equal(store.list(1).length, 1);
      assert.throws(() => store.add(some('cc'), 'hash-a'));
    });

    withStore('a token is taken once, in its time', (store) => {
      store.add(some('aa'), 'hash-a');
      assert.equal(store.take('aa', T0 + 1_000), false, 'its time is over');
      assert.equal(store.take('zz', T0), false);
      assert.equal(store.take('aa', T0 + 5), true);
      assert.equal(store.take('aa', T0 + 6), false);
      assert.equal(store.byHash('hash-a')?.usedAt, T0 + 5);
    });

    withStore('one that is given back can be taken again, but not after its certificate', (store) => {
      store.add(some('aa'), 'hash-a');
      store.take('aa', T0);
      store.giveBack('aa');
      assert.equal(store.take('aa', T0 + 1), true);
      store.usedFor('aa', '4a1f');
      store.giveBack('aa');
      assert.equal(store.take('aa', T0 + 2), false);
      assert.equal(store.byHash('hash-a')?.serial, '4a1f');
    });

    withStore('one that is withdrawn cannot be taken, and only an open one can be withdrawn', (store) => {
      store.add(some('aa'), 'hash-a');
      store.add(some('bb'), 'hash-b');
      assert.equal(store.withdraw('aa'), true);
      assert.equal(store.withdraw('aa'), false);
      assert.equal(store.take('aa', T0), false);
      store.take('bb', T0);
      assert.equal(store.withdraw('bb'), false);
      assert.equal(store.withdraw('zz'), false);
    });

    withStore('old ones are forgotten', (store) => {
      store.add(some('aa'), 'hash-a');
      store.add(some('bb', { expires: T0 + 2_000 }), 'hash-b');
      store.forget(T0 + 1_500);
      assert.deepEqual(
        store.list(10).map(({ id }) => id),
        ['bb'],
      );
    });
  });
}

describe('tokens', () => {
  test('each is another, and people may write it their way', () => {
    const random = seededRandom(5);
    const [one, other] = [makeToken(random), makeToken(random)];
    assert.notEqual(one.token, other.token);
    assert.match(one.token, /^(?:[a-z2-9]{4}-){5}[a-z2-9]{4}$/);
    assert.equal(hashOfToken(` ${one.token.toUpperCase().replaceAll('-', ' ')}\n`), one.hash);
    assert.notEqual(hashOfToken(one.token.slice(1)), one.hash);
  });

  test('why one is of no use', () => {
    assert.equal(faultOf(some('aa'), T0), undefined);
    assert.match(faultOf(some('aa'), T0 + 1_000) ?? '', /expired/);
    assert.match(faultOf(some('aa', { usedAt: T0 }), T0) ?? '', /used before/);
    assert.match(faultOf(some('aa', { withdrawn: true }), T0) ?? '', /withdrawn/);
  });
});
