/** A data directory on a small disk that fills up: clients are told to come back, and nothing acknowledged is lost. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Arrivals, Blast } from './blast.ts';
import { sqlite } from './database.ts';
import { freePort } from './port.ts';
import { missing, mustRun, rootMissing } from './program.ts';
import { Relay, until } from './relay.ts';
import { Sink } from './sink.ts';
import { Talk } from './talk.ts';

/** Octets of the disk, and how many the filler leaves. */
const DISK = 16 * 1_048_576;
const ROOM = 3 * 1_048_576;

const skip = missing('sqlite3', 'mount') || rootMissing();

describe('a full disk', { skip }, () => {
  test('452 4.3.1 while it lasts, and then everything goes on', { timeout: 60_000 }, async (t) => {
    const arrivals = new Arrivals();
    await using sink = await Sink.open({ port: await freePort(), take: ({ content }) => arrivals.take(content) });
    await sink.kill();
    await using relay = await Relay.start(
      sink.port,
      {
        access: { trustedNetworks: ['127.0.0.1/32'] },
        schedule: { firstRetry: '1s', longestRetry: '1s' },
        spool: { inlineContent: '16KB' },
        log: { level: 'info' },
      },
      ontoDisk,
    );
    try {
      const filler = relay.path('filler');
      writeFileSync(filler, Buffer.alloc(free(relay.directory) - ROOM));
      const blast = new Blast(
        10,
        () => relay.port('server'),
        (number) => (number % 4 === 0 ? 60_000 : 4_000),
      );
      await until(
        'the disk is full',
        () => [...blast.refused.values()].reduce((sum, count) => sum + count, 0) > 200,
        20_000,
      );
      await blast.stop();
      t.diagnostic(
        `${blast.acknowledged.size} acknowledged before and between ${JSON.stringify(Object.fromEntries(blast.refused))}`,
      );
      assert.deepEqual([...blast.refused.keys()], ['452 4.3.1 Insufficient storage; try again later']);

      // Mail can go out, but its end cannot be written down: it must not go out again and again.
      writeFileSync(relay.path('rest'), Buffer.alloc(free(relay.directory)));
      await sink.reopen();
      await pause(2_000);
      const wentOut = arrivals.byKey.size;
      t.diagnostic(`${wentOut} went out while the disk was full`);
      assert.equal(arrivals.compare(blast.acknowledged).duplicates, 0);

      // A start needs no space: there may be none to be had before mail has gone out.
      await relay.stop('SIGKILL');
      writeFileSync(relay.path('rest2'), Buffer.alloc(free(relay.directory)));
      await relay.begin();

      rmSync(filler);
      for (const name of ['rest', 'rest2']) rmSync(relay.path(name));
      await until('the queue is empty', async () => (await relay.status()).queue.entries === 0, 20_000);
      const talk = await Talk.open(relay.port('server'));
      await talk.greet();
      assert.match(await talk.message('X-Key: after\n\nText.\n', 'bob@example.org'), /^250/);
      await talk.quit();
      await relay.idle();
      const end = arrivals.compare(blast.acknowledged);
      t.diagnostic(
        `acknowledged ${blast.acknowledged.size}, delivered ${arrivals.byKey.size}, duplicates ${end.duplicates}, lost=${end.lost.length}, damaged=${end.damaged.length}`,
      );
      assert.deepEqual([end.lost, end.damaged], [[], []]);
      assert.ok(end.duplicates <= wentOut);
      assert.equal(await relay.stop(), 0);
      assert.equal(await sqlite(relay, 'PRAGMA integrity_check'), 'ok');
      assert.deepEqual(readdirSync(relay.path('content')), []);
    } finally {
      // Lazily: the relay may still be on it.
      await mustRun('umount', ['-l', relay.directory]);
    }
  });
});

/** Puts a small disk of its own under the data directory. */
async function ontoDisk(directory: string): Promise<void> {
  const copy = mkdtempSync(join(tmpdir(), 'sealpost-copy-'));
  cpSync(directory, copy, { recursive: true });
  await mustRun('mount', ['-t', 'tmpfs', '-o', `size=${DISK},mode=700`, 'none', directory]);
  cpSync(copy, directory, { recursive: true });
  rmSync(copy, { recursive: true });
}

function free(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}
