import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { noticeBookSuite } from '../../ca/notice-book.suite.ts';
import { openDatabase } from './database.ts';
import { openNoticeBook } from './notice-book.ts';

noticeBookSuite('sqlite', () => openNoticeBook(':memory:'));

test('what was written down is there when the database is opened again', () => {
  const directory = mkdtempSync(join(tmpdir(), 'sealpost-notices-'));
  try {
    const path = join(directory, 'x.db');
    const first = openNoticeBook(path);
    first.begin([{ names: ['a'], entry: 1 }], 1_000);
    first.close();
    const second = openNoticeBook(path);
    assert.deepEqual(second.open(), [{ names: ['a'], entry: 1 }]);
    second.close();
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('the certificates whose overlap has ended are found by an index', () => {
  const db = openDatabase(':memory:');
  const sql = `SELECT serial FROM certificate WHERE not_after > ? AND overlap_ends < ? AND overlap_ends < not_after AND state <> 'revoked' ORDER BY issued_at, serial`;
  const plan = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(1, 1);
  assert.match(JSON.stringify(plan), /certificate_overlap/);
  db.close();
});
