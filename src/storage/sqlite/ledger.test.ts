import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { describe, test } from 'node:test';
import type { Ledger } from '../../ca/ledger.ts';
import { auditSuite } from '../../ca/audit.suite.ts';
import { ledgerSuite, someNote, someRecord } from '../../ca/ledger.suite.ts';
import { openDatabase } from './database.ts';
import { openLedger } from './ledger.ts';

const folder = (records: string): string => join(tmpdir(), `sealpost-${process.pid}-${records}`);

function openIn(records: string): Ledger {
  mkdirSync(folder(records), { recursive: true });
  return openLedger(join(folder(records), 'sealpost.db'));
}

const remove = (records: string): void => rmSync(folder(records), { recursive: true });
ledgerSuite('sqlite', true, openIn, remove);
auditSuite('sqlite', openIn, remove);

describe('the ledger in SQLite', () => {
  test('a row changed or deleted by hand: the change is seen, the deletion refused', () => {
    const ledger = openIn('by-hand');
    const byHand = openDatabase(join(folder('by-hand'), 'sealpost.db'));
    try {
      ledger.add(someRecord('01'), someNote());
      const version = ledger.version();
      byHand.exec("UPDATE certificate SET state = 'suspended'");
      assert.ok(ledger.version() > version);
      assert.equal(ledger.find({ state: 'suspended' }).length, 1);
      assert.throws(() => byHand.exec('DELETE FROM certificate'), /keeps every certificate/);
      assert.throws(() => byHand.exec("UPDATE certificate SET state = 'gone'"), /CHECK/);
    } finally {
      byHand.close();
      ledger.close();
      rmSync(folder('by-hand'), { recursive: true });
    }
  });
});
