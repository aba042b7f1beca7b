import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Fault } from '../../base/fault.ts';
import { queueId } from '../../base/id.ts';
import { someDelivery, someEntry } from '../../relay/spool/spool.suite.ts';
import type { SpoolSignal } from '../../relay/spool/spool.ts';
import { onRing, spoolClient, startSpoolThread } from './spool-client.ts';

/** Hears rings, and tells when the next has come. */
class Bell implements SpoolSignal {
  readonly rung: number[][] = [];
  #heard = Promise.withResolvers<void>();

  ring(lanes: ReadonlySet<number>): void {
    this.rung.push([...lanes].sort((a, b) => a - b));
    this.#heard.resolve();
    this.#heard = Promise.withResolvers();
  }

  /** Resolves with the next ring. */
  next(): Promise<void> {
    return this.#heard.promise;
  }
}

describe('spool thread', () => {
  let directory = '';
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'spool-thread-'));
  });
  after(() => rmSync(directory, { recursive: true }));

  test('serves several ports, rings after the commit, sweeps at the start, and keeps what it was given', async () => {
    const options = { database: join(directory, 'a.db'), contents: join(directory, 'contents') };
    const thread = await startSpoolThread(options);
    const bell = new Bell();
    onRing(thread.connectRing(), bell);
    const front = spoolClient(thread.connect());
    const other = spoolClient(thread.connect());

    const heard = bell.next();
    const bytes = new Uint8Array(4_000).fill(65);
    const entries = [
      someEntry(100, { content: { kind: 'inline', bytes } }),
      someEntry(200, { deliveries: [someDelivery(201, { lane: 9 })] }),
    ];
    assert.deepEqual(await Promise.all(entries.map((entry) => front.accept([entry]))), [1, 1]);
    await heard;
    assert.deepEqual(bell.rung, [[7, 9]], 'two accepts, one commit, one ring');
    assert.equal(bytes.byteLength, 0, 'content was moved');
    assert.deepEqual((await other.contents([100]))[0], new Uint8Array(4_000).fill(65));
    assert.equal((await thread.spool.counts()).entries, 2);
    await assert.rejects(
      other.accept([someEntry(300, { deliveries: [] })]),
      (thrown) => thrown instanceof Fault && thrown.status.key === 'storage-failed',
    );
    await other.accept([someEntry(400, { content: { kind: 'stored', ref: queueId(400) } })]);

    const last = front.accept([someEntry(500)]);
    await front.counts(); // so `last` has reached the thread
    await thread.stop();
    assert.equal(await last, 1);
    assert.equal(await thread.ended, undefined);
    await assert.rejects(front.counts(), Fault);

    for (const id of [400, 600]) writeFileSync(join(options.contents, queueId(id)), 'x');
    const again = await startSpoolThread(options);
    assert.equal(again.swept, 1);
    assert.deepEqual(readdirSync(options.contents), [queueId(400)]);
    assert.deepEqual(
      (await again.spool.list({}, 9)).map((entry) => entry.id),
      [100, 200, 400, 500],
    );
    await again.spool.close();
    await again.stop();
  });

  test('a database that cannot be opened is told to whoever starts the thread', async () => {
    const database = join(directory, 'no/such/place.db');
    await assert.rejects(
      startSpoolThread({ database, contents: undefined }),
      (thrown) => thrown instanceof Fault && thrown.detail.includes(database),
    );
  });
});
