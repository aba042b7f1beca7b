import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { inFolder, run } from '../../test/fakes/outside.ts';
import { readList } from './list-file.ts';

describe('lists that aliases include', () => {
  test('what the keeper of a list makes of it leads to nothing that only the relay may read', () =>
    inFolder(({ path }) => {
      const at = (name: string): string => join(path, name);
      writeFileSync(at('list'), 'joe@far.test\n', { mode: 0o600 });
      mkdirSync(at('own'), { mode: 0o700 });
      writeFileSync(at('own/secret'), 'k7wd-2mpa\n', { mode: 0o600 });
      writeFileSync(at('own/open'), 'jane@far.test\n');
      chmodSync(at('own/open'), 0o644);
      symlinkSync(at('own/secret'), at('link'));
      symlinkSync(at('own'), at('lists'));
      assert.equal(readList(at('list'), false).toString(), 'joe@far.test\n');
      assert.equal(readList(at('own/secret'), false).toString(), 'k7wd-2mpa\n', 'the operator may name it');
      assert.throws(() => readList(at('own/secret'), true), /a list names it, and not every user may read it/);
      assert.doesNotThrow(() => readList('/etc/passwd', true), 'what all may read, lists may name');
      assert.throws(() => readList(at('link'), false), /a link leads to it .*own\/secret/);
      assert.throws(() => readList(at('lists/secret'), false), /a link leads to it/);
      assert.throws(
        () => readList(at('lists/open'), false),
        /a link leads to it/,
        'nobody else gets into the directory',
      );
    }));

  test('no list is waited for, or read without end', () =>
    inFolder(({ path }) => {
      const fifo = join(path, 'fifo');
      assert.equal(run('mkfifo', [fifo]).code, 0);
      assert.throws(() => readList(fifo, false), /no regular file/);
      assert.throws(() => readList('/dev/zero', false), /no regular file/);
      assert.throws(() => readList(path, false), /no regular file/);
      const large = join(path, 'large');
      writeFileSync(large, Buffer.alloc(1_024 * 1_024 + 1, 'x'));
      assert.throws(() => readList(large, false), /more than 1048576 octets/);
    }));
});
