import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { plainAnswer, type WebRoute } from '../ca/web.ts';
import { parseConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { Web } from './web.ts';

function configOf(web: object): Config {
  const { config, problems } = parseConfig(JSON.stringify({ hostname: 'relay.example.net', web }), 'x');
  assert.deepEqual(problems, []);
  return config as Config;
}

const route = (text: string): WebRoute => ({
  path: '/here',
  over: 'both',
  methods: ['GET'],
  maxBody: 0,
  handle: () => plainAnswer(200, text),
});

test('a port that is taken is told and stops nothing; it is tried again with the next configuration', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const troubles: string[] = [];
  const tls = { certificate: '', key: '', authorities: [], staple: undefined };
  const web = new Web({ routes: [route('one')], tls, onTrouble: (detail) => troubles.push(detail) });
  const here = configOf({ http: { port }, https: { enabled: false } });
  try {
    await web.configure(here);
    const [shown, ...more] = web.listening;
    assert.deepEqual(more, []);
    assert.match(shown?.fault ?? '', new RegExp(`cannot listen on http 127\\.0\\.0\\.1:${port}: .*EADDRINUSE`));
    assert.deepEqual(troubles, [shown?.fault]);

    other.close();
    await once(other, 'close');
    await web.configure(here);
    assert.equal(web.listening[0]?.fault, undefined);
    const url = `http://127.0.0.1:${port}/here`;
    assert.equal(await (await fetch(url)).text(), 'one\n');
    web.update({ routes: [route('two')] });
    assert.equal(await (await fetch(url)).text(), 'two\n');

    // The same configuration again leaves what is open alone; another closes it.
    await web.configure(here);
    assert.equal(await (await fetch(url)).text(), 'two\n');
    await web.configure(configOf({ http: { enabled: false }, https: { enabled: false } }));
    assert.deepEqual(web.listening, []);
    await assert.rejects(fetch(url));
  } finally {
    await web.close(0);
    other.close();
  }
});
