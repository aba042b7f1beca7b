import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { Fault } from '../../base/fault.ts';
import { openDatabase } from './database.ts';
import { migrate } from './migrate.ts';
import { migrations } from './schema.ts';

function version(db: DatabaseSync): unknown {
  return db.prepare('PRAGMA user_version').get()?.['user_version'];
}

describe('database', () => {
  let directory = '';
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'database-'));
  });
  after(() => rmSync(directory, { recursive: true }));

  test('a new database is private, synced at each commit, and has all of the schema', () => {
    const path = join(directory, 'new.db');
    const db = openDatabase(path);
    assert.equal(version(db), migrations.length);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(statSync(`${path}-wal`).mode & 0o777, 0o600);
    const pragma = (name: string): unknown => Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];
    assert.deepEqual([pragma('journal_mode'), pragma('synchronous'), pragma('busy_timeout')], ['wal', 2, 5_000]);
    const again = openDatabase(path);
    assert.equal(version(again), migrations.length);
    again.close();
    db.close();
  });

  const skip = process.platform === 'linux' ? false : 'locks are read from /proc';
  test('a second connection leaves the locks of the first in force', { skip }, () => {
    const path = join(directory, 'shared.db');
    openDatabase(path).close(); // at a second start
    const first = openDatabase(path);
    const ours = (): string[] =>
      readFileSync('/proc/locks', 'utf8')
        .split('\n')
        .filter((line) => line.includes(` ${process.pid} `) && line.includes(`:${statSync(path).ino} `));
    assert.equal(ours().length, 1);
    const second = openDatabase(path);
    // Without it, the next sqlite3 that looks at the database removes the write-ahead log when it ends.
    assert.equal(ours().length, 1);
    first.close();
    second.close();
  });

  test('each migration is one step; a later one finds the rows of the earlier', () => {
    const db = new DatabaseSync(':memory:');
    const first = { name: 'one', sql: "CREATE TABLE a (x) STRICT; INSERT INTO a VALUES ('kept')" };
    assert.throws(
      () => migrate(db, [{ ...first, sql: 'CREATE TABLE a (x INTEGER) STRICT; nonsense' }]),
      /migration 1 \(one\).*nonsense/,
    );
    assert.equal(version(db), 0);
    assert.equal(db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'], 0, 'a failed step leaves nothing');
    const good = { ...first, sql: "CREATE TABLE a (x TEXT) STRICT; INSERT INTO a VALUES ('kept')" };
    migrate(db, [good]);
    assert.equal(version(db), 1);
    assert.throws(
      () =>
        migrate(db, [good, { name: 'two', sql: 'ALTER TABLE a ADD COLUMN y TEXT' }, { name: 'three', sql: 'broken' }]),
      /migration 3 \(three\)/,
    );
    assert.equal(version(db), 2, 'what succeeded stays');
    assert.deepEqual({ ...db.prepare('SELECT * FROM a').get() }, { x: 'kept', y: null });
  });

  test('a database of a newer version is refused and left alone', () => {
    const path = join(directory, 'newer.db');
    openDatabase(path).close();
    const db = new DatabaseSync(path);
    db.exec(`PRAGMA user_version = ${migrations.length + 3}`);
    assert.throws(
      () => openDatabase(path),
      (thrown) =>
        thrown instanceof Fault &&
        thrown.detail.includes(`schema ${migrations.length + 3}`) &&
        thrown.detail.includes('newer version') &&
        thrown.detail.includes(path),
    );
    assert.equal(version(db), migrations.length + 3);
    db.close();
  });

  test('what is no database, or cannot be opened, is a Fault that names the path', () => {
    const path = join(directory, 'text.db');
    writeFileSync(path, 'this is no database, and long enough to be looked at as one\n'.repeat(20));
    const named = (at: string) => (thrown: unknown) =>
      thrown instanceof Fault && thrown.status.key === 'storage-failed' && thrown.detail.startsWith(at);
    assert.throws(() => openDatabase(path), named(path));
    chmodSync(path, 0o600);
    assert.throws(() => openDatabase(join(directory, 'no/such.db')), named(join(directory, 'no/such.db')));
  });

  test('the queue is readable as a table, with times as text', () => {
    const db = openDatabase(':memory:');
    db.exec(`INSERT INTO message (id, at, open, waiting, size, reverse_path, body_type, smtputf8, peer) VALUES (5, 1800000000000, 2, 0, 9, 'a@b', '7BIT', 0, 'p');
      INSERT INTO delivery VALUES (6, 5, 1, 1800000060000, 2, 0, 'd', 'r1', NULL, NULL, '451 busy'), (7, 5, 1, ${Number.MAX_SAFE_INTEGER}, 0, 0, 'd', 'r2', NULL, NULL, '')`);
    const rows = db
      .prepare('SELECT recipient, accepted, due, detail FROM queue ORDER BY delivery')
      .all()
      .map((row) => Object.values(row));
    assert.deepEqual(rows, [
      ['r1', '2027-01-15 08:00:00', '2027-01-15 08:01:00', '451 busy'],
      ['r2', '2027-01-15 08:00:00', 'on hold', ''],
    ]);
    db.close();
  });
});
