/** The contract of `PasswordStore`, run by every engine. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PasswordLookup, PasswordRecord, PasswordStore } from './store.ts';

const T0 = 1_800_000_000_000;

function some(id: string, over: Partial<PasswordRecord> = {}): PasswordRecord {
  return {
    id,
    holder: 'alice@example.net',
    label: 'Outlook',
    kind: 'made',
    createdAt: T0,
    by: 'cli:root',
    expires: undefined,
    usedAt: undefined,
    withdrawnAt: undefined,
    argon2id: 'a',
    scram: undefined,
    ...over,
  };
}

/** What one engine opens: the store, and a reader of the same data beside it. */
export interface Opened {
  readonly store: PasswordStore;
  readonly lookup: PasswordLookup;
  close(): void;
}

export function passwordSuite(engine: string, open: () => Opened): void {
  describe(`passwords: ${engine}`, () => {
    const withStore = (name: string, act: (opened: Opened) => void): void => {
      test(name, () => {
        const opened = open();
        try {
          act(opened);
        } finally {
          opened.close();
        }
      });
    };

    withStore('what was added is found by its holder, with all it says, by the reader at once', ({ store, lookup }) => {
      assert.equal(lookup.inUse(T0), false);
      const full = some('aa', { expires: T0 + 1_000, scram: 's', kind: 'chosen' });
      store.add(full);
      assert.deepEqual(lookup.usable('alice@example.net', T0), [full]);
      assert.equal(lookup.inUse(T0), true);
      assert.deepEqual(lookup.usable('bob@example.net', T0), []);
      assert.deepEqual(store.get('aa'), full);
      assert.equal(store.get('bb'), undefined);
      assert.throws(() => store.add(some('aa')));
    });

    withStore('the latest is the first', ({ store, lookup }) => {
      store.add(some('aa'));
      store.add(some('bb', { createdAt: T0 + 5 }));
      assert.deepEqual(
        lookup.usable('alice@example.net', T0 + 6).map(({ id }) => id),
        ['bb', 'aa'],
      );
    });

    withStore('one that has expired, or was withdrawn, cannot be used', ({ store, lookup }) => {
      store.add(some('aa', { expires: T0 + 1_000 }));
      store.add(some('bb'));
      assert.equal(lookup.isUsable('aa', T0 + 999), true);
      assert.equal(lookup.isUsable('aa', T0 + 1_000), false);
      assert.equal(store.withdraw('bb', T0 + 1), true);
      assert.equal(store.withdraw('bb', T0 + 2), false);
      assert.equal(store.withdraw('cc', T0 + 2), false);
      assert.equal(lookup.isUsable('bb', T0), false);
      assert.equal(lookup.isUsable('cc', T0), false);
      assert.equal(lookup.inUse(T0 + 1_000), false);
      assert.equal(store.get('bb')?.withdrawnAt, T0 + 1);
      assert.deepEqual(lookup.usable('alice@example.net', T0 + 1_000), []);
    });

    withStore('lists by holder, then by time, no more than asked for', ({ store }) => {
      store.add(some('aa', { createdAt: T0 + 2 }));
      store.add(some('bb', { holder: 'aaron' }));
      store.add(some('cc', { createdAt: T0 + 1 }));
      const ids = (records: readonly PasswordRecord[]): string => records.map(({ id }) => id).join(' ');
      assert.equal(ids(store.list({ limit: 10 })), 'bb cc aa');
      assert.equal(ids(store.list({ limit: 2 })), 'bb cc');
      assert.equal(ids(store.list({ holder: 'alice@example.net', limit: 10 })), 'cc aa');
    });

    withStore('remembers when one was used, and what a holder needs', ({ store, lookup }) => {
      store.add(some('aa'));
      store.used('aa', T0 + 7);
      assert.equal(store.get('aa')?.usedAt, T0 + 7);
      assert.equal(lookup.need('alice@example.net'), 'any');
      store.setNeed('alice@example.net', 'both');
      store.setNeed('alice@example.net', 'certificate');
      assert.equal(lookup.need('alice@example.net'), 'certificate');
      assert.equal(lookup.need('bob@example.net'), 'any');
    });

    withStore('has a secret of its own', ({ store, lookup }) => {
      assert.equal(store.secret().length, 32);
      assert.deepEqual(new Uint8Array(store.secret()), new Uint8Array(lookup.secret()));
    });
  });
}
