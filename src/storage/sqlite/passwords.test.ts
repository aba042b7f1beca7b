import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { passwordSuite, type Opened } from '../../relay/credential/store.suite.ts';
import { openPasswordLookup, openPasswords } from './passwords.ts';

function open(): Opened {
  const folder = mkdtempSync(join(tmpdir(), 'sealpost-'));
  const path = join(folder, 'sealpost.db');
  const store = openPasswords(path);
  const lookup = openPasswordLookup(path);
  return {
    store,
    lookup,
    close() {
      lookup.close();
      store.close();
      rmSync(folder, { recursive: true });
    },
  };
}

passwordSuite('sqlite', open);

test('each database has another secret', () => {
  const [one, other] = [open(), open()];
  assert.notDeepEqual(one.store.secret(), other.store.secret());
  one.close();
  other.close();
});
