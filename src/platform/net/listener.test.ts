import assert from 'node:assert/strict';
import { hash, randomBytes, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { connect as connectTls, getCACertificates, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { Workshop } from '../../../test/fakes/workshop.ts';
import type { Connection, ConnectionHandler, ListenerSettings, TlsFacts } from '../../relay/connection/connection.ts';
import { checkFree, listen, type OpenListener } from './listener.ts';
import { cipherBits, plainAddress } from './server-connection.ts';
import { tlsContexts, type TlsContexts, type TlsMaterial } from './tls-contexts.ts';
import { missing } from '../../../test/fakes/outside.ts';
import { run as runAsync } from '../../../test/peers/program.ts';

function listenerSettings(changes: Partial<ListenerSettings> = {}): ListenerSettings {
  return {
    name: 'test',
    address: '127.0.0.1',
    port: 0,
    role: 'submission',
    tls: 'starttls',
    certificates: 'ask',
    ...changes,
  };
}

/** A session of two words: STARTTLS begins TLS, and whatever comes after is answered by the facts. */
class Talker implements ConnectionHandler {
  readonly connection: Connection;
  readonly #asks: (() => boolean) | undefined;
  readonly heard: Buffer[] = [];
  facts: TlsFacts | undefined;
  readonly over: PromiseWithResolvers<string | undefined> = Promise.withResolvers();

  constructor(connection: Connection, asks?: () => boolean) {
    this.connection = connection;
    this.#asks = asks;
    connection.handler = this;
    if (connection.listener.tls === 'implicit') connection.startTls();
    else connection.send(Buffer.from('220 hello\r\n'));
  }

  received(bytes: Uint8Array): void {
    this.heard.push(Buffer.from(bytes));
    if (this.facts !== undefined) this.connection.send(Buffer.from(`${this.facts.version}\r\n`));
    else if (Buffer.from(bytes).toString().startsWith('STARTTLS')) {
      this.connection.send(Buffer.from('220 go\r\n'));
      this.connection.pause();
      this.connection.startTls(this.#asks?.());
    }
  }

  secured(tls: TlsFacts): void {
    this.facts = tls;
  }

  drained(): void {}

  ended(): void {
    this.connection.end();
  }

  closed(detail: string | undefined): void {
    this.over.resolve(detail);
  }
}

describe('listener', { timeout: 30_000, skip: missing('openssl') }, () => {
  const workshop = new Workshop();
  let material: TlsMaterial;

  before(() => {
    workshop.ca('ours');
    workshop.ca('foreign');
    workshop.leaf('server', 'ours', 'subjectAltName=DNS:relay.example\nextendedKeyUsage=serverAuth\n');
    workshop.leaf('alice', 'ours', 'extendedKeyUsage=clientAuth\n');
    workshop.leaf('mallory', 'foreign', 'extendedKeyUsage=clientAuth\n');
    workshop.leaf('old', 'ours', 'extendedKeyUsage=clientAuth\n', 'past');
    workshop.leaf('web', 'ours', 'extendedKeyUsage=serverAuth\n');
    workshop.selfSigned('lonely');
    const { cert, key } = workshop.identity('server');
    material = { certificate: cert, key, authorities: [workshop.read('ours.pem')], ticketKeys: randomBytes(48) };
  });

  after(() => workshop.close());

  interface Stage extends AsyncDisposable {
    readonly port: number;
    readonly talkers: Talker[];
    readonly contexts: TlsContexts;
    readonly listener: OpenListener;
  }

  async function stage(
    changes: Partial<ListenerSettings> = {},
    handshakeTime = 5000,
    asks?: () => boolean,
  ): Promise<Stage> {
    const contexts = tlsContexts(material, { handshakeTime });
    const talkers: Talker[] = [];
    const options = { reusePort: false, backlog: 16, onTrouble: (detail: string) => assert.fail(detail) };
    const listener = await listen(listenerSettings(changes), options, contexts, (connection) =>
      talkers.push(new Talker(connection, asks)),
    );
    return {
      port: listener.port,
      talkers,
      contexts,
      listener,
      async [Symbol.asyncDispose]() {
        await listener.close();
        for (const talker of talkers) talker.connection.destroy();
        await Promise.all(talkers.map((talker) => talker.over.promise));
      },
    };
  }

  /** A client in clear, up to the 220 that invites to the handshake. */
  async function clear(port: number, words = 'STARTTLS\r\n'): Promise<Socket> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'data');
    socket.write(words);
    await once(socket, 'data');
    return socket;
  }

  /** A client under TLS that has had one answer, so that both sides are through with the handshake. */
  async function client(
    port: number,
    options: ConnectionOptions = {},
    onSession: (session: Buffer) => void = () => {},
  ): Promise<TLSSocket> {
    const socket = connectTls({
      socket: await clear(port),
      ca: workshop.read('ours.pem'),
      servername: 'relay.example',
      ...options,
    });
    socket.on('session', onSession);
    await once(socket, 'secureConnect');
    socket.write('hello\r\n');
    await once(socket, 'data');
    return socket;
  }

  async function factsOf(options: ConnectionOptions, changes: Partial<ListenerSettings> = {}): Promise<TlsFacts> {
    await using server = await stage(changes);
    const socket = await client(server.port, options);
    socket.destroy();
    return server.talkers[0]?.facts ?? assert.fail('not secured');
  }

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    describe(`by STARTTLS in ${version}`, () => {
      const only = { minVersion: version, maxVersion: version } as const;

      it('tells who showed a certificate of ours', async () => {
        const identity = workshop.identity('alice');
        const facts = await factsOf({ ...only, ...identity });
        assert.equal(facts.version, version);
        assert.equal(facts.asked, true);
        assert.equal(facts.verifyError, undefined);
        assert.equal(facts.resumed, false);
        assert.equal(facts.serverName, 'relay.example');
        assert.equal(facts.bits, version === 'TLSv1.3' ? 256 : 128);
        const der = new X509Certificate(identity.cert).raw;
        assert.deepEqual(Buffer.from(facts.certificate?.der ?? []), der);
        assert.equal(facts.certificate?.fingerprint, hash('sha256', der));
      });

      it('lets everybody through the handshake, and tells why a certificate does not count', async () => {
        const reasons = {
          mallory: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
          lonely: 'DEPTH_ZERO_SELF_SIGNED_CERT',
          old: 'CERT_HAS_EXPIRED',
          web: 'INVALID_PURPOSE',
        };
        for (const [name, reason] of Object.entries(reasons)) {
          const facts = await factsOf({ ...only, ...workshop.identity(name) });
          assert.equal(facts.verifyError, reason, name);
          assert.ok(facts.certificate !== undefined, name);
        }
      });

      it('knows no certificate from a bad one', async () => {
        const facts = await factsOf(only);
        assert.equal(facts.certificate, undefined);
        assert.equal(facts.verifyError, undefined);
        assert.equal(facts.asked, true);
      });

      it('does not ask where the listener says so', async () => {
        const facts = await factsOf({ ...only, ...workshop.identity('alice') }, { certificates: 'no' });
        assert.equal(facts.asked, false);
        assert.equal(facts.certificate, undefined);
      });

      it('resumes with the certificate, over all contexts of the same ticket keys', async () => {
        await using first = await stage();
        await using second = await stage();
        const identity = workshop.identity('alice');
        const session = await sessionOf(first.port, { ...only, ...identity });
        const again = await client(second.port, { ...only, ...identity, session });
        again.destroy();
        const facts = second.talkers[0]?.facts;
        assert.equal(facts?.resumed, true);
        assert.equal(facts.verifyError, undefined);
        assert.equal(facts.certificate?.fingerprint, hash('sha256', new X509Certificate(identity.cert).raw));
      });

      it('resumes nothing from before a swap with new keys, and verifies by the new authorities', async () => {
        await using server = await stage();
        const identity = workshop.identity('alice');
        const session = await sessionOf(server.port, { ...only, ...identity });
        server.contexts.swap({ ...material, authorities: [workshop.read('foreign.pem')], ticketKeys: randomBytes(48) });
        const again = await client(server.port, { ...only, ...identity, session });
        again.destroy();
        const facts = server.talkers.at(-1)?.facts;
        assert.equal(facts?.resumed, false);
        // Which of the two depends on whether the client sent its root along.
        assert.match(facts.verifyError ?? '', /^(UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT_IN_CHAIN)$/);
      });

      it('resumes no session that was made without asking where a certificate is asked for', async () => {
        await using silent = await stage({ certificates: 'no' });
        await using asking = await stage();
        const session = await sessionOf(silent.port, only);
        const again = await client(asking.port, { ...only, ...workshop.identity('alice'), session });
        again.destroy();
        assert.equal(asking.talkers[0]?.facts?.resumed, false);
        assert.ok(asking.talkers[0].facts.certificate !== undefined);
      });

      async function sessionOf(port: number, options: ConnectionOptions): Promise<Buffer> {
        const { promise, resolve } = Promise.withResolvers<Buffer>();
        const socket = connectTls({
          socket: await clear(port),
          ca: workshop.read('ours.pem'),
          servername: 'relay.example',
          ...options,
        });
        socket.once('session', resolve);
        await once(socket, 'secureConnect');
        socket.write('hello\r\n');
        await once(socket, 'data');
        const session = await promise;
        socket.destroy();
        return session;
      }
    });
  }

  it('prefers the hybrid group', async () => {
    await using server = await stage();
    const socket = await client(server.port);
    const info = socket.getEphemeralKeyInfo() as { readonly name?: string } | null;
    assert.equal(info?.name, 'X25519MLKEM768');
    socket.destroy();
  });

  it('serves implicit TLS', async () => {
    await using server = await stage({ tls: 'implicit' });
    const socket = connectTls({
      port: server.port,
      host: '127.0.0.1',
      ca: workshop.read('ours.pem'),
      servername: 'relay.example',
      ...workshop.identity('alice'),
    });
    await once(socket, 'secureConnect');
    socket.write('hello\r\n');
    assert.equal(String((await once(socket, 'data'))[0]), 'TLSv1.3\r\n');
    socket.destroy();
    assert.ok(server.talkers[0]?.facts?.certificate !== undefined);
  });

  it('asks one connection for its certificate and the next not, as the session says', async () => {
    let ask = false;
    await using server = await stage({}, 5000, () => ask);
    /** A handshake with the session of one before, and the session that it gives. */
    const begin = async (asking: boolean, session?: Buffer): Promise<readonly [TlsFacts | undefined, Buffer]> => {
      ask = asking;
      const given: Buffer[] = [];
      const identity = { ...workshop.identity('alice'), ...(session === undefined ? {} : { session }) };
      const socket = await client(server.port, identity, (next) => given.push(next));
      socket.destroy();
      return [server.talkers.at(-1)?.facts, given[0] ?? Buffer.alloc(0)];
    };
    const [first, silent] = await begin(false);
    assert.deepEqual([first?.asked, first?.certificate], [false, undefined]);
    assert.equal((await begin(false, silent))[0]?.resumed, true);
    const [asked] = await begin(true, silent);
    assert.deepEqual([asked?.asked, asked?.resumed], [true, false], 'not what was begun without asking');
    assert.ok(asked?.certificate !== undefined);
    const [, known] = await begin(true);
    assert.equal((await begin(true, known))[0]?.resumed, true);
    const [mixed] = await begin(false, known);
    assert.deepEqual([mixed?.resumed, mixed?.certificate], [false, undefined]);
  });

  it('believes CAs that it does not name to clients', async () => {
    const contexts = tlsContexts(
      { ...material, unnamedAuthorities: [workshop.read('foreign.pem')] },
      { handshakeTime: 5000 },
    );
    const facts: TlsFacts[] = [];
    const options = { reusePort: false, backlog: 16, onTrouble: (detail: string) => assert.fail(detail) };
    const listener = await listen(listenerSettings({ tls: 'implicit' }), options, contexts, (connection) => {
      const talker = new Talker(connection);
      talker.secured = (tls) => {
        facts.push(tls);
        connection.end();
      };
    });
    const at = (name: string): string => `${workshop.directory}/${name}`;
    const words = ['-cert', at('mallory.pem'), '-key', at('mallory.key'), '-connect', `127.0.0.1:${listener.port}`];
    for (const renewed of [false, true]) {
      if (renewed) contexts.swap({ ...material, unnamedAuthorities: [workshop.read('foreign.pem')] });
      const { output } = await runAsync('openssl', ['s_client', ...words]);
      const named = /Acceptable client certificate CA names\n([^]*?)\n(?:Client|Requested)/.exec(output)?.[1];
      assert.match(named ?? '', /^CN ?= ?ours$/);
      assert.equal(facts.at(-1)?.verifyError, undefined);
      assert.ok(facts.at(-1)?.certificate !== undefined);
    }
    assert.equal(facts.length, 2);
    await listener.close();
    assert.ok(getCACertificates('default').length > 1, 'the others of this thread believe whom they did');
  });

  it('keeps to the ciphers, groups and options it is given', async () => {
    const facts = async (rules: TlsMaterial['rules'], wish: ConnectionOptions): Promise<TlsFacts | undefined> => {
      const before = material;
      material = { ...material, rules };
      try {
        await using server = await stage();
        const socket = await client(server.port, { ...workshop.identity('alice'), ...wish });
        socket.destroy();
        return server.talkers[0]?.facts;
      } finally {
        material = before;
      }
    };
    assert.equal((await facts({ ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' }, {}))?.version, 'TLSv1.3', 'untouched');
    const two = await facts({ ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' }, { maxVersion: 'TLSv1.2' });
    assert.deepEqual([two?.cipher, two?.bits], ['ECDHE-ECDSA-AES256-GCM-SHA384', 256]);
    assert.equal((await facts({ ciphers: 'TLS_AES_128_GCM_SHA256, HIGH' }, {}))?.bits, 128);
    assert.equal((await facts({ options: ['SSL_OP_NO_TLSv1_3'] }, {}))?.version, 'TLSv1.2');
    const wish = {
      ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384',
      maxVersion: 'TLSv1.2',
    } as const;
    const ours = { ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256' };
    assert.equal((await facts(ours, wish))?.bits, 256, 'our order');
    assert.equal((await facts({ ...ours, options: ['-SSL_OP_CIPHER_SERVER_PREFERENCE'] }, wish))?.bits, 128, 'theirs');
    await assert.rejects(facts({ groups: ['P-384'] }, { ecdhCurve: 'P-256' }));
    assert.equal((await facts({ groups: ['P-384'] }, {}))?.version, 'TLSv1.3');
  });

  it('begins no handshake without a certificate, until there is one', async () => {
    const whole = material;
    material = { ...whole, certificate: '', key: '', unusable: 'the file is missing' };
    await using server = await stage();
    material = whole;
    const socket = await clear(server.port);
    await once(socket.resume(), 'close');
    assert.equal(server.talkers[0]?.connection.tlsUsable, false);
    assert.match((await server.talkers[0]?.over.promise) ?? '', /no usable certificate/);
    server.contexts.swap(whole);
    (await client(server.port)).destroy();
    assert.equal(server.talkers[1]?.connection.tlsUsable, true);
  });

  it('keeps the same context for every connection', async () => {
    await using server = await stage();
    const context = (): unknown =>
      (server.contexts.server(true) as unknown as { readonly _sharedCreds: unknown })._sharedCreds;
    const at = context();
    (await client(server.port)).destroy();
    assert.equal(context(), at);
  });

  it('never reads as commands what was sent behind STARTTLS', async () => {
    await using server = await stage();
    // The same segment: the session gets it and must throw it away; nothing of it is left for TLS.
    const same = await clear(server.port, 'STARTTLS\r\nRSET\r\n');
    const socket = connectTls({ socket: same, ca: workshop.read('ours.pem'), servername: 'relay.example' });
    await once(socket, 'secureConnect');
    socket.write('hello\r\n');
    await once(socket, 'data');
    socket.destroy();
    assert.deepEqual(server.talkers[0]?.heard.map(String), ['STARTTLS\r\nRSET\r\n', 'hello\r\n']);
    // Later: it meets the handshake and ends the connection.
    const later = await clear(server.port);
    later.write('RSET\r\n');
    const closed = once(later, 'close');
    later.resume();
    await closed;
    assert.match(
      (await server.talkers[1]?.over.promise) ?? '',
      /wrong version number|packet length|record|http request/i,
    );
    assert.deepEqual(server.talkers[1]?.heard.map(String), ['STARTTLS\r\n']);
  });

  it('tells why a handshake failed', async () => {
    await using server = await stage();
    const socket = connectTls({ socket: await clear(server.port), minVersion: 'TLSv1.3', ecdhCurve: 'P-521' });
    await assert.rejects(once(socket, 'secureConnect'));
    assert.match((await server.talkers[0]?.over.promise) ?? '', /key share/i);
  });

  it('speaks no TLS below the minimum it was given, from a swap on', async () => {
    await using server = await stage();
    const old = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const;
    (await client(server.port, old)).destroy();
    server.contexts.swap({ ...material, minimum: 'TLSv1.3' });
    const refused = connectTls({ socket: await clear(server.port), ...old });
    await assert.rejects(once(refused, 'secureConnect'), /protocol version/);
    assert.match((await server.talkers[1]?.over.promise) ?? '', /unsupported protocol|protocol version/i);
    (await client(server.port, { minVersion: 'TLSv1.3' })).destroy();
  });

  it('notices at once when a peer leaves in the middle of a handshake', async () => {
    await using server = await stage({}, 60_000);
    (await clear(server.port)).end();
    assert.match((await server.talkers[0]?.over.promise) ?? '', /^(ECONNRESET)?$/);
    assert.equal(server.talkers[0]?.facts, undefined);
  });

  it('gives a handshake no more than its time', async () => {
    await using server = await stage({}, 30);
    const socket = await clear(server.port);
    socket.resume();
    await once(socket, 'close');
    assert.equal(await server.talkers[0]?.over.promise, 'ERR_TLS_HANDSHAKE_TIMEOUT');
  });

  it('answers a client that closes its side first, in clear and under TLS', async () => {
    await using server = await stage();
    const plain = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
    plain.end('x\r\n');
    const [greeting] = (await once(plain, 'data')) as [Buffer];
    assert.equal(String(greeting), '220 hello\r\n');
    plain.resume();
    await once(plain, 'end');
    const tls = await client(server.port);
    tls.end();
    await once(tls, 'close');
    assert.equal(await server.talkers[1]?.over.promise, undefined);
  });

  it('tells of a slow peer and when it has caught up', async () => {
    await using server = await stage();
    const socket = connect(server.port, '127.0.0.1');
    await once(socket, 'data');
    socket.pause();
    const talker = server.talkers[0] ?? assert.fail();
    const { promise, resolve } = Promise.withResolvers<void>();
    talker.drained = resolve;
    let room = true;
    let sent = 0;
    for (; room && sent < 1000; sent++) room = talker.connection.send(Buffer.alloc(65_536));
    assert.equal(room, false);
    socket.resume();
    await promise;
    socket.destroy();
  });

  it('says what is wrong with an address', async () => {
    await using server = await stage();
    const contexts = tlsContexts(material, { handshakeTime: 1000 });
    const options = { reusePort: false, backlog: 1, onTrouble: () => {} };
    await assert.rejects(
      listen(listenerSettings({ port: server.port }), options, contexts, () => {}),
      /test: 127\.0\.0\.1:\d+: another program listens there/,
    );
    await assert.rejects(
      listen(listenerSettings({ address: '192.0.2.1' }), options, contexts, () => {}),
      /no such address/,
    );
  });

  it('finds an address taken that another program would share', async () => {
    const shared = { reusePort: true, backlog: 1, onTrouble: () => {} };
    const settings = listenerSettings({ tls: 'none' });
    const other = await listen(settings, shared, undefined, (connection) => connection.destroy());
    const same = { ...settings, port: other.port };
    await assert.rejects(checkFree(same), /cannot listen on test: 127\.0\.0\.1:\d+: another program listens there/);
    await other.close();
    await checkFree(same);
    await checkFree(same);
  });

  it('accepts no more once closed, and leaves open connections alone', async () => {
    await using server = await stage();
    const socket = await client(server.port);
    await server.listener.close();
    await assert.rejects(once(connect(server.port, '127.0.0.1'), 'connect'), /ECONNREFUSED/);
    socket.write('hello\r\n');
    assert.equal(String((await once(socket, 'data'))[0]), 'TLSv1.3\r\n');
    socket.destroy();
  });

  it('refuses material that does not work, and goes on with the old', async () => {
    await using server = await stage();
    assert.throws(() => tlsContexts({ ...material, key: 'nonsense' }, { handshakeTime: 1000 }));
    assert.throws(() => server.contexts.swap({ ...material, key: workshop.read('alice.key') }), /key values mismatch/i);
    (await client(server.port, workshop.identity('alice'))).destroy();
    assert.equal(server.talkers[0]?.facts?.verifyError, undefined);
  });
});

describe('facts of a connection', () => {
  it('names IPv4 addresses as such', () => {
    assert.equal(plainAddress('::ffff:192.0.2.1'), '192.0.2.1');
    assert.equal(plainAddress('fe80::1%eth0'), 'fe80::1');
    assert.equal(plainAddress('192.0.2.1'), '192.0.2.1');
  });

  it('knows the secret bits of ciphers', () => {
    assert.equal(cipherBits('TLS_AES_128_GCM_SHA256'), 128);
    assert.equal(cipherBits('TLS_CHACHA20_POLY1305_SHA256'), 256);
    assert.equal(cipherBits('ECDHE-RSA-AES256-GCM-SHA384'), 256);
    assert.equal(cipherBits('ECDHE-ECDSA-AES128-SHA'), 128);
  });
});
