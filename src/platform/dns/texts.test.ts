import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NameServer } from '../../../test/peers/names.ts';
import { defaultDnsSettings } from './resolver.ts';
import { textResolver } from './texts.ts';

test('TXT records as they are now: found, none, and no answer are three things; nothing is remembered', async () => {
  const names = await NameServer.open();
  const texts = textResolver({ ...defaultDnsSettings, servers: [names.place], timeout: 500, tries: 1 });
  const name = '_acme-challenge.host.example';
  try {
    assert.deepEqual(await texts(name), { kind: 'none' });
    names.texts.set(name, ['first', 'second']);
    const found = await texts(name);
    assert.ok(found.kind === 'found');
    assert.deepEqual(found.texts.toSorted(), ['first', 'second']);
    names.texts.set(name, ['third']);
    assert.deepEqual(await texts(name), { kind: 'found', texts: ['third'] });
    names.texts.delete(name);
    names.addresses.set(name, ['192.0.2.1']);
    assert.deepEqual(await texts(name), { kind: 'none' });
    assert.equal(names.asked.length, 4);
    assert.deepEqual(await texts('a'.repeat(300)), { kind: 'none' });
  } finally {
    await names[Symbol.asyncDispose]();
  }
  assert.equal((await texts(name)).kind, 'temporary');
});
