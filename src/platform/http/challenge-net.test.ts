import assert from 'node:assert/strict';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTcp } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import type { Fetched } from '../../ca/acme/challenge-net.ts';
import type { AddressAnswer } from '../../relay/delivery/resolver.ts';
import { challengeNet } from './challenge-net.ts';

const PATH = '/.well-known/acme-challenge/token';

interface Host {
  readonly addresses?: readonly string[];
  readonly answer?: AddressAnswer;
}

interface Look {
  readonly name?: string;
  /** The names that there are. */
  readonly hosts?: Readonly<Record<string, Host>>;
  readonly patience?: number;
  readonly abort?: AbortController;
}

/** One look. Only 127.0.0.1 and 127.0.0.3 may be asked. */
async function look(
  listen: RequestListener | undefined,
  { name = 'host.example', hosts = { 'host.example': {} }, patience = 2_000, abort = new AbortController() }: Look = {},
): Promise<{
  readonly found: Fetched;
  readonly requests: string[];
  readonly resolved: string[];
  readonly port: number;
}> {
  const requests: string[] = [];
  const resolved: string[] = [];
  const server: Server = createServer((request, response) => {
    requests.push(`${request.headers.host} ${request.url}`);
    listen?.(request, response);
  });
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
  const net = challengeNet({
    async addresses(asked) {
      resolved.push(asked);
      const host = hosts[asked];
      if (host === undefined) return { kind: 'none', exists: false };
      return host.answer ?? { kind: 'found', addresses: host.addresses ?? ['127.0.0.1'] };
    },
    texts: async () => ({ kind: 'none' }),
    mayFetchFrom: (address) => address === '127.0.0.1' || address === '127.0.0.3',
    httpPort: () => port,
    patience,
  });
  try {
    return { found: await net.fetch(name, PATH, abort.signal), requests, resolved, port };
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

function failed(found: Fetched, fault: string, words: RegExp): void {
  assert.ok(found.kind === 'failed', JSON.stringify(found));
  assert.equal(found.fault, fault, found.why);
  assert.match(found.why, words);
}

const says =
  (text: string, status = 200): RequestListener =>
  (_, response) =>
    void response.writeHead(status).end(text);

const leadsTo =
  (location: (port: number) => string): RequestListener =>
  (request, response) =>
    void response.writeHead(302, { location: location(request.socket.localPort ?? 0) }).end();

describe('the proof of a challenge', () => {
  test('is the first line, from an address that was looked up and judged', async () => {
    const { found, requests, port } = await look(says('proof \r\nmore'));
    assert.deepEqual(found, { kind: 'answer', status: 200, text: 'proof \r', from: '127.0.0.1' });
    assert.deepEqual(requests, [`host.example:${port} ${PATH}`]);
    assert.deepEqual((await look(says('gone', 404))).found, {
      kind: 'answer',
      status: 404,
      text: 'gone',
      from: '127.0.0.1',
    });
  });

  test('is short: nobody waits for the rest, and nobody keeps it', async () => {
    const endless: RequestListener = (_, response) => {
      response.writeHead(200);
      const more = (): void => {
        if (!response.destroyed) response.write('x'.repeat(65_536), () => setImmediate(more));
      };
      more();
    };
    const { found } = await look(endless);
    assert.ok(found.kind === 'answer' && found.text.length === 1_024);
  });

  test('comes in time', async () => {
    const started = performance.now();
    failed((await look(() => {}, { patience: 200 })).found, 'connection', /no whole answer in time/);
    const half: RequestListener = (_, response) => void response.writeHead(200).write('pro');
    failed((await look(half, { patience: 200 })).found, 'connection', /no whole answer in time/);
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 50);
    failed((await look(() => {}, { abort })).found, 'connection', /in time/);
    assert.ok(performance.now() - started < 1_500);
  });

  test('is HTTP', async () => {
    const server = createTcp((socket) => socket.resume().end('SSH-2.0-OpenSSH_9\r\n'));
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
    });
    const net = challengeNet({
      addresses: async () => ({ kind: 'found', addresses: ['127.0.0.1'] }),
      texts: async () => ({ kind: 'none' }),
      mayFetchFrom: () => true,
      httpPort: () => port,
    });
    failed(await net.fetch('host.example', PATH, new AbortController().signal), 'connection', /Parse Error/);
    await new Promise((resolve) => server.close(resolve));
  });

  test('is not fetched from addresses that are not allowed, whatever else the name has', async () => {
    const within = (addresses: readonly string[]) => look(says('proof'), { hosts: { 'host.example': { addresses } } });
    const none = await within(['127.0.0.2', '169.254.169.254']);
    failed(none.found, 'refused', /127\.0\.0\.2, 169\.254\.169\.254, from which nothing is fetched/);
    assert.deepEqual(none.requests, []);
    assert.equal((await within(['127.0.0.2', '127.0.0.1'])).found.kind, 'answer');
    // Nobody listens there: the next one is tried.
    assert.equal((await within(['127.0.0.3', '127.0.0.1'])).found.kind, 'answer');
    failed((await within(['127.0.0.3'])).found, 'connection', /127\.0\.0\.3\): connect ECONNREFUSED/);
  });

  test('names without an address, and name servers that fail', async () => {
    failed((await look(says('x'), { name: 'none.example' })).found, 'dns', /none\.example has no address/);
    const hosts = {
      'host.example': { answer: { kind: 'temporary', detail: 'no name server answered in time' } },
    } as const;
    failed((await look(says('x'), { hosts })).found, 'dns', /no name server answered in time/);
  });

  test('redirects: to this port and to 443, of names, a few times', async () => {
    const hosts = { 'host.example': {}, 'www.example': {} };
    const onward: RequestListener = (request, response) => {
      if (request.headers.host?.startsWith('www.example') === true) return says('proof')(request, response);
      leadsTo((port) => `http://www.example:${port}/elsewhere?x=1`)(request, response);
    };
    const followed = await look(onward, { hosts });
    assert.ok(followed.found.kind === 'answer' && followed.found.text === 'proof');
    assert.deepEqual(
      followed.resolved,
      ['host.example', 'www.example'],
      'the new name is looked up and judged as the first was',
    );
    assert.equal(followed.requests[1], `www.example:${followed.port} /elsewhere?x=1`);

    const loop = await look(leadsTo(() => '/again'));
    failed(loop.found, 'refused', /more than 5 redirects/);
    assert.equal(loop.requests.length, 6);
    for (const [to, words] of [
      ['http://host.example:1/', /only ports/],
      ['https://host.example:8443/', /only ports/],
      ['ftp://host.example/', /only ports/],
      ['file:///etc/passwd', /only ports/],
      ['javascript:alert(1)', /only ports/],
      ['http://user:password@host.example/', /only ports/],
      ['https://127.0.0.1/', /no DNS name/],
      ['https://[::1]/', /no DNS name/],
      ['https://2130706433/', /no DNS name/],
      ['https://0x7f.1/', /no DNS name/],
      ['http://', /no URL/],
    ] as const) {
      const tried = await look(leadsTo(() => to));
      failed(tried.found, 'refused', words);
      assert.equal(tried.requests.length, 1, to);
    }
    // A name that leads where nothing is fetched from.
    const inside = await look(
      leadsTo((port) => `http://inside.example:${port}/`),
      {
        hosts: { 'host.example': {}, 'inside.example': { addresses: ['127.0.0.2'] } },
      },
    );
    failed(inside.found, 'refused', /inside\.example has the address 127\.0\.0\.2/);
    assert.equal(inside.requests.length, 1);
  });
});
