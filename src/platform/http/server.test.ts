import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { utf8 } from '../../base/bytes.ts';
import { plainAnswer, type WebRequest, type WebRoute } from '../../ca/web.ts';
import { openWebListener, type OpenWebListener } from './server.ts';

interface Bench {
  readonly listener: OpenWebListener;
  readonly seen: WebRequest[];
  readonly troubles: string[];
  /** Sends octets, closes its side when told so, and gives all that came until the other side closed or fell silent. */
  readonly send: (text: string, patience?: number) => Promise<string>;
}

async function withServer(act: (bench: Bench) => Promise<void>, connections = 100): Promise<void> {
  const seen: WebRequest[] = [];
  const troubles: string[] = [];
  const routes: readonly WebRoute[] = [
    {
      path: '/list',
      over: 'both',
      methods: ['GET'],
      maxBody: 0,
      handle(request) {
        seen.push(request);
        return {
          status: 200,
          headers: { 'content-type': 'text/plain' },
          body: utf8('a list'),
          freshness: { tag: 'one', modifiedAt: 1_795_486_908_000, until: Date.now() + 60_000 },
        };
      },
    },
    {
      path: '/in/',
      over: 'both',
      methods: ['POST'],
      maxBody: 1_000,
      async handle(request) {
        seen.push(request);
        return plainAnswer(200, `${request.body.length} octets`);
      },
    },
    {
      path: '/broken',
      over: 'http',
      methods: ['GET'],
      maxBody: 0,
      handle: () => Promise.reject(new Error('inner words')),
    },
    { path: '/secret', over: 'https', methods: ['GET'], maxBody: 0, handle: () => plainAnswer(200, 'never in clear') },
  ];
  const settings = {
    name: 'http',
    address: '127.0.0.1',
    port: 0,
    connections,
    connectionsByAddress: connections,
  } as const;
  const listener = await openWebListener(settings, {
    routes: () => routes,
    tls: undefined,
    onTrouble: (detail) => troubles.push(detail),
  });
  const send = (text: string, patience = 1_000): Promise<string> =>
    new Promise((resolve, reject) => {
      let heard = '';
      const socket = connect(listener.port, '127.0.0.1', () => socket.write(text));
      const end = (): void => {
        clearTimeout(timer);
        socket.destroy();
        resolve(heard);
      };
      const timer = setTimeout(end, patience);
      socket.on('data', (bytes: Buffer) => (heard += bytes.toString('latin1')));
      socket.on('close', end);
      socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' ? end() : reject(error)));
    });
  try {
    await act({ listener, seen, troubles, send });
  } finally {
    await listener.close(0);
  }
}

const get = (target: string, ...headers: readonly string[]): string =>
  `GET ${target} HTTP/1.1\r\n${['Host: relay', 'Connection: close', ...headers].join('\r\n')}\r\n\r\n`;
const post = (target: string, body: string, ...headers: readonly string[]): string =>
  `POST ${target} HTTP/1.1\r\n${['Host: relay', 'Connection: close', ...headers].join('\r\n')}\r\n\r\n${body}`;
const first = (answer: string): string => answer.slice(0, answer.indexOf('\r\n'));

describe('HTTP listener', () => {
  test('answers with guards and what caches need, and names no program', async () => {
    await withServer(async ({ send, seen }) => {
      const answer = await send(get('/list?x=%2e%2e'));
      assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
      assert.match(answer, /x-content-type-options: nosniff/i);
      assert.match(answer, /content-security-policy: default-src 'none'/i);
      assert.match(answer, /etag: "one"/i);
      assert.doesNotMatch(answer, /^(?:server|x-powered-by):/im);
      assert.equal(seen[0]?.query, 'x=%2e%2e');
      assert.match(await send(get('/list', 'If-None-Match: W/"one"')), /^HTTP\/1\.1 304 /);
      assert.match(await send(get('/list', 'If-Modified-Since: Tue, 24 Nov 2026 02:21:48 GMT')), /^HTTP\/1\.1 304 /);
      const head = await send(get('/list').replace('GET', 'HEAD'));
      assert.match(head, /content-length: 6\r\n/i);
      assert.ok(head.endsWith('\r\n\r\n'));
    });
  });

  test('what is not there, not allowed, too long, or only over TLS', async () => {
    await withServer(async ({ send, seen }) => {
      const cases: readonly (readonly [string, RegExp])[] = [
        [get('/'), /404/],
        [get('/list/../list'), /404/],
        [get('/%6cist'), /404/],
        [get('//list'), /404/],
        [get('/secret'), /404/],
        [post('/list', ''), /405/],
        [get('/list').replace('GET', 'DELETE'), /405/],
        [get('/list').replace('GET', 'TRACE'), /405/],
        [get('/in/x'), /405/],
        [get(`/list?${'x'.repeat(5_000)}`), /414/],
        [get('/list', 'Content-Length: 1') + 'x', /400/],
        [post('/in/x', 'abc'), /411/],
        [post('/in/x', 'x'.repeat(1_001), 'Content-Length: 1001'), /413/],
        [post('/in/x', '', 'Content-Length: 99999999999'), /413/],
        [post('/in/x', `3e9\r\n${'x'.repeat(1_001)}\r\n0\r\n\r\n`, 'Transfer-Encoding: chunked'), /413/],
        [post('/in/x', 'abc', 'Content-Length: 3', 'Content-Encoding: gzip'), /415/],
        [get('/list', `X-Long: ${'x'.repeat(20_000)}`), /431/],
      ];
      for (const [request, status] of cases) assert.match(first(await send(request)), status, request.slice(0, 80));
      assert.equal(seen.length, 0);
      assert.match(await send(post('/in/x', 'abc', 'Content-Length: 3')), /^HTTP\/1\.1 200 [^]*3 octets\n$/);
    });
  });

  test('requests that two readers would read differently are refused', async () => {
    await withServer(async ({ send, seen }) => {
      const requests = [
        post(
          '/in/x',
          '0\r\n\r\nGET /list HTTP/1.1\r\nHost: a\r\n\r\n',
          'Content-Length: 5',
          'Transfer-Encoding: chunked',
        ),
        post('/in/x', 'abc', 'Content-Length: 3', 'Content-Length: 4'),
        post('/in/x', 'abc', 'Content-Length: +3'),
        post('/in/x', 'abc', 'Content-Length : 3'),
        post('/in/x', '3\nabc\n0\n\n', 'Transfer-Encoding: chunked'),
        post('/in/x', '0\r\n\r\n', 'Transfer-Encoding: xchunked'),
        get('/list', 'Host: other'),
        get('/list').replace('Host: relay\r\n', ''),
        get('/list', ' folded: yes'),
        'GET /list HTTP/1.1\nHost: relay\n\n',
        'GET /list\r\n\r\n',
        '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
        'EHLO client.example\r\n',
      ];
      for (const request of requests) {
        const answer = await send(request, 500);
        assert.doesNotMatch(answer, / 200 /, JSON.stringify(request.slice(0, 80)));
      }
      assert.equal(seen.filter(({ method }) => method === 'GET').length, 0);
    });
  });

  test('a handler that fails: 500 without its words, told once', async () => {
    await withServer(async ({ send, troubles }) => {
      for (let i = 0; i < 3; i++) {
        const answer = await send(get('/broken'));
        assert.match(answer, /^HTTP\/1\.1 500 /);
        assert.doesNotMatch(answer, /inner words/);
      }
      assert.deepEqual(troubles, ['/broken: inner words']);
    });
  });

  test('more connections than allowed are closed, and those that are open go on', async () => {
    await withServer(async ({ listener, send }) => {
      const held = Array.from({ length: 3 }, () => connect(listener.port, '127.0.0.1'));
      await Promise.all(held.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
      assert.equal(await send(get('/list'), 500), '');
      held[0]?.destroy();
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.match(await send(get('/list')), /^HTTP\/1\.1 200 /);
      for (const socket of held) socket.destroy();
    }, 3);
  });
});
