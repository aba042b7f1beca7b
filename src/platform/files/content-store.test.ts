import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Fault } from '../../base/fault.ts';
import { queueId } from '../../base/id.ts';
import { contentSuite } from '../../relay/spool/content.suite.ts';
import { fileContentStore, sweep } from './content-store.ts';
import { rest } from './content-writer.ts';
import { DirectorySync } from './directory-sync.ts';
import { fileFault } from './file-fault.ts';

describe('contents in files', () => {
  const made: string[] = [];
  const directory = async (): Promise<string> => {
    const path = await mkdtemp(join(tmpdir(), 'contents-'));
    made.push(path);
    return path;
  };

  after(async () => {
    for (const path of made) await rm(path, { recursive: true, force: true });
  });

  contentSuite('files', async () => fileContentStore(join(await directory(), 'contents')));

  test('only the owner can read, and the final name comes last', async () => {
    const path = join(await directory(), 'contents');
    const store = fileContentStore(path);
    assert.equal((await stat(path)).mode & 0o777, 0o700);
    const writer = store.create(1);
    await writer.write(new Uint8Array(600_000)); // more than may wait in memory, so it is in the file when this resolves
    assert.deepEqual(await readdir(path), [`${queueId(1)}.part`]);
    await writer.finish();
    assert.deepEqual(await readdir(path), [queueId(1)]);
    assert.equal((await stat(join(path, queueId(1)))).mode & 0o777, 0o600);
  });

  test('sweep removes parts and what no entry needs, and nothing else', async () => {
    const path = await directory();
    const store = fileContentStore(path);
    for (const id of [1, 2, 3]) await store.create(id).finish();
    await writeFile(join(path, `${queueId(4)}.part`), 'x');
    await writeFile(join(path, 'README'), 'x');
    await writeFile(join(path, 'notes.part'), 'x');
    assert.equal(await sweep(store, { contentRefs: async () => [queueId(2), queueId(9)] }), 3);
    assert.deepEqual((await readdir(path)).sort(), [queueId(2), 'README', 'notes.part'].sort());
  });

  test('a reference never leads out of the directory', async () => {
    const path = await directory();
    await writeFile(join(path, 'secret'), 'x');
    const store = fileContentStore(join(path, 'contents'));
    for (const ref of ['../secret', '', '.', '/etc/passwd', `${queueId(1)}.part`, '00000000abc']) {
      const gone = (thrown: unknown): boolean => thrown instanceof Fault && thrown.status.key === 'content-missing';
      await assert.rejects(store.read(ref)[Symbol.asyncIterator]().next(), gone, ref);
      await assert.rejects(store.drop(ref), Fault);
    }
  });

  test('a failing disk: every later call tells, nothing is left, other contents go on', async () => {
    const path = join(await directory(), 'contents');
    const store = fileContentStore(path);
    await writeFile(join(path, `${queueId(1)}.part`), 'in the way');
    const writer = store.create(1);
    const failed = (thrown: unknown): boolean => thrown instanceof Fault && thrown.status.key === 'storage-failed';
    await assert.rejects(writer.write(new Uint8Array(600_000)), failed);
    await assert.rejects(writer.write(new Uint8Array(1)), failed);
    await assert.rejects(writer.finish(), failed);
    await writer.abandon();
    const other = store.create(2);
    await other.write(new Uint8Array(5));
    await other.finish();
    await rm(path, { recursive: true });
    await assert.rejects(store.create(3).finish(), failed, 'a directory that is gone is no missing content');
  });

  test('a full disk has its own status', () => {
    for (const [code, key] of [
      ['ENOSPC', 'storage-full'],
      ['EDQUOT', 'storage-full'],
      ['EIO', 'storage-failed'],
      ['ENOENT', 'storage-failed'],
    ] as const) {
      assert.equal(fileFault(Object.assign(new Error('x'), { code }), '/p').status.key, key);
    }
  });

  test('a short write is gone on with from where it ended', () => {
    const pieces = [new Uint8Array([1, 2, 3]), new Uint8Array([4]), new Uint8Array([5, 6])];
    const left = (written: number): number[][] => rest(pieces, written).map((piece) => [...piece]);
    assert.deepEqual(left(0), [[1, 2, 3], [4], [5, 6]]);
    assert.deepEqual(left(2), [[3], [4], [5, 6]]);
    assert.deepEqual(left(3), [[4], [5, 6]]);
    assert.deepEqual(left(5), [[6]]);
    assert.deepEqual(left(6), []);
  });

  test('directory syncs are joined, and one that runs is not enough for who asks later', async () => {
    const sync = new DirectorySync(await directory());
    const first = sync.sync();
    const second = sync.sync();
    const third = sync.sync();
    assert.notEqual(first, second);
    assert.equal(second, third);
    await Promise.all([first, second]);
    await sync.sync();
    const nowhere = new DirectorySync('/nonexistent');
    const results = await Promise.allSettled([nowhere.sync(), nowhere.sync(), nowhere.sync()]);
    assert.ok(
      results.every((result) => result.status === 'rejected'),
      'each is told',
    );
  });
});
