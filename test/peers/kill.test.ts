/** SIGKILL under load: what was answered 250 arrives, whole, whoever is killed and whenever. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Arrivals, Blast } from './blast.ts';
import { sqlite } from './database.ts';
import { freePort } from './port.ts';
import { missing } from './program.ts';
import { Relay, until } from './relay.ts';
import { Sink } from './sink.ts';

const ROUNDS = 6;
const CONNECTIONS = 20;

/** Mostly small; one in five over the inline limit, one in twenty far over. */
function size(number: number): number {
  return number % 20 === 0 ? 200_000 : number % 5 === 0 ? 20_000 : 2_000;
}

describe('kill -9 under load', { skip: missing('sqlite3') }, () => {
  test('nothing that was acknowledged is lost', { timeout: 120_000 }, async (t) => {
    const arrivals = new Arrivals();
    await using sink = await Sink.open({ port: await freePort(), take: ({ content }) => arrivals.take(content) });
    await using relay = await Relay.start(sink.port, {
      access: { trustedNetworks: ['127.0.0.1/32'] },
      schedule: { firstRetry: '1s', longestRetry: '1s' },
      spool: { inlineContent: '16KB' },
      limits: { messagesPerSession: 100_000 },
      log: { level: 'info' },
    });
    const blast = new Blast(CONNECTIONS, () => relay.port('server'), size);
    try {
      for (let round = 1; round <= ROUNDS; round++) {
        const before = blast.acknowledged.size;
        // Somebody looks at the running relay's database, which must not part it from its write-ahead log.
        await sqlite(relay, 'SELECT count(*) FROM queue');
        await pause(500 + Math.random() * 1_500);
        // Killed alone, after the next hop, and before it.
        const order = ['relay', 'sink relay', 'relay sink'][round % 3] as string;
        for (const victim of order.split(' ')) {
          await (victim === 'sink' ? sink.kill() : relay.stop('SIGKILL'));
          if (victim !== order) await pause(Math.random() * 200);
        }
        const files = readdirSync(relay.path('content')).length;
        t.diagnostic(
          `round ${round} (${order}): ${blast.acknowledged.size - before} acknowledged, ${arrivals.byKey.size} arrived in all, ${files} content files`,
        );
        // The check reads the write-ahead log back itself: every second time that is left to the relay.
        if (round % 2 === 0) assert.equal(await sqlite(relay, 'PRAGMA integrity_check'), 'ok');
        if (order !== 'relay') await sink.reopen();
        await relay.begin();
      }
    } finally {
      await blast.stop();
    }
    const began = performance.now();
    const left = (await relay.status()).queue.entries;
    await until('the queue is empty', async () => (await relay.status()).queue.entries === 0, 60_000);
    t.diagnostic(`${left} waiting at the end arrived in ${((performance.now() - began) / 1_000).toFixed(1)} s`);
    const { lost, damaged, duplicates } = arrivals.compare(blast.acknowledged);
    t.diagnostic(
      `acknowledged ${blast.acknowledged.size}, delivered ${arrivals.byKey.size}, duplicates ${duplicates}, lost=${lost.length}, damaged=${damaged.length}`,
    );
    assert.deepEqual([lost, damaged, [...blast.refused]], [[], [], []]);
    assert.deepEqual(
      relay.log.filter(({ event }) => event === 'trouble'),
      [],
    );
    assert.equal(await relay.stop(), 0);
    assert.equal(await sqlite(relay, 'PRAGMA integrity_check'), 'ok');
    assert.equal(
      await sqlite(
        relay,
        'SELECT (SELECT count(*) FROM message), (SELECT count(*) FROM delivery), (SELECT count(*) FROM body)',
      ),
      '0|0|0',
    );
    assert.deepEqual(readdirSync(relay.path('content')), []);
  });
});
