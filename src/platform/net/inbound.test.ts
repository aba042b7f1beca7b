/** Sessions on real sockets: what the connection in memory cannot show. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { CONTENT, ENVELOPE, stage, text, type Stage, type StageOptions } from '../../../test/fakes/inbound.ts';
import { Workshop } from '../../../test/fakes/workshop.ts';
import type { ListenerSettings } from '../../relay/connection/connection.ts';
import { startSession } from '../../relay/session/session.ts';
import { memoryContentStore } from '../../storage/memory/content-store.ts';
import { listen } from './listener.ts';
import { tlsContexts } from './tls-contexts.ts';
import { missing } from '../../../test/fakes/outside.ts';

/** The client's side of a dialogue, line by line. */
class Client {
  socket: Socket;
  #heard = '';
  #closed = false;
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    this.#listen(socket);
  }

  #listen(socket: Socket): void {
    socket.on('data', (bytes) => {
      this.#heard += String(bytes);
      this.#wake();
    });
    socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
    socket.on('error', () => {});
  }

  /** Waits until what was heard matches, takes it all, and gives it. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.#heard)) {
      if (this.#closed) assert.fail(`closed after ${JSON.stringify(this.#heard)}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const heard = this.#heard;
    this.#heard = '';
    return heard;
  }

  async closed(): Promise<string> {
    while (!this.#closed) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#heard;
  }

  say(words: string | Buffer): boolean {
    return this.socket.write(words);
  }

  async secure(options: object): Promise<void> {
    const raw = this.socket;
    raw.removeAllListeners('data');
    const secured: TLSSocket = connectTls({ socket: raw, servername: 'relay.example', ...options });
    this.socket = secured;
    this.#listen(secured);
    await once(secured, 'secureConnect');
  }
}

describe('sessions on sockets', { timeout: 20_000, skip: missing('openssl') }, () => {
  const workshop = new Workshop();

  before(() => {
    workshop.ca('ours');
    workshop.leaf('server', 'ours', 'subjectAltName=DNS:relay.example\n');
    workshop.leaf('alice', 'ours', 'extendedKeyUsage=clientAuth\n');
  });

  after(() => workshop.close());

  interface Inbound extends AsyncDisposable {
    readonly at: Stage;
    readonly port: number;
    client(): Client;
  }

  async function inbound(options: StageOptions = {}, changes: Partial<ListenerSettings> = {}): Promise<Inbound> {
    const at = stage(options);
    const { cert, key } = workshop.identity('server');
    const material = { certificate: cert, key, authorities: [workshop.read('ours.pem')], ticketKeys: undefined };
    const contexts = tlsContexts(material, { handshakeTime: 5000 });
    const settings: ListenerSettings = {
      name: 'submission',
      address: '127.0.0.1',
      port: 0,
      role: 'submission',
      tls: 'starttls',
      certificates: 'ask',
      ...changes,
    };
    const open = { reusePort: true, backlog: 16, onTrouble: (detail: string) => assert.fail(detail) };
    const listener = await listen(settings, open, contexts, (connection) => void startSession(connection, at.services));
    return {
      at,
      port: listener.port,
      client: () => new Client(connect(listener.port, '127.0.0.1')),
      async [Symbol.asyncDispose]() {
        await listener.close();
        const drained = at.sessions.drain();
        at.sessions.abort();
        await drained;
      },
    };
  }

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`relays by certificate under ${version}`, async () => {
      await using server = await inbound();
      const client = server.client();
      await client.until(/^220 .*\r\n/);
      client.say('EHLO laptop.example.org\r\n');
      assert.match(await client.until(/^250 .*\r\n$/m), /250-STARTTLS\r\n/);
      client.say('STARTTLS\r\n');
      await client.until(/^220 .*\r\n$/);
      await client.secure({
        ca: workshop.read('ours.pem'),
        ...workshop.identity('alice'),
        minVersion: version,
        maxVersion: version,
      });
      client.say('EHLO laptop.example.org\r\n');
      assert.match(await client.until(/^250 .*\r\n$/m), /250-AUTH EXTERNAL\r\n/);
      client.say(ENVELOPE);
      await client.until(/354 .*\r\n$/);
      client.say(`${CONTENT}.\r\nQUIT\r\n`);
      assert.match(await client.closed(), /^250 2\.0\.0 .*accepted for delivery\r\n221 2\.0\.0 .*\r\n$/);
      assert.match(
        text(server.at.entries[0]),
        new RegExp(`\\(version=${version} cipher=[\\w-]+ bits=(128|256) verify=OK\\)`),
      );
      assert.equal(server.at.entries[0]?.origin.holder, 'alice@example.net');
      await server.at.sessions.drain();
      assert.equal(server.at.told('disconnected')[0]?.reason, 'QUIT');
    });
  }

  it('lets no client begin TLS anew', async () => {
    await using server = await inbound({}, { tls: 'implicit' });
    const socket = connectTls({
      port: server.port,
      host: '127.0.0.1',
      ca: workshop.read('ours.pem'),
      servername: 'relay.example',
      maxVersion: 'TLSv1.2',
    });
    await once(socket, 'data');
    const refused = once(socket, 'error').then(
      ([error]) => (error as Error).message,
      () => 'no error',
    );
    socket.renegotiate({}, (error) => error === null && socket.destroy(new Error('it was allowed')));
    socket.write('NOOP\r\n');
    assert.match(await refused, /no renegotiation/);
  });

  it('greets on a port of implicit TLS after the handshake', async () => {
    await using server = await inbound({}, { tls: 'implicit' });
    const socket = connectTls({
      port: server.port,
      host: '127.0.0.1',
      ca: workshop.read('ours.pem'),
      servername: 'relay.example',
    });
    const client = new Client(socket);
    await client.until(/^220 .*\r\n$/);
    client.say('EHLO x\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.com>\r\nQUIT\r\n');
    assert.match(await client.closed(), /550 5\.7\.1 .*no client certificate was shown\r\n221 /);
  });

  it('holds back a peer that sends faster than content is stored, and loses nothing', async () => {
    const gate = Promise.withResolvers<void>();
    const store = memoryContentStore();
    const contents = {
      ...store,
      read: (ref: string) => store.read(ref),
      drop: (ref: string) => store.drop(ref),
      create(id: number) {
        const writer = store.create(id);
        return {
          write: (bytes: Uint8Array) => gate.promise.then(() => writer.write(bytes)),
          finish: () => writer.finish(),
          abandon: () => writer.abandon(),
        };
      },
    };
    await using server = await inbound({ contents, limits: { messageSize: 1e8 } }, { role: 'relay' });
    const client = server.client();
    await client.until(/^220 /);
    client.say('EHLO x\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<bob@example.net>\r\nDATA\r\n');
    await client.until(/354 .*\r\n$/);
    client.say(CONTENT);
    const piece = Buffer.from(`${'y'.repeat(1022)}\r\n`.repeat(64));
    let pieces = 0;
    while (client.say(piece) && pieces < 1000) pieces += 1;
    // Buffers of both kernels fill up, then the client is stopped.
    for (; client.socket.writableLength < 8 * piece.length; pieces++) {
      client.say(piece);
      await new Promise((resolve) => setImmediate(resolve));
      assert.ok(pieces < 1000, 'nothing holds the client back');
    }
    gate.resolve();
    client.say('.\r\n');
    assert.match(await client.until(/\r\n$/), /^250 2\.0\.0 /);
    const [entry] = server.at.entries;
    assert.ok(entry?.content.kind === 'stored');
    assert.ok(entry.size > pieces * piece.length);
  });

  it('gets its last words to a peer that has more to say', async () => {
    await using server = await inbound({ limits: { errors: 2 } });
    const client = server.client();
    await client.until(/^220 /);
    client.say('NOPE\r\n'.repeat(2000));
    assert.match(await client.closed(), /421 4\.7\.0 .*too many errors\r\n$/);
  });

  it('closes the sessions of a withdrawn certificate', async () => {
    await using server = await inbound();
    const client = server.client();
    await client.until(/^220 /);
    client.say('STARTTLS\r\n');
    await client.until(/^220 .*\r\n$/);
    await client.secure({ ca: workshop.read('ours.pem'), ...workshop.identity('alice') });
    client.say('EHLO x\r\n');
    await client.until(/^250 .*\r\n$/m);
    server.at.revoke();
    assert.equal(server.at.sessions.recheck(), 1);
    assert.equal(await client.closed(), '421 4.7.0 relay.example.net your certificate has been withdrawn\r\n');
  });
});
