/**
 * What our certificate authority gives out, in the hands of other people's tools (bundles have a file of their own): the
 * chain, a certificate for a request made elsewhere, the list of what was revoked.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
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
