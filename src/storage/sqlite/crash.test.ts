import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sqliteSpool } from './spool.ts';

const ROUNDS = 4;
const ANSWERS = 150;

/** What the killed process was told was done, and the ids it used. */
interface Told {
  readonly accepted: Set<number>;
  readonly settled: Set<number>;
}

/** Runs the child until it has got so many answers, and kills it in the middle of its work. */
async function killed(path: string, first: number, told: Told): Promise<void> {
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('./crash.child.ts', import.meta.url)), path, String(first)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const closed = once(child, 'close');
  let text = '';
  let answers = 0;
  for await (const chunk of child.stdout) {
    text += String(chunk);
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) (line.startsWith('+') ? told.accepted : told.settled).add(Number(line.slice(1)));
    answers += lines.length;
    if (answers >= ANSWERS) child.kill('SIGKILL');
  }
  const [, signal] = (await closed) as [number | null, string | null];
  assert.equal(signal, 'SIGKILL');
}

describe('killed while accepting and settling', () => {
  let directory = '';
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'crash-'));
  });
  after(() => rmSync(directory, { recursive: true }));

  test('every acknowledged message is there, every acknowledged settlement has counted', async () => {
    const path = join(directory, 'spool.db');
    const told: Told = { accepted: new Set(), settled: new Set() };
    for (let round = 0; round < ROUNDS; round++) await killed(path, 1_000_000 * (round + 1), told);
    assert.ok(told.accepted.size >= ROUNDS * 50 && told.settled.size >= ROUNDS * 10, 'it did work');

    const spool = sqliteSpool(path);
    const there = new Set((await spool.list({}, 1_000_000)).map((entry) => entry.id));
    const counts = await spool.counts();
    assert.deepEqual([counts.entries, counts.deliveries], [there.size, there.size], 'no message without its delivery');
    for (const id of told.settled) assert.ok(!there.has(id), `${id} was settled`);
    for (const id of told.accepted) {
      if (!there.has(id)) {
        assert.equal(id % 3, 0, `${id} was accepted and is lost`);
        assert.deepEqual(
          (await spool.history(id)).map((line) => line.kind),
          ['accepted', 'delivered'],
        );
        continue;
      }
      const [bytes] = await spool.contents([id]);
      assert.ok(
        bytes !== undefined && bytes.length === (id % 7) * 3_000 && bytes.every((byte) => byte === id % 251),
        `content of ${id}`,
      );
    }
    await spool.close();
    const db = new DatabaseSync(path);
    assert.equal(db.prepare('PRAGMA integrity_check').get()?.['integrity_check'], 'ok');
    db.close();
  });
});
