import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { testAuthority, type TestAuthority } from '../../test/fakes/authority.ts';
import { systemClock } from '../platform/process/clock.ts';
import { latin1 } from '../base/bytes.ts';
import { encodePem } from '../protocol/pki/pem.ts';
import { chainPem } from './bundle.ts';
import { privateKeyDer, type KeyPair } from './keys.ts';

const pem = (der: Uint8Array): string => encodePem('CERTIFICATE', der);
const keyPem = (pair: KeyPair): string => encodePem('PRIVATE KEY', privateKeyDer(pair.privateKey));

interface Seen {
  readonly authorized: boolean;
  readonly reason: string;
}

/** What a server that trusts `ca` makes of a client with this certificate. */
async function judged(
  authority: TestAuthority,
  ca: readonly string[],
  client: { readonly cert: string; readonly key: string } | undefined,
  version: 'TLSv1.2' | 'TLSv1.3',
): Promise<Seen> {
  const { certificate, chain, pair } = await authority.issue({ profile: 'server', holder: 'mail.example.net' });
  const server = createServer({
    cert: latin1(chainPem(certificate, chain.slice(0, 1))),
    key: keyPem(pair),
    ca: [...ca],
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: version,
    maxVersion: version,
  });
  try {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const accepted = new Promise<TLSSocket>((resolve, reject) =>
      server.on('secureConnection', resolve).on('tlsClientError', reject),
    );
    const { port } = server.address() as AddressInfo;
    // The client checks the server by the root alone, as a mail client does that was given it.
    const socket = connect({
      port,
      host: '127.0.0.1',
      servername: 'mail.example.net',
      ca: [pem(authority.made.root)],
      ...client,
    });
    const opened = new Promise<void>((resolve, reject) =>
      socket.on('secureConnect', () => resolve()).on('error', reject),
    );
    const [peer] = await Promise.all([accepted, opened]);
    assert.equal(socket.authorized, true);
    const seen = { authorized: peer.authorized, reason: String(peer.authorizationError ?? '') };
    const closed = new Promise((resolve) => peer.on('close', resolve));
    peer.resume();
    socket.end();
    peer.end();
    await closed;
    return seen;
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

describe('what a relay must trust so that its holders are known', () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`${version}: root and issuing CA: the leaf alone, with its issuer, and with the whole chain are authorized; foreign ones are not`, async () => {
      const authority = testAuthority({ clock: systemClock() });
      // The same names, other keys: only the signature tells them apart.
      const foreign = testAuthority({ clock: systemClock() });
      const ca = [pem(authority.made.root), pem(authority.made.issuing)];
      const alice = await authority.issue();
      const key = keyPem(alice.pair);
      for (const count of [0, 1, 2]) {
        const cert = latin1(chainPem(alice.certificate, alice.chain.slice(0, count)));
        assert.deepEqual(await judged(authority, ca, { cert, key }, version), { authorized: true, reason: '' });
      }
      const mallory = await foreign.issue();
      for (const count of [0, 1, 2]) {
        const cert = latin1(chainPem(mallory.certificate, mallory.chain.slice(0, count)));
        const seen = await judged(authority, ca, { cert, key: keyPem(mallory.pair) }, version);
        assert.equal(seen.authorized, false);
        assert.notEqual(seen.reason, '');
      }
      const device = await authority.issue({ profile: 'server', holder: 'mail.example.net' });
      const wrongUse = await judged(
        authority,
        ca,
        { cert: pem(device.certificate), key: keyPem(device.pair) },
        version,
      );
      assert.deepEqual(wrongUse, { authorized: false, reason: 'INVALID_PURPOSE' });
      assert.equal((await judged(authority, ca, undefined, version)).authorized, false);
    });

    test(`${version}: with the root alone, a client that sends its leaf alone is not authorized; with the issuing CA alone nobody is`, async () => {
      const authority = testAuthority({ clock: systemClock() });
      const alice = await authority.issue();
      const leaf = { cert: pem(alice.certificate), key: keyPem(alice.pair) };
      const both = { ...leaf, cert: latin1(chainPem(alice.certificate, alice.chain.slice(0, 1))) };
      const root = [pem(authority.made.root)];
      assert.deepEqual(await judged(authority, root, leaf, version), {
        authorized: false,
        reason: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      });
      assert.equal((await judged(authority, root, both, version)).authorized, true);
      assert.equal((await judged(authority, [pem(authority.made.issuing)], both, version)).authorized, false);
    });
  }
});
