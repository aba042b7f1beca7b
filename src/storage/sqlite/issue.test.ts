import assert from 'node:assert/strict';
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { testAuthority } from '../../../test/fakes/authority.ts';
import { inFolder } from '../../../test/fakes/outside.ts';
import { Fault } from '../../base/fault.ts';
import { statuses } from '../../base/status.ts';
import { verifyAudit } from '../../ca/audit-verify.ts';
import { issue, SIGNING_TIME } from '../../ca/issuance.ts';
import { makeKey } from '../../ca/keys.ts';
import type { Ledger } from '../../ca/ledger.ts';
import { issuedRecord, someNote } from '../../ca/ledger.suite.ts';
import { openDatabase } from './database.ts';
import { ledgerOn, openLedger } from './ledger.ts';

interface Told {
  readonly reserved: Set<string>;
  readonly signed: Set<string>;
  readonly added: Set<string>;
}

type Child = ChildProcessByStdio<null, Readable, null>;

function start(path: string, count: number, dieAt: string): Child {
  const program = fileURLToPath(new URL('./issue.child.ts', import.meta.url));
  return spawn(process.execPath, [program, path, String(count), dieAt], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** What the child said until it ended; with `most`, it is killed after so many lines. */
async function hear(child: Child, told: Told, most = Number.POSITIVE_INFINITY): Promise<string | null> {
  const closed = once(child, 'close') as Promise<[number | null, string | null]>;
  let text = '';
  let lines = 0;
  for await (const chunk of child.stdout) {
    text += String(chunk);
    const parts = text.split('\n');
    text = parts.pop() ?? '';
    for (const line of parts) {
      const of = { r: told.reserved, s: told.signed, a: told.added }[line[0] as 'r' | 's' | 'a'];
      assert.ok(!of.has(line.slice(1)), `${line} was said twice`);
      of.add(line.slice(1));
    }
    if ((lines += parts.length) >= most) child.kill('SIGKILL');
  }
  return (await closed)[1];
}

/** Nothing that was signed is unknown, the log is whole, and what was left hanging is withdrawn. */
async function checked(ledger: Ledger, told: Told): Promise<void> {
  const { pending } = ledger.counts(0);
  for (const serial of told.added) assert.ok(ledger.get(serial), `${serial} was handed out and is not in the ledger`);
  const now = Date.now();
  const given = new Set(ledger.abandon(now + 1, now, 'relay'));
  assert.equal(given.size, pending);
  const withdrawn = new Set(ledger.withdrawn(now).map(({ serial }) => serial));
  for (const serial of told.reserved) {
    assert.notEqual(ledger.get(serial) !== undefined, given.has(serial), `${serial} is in the ledger or given up`);
    assert.equal(withdrawn.has(serial), given.has(serial));
  }
  for (const serial of told.signed) assert.ok(told.reserved.has(serial), `${serial} was signed unreserved`);
  const { faults } = await verifyAudit(ledger, undefined, () => Promise.resolve());
  assert.deepEqual(faults, []);
}

const nothingTold = (): Told => ({ reserved: new Set(), signed: new Set(), added: new Set() });

describe('killed while issuing', () => {
  for (const [dieAt, what] of [
    ['r', 'before it was signed'],
    ['s', 'after it was signed and before it was recorded'],
    ['a', 'after it was recorded'],
  ] as const) {
    test(`${what}: the serial number is known`, () =>
      inFolder(async ({ path: folder }) => {
        const path = join(folder, 'sealpost.db');
        const told = nothingTold();
        assert.equal(await hear(start(path, 2, dieAt), told), 'SIGKILL');
        assert.deepEqual([told.reserved.size, told.added.size], [2, dieAt === 'a' ? 2 : 1]);
        const ledger = openLedger(path);
        try {
          assert.equal(ledger.counts(0).pending, dieAt === 'a' ? 0 : 1);
          assert.equal(ledger.abandon(Date.now() - SIGNING_TIME, Date.now(), 'relay').length, 0, 'it may still end');
          await checked(ledger, told);
        } finally {
          ledger.close();
        }
      }));
  }

  test('at any moment, and with two processes at once: no serial number twice, one chain', () =>
    inFolder(async ({ path: folder }) => {
      const path = join(folder, 'sealpost.db');
      const told = nothingTold();
      openLedger(path).close();
      const steady = hear(start(path, 60, '-'), told);
      for (const lines of [20, 31, 43]) assert.equal(await hear(start(path, 0, '-'), told, lines), 'SIGKILL');
      assert.equal(await steady, null, 'the other process was not disturbed');
      const ledger = openLedger(path);
      try {
        assert.ok(told.added.size >= 60 + 25, `${told.added.size} issued`);
        await checked(ledger, told);
      } finally {
        ledger.close();
      }
    }));
});

describe('a disk that is full', () => {
  const room = (db: ReturnType<typeof openDatabase>, pages: number): void => {
    const count = db.prepare('PRAGMA page_count').get()?.['page_count'] as number;
    db.exec(`PRAGMA max_page_count = ${count + pages}`);
  };

  test('is told, and nothing is half written, at whatever step it fills', () =>
    inFolder(async ({ path: folder }) => {
      const db = openDatabase(join(folder, 'sealpost.db'));
      const ledger = ledgerOn(db);
      room(db, 12);
      let refused = 0;
      for (let n = 100; n < 400; n++) {
        const serial = n.toString(16).padStart(4, '0');
        const before = [ledger.counts(0), ledger.auditHead(), ledger.version()];
        try {
          ledger.reserve(
            serial,
            { holder: 'a'.repeat(n), profile: 'person', at: n, notAfter: n },
            someNote('requested'),
          );
          const reserved = [ledger.auditHead(), ledger.version()];
          try {
            ledger.add(issuedRecord(serial), someNote());
          } catch (error) {
            assert.ok(error instanceof Fault && error.status === statuses['storage-full'], String(error));
            assert.deepEqual([ledger.auditHead(), ledger.version()], reserved);
            assert.equal(ledger.get(serial), undefined);
            refused++;
          }
        } catch (error) {
          assert.ok(error instanceof Fault && error.status === statuses['storage-full'], String(error));
          assert.deepEqual([ledger.counts(0), ledger.auditHead(), ledger.version()], before);
          refused++;
        }
      }
      assert.ok(refused > 50 && ledger.count({}) > 5, `${refused} refused, ${ledger.count({})} added`);
      room(db, 1_000);
      ledger.add(issuedRecord('ffff'), someNote());
      const { faults } = await verifyAudit(ledger, undefined, () => Promise.resolve());
      assert.deepEqual(faults, []);
      ledger.close();
    }));

  test('no certificate is given away that could not be recorded; its serial number is withdrawn', () =>
    inFolder(async ({ path: folder }) => {
      const db = openDatabase(join(folder, 'sealpost.db'));
      const ledger = ledgerOn(db);
      const { clock, door, random } = testAuthority();
      const events: unknown[] = [];
      let signed = 0;
      const filling = {
        ...door,
        async issue(request: Parameters<typeof door.issue>[0]) {
          const issued = await door.issue(request);
          signed++;
          room(db, 0);
          return issued;
        },
      };
      const issuance = {
        clock,
        random,
        ledger,
        events: { tell: (event: unknown) => events.push(event) },
        door: async () => filling,
      };
      const wish = {
        profile: 'person' as const,
        holder: `${'a'.repeat(50)}@example.net`,
        csr: undefined,
        dnsNames: [],
        uris: [],
        publicKey: makeKey().publicKey,
        subject: undefined,
        life: undefined,
      };
      const issues = async (): Promise<unknown> => {
        for (;;) await issue(issuance, wish, 'cli:root', 'until it is full');
      };
      await assert.rejects(issues(), (error) => error instanceof Fault && error.status === statuses['storage-full']);
      const { pending } = ledger.counts(0);
      assert.equal(signed, ledger.count({}) + pending, 'each signed one is in the ledger or reserved');
      assert.equal(events.length, ledger.count({}));
      ledger.close();
    }));
});
