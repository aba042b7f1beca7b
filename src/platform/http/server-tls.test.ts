import assert from 'node:assert/strict';
import { connect as connectPlain } from 'node:net';
import { describe, test } from 'node:test';
import { connect, type ConnectionOptions } from 'node:tls';
import { once } from 'node:events';
import { testAuthority, type TestAuthority } from '../../../test/fakes/authority.ts';
import { privateKeyDer, type KeyPair } from '../../ca/keys.ts';
import { plainAnswer, type WebRequest } from '../../ca/web.ts';
import { encodePem } from '../../protocol/pki/pem.ts';
import { systemClock } from '../process/clock.ts';
import { openWebListener, type OpenWebListener } from './server.ts';
import type { WebTls } from './server-tls.ts';

interface Issued {
  readonly certificate: Uint8Array;
  readonly chain: readonly Uint8Array[];
  readonly pair: KeyPair;
}

const pem = (...certificates: readonly Uint8Array[]): string =>
  certificates.map((der) => encodePem('CERTIFICATE', der)).join('');
const identity = ({ certificate, chain, pair }: Issued): { readonly cert: string; readonly key: string } => ({
  cert: pem(certificate, ...chain.slice(0, 1)),
  key: encodePem('PRIVATE KEY', privateKeyDer(pair.privateKey)),
});

async function material(authority: TestAuthority, host: string): Promise<WebTls> {
  const { cert, key } = identity(await authority.issue({ profile: 'server', holder: host, dnsNames: [host] }));
  return { certificate: cert, key, authorities: [pem(authority.made.root), pem(authority.made.issuing)] };
}

/** An answer over TLS, as it came. */
async function ask(listener: OpenWebListener, options: ConnectionOptions = {}): Promise<string> {
  const socket = connect({ host: listener.address, port: listener.port, rejectUnauthorized: false, ...options });
  socket.end('GET /who HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  let text = '';
  socket.setEncoding('utf8').on('data', (part: string) => (text += part));
  await once(socket, 'close');
  return text;
}

async function withListener(
  act: (listener: OpenWebListener, authority: TestAuthority, seen: WebRequest[]) => Promise<void>,
  address = '127.0.0.1',
): Promise<void> {
  const authority = testAuthority({ clock: systemClock() });
  const seen: WebRequest[] = [];
  const handle = (request: WebRequest): ReturnType<typeof plainAnswer> => {
    seen.push(request);
    return plainAnswer(200, 'seen');
  };
  const listener = await openWebListener(
    { name: 'https', address, port: 0, connections: 20, connectionsByAddress: 20 },
    {
      routes: () => [{ path: '/who', over: 'https', methods: ['GET'], maxBody: 0, handle }],
      tls: await material(authority, 'first.example.net'),
      onTrouble: (detail) => assert.fail(detail),
    },
  );
  try {
    await act(listener, authority, seen);
  } finally {
    await listener.close(0);
  }
}

describe('web listener with TLS', () => {
  test('a client certificate counts when our own CA issued it for clients, and no other does', () =>
    withListener(async (listener, authority, seen) => {
      const other = testAuthority({ clock: systemClock(), hostname: 'other.example.net' });
      const ours = await authority.issue();
      const cases = [
        { shown: undefined, verified: undefined },
        { shown: ours, verified: true },
        { shown: await other.issue(), verified: false },
        { shown: await authority.issue({ profile: 'server', holder: 'a.example.net' }), verified: false },
      ];
      for (const { shown, verified } of cases) {
        assert.match(await ask(listener, shown === undefined ? {} : identity(shown)), /^HTTP\/1\.1 200 /);
        const { certificate, secure } = seen.pop() as WebRequest;
        assert.equal(secure, true);
        assert.equal(certificate?.verified, verified);
        if (shown !== undefined) assert.deepEqual(certificate?.der, new Uint8Array(shown.certificate));
      }
    }));

  test('one that has ended does not', () =>
    withListener(async (listener, authority, seen) => {
      const notBefore = Date.now() - 3_000_000;
      const ended = await authority.issue({ notBefore, notAfter: notBefore + 1_000_000 });
      assert.match(await ask(listener, identity(ended)), /^HTTP\/1\.1 200 /);
      assert.equal(seen.pop()?.certificate?.verified, false);
    }));

  test('new material counts for handshakes from then on; what is unusable leaves the old in place', () =>
    withListener(async (listener, authority) => {
      const nameShown = async (): Promise<string | undefined> => {
        const socket = connect({ host: listener.address, port: listener.port, rejectUnauthorized: false });
        await once(socket, 'secureConnect');
        const name = socket.getPeerX509Certificate()?.subjectAltName;
        socket.destroy();
        return name;
      };
      assert.equal(await nameShown(), 'DNS:first.example.net');
      listener.swap(await material(authority, 'second.example.net'));
      assert.equal(await nameShown(), 'DNS:second.example.net');
      const good = await material(authority, 'third.example.net');
      assert.throws(() => listener.swap({ ...good, key: 'no key' }));
      assert.equal(await nameShown(), 'DNS:second.example.net');
    }));

  test('staples what it was given, and nothing when it was given nothing', () =>
    withListener(async (listener, authority) => {
      const stapled = async (): Promise<Buffer | undefined> => {
        const socket = connect({
          host: listener.address,
          port: listener.port,
          rejectUnauthorized: false,
          requestOCSP: true,
        });
        const answer = new Promise<Buffer | undefined>((resolve) => {
          socket.once('OCSPResponse', (der) => resolve(der ?? undefined));
          socket.once('error', () => resolve(undefined));
        });
        await once(socket, 'secureConnect');
        const got = await Promise.race([
          answer,
          new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 50)),
        ]);
        socket.destroy();
        return got;
      };
      assert.equal((await stapled())?.length ?? 0, 0);
      listener.swap({ ...(await material(authority, 'first.example.net')), staple: Uint8Array.of(1, 2, 3) });
      assert.deepEqual(await stapled(), Buffer.of(1, 2, 3));
    }));

  test('no plain HTTP, no TLS 1.1; IPv6', () =>
    withListener(async (listener) => {
      assert.match(await ask(listener), /^HTTP\/1\.1 200 /);
      const socket = connectPlain({ host: listener.address, port: listener.port });
      socket.end('GET /who HTTP/1.1\r\nHost: x\r\n\r\n');
      let text = '';
      socket.setEncoding('latin1').on('data', (part: string) => (text += part));
      socket.on('error', () => {});
      await once(socket, 'close');
      assert.doesNotMatch(text, /200/);
      const old = connect({
        host: listener.address,
        port: listener.port,
        rejectUnauthorized: false,
        maxVersion: 'TLSv1.1',
        minVersion: 'TLSv1',
        ciphers: 'ALL:@SECLEVEL=0',
      });
      const [error] = (await once(old, 'error')) as [Error];
      assert.match(error.message, /protocol|alert|version/i);
    }, '::1'));
});
