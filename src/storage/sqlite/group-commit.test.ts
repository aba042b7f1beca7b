import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { Fault } from '../../base/fault.ts';
import { GroupCommit } from './group-commit.ts';

interface Rig {
  readonly db: DatabaseSync;
  readonly commits: GroupCommit;
  readonly add: (n: number) => () => number;
  readonly rows: () => unknown[];
  /** How many commits there were. */
  readonly count: () => number;
}

function rig(): Rig {
  const db = new DatabaseSync(':memory:');
  db.exec('CREATE TABLE t (n INTEGER PRIMARY KEY) STRICT');
  let count = 0;
  const commits = new GroupCommit(db, () => (count += 1));
  const add = (n: number) => (): number => {
    db.prepare('INSERT INTO t VALUES (?)').run(n);
    return n;
  };
  return {
    db,
    commits,
    add,
    rows: () =>
      db
        .prepare('SELECT n FROM t ORDER BY n')
        .all()
        .map((row) => row['n']),
    count: () => count,
  };
}

describe('group commit', () => {
  test('all writes of one turn share a commit, and each gets its own result', async () => {
    const { commits, add, rows, count } = rig();
    const results = await Promise.all([3, 1, 2].map((n) => commits.run(add(n))));
    assert.deepEqual(results, [3, 1, 2]);
    assert.deepEqual(rows(), [1, 2, 3]);
    assert.equal(count(), 1);
    await commits.run(add(4));
    assert.equal(count(), 2);
  });

  test('no answer before the commit', async () => {
    const { db, commits, add } = rig();
    const answered = commits.run(add(1)).then(() => assert.ok(!db.isTransaction));
    await commits.run(() => assert.ok(db.isTransaction));
    await answered;
  });

  test('a bad write fails alone', async () => {
    const { commits, add, rows } = rig();
    await commits.run(add(1));
    const runs: string[] = [];
    const results = await Promise.allSettled([
      commits.run(add(2)),
      commits.run(add(1)), // there already
      commits.run(() => {
        runs.push('thrower');
        add(9)();
        throw new Error('of its own');
      }),
      commits.run(add(3)),
    ]);
    assert.deepEqual(
      results.map((result) => result.status),
      ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
    );
    assert.deepEqual(rows(), [1, 2, 3]);
    const reasons = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as Fault] : []));
    assert.ok(reasons.every((reason) => reason instanceof Fault && reason.status.key === 'storage-failed'));
    assert.match(reasons[0]?.detail ?? '', /UNIQUE/);
    assert.match(reasons[1]?.detail ?? '', /of its own/);
    assert.deepEqual(runs, ['thrower'], 'the joint try ended at the first error, so this ran only alone');
  });

  test('a full disk is told as such, and the connection goes on afterwards', async () => {
    const { db, commits, rows } = rig();
    db.exec('CREATE TABLE big (data BLOB)');
    const fill = (size: number) => (): void => void db.prepare('INSERT INTO big VALUES (zeroblob(?))').run(size);
    const pages = Number(db.prepare('PRAGMA page_count').get()?.['page_count']);
    db.exec(`PRAGMA max_page_count = ${pages + 10}`);
    const results = await Promise.allSettled([
      commits.run(fill(1_000)),
      commits.run(fill(1_000_000)),
      commits.run(fill(2_000)),
    ]);
    assert.deepEqual(
      results.map((result) => (result.status === 'rejected' ? (result.reason as Fault).status.key : 'stored')),
      ['stored', 'storage-full', 'stored'],
    );
    assert.equal(db.prepare('SELECT count(*) AS n FROM big').get()?.['n'], 2);
    db.exec(`PRAGMA max_page_count = ${pages + 1_000}`);
    await commits.run(fill(1_000_000));
    assert.deepEqual(rows(), []);
  });

  test('close commits what waits and refuses what comes later', async () => {
    const { commits, add, rows } = rig();
    const last = commits.run(add(1));
    commits.close();
    assert.deepEqual(rows(), [1]);
    assert.equal(await last, 1);
    await assert.rejects(commits.run(add(2)), Fault);
  });
});
