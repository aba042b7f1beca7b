import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { inFolder, missing, run } from '../../../test/fakes/outside.ts';
import { chain, parseHead, type AuditHead } from '../../ca/audit.ts';
import { verifyAudit, type AuditReport } from '../../ca/audit-verify.ts';
import type { Ledger } from '../../ca/ledger.ts';
import { issuedRecord, someNote } from '../../ca/ledger.suite.ts';
import { openDatabase } from './database.ts';
import { audit, ledger as firstLedger } from './ledger-schema.ts';
import { openLedger } from './ledger.ts';
import { migrate } from './migrate.ts';
import { migrations } from './schema.ts';

const T0 = 1_800_000_000_000;
const skip = missing('sqlite3');

function fill(ledger: Ledger): void {
  for (const serial of ['01', '02', '03'])
    ledger.add(issuedRecord(serial, { issuedAt: T0 + Number(serial) }), someNote());
  ledger.revoke(['02'], 'keyCompromise', T0 + 9, someNote('revoked'));
  ledger.appendAudit(someNote('crl', { by: 'relay', detail: 'CRL 1 with 1 entries' }), T0 + 10);
}

async function verified(path: string, head?: AuditHead): Promise<AuditReport> {
  const ledger = openLedger(path);
  try {
    return await verifyAudit(ledger, head, () => Promise.resolve());
  } finally {
    ledger.close();
  }
}

/** What somebody with the database's file and the `sqlite3` program does, and what is found. */
function tampering(name: string, sql: string, expected: RegExp, entry: number | undefined, head = false): void {
  test(name, { skip }, () =>
    inFolder(async ({ path: folder }) => {
      const path = join(folder, 'sealpost.db');
      const ledger = openLedger(path);
      fill(ledger);
      const noted = ledger.auditHead();
      ledger.close();
      assert.deepEqual((await verified(path, noted)).faults, [], 'whole before');
      const guards = ['audit_unchanged', 'audit_kept', 'certificate_kept'];
      const { code, text } = run('sqlite3', [
        path,
        `${guards.map((trigger) => `DROP TRIGGER ${trigger};`).join(' ')} ${sql}`,
      ]);
      assert.equal(code, 0, text);
      const { faults } = await verified(path, head ? noted : undefined);
      assert.match(faults[0]?.what ?? 'nothing was found', expected);
      assert.equal(faults[0]?.entry, entry);
    }),
  );
}

describe('the issuance log under the hands of somebody with sqlite3', () => {
  tampering('an entry that was changed', "UPDATE audit SET by = 'cli:eve' WHERE number = 2", /entry 2 was changed/, 2);
  tampering('one bit of a hash', 'UPDATE audit SET hash = zeroblob(32) WHERE number = 3', /entry 3 was changed/, 3);
  tampering('a time', 'UPDATE audit SET at = at - 1 WHERE number = 1', /entry 1 was changed/, 1);
  tampering('an entry that was removed', 'DELETE FROM audit WHERE number = 4', /entry 4 is missing/, 4);
  tampering('the first entries removed', 'DELETE FROM audit WHERE number < 3', /entries 1 to 2 are missing/, 1);
  tampering(
    'the first removed, and the rest numbered anew',
    'DELETE FROM audit WHERE number = 1; UPDATE audit SET number = number - 1',
    /entry 1 was changed/,
    1,
  );
  tampering(
    'two that changed places',
    'UPDATE audit SET number = 99 WHERE number = 3; UPDATE audit SET number = 3 WHERE number = 4; UPDATE audit SET number = 4 WHERE number = 99',
    /entry 3 was changed/,
    3,
  );
  tampering(
    'an entry put at the beginning',
    'INSERT INTO audit SELECT 0, at, action, by, holder, serial, fingerprint, detail, previous, hash FROM audit WHERE number = 1',
    /there is an entry 0 where entry 1 should be/,
    0,
  );
  tampering('the end cut off', 'DELETE FROM audit WHERE number > 3', /entries 4 to 5 are missing: the end/, 4);
  tampering(
    'the end cut off, and the counter with it, by the head that was mailed out',
    "DELETE FROM audit WHERE number > 4; UPDATE ledger_counter SET value = 4 WHERE name = 'audit'",
    /entry 5 is missing: the end/,
    5,
    true,
  );
  tampering('all of it', 'DELETE FROM audit', /entries 1 to 5 are missing/, 1);
  tampering(
    'a certificate that was withdrawn and is valid again',
    "UPDATE certificate SET state = 'active' WHERE serial = '02'",
    /entry 4 withdrew the certificate 02, and the ledger has it as valid/,
    4,
  );
  tampering(
    'a certificate slipped in',
    "INSERT INTO certificate SELECT 'ee', holder, profile, subject, issuer, fingerprint, not_before, not_after, issued_at, state, revoked_at, reason, der, replaced_by, overlap_ends, entry, revoked_entry, changed FROM certificate WHERE serial = '01'",
    /no entry tells how the certificate ee of alice@example\.net came/,
    1,
  );
  tampering(
    'a certificate slipped in without a number of an entry',
    "INSERT INTO certificate (serial, holder, profile, subject, issuer, fingerprint, not_before, not_after, issued_at, state, der) VALUES ('ee', 'eve', 'person', '/CN=eve', '/CN=ca', 'aa', 0, 9, 0, 'active', x'3000')",
    /no entry tells how the certificate ee of eve came/,
    undefined,
  );
  tampering(
    'a certificate removed',
    "DELETE FROM certificate WHERE serial = '03'",
    /certificate 03 of entry 3 is not in/,
    3,
  );
  tampering(
    'the octets of a certificate',
    "UPDATE certificate SET der = x'3000' WHERE serial = '01'",
    /certificate 01 is not the one that entry 1/,
    1,
  );
  tampering(
    'a holder',
    "UPDATE certificate SET holder = 'eve' WHERE serial = '01'",
    /certificate 01 is not the one/,
    1,
  );
  tampering(
    'a withdrawal that nobody ordered',
    "UPDATE certificate SET state = 'revoked' WHERE serial = '01'",
    /no entry tells that the certificate 01 .* was withdrawn/,
    1,
  );

  test('a log written anew from its second entry shows against the head that was noted', () =>
    inFolder(async ({ path: folder }) => {
      const path = join(folder, 'sealpost.db');
      const ledger = openLedger(path);
      fill(ledger);
      const noted = parseHead(`5:${ledger.auditHead()?.hash}`);
      const entries = ledger.audit(0, 10);
      ledger.close();
      const db = openDatabase(path);
      db.exec('DROP TRIGGER audit_unchanged');
      let last = entries[0];
      for (const entry of entries.slice(1)) {
        last = chain(last, { ...entry, by: 'cli:eve' }, entry.at);
        db.prepare('UPDATE audit SET by = ?, previous = ?, hash = ? WHERE number = ?').run(
          last.by,
          Buffer.from(last.previous, 'hex'),
          Buffer.from(last.hash, 'hex'),
          last.number,
        );
      }
      db.close();
      assert.deepEqual((await verified(path)).faults, [], 'by itself it is whole');
      const { faults } = await verified(path, noted);
      assert.match(faults[0]?.what ?? '', /entry 5 is not the one whose hash was noted/);
    }));

  test('a hand that does not know of the guards is stopped by them', { skip }, () =>
    inFolder(({ path: folder }) => {
      const path = join(folder, 'sealpost.db');
      const ledger = openLedger(path);
      fill(ledger);
      for (const sql of ["UPDATE audit SET by = 'x'", 'DELETE FROM audit', 'DELETE FROM certificate'])
        assert.match(run('sqlite3', [path, sql]).text, /is not changed|keeps every/);
      const { text } = run('sqlite3', [path, 'SELECT number, action, by, serial FROM audit_log']);
      assert.match(text, /^1\|issued\|cli:root\|01\n2\|issued/);
      ledger.close();
    }),
  );
});

describe('a database that is older than the log', () => {
  test('keeps its rows, each entered as it was found, and goes on', () =>
    inFolder(async ({ path: folder }) => {
      const path = join(folder, 'sealpost.db');
      const before = migrations.slice(
        0,
        migrations.findIndex(({ sql }) => sql === audit),
      );
      assert.equal(before.at(-1)?.sql, firstLedger);
      const old = new DatabaseSync(path);
      migrate(old, before);
      const { certificate, fingerprint } = issuedRecord('01');
      const insert = old.prepare(
        "INSERT INTO certificate VALUES (?, 'alice@example.net', 'person', '/CN=a', '/CN=ca', ?, 1, ?, 1, ?, ?, ?, ?)",
      );
      insert.run('01', fingerprint, T0, 'active', null, null, certificate);
      insert.run('02', fingerprint, T0, 'revoked', 5, 'superseded', certificate);
      old.close();

      const ledger = openLedger(path);
      assert.deepEqual(
        ledger.audit(0, 10).map(({ action, serial, detail }) => [action, serial, detail]),
        [
          ['began', undefined, 'the log begins; 2 certificates were issued before, and are entered as they were found'],
          ['kept', '01', 'active'],
          ['kept', '02', 'revoked before (superseded)'],
        ],
      );
      assert.deepEqual([ledger.get('01')?.state, ledger.get('02')?.revokedAt], ['active', 5]);
      ledger.add(issuedRecord('03'), someNote());
      ledger.revoke(['01'], 'superseded', T0, someNote('revoked'));
      ledger.close();
      assert.deepEqual((await verified(path)).faults, []);
      assert.deepEqual((await verified(path)).entries, 5, 'and once only');
    }));

  test('one without certificates begins with nothing', () =>
    inFolder(({ path: folder }) => {
      const ledger = openLedger(join(folder, 'sealpost.db'));
      assert.deepEqual([ledger.auditHead(), ledger.auditCount()], [undefined, 0]);
      ledger.close();
    }));
});
