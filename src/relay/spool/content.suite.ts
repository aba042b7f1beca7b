import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { concat } from '../../base/bytes.ts';
import { Fault } from '../../base/fault.ts';
import { queueId } from '../../base/id.ts';
import type { ContentStore } from './spool.ts';

/** A content written in these pieces, and read back whole. */
export async function readAll(store: ContentStore, ref: string): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of store.read(ref)) pieces.push(piece);
  return concat(pieces);
}

function faultOf(key: string): (thrown: unknown) => boolean {
  return (thrown) => thrown instanceof Fault && thrown.status.key === key;
}

/** The contract of ContentStore as tests; every implementation runs it. */
export function contentSuite(name: string, make: () => Promise<ContentStore>): void {
  describe(`content contract: ${name}`, () => {
    test('whatever the pieces, what is read is what was written', async () => {
      const store = await make();
      let id = 1_000;
      const pieces = fc.array(fc.integer({ min: 0, max: 150_000 }), { maxLength: 8 });
      await fc.assert(
        fc.asyncProperty(pieces, fc.boolean(), async (sizes, wait) => {
          const writer = store.create(++id);
          const written = sizes.map((size, n) => new Uint8Array(size).fill(n + 1));
          const writes = [];
          for (const piece of written) {
            const write = writer.write(piece);
            if (wait) await write;
            writes.push(write);
          }
          const ref = await writer.finish();
          await Promise.all(writes);
          assert.equal(ref, queueId(id));
          assert.deepEqual(await readAll(store, ref), concat(written));
          await store.drop(ref);
        }),
        { numRuns: 20 },
      );
      assert.deepEqual(await store.refs(), []);
    });

    test('reading comes in pieces of at most 64 KB and may stop early', async () => {
      const store = await make();
      const writer = store.create(7);
      await writer.write(new Uint8Array(200_000));
      const ref = await writer.finish();
      const sizes: number[] = [];
      for await (const piece of store.read(ref)) sizes.push(piece.length);
      assert.deepEqual(sizes, [65_536, 65_536, 65_536, 3_392]);
      for await (const piece of store.read(ref)) {
        assert.equal(piece.length, 65_536);
        break;
      }
      assert.equal((await readAll(store, ref)).length, 200_000);
    });

    test('refs has what is finished and not dropped', async () => {
      const store = await make();
      const refs = await Promise.all(
        [1, 2, 3, 4].map(async (id) => {
          const writer = store.create(id);
          await writer.write(new Uint8Array(10));
          return writer.finish();
        }),
      );
      await store.drop(refs[1] ?? '');
      await store.drop(refs[1] ?? '');
      const open = store.create(9);
      await open.write(new Uint8Array(10));
      assert.deepEqual((await store.refs()).sort(), [queueId(1), queueId(3), queueId(4)]);
      await open.abandon();
    });

    test('what is abandoned leaves nothing', async () => {
      const store = await make();
      const writer = store.create(1);
      await writer.write(new Uint8Array(100_000));
      await writer.abandon();
      await writer.abandon();
      assert.deepEqual(await store.refs(), []);
      await assert.rejects(readAll(store, queueId(1)), faultOf('content-missing'));
      await store.create(2).abandon();
      const again = store.create(1);
      await again.write(new Uint8Array(3));
      assert.equal((await readAll(store, await again.finish())).length, 3);
    });

    test('a writer that is done takes no more', async () => {
      const store = await make();
      const writer = store.create(1);
      await writer.finish();
      await assert.rejects(writer.write(new Uint8Array(1)), faultOf('storage-failed'));
      await assert.rejects(writer.finish(), faultOf('storage-failed'));
      await writer.abandon();
      assert.deepEqual(await readAll(store, queueId(1)), new Uint8Array(0), 'to abandon it then changes nothing');
    });
  });
}
