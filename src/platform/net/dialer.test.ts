import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { latin1, utf8 } from '../../base/bytes.ts';
import type {
  DialTarget,
  DialTls,
  OutboundConnection,
  OutboundHandler,
  OutboundTls,
} from '../../relay/delivery/dialer.ts';
import { netDialer } from './dialer.ts';
import { missing } from '../../../test/fakes/outside.ts';

/** A handler that keeps what it hears, in words, and can be waited on. */
class Listener implements OutboundHandler {
  readonly heard: string[] = [];
  tls: OutboundTls | undefined;
  #wake: (() => void) | undefined;

  received(bytes: Uint8Array): void {
    this.#note(`received ${latin1(bytes)}`);
  }
  secured(tls: OutboundTls): void {
    this.tls = tls;
    this.#note('secured');
  }
  drained(): void {
    this.#note('drained');
  }
  ended(): void {
    this.#note('ended');
  }
  closed(detail: string | undefined): void {
    this.#note(`closed ${detail}`);
  }
  async until(start: string): Promise<string> {
    for (;;) {
      const found = this.heard.find((line) => line.startsWith(start));
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
  #note(line: string): void {
    this.heard.push(line);
    this.#wake?.();
  }
}

function never(): AbortSignal {
  return new AbortController().signal;
}

describe('net dialer', { skip: missing('openssl') }, () => {
  let directory = '';
  const servers: Server[] = [];
  const file = (name: string): string => join(directory, name);

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'dialer-'));
    const openssl = (...options: string[]): void =>
      void execFileSync('openssl', options, { cwd: directory, stdio: 'ignore' });
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=Test CA', '-days', '2');
    writeFileSync(file('hop.ext'), 'subjectAltName=DNS:hop.example,IP:127.0.0.1\n');
    for (const name of ['hop', 'relay']) {
      openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}.example`);
      openssl(
        'x509',
        '-req',
        '-in',
        `${name}.csr`,
        '-CA',
        'ca.pem',
        '-CAkey',
        'ca.key',
        '-CAcreateserial',
        '-days',
        '2',
        '-out',
        `${name}.pem`,
        ...(name === 'hop' ? ['-extfile', 'hop.ext'] : []),
      );
    }
  });
  after(() => {
    for (const server of servers) server.close();
    rmSync(directory, { recursive: true });
  });

  async function listening(server: Server): Promise<number> {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }

  async function plain(onSocket: (socket: Socket) => void): Promise<number> {
    return listening(
      createServer((socket) => {
        socket.on('error', () => socket.destroy());
        onSocket(socket);
      }),
    );
  }

  /** A TLS server that asks for a certificate and says what it saw. */
  function secureServer(): Server {
    const server = createTlsServer({
      cert: readFileSync(file('hop.pem')),
      key: readFileSync(file('hop.key')),
      ca: readFileSync(file('ca.pem')),
      requestCert: true,
      rejectUnauthorized: false,
    });
    server.on('secureConnection', (socket: TLSSocket) => {
      const subject = socket.getPeerCertificate().subject as { CN?: string } | undefined;
      socket.on('error', () => socket.destroy());
      socket.write(`sni ${String(socket.servername)} peer ${subject?.CN ?? 'nobody'}`);
    });
    return server;
  }

  async function open(target: DialTarget, handler: OutboundHandler): Promise<OutboundConnection> {
    const result = await netDialer().dial(target, handler, never());
    assert.ok(result.kind === 'connected', JSON.stringify(result));
    return result.connection;
  }

  function tlsTo(name: string, changes: Partial<DialTls> = {}): DialTls {
    return { name, identity: undefined, authorities: { files: [file('ca.pem')], directories: [] }, ...changes };
  }

  test('carries bytes both ways, greeting included, and tells the end', async () => {
    const port = await plain((socket) => {
      socket.write('220 hi\r\n');
      socket.once('data', (bytes: Buffer) => socket.end(`got ${bytes.toString('latin1')}`));
    });
    const handler = new Listener();
    const connection = await open({ host: 'hop.example', address: '127.0.0.1', port }, handler);
    assert.equal(connection.tls, undefined);
    assert.equal(await handler.until('received'), 'received 220 hi\r\n');
    connection.send(utf8('EHLO'));
    await handler.until('closed');
    assert.deepEqual(handler.heard, ['received 220 hi\r\n', 'received got EHLO', 'ended', 'closed undefined']);
  });

  test('says why it failed: refused, stopped before or while connecting', async () => {
    const port = await plain(() => {});
    const closed = servers.pop() as Server;
    await new Promise((resolve) => closed.close(resolve));
    const target = { host: 'h', address: '127.0.0.1', port };
    assert.deepEqual(await netDialer().dial(target, new Listener(), never()), {
      kind: 'failed',
      stage: 'connect',
      detail: 'Connection refused',
    });
    assert.deepEqual(await netDialer().dial(target, new Listener(), AbortSignal.abort()), {
      kind: 'failed',
      stage: 'connect',
      detail: 'the attempt was stopped',
    });
    const stop = new AbortController();
    const pending = netDialer().dial(target, new Listener(), stop.signal);
    stop.abort();
    assert.deepEqual(await pending, { kind: 'failed', stage: 'connect', detail: 'the attempt was stopped' });
  });

  test('a reset is told with its reason, a destroyed connection tells nothing', async () => {
    const port = await plain((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const handler = new Listener();
    const connection = await open({ host: 'h', address: '127.0.0.1', port }, handler);
    connection.send(utf8('x'));
    assert.equal(await handler.until('closed'), 'closed Connection reset by peer');

    const gone = new Promise<void>((resolve) => {
      void plain((socket) => socket.on('close', () => resolve())).then(async (other) => {
        const silent = new Listener();
        (await open({ host: 'h', address: '127.0.0.1', port: other }, silent)).destroy();
        await gone;
        assert.deepEqual(silent.heard, []);
      });
    });
    await gone;
  });

  test('end() sends what was handed over first', async () => {
    const whole = new Promise<string>((resolve) => {
      void plain((socket) => {
        let text = '';
        socket.on('data', (bytes: Buffer) => (text += bytes.toString('latin1'))).on('end', () => resolve(text));
      }).then(async (port) => {
        const connection = await open({ host: 'h', address: '127.0.0.1', port }, new Listener());
        connection.send(utf8('QUIT\r\n'));
        connection.end();
      });
    });
    assert.equal(await whole, 'QUIT\r\n');
  });

  test('a slow peer holds back, and drained follows', async () => {
    let peer: Socket | undefined;
    const port = await plain((socket) => (peer = socket.pause()));
    const handler = new Listener();
    const connection = await open({ host: 'h', address: '127.0.0.1', port }, handler);
    const piece = new Uint8Array(1 << 20);
    let sent = 0;
    while (connection.send(piece)) assert.ok(++sent < 64);
    peer?.resume();
    await handler.until('drained');
    connection.destroy();
  });

  test('implicit TLS: name, identity, and a verdict that is true', async () => {
    const port = await listening(secureServer());
    const identity = { certificate: file('relay.pem'), key: file('relay.key') };
    const handler = new Listener();
    const connection = await open(
      { host: 'hop.example', address: '127.0.0.1', port, implicitTls: tlsTo('hop.example', { identity }) },
      handler,
    );
    assert.equal(await handler.until('received'), 'received sni hop.example peer relay.example');
    assert.deepEqual(
      { ...connection.tls, cipher: '' },
      {
        version: 'TLSv1.3',
        cipher: '',
        bits: connection.tls?.bits,
        verified: true,
        detail: undefined,
        trusted: true,
        certificate: {
          subject: '/CN=hop.example',
          issuer: '/CN=Test+20CA',
          commonName: 'hop.example',
          dnsNames: ['hop.example'],
        },
      },
    );
    assert.ok([128, 256].includes(connection.tls?.bits ?? 0));
    connection.destroy();
  });

  test('what does not verify is connected all the same, with the reason', async () => {
    const port = await listening(secureServer());
    const cases: [DialTls, boolean, RegExp | undefined][] = [
      [tlsTo('other.example'), false, /ALTNAME/],
      [tlsTo('hop.example', { authorities: undefined }), false, /SELF_SIGNED|UNABLE_TO/],
      [tlsTo('127.0.0.1'), true, undefined],
    ];
    for (const [tls, verified, reason] of cases) {
      const connection = await open({ host: 'h', address: '127.0.0.1', port, implicitTls: tls }, new Listener());
      assert.equal(connection.tls?.verified, verified, tls.name);
      if (reason !== undefined) assert.match(connection.tls?.detail ?? '', reason);
      connection.destroy();
    }
  });

  test('STARTTLS after words in clear', async () => {
    const secure = secureServer();
    const port = await plain((socket) => {
      socket.write('220 hi\r\n');
      socket.once('data', () => {
        socket.removeAllListeners('data');
        socket.write('220 go\r\n', () => secure.emit('connection', socket));
      });
    });
    const handler = new Listener();
    const connection = await open({ host: 'hop.example', address: '127.0.0.1', port }, handler);
    await handler.until('received 220 hi');
    connection.send(utf8('STARTTLS\r\n'));
    await handler.until('received 220 go');
    connection.startTls(tlsTo('hop.example'));
    await handler.until('secured');
    assert.equal(handler.tls?.verified, true);
    assert.equal(await handler.until('received sni'), 'received sni hop.example peer nobody');
    connection.destroy();
  });

  test('a handshake that fails closes with its reason; files that cannot be read say so', async () => {
    const port = await plain((socket) => socket.once('data', () => socket.end('this is no TLS at all\r\n')));
    const target = { host: 'h', address: '127.0.0.1', port };
    const failed = await netDialer().dial({ ...target, implicitTls: tlsTo('hop.example') }, new Listener(), never());
    assert.ok(failed.kind === 'failed' && failed.stage === 'tls' && failed.detail.length > 0);

    const handler = new Listener();
    (await open(target, handler)).startTls(tlsTo('hop.example'));
    assert.doesNotMatch(await handler.until('closed'), /undefined/);

    const missing = tlsTo('hop.example', { authorities: { files: [file('nowhere.pem')], directories: [] } });
    const result = await netDialer().dial({ ...target, implicitTls: missing }, new Listener(), never());
    assert.ok(result.kind === 'failed' && result.stage === 'tls' && result.detail.includes('nowhere.pem'));
    const told = new Listener();
    (await open(target, told)).startTls(missing);
    assert.match(await told.until('closed'), /nowhere\.pem/);
  });
});
