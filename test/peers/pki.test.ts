/**
 * What our certificate authority gives out, in the hands of other people's tools: the bundle of `sealpost add`, the
 * chain, a certificate for a request made elsewhere, the list of what was revoked.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { makeRequest } from './authority.ts';
import { assertTrace, letter } from './message.ts';
import { missing, mustRun, run } from './program.ts';
import { HOSTNAME, Relay, type Holder } from './relay.ts';
import { Sink } from './sink.ts';
import { Talk, tlsOptions } from './talk.ts';

const OUTSIDE = 'bob@outside.example';

describe('our certificates', () => {
  let sink: Sink;
  let relay: Relay;
  let alice: Holder;

  before(async () => {
    sink = await Sink.open();
    relay = await Relay.start(sink.port);
    alice = await relay.add('alice@example.net');
  });
  after(async () => {
    await relay?.[Symbol.asyncDispose]();
    await sink?.[Symbol.asyncDispose]();
  });

  const ca = (name: string): string => relay.path(`ca/${name}`);

  describe('the bundle', () => {
    it('is opened by openssl pkcs12, with key, certificate and chain', { skip: missing('openssl') }, async () => {
      const pem = await mustRun('openssl', [
        'pkcs12',
        '-in',
        alice.p12,
        '-passin',
        `pass:${alice.passphrase}`,
        '-nodes',
      ]);
      const certificates = pem.match(/-----BEGIN CERTIFICATE-----/g) ?? [];
      assert.equal(certificates.length, 3);
      // Only the leaf has a localKeyID, or some programs take a CA for the certificate.
      assert.equal(pem.match(/localKeyID/g)?.length, 2);
      const key = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----\n/.exec(pem)?.[0];
      const publicKey = await mustRun('openssl', ['pkey', '-pubout'], { input: key ?? '' });
      assert.equal(await mustRun('openssl', ['x509', '-in', alice.leaf, '-noout', '-pubkey']), publicKey);
    });

    it('stays closed to another passphrase', { skip: missing('openssl') }, async () => {
      const { code, output } = await run('openssl', ['pkcs12', '-in', alice.p12, '-passin', 'pass:wrong', '-noout']);
      assert.notEqual(code, 0);
      assert.match(output, /invalid password/i);
    });

    it('is taken by NSS, where it is good for a client', { skip: missing('pk12util', 'certutil') }, async () => {
      const database = relay.path('nss');
      mkdirSync(database);
      const at = ['-d', `sql:${database}`];
      await mustRun('certutil', ['-N', at, '--empty-password']);
      await mustRun('certutil', ['-A', at, '-n', 'root', '-t', 'CT,,', '-i', relay.root]);
      await mustRun('pk12util', ['-i', alice.p12, at, '-W', alice.passphrase]);
      const keys = await mustRun('certutil', ['-K', at]);
      const name = /^<\s*0>\s+\w+\s+[0-9a-f]+\s+(?:NSS Certificate DB:)?(.+)$/m.exec(keys)?.[1]?.trim();
      assert.ok(name !== undefined, keys);
      // V: server, C: client.
      assert.match(await mustRun('certutil', ['-V', at, '-n', name, '-u', 'C', '-e']), /certificate is valid/);
      const server = await run('certutil', ['-V', at, '-n', name, '-u', 'V', '-e']);
      assert.notEqual(server.code, 0);
      assert.doesNotMatch(server.output, /certificate is valid/);
    });

    it('is read by keytool, with its chain', { skip: missing('keytool') }, async () => {
      const args = ['-list', '-v', '-storetype', 'PKCS12', '-keystore', alice.p12, '-storepass', alice.passphrase];
      const listed = await mustRun('keytool', args, { patience: 60_000 });
      assert.match(listed, /Your keystore contains 1 entry/);
      assert.match(listed, /Entry type: PrivateKeyEntry/);
      assert.match(listed, /Certificate chain length: 3/);
      assert.match(listed, /Owner: CN=alice@example\.net/);
    });
  });

  describe('the certificates', { skip: missing('openssl') }, () => {
    it('verify, for the use they are for and no other', async () => {
      const verify = (purpose: string, file: string): Promise<{ code: number | undefined; output: string }> =>
        run('openssl', [
          'verify',
          '-x509_strict',
          '-purpose',
          purpose,
          '-CAfile',
          relay.root,
          '-untrusted',
          ca('issuing.crt'),
          file,
        ]);
      for (const [purpose, file, good] of [
        ['sslclient', alice.leaf, true],
        ['sslserver', alice.leaf, false],
        ['sslserver', relay.path('tls/server.crt'), true],
        ['sslclient', relay.path('tls/server.crt'), false],
      ] as const) {
        const { code, output } = await verify(purpose, file);
        assert.equal(code === 0, good, `${purpose} ${file}\n${output}`);
      }
    });

    it('carry the address, and no CA of ours signs for longer than it lives', async () => {
      const text = await mustRun('openssl', ['x509', '-in', alice.leaf, '-noout', '-text']);
      assert.match(text, /email:alice@example\.net/);
      assert.match(text, /TLS Web Client Authentication/);
      const issuing = await mustRun('openssl', ['x509', '-in', ca('issuing.crt'), '-noout', '-text']);
      assert.match(issuing, /CA:TRUE, pathlen:0/);
      for (const [inner, outer] of [
        [alice.leaf, ca('issuing.crt')],
        [ca('issuing.crt'), relay.root],
      ] as const)
        assert.ok((await ends(inner)) <= (await ends(outer)));
    });

    async function ends(file: string): Promise<number> {
      const said = await mustRun('openssl', ['x509', '-in', file, '-noout', '-enddate']);
      return Date.parse(said.replace('notAfter=', ''));
    }
  });

  describe('a request made elsewhere', { skip: missing('openssl') }, () => {
    for (const [kind, key] of [
      ['P-256', undefined],
      ['RSA', ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048']],
      ['Ed25519', ['-algorithm', 'ED25519']],
    ] as const)
      it(`gets a certificate that relays (${kind})`, async () => {
        const holder = `csr-${kind.toLowerCase()}@example.net`;
        const own = await makeRequest(relay.directory, kind, `/CN=${holder}`, key);
        const certificate = relay.path(`${kind}.pem`);
        await relay.cli('add', holder, '--csr', own.request, '--pem', certificate);
        assert.doesNotMatch(readFileSync(certificate, 'utf8'), /PRIVATE KEY/);
        using talk = await Talk.open(relay.port('submission'));
        await talk.greet();
        await talk.starttls(tlsOptions(relay.root, { certificate, key: own.key }));
        await talk.ask('EHLO client.example');
        assert.match(await talk.message(letter(`${kind}-end`), OUTSIDE, holder), /^250 2\.0\.0 /);
        const message = await sink.message(`${kind}-end`);
        assertTrace(message, { protocol: 'ESMTPS', verify: 'OK', recipient: OUTSIDE });
        assert.equal(message.reversePath, holder);
      });

    it('is refused when its signature does not fit its key', async () => {
      const { request } = await makeRequest(relay.directory, 'forged', '/CN=forged@example.net');
      const der = Buffer.from(readFileSync(request, 'utf8').replaceAll(/-----[^-]+-----|\n/g, ''), 'base64');
      const at = der.indexOf('forged@example.net');
      der.write('gorged@example.net', at);
      writeFileSync(
        request,
        `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64').replaceAll(/.{64}/g, '$&\n')}\n-----END CERTIFICATE REQUEST-----\n`,
      );
      assert.ok(at > 0);
      const { code, output } = await relay.tryCli('add', 'gorged@example.net', '--csr', request);
      assert.notEqual(code, 0);
      assert.match(output, /not signed by the key it asks to certify/);
    });
  });

  it('the list of revoked ones is believed by openssl verify', { skip: missing('openssl') }, async () => {
    const carol = await relay.add('carol@example.net');
    const check = (file: string): Promise<{ code: number | undefined; output: string }> =>
      run('openssl', [
        'verify',
        '-crl_check',
        '-CRLfile',
        ca('crl.pem'),
        '-CAfile',
        relay.root,
        '-untrusted',
        ca('issuing.crt'),
        file,
      ]);
    assert.equal((await check(carol.leaf)).code, 0);
    await relay.revoke(carol);
    const revoked = await check(carol.leaf);
    assert.notEqual(revoked.code, 0);
    assert.match(revoked.output, /certificate revoked/);
    assert.equal((await check(alice.leaf)).code, 0);
    const crl = await mustRun('openssl', [
      'crl',
      '-in',
      ca('crl.pem'),
      '-noout',
      '-text',
      '-CAfile',
      ca('issuing.crt'),
    ]);
    assert.match(crl, new RegExp(`Serial Number: ${carol.serial}`, 'i'));
    assert.match(crl, new RegExp(`Issuer: O = ${HOSTNAME}, CN = Sealpost Issuing ${HOSTNAME}`));
  });
});
