import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileCredentials } from './credentials.ts';

const hop = (host: string) => ({ host, address: '192.0.2.1' });

test('logins from a table of hops, and from an access map with other lines', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'sealpost-credentials-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'access');
  writeFileSync(path, 'To:a.test RELAY\nAuthInfo:hub "U:a" "P:b"\nConnect:10 REJECT\n', { mode: 0o640 });
  const credentials = fileCredentials(path);
  const find = (host: string): unknown => credentials.find(hop(host), undefined);
  assert.deepEqual(find('hub'), { user: 'a', password: 'b', mechanisms: undefined });
  assert.equal(find('other'), undefined);

  writeFileSync(path, 'AuthInfo:hub "U:a" "P:changed"\n');
  assert.deepEqual(find('hub'), { user: 'a', password: 'changed', mechanisms: undefined });

  chmodSync(path, 0o644);
  assert.match(String(find('hub')), /others can read or write .*access, which has passwords; make it 0640/);
  assert.equal(find('other'), undefined, 'who needs no password is not kept waiting');
});

test('a password file that others can read is refused', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'sealpost-credentials-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const passwordFile = join(directory, 'password');
  const wanted = { user: 'a', passwordFile, mechanisms: undefined };
  const find = (): unknown => fileCredentials(undefined).find(hop('hub'), wanted);
  writeFileSync(passwordFile, 'secret\n', { mode: 0o600 });
  assert.deepEqual(find(), { user: 'a', password: 'secret', mechanisms: undefined });
  chmodSync(passwordFile, 0o644);
  assert.match(String(find()), /others can read or write .*password; make it 0600/);
});
