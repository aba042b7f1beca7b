import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { Fault } from '../../base/fault.ts';
import { firstIdAt } from '../../base/id.ts';
import { LANES } from '../../relay/spool/spool.ts';
import { someDelivery, someEntry, spoolSuite } from '../../relay/spool/spool.suite.ts';
import { sqliteSpool } from './spool.ts';

describe('spool on SQLite', () => {
  let directory = '';
  let files = 0;
  const path = (): string => join(directory, `${files++}.db`);
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'spool-'));
  });
  after(() => rmSync(directory, { recursive: true }));

  spoolSuite('sqlite', async (options) => sqliteSpool(path(), options));

  test('what was accepted, claimed and held is there after a restart', async () => {
    const at = path();
    const id = firstIdAt(1_800_000_000_000);
    const first = sqliteSpool(at);
    await first.accept([someEntry(id), someEntry(id + 10)]);
    await first.claimLanes(1, LANES, 1_000, 500);
    await first.hold({ ids: [id] }, 'why', 2_000);
    await first.close();
    const second = sqliteSpool(at);
    assert.deepEqual(
      (await second.list({ held: true }, 9)).map((entry) => entry.id),
      [id],
    );
    assert.deepEqual(await second.claimLanes(2, LANES, 1_499, 500), []);
    assert.equal(
      (await second.renewLanes(1, 1_499, 500)).length,
      LANES,
      'the same worker, started again, owns them still',
    );
    assert.equal((await second.history(id)).length, 2);
    assert.equal(await second.accept([someEntry(id)]), 0);
    await second.close();
  });

  test('rows read like the records of the contract, also from another connection meanwhile', async () => {
    const at = path();
    const spool = sqliteSpool(at);
    await spool.accept([
      someEntry(5, {
        deliveries: [someDelivery(6, { notify: ['success', 'failure'] }), someDelivery(7, { notify: 'never' })],
      }),
    ]);
    const other = new DatabaseSync(at, { readOnly: true });
    assert.deepEqual(
      other
        .prepare('SELECT holder, serial, open, waiting FROM message')
        .all()
        .map((row) => Object.values(row)),
      [['alice@example.net', '0a0b', 2, 0]],
    );
    assert.deepEqual(
      other
        .prepare('SELECT id, notify FROM delivery ORDER BY id')
        .all()
        .map((row) => Object.values(row)),
      [
        [6, 'SUCCESS,FAILURE'],
        [7, 'NEVER'],
      ],
    );
    other.close();
    await spool.close();
  });

  test('a certificate is found whether its messages wait or are fresh', async () => {
    const spool = sqliteSpool(path());
    const lanes = await spool.claimLanes(1, LANES, 0, 1_000);
    await spool.accept(
      [1, 2, 3].map((n) => someEntry(n * 10, { origin: { holder: 'bob', serial: n === 3 ? '02' : '01' } })),
    );
    const result = { kind: 'deferred', due: 5, delayNotified: 0 } as const;
    await spool.settle([{ id: 11, entry: 10, lane: 7, epoch: lanes[7]?.epoch ?? 0, result, detail: '' }], []);
    const found = async (filter: Parameters<typeof spool.list>[0]): Promise<number[]> =>
      (await spool.list(filter, 9)).map((entry) => entry.id);
    assert.deepEqual(await found({ serial: '01' }), [10, 20]);
    assert.deepEqual(await found({ holder: 'bob' }), [10, 20, 30]);
    assert.deepEqual(await found({ holder: 'alice' }), []);
    await spool.close();
  });

  test('paging through many rows of one due time gives each row once, in order', async () => {
    const spool = sqliteSpool(path());
    const entries = Array.from({ length: 4_000 }, (_, n) =>
      someEntry(n * 2 + 10, { deliveries: [someDelivery(n * 2 + 11, { due: 77 })] }),
    );
    await spool.accept(entries);
    const seen: number[] = [];
    let after: readonly [number, number] = [0, 0];
    for (;;) {
      const page = await spool.due([{ lane: 7, after }], 100, 64, []);
      const last = page.at(-1);
      if (last === undefined) break;
      seen.push(...page.map((due) => due.id));
      after = [last.due, last.id];
    }
    assert.deepEqual(
      seen,
      entries.map((entry) => entry.id + 1),
    );
    await spool.close();
  });

  test('history kinds can be left out', async () => {
    const spool = sqliteSpool(path(), { withoutHistory: ['accepted', 'held'] });
    await spool.accept([someEntry(10)]);
    await spool.hold({}, '', 5);
    await spool.release({}, 6);
    assert.deepEqual(
      (await spool.history(10)).map((line) => line.kind),
      ['released'],
    );
    await spool.close();
  });

  test('a clash of delivery ids fails loudly and stores nothing of its call', async () => {
    const spool = sqliteSpool(path());
    await spool.accept([someEntry(10)]);
    const clash = someEntry(20, { deliveries: [someDelivery(21), someDelivery(11)] });
    const results = await Promise.allSettled([spool.accept([someEntry(30)]), spool.accept([clash])]);
    assert.deepEqual(
      results.map((result) => result.status),
      ['fulfilled', 'rejected'],
    );
    assert.ok((results[1] as PromiseRejectedResult).reason instanceof Fault);
    assert.deepEqual(
      (await spool.list({}, 9)).map((entry) => entry.id),
      [10, 30],
    );
    assert.deepEqual(await spool.contents([20]), [undefined]);
    await spool.close();
  });

  test('reading does not wait for another connection that writes', async () => {
    const at = path();
    const spool = sqliteSpool(at);
    const other = new DatabaseSync(at);
    other.exec('BEGIN IMMEDIATE; CREATE TABLE guest (x)');
    const reading = spool.due([{ lane: 7, after: [0, 0] }], 1, 1, []);
    assert.deepEqual(await reading, [], 'readers do not wait');
    other.exec('COMMIT');
    assert.equal(await spool.accept([someEntry(10)]), 1);
    other.close();
    await spool.close();
  });
});
