/**
 * What a certificate is worth, over real TLS: every fault has its own words in the SMTP reply and never breaks the
 * handshake; what TLS itself must offer and must refuse; resumption. The client is Node's TLS, or openssl s_client
 * where the wire is to be seen by other eyes.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import { authorityOf, issue, makeAuthority, selfSigned, type Wish } from './authority.ts';
import { assertTrace, letter } from './message.ts';
import { missing, run } from './program.ts';
import { HOSTNAME, LOCAL_DOMAIN, Relay, type Holder, type LogLine } from './relay.ts';
import { Sink } from './sink.ts';
import { Talk, tlsOptions, type Identity } from './talk.ts';

const OUTSIDE = 'bob@outside.example';
const INSIDE = `carol@${LOCAL_DOMAIN}`;

/** Certificates that must not count, and the words for each. */
const faults: readonly {
  readonly name: string;
  readonly by: 'ours' | 'foreign' | 'namesake' | 'self';
  readonly wish?: Omit<Wish, 'subject'>;
  readonly client?: ConnectionOptions;
  readonly reason: string;
  readonly words: string;
}[] = [
  {
    name: 'expired',
    by: 'ours',
    wish: { from: '20200101000000Z', until: '20210101000000Z' },
    reason: 'expired',
    words: 'the client certificate has expired',
  },
  {
    name: 'not yet valid',
    by: 'ours',
    wish: { from: '20400101000000Z', until: '20410101000000Z' },
    reason: 'not-yet-valid',
    words: 'the client certificate is not yet valid',
  },
  {
    name: 'for servers alone',
    by: 'ours',
    wish: { extendedKeyUsage: 'serverAuth' },
    reason: 'wrong-use',
    words: 'the client certificate is not for TLS clients',
  },
  {
    name: 'signed by our key, but never issued',
    by: 'ours',
    reason: 'not-issued',
    words: 'the client certificate is not on record here',
  },
  {
    name: 'self-signed',
    by: 'self',
    reason: 'self-signed',
    words: 'the client certificate is self-signed and not trusted here',
  },
  {
    name: 'of an unknown CA',
    by: 'foreign',
    reason: 'unknown-ca',
    words: 'the client certificate was issued by a CA that is not trusted here',
  },
  {
    name: 'of an unknown CA with the name of ours',
    by: 'namesake',
    reason: 'unknown-ca',
    words: 'the client certificate was issued by a CA that is not trusted here',
  },
  {
    name: 'of a short key',
    by: 'ours',
    wish: { key: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024'] },
    client: { ciphers: 'DEFAULT@SECLEVEL=0' },
    reason: 'weak',
    words: 'the client certificate has a key or signature that is too weak',
  },
  {
    name: 'signed with SHA-1',
    by: 'ours',
    wish: { digest: 'sha1' },
    client: { ciphers: 'DEFAULT@SECLEVEL=0' },
    reason: 'weak',
    words: 'the client certificate has a key or signature that is too weak',
  },
];

describe('certificates', { skip: missing('openssl') }, () => {
  let sink: Sink;
  let relay: Relay;
  let alice: Holder;
  const identities = new Map<string, Identity>();

  before(async () => {
    sink = await Sink.open();
    relay = await Relay.start(sink.port);
    alice = await relay.add('alice@example.net');
    const authorities = {
      ours: authorityOf(relay.path('ours'), {
        certificate: relay.path('ca/issuing.crt'),
        key: relay.path('ca/issuing.key'),
      }),
      foreign: await makeAuthority(relay.path('foreign'), '/O=Elsewhere/CN=Elsewhere Root'),
      namesake: await makeAuthority(relay.path('namesake'), `/O=${HOSTNAME}/CN=Sealpost Issuing ${HOSTNAME}`),
    };
    for (const [number, { name, by, wish }] of faults.entries()) {
      const subject = '/CN=alice@example.net';
      const identity =
        by === 'self'
          ? await selfSigned(relay.directory, `fault-${number}`, subject)
          : await issue(authorities[by], `fault-${number}`, { subject, ...wish });
      identities.set(name, identity);
    }
  });
  after(async () => {
    await relay?.[Symbol.asyncDispose]();
    await sink?.[Symbol.asyncDispose]();
  });

  /** The relay's line about a handshake, written after line `from`. */
  const secured = (from: number, wanted: (line: LogLine) => boolean): Promise<LogLine> =>
    relay.event((line) => line.event === 'secured' && wanted(line), 5_000, from);

  /** STARTTLS on a listener, and EHLO. */
  async function session(port: number, identity: Identity | undefined, more: ConnectionOptions = {}): Promise<Talk> {
    const talk = await Talk.open(port);
    await talk.greet();
    await talk.starttls(tlsOptions(relay.root, identity, more));
    await talk.ask('EHLO client.example');
    return talk;
  }

  describe('that do not count', () => {
    for (const [number, { name, reason, words, client }] of faults.entries())
      it(name, async () => {
        const from = relay.log.length;
        using talk = await session(relay.port('server'), identities.get(name), client);
        await talk.ask('MAIL FROM:<alice@example.net>');
        assert.equal(await talk.ask(`RCPT TO:<${OUTSIDE}>`), `550 5.7.1 <${OUTSIDE}>... Relaying denied: ${words}`);
        const line = await secured(from, (one) => one['reason'] === reason);
        assert.equal(line['verify'], 'FAIL');
        // The session goes on, as that of anybody else.
        await talk.ask('RSET');
        assert.match(await talk.message(letter(`fault-${number}-end`), INSIDE), /^250 2\.0\.0 /);
        assertTrace(await sink.message(`fault-${number}-end`), {
          protocol: 'ESMTPS',
          verify: 'FAIL',
          recipient: INSIDE,
        });
        await talk.quit();
      });

    it('none at all, without TLS', async () => {
      using talk = await Talk.open(relay.port('server'));
      await talk.greet();
      await talk.ask('MAIL FROM:<alice@example.net>');
      assert.match(await talk.ask(`RCPT TO:<${OUTSIDE}>`), /^550 5\.7\.1 .* not encrypted \(use STARTTLS\)$/);
    });

    it('one that this port does not ask for', async () => {
      using talk = await session(relay.port('silent'), alice);
      await talk.ask('MAIL FROM:<alice@example.net>');
      assert.match(await talk.ask(`RCPT TO:<${OUTSIDE}>`), /^550 5\.7\.1 .* because this port does not ask for one$/);
      await talk.ask('RSET');
      await talk.message(letter('unasked-end'), INSIDE);
      assertTrace(await sink.message('unasked-end'), { protocol: 'ESMTPS', verify: 'NOT', recipient: INSIDE });
    });
  });

  describe('where they are required', () => {
    it('a good one relays', async () => {
      using talk = await session(relay.port('strict'), alice);
      assert.match(await talk.message(letter('strict-end'), OUTSIDE), /^250 2\.0\.0 /);
      assertTrace(await sink.message('strict-end'), { protocol: 'ESMTPS', verify: 'OK', recipient: OUTSIDE });
    });

    it('without one nothing goes, with the reason', async () => {
      using talk = await session(relay.port('strict'), undefined);
      assert.equal(
        await talk.ask('MAIL FROM:<alice@example.net>'),
        '550 5.7.1 A client certificate is required here: no client certificate was shown',
      );
      assert.match(await talk.ask(`RCPT TO:<${INSIDE}>`), /^503 5\.5\.1 /);
    });

    it('with an expired one nothing goes, with the reason', async () => {
      using talk = await session(relay.port('strict'), identities.get('expired'));
      assert.equal(
        await talk.ask('MAIL FROM:<alice@example.net>'),
        '550 5.7.1 A client certificate is required here: the client certificate has expired',
      );
    });
  });

  describe('TLS', () => {
    it('agrees on a key with ML-KEM', async () => {
      using talk = await session(relay.port('submission'), alice);
      assert.equal((talk.tls.getEphemeralKeyInfo() as { name?: string }).name, 'X25519MLKEM768');
      assert.match(await talk.message(letter('kem-end'), OUTSIDE), /^250 2\.0\.0 /);
      assertTrace(await sink.message('kem-end'), {
        protocol: 'ESMTPS',
        version: 'TLSv1.3',
        verify: 'OK',
        recipient: OUTSIDE,
      });
    });

    it('1.1 is refused', async () => {
      const from = relay.log.length;
      // Level 0, so that it is not the client that refuses.
      const args = [
        's_client',
        '-connect',
        `127.0.0.1:${relay.port('submissions')}`,
        '-tls1_1',
        '-cipher',
        'DEFAULT@SECLEVEL=0',
      ];
      const { code, output } = await run('openssl', args);
      assert.notEqual(code, 0);
      assert.match(output, /alert protocol version/);
      const failed = await relay.event(({ event }) => event === 'handshake-failed', 5_000, from);
      assert.match(String(failed['detail']), /version|protocol/i);
    });

    for (const version of ['-tls1_2', '-tls1_3'])
      it(`names our CA in its request for a certificate (${version})`, async () => {
        const args = [
          's_client',
          '-connect',
          `127.0.0.1:${relay.port('submissions')}`,
          version,
          '-showcerts',
          '-CAfile',
          relay.root,
        ];
        const { output } = await run('openssl', args, { input: 'QUIT\n' });
        const names =
          /Acceptable client certificate CA names\n((?:.*=.*\n)+?)(?:Client Certificate Types|Requested Signature)/.exec(
            output,
          )?.[1];
        assert.ok(names !== undefined, output);
        assert.deepEqual(
          new Set(names.trimEnd().split('\n')),
          new Set([
            `O = ${HOSTNAME}, CN = Sealpost Root ${HOSTNAME}`,
            `O = ${HOSTNAME}, CN = Sealpost Issuing ${HOSTNAME}`,
          ]),
        );
        assert.match(output, /Verify return code: 0 \(ok\)/);
      });

    it('takes the certificate alone, without the chain', async () => {
      using talk = Talk.through('openssl', [
        ['s_client', '-quiet', '-connect', `127.0.0.1:${relay.port('submission')}`, '-starttls', 'smtp'],
        ['-CAfile', relay.root, '-cert', alice.leaf, '-key', alice.key],
      ]);
      await talk.ask('EHLO client.example');
      assert.match(await talk.message(letter('leaf-end'), OUTSIDE), /^250 2\.0\.0 /);
      assertTrace(await sink.message('leaf-end'), { protocol: 'ESMTPS', verify: 'OK', recipient: OUTSIDE });
    });

    it('HELO inside it keeps the rights of the certificate', async () => {
      using talk = await Talk.open(relay.port('submission'));
      await talk.reply();
      await talk.ask('HELO client.example');
      await talk.starttls(tlsOptions(relay.root, alice));
      assert.match(await talk.ask('HELO client.example'), /^250 /);
      assert.match(await talk.message(letter('helo-end'), OUTSIDE), /^250 2\.0\.0 /);
      assertTrace(await sink.message('helo-end'), { protocol: 'SMTP', verify: 'OK', recipient: OUTSIDE });
    });

    it('AUTH EXTERNAL is offered to a verified certificate alone, and takes no name but its own', async () => {
      using talk = await session(relay.port('submission'), undefined);
      assert.doesNotMatch(await talk.ask('EHLO client.example'), /AUTH/);
      using own = await session(relay.port('submission'), alice);
      assert.match(await own.ask('EHLO client.example'), /^250-AUTH EXTERNAL$/m);
      const other = Buffer.from('root@example.net').toString('base64');
      assert.match(await own.ask(`AUTH EXTERNAL ${other}`), /^535 5\.7\.8 /);
      assert.match(await own.ask('AUTH EXTERNAL ='), /^235 2\.7\.0 /);
      assert.match(await own.message(letter('external-end'), OUTSIDE), /^250 2\.0\.0 /);
      assertTrace(await sink.message('external-end'), { protocol: 'ESMTPSA', verify: 'OK', recipient: OUTSIDE });
    });

    it('begins with nothing of what was sent in clear', async () => {
      using talk = await Talk.open(relay.port('server'));
      await talk.greet();
      // One write: what follows STARTTLS lies in the relay's buffer when the handshake begins.
      talk.send(`STARTTLS\r\nEHLO evil.example\r\nMAIL FROM:<mallory@evil.example>\r\nRCPT TO:<${INSIDE}>\r\n`);
      await talk.handshake(tlsOptions(relay.root, alice));
      assert.match(await talk.ask('DATA'), /^503 /);
      await talk.ask('EHLO client.example');
      assert.match(await talk.ask('DATA'), /^503 /);
    });
  });

  describe('resumption', () => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
      it(`${version}: keeps the verdict, and ends with the certificate`, async () => {
        const holder = await relay.add(`${version.toLowerCase()}@example.net`);
        const file = relay.path(`${version}.session`);
        const first = await openssl(version, holder, ['-sess_out', file], `first-${version}-end`);
        assert.match(first.heard, /^New, TLSv1\.[23]/m);
        assert.match(first.said, /^250 2\.0\.0 /);
        assertTrace(await sink.message(`first-${version}-end`), {
          protocol: 'ESMTPS',
          version,
          verify: 'OK',
          recipient: OUTSIDE,
        });

        const from = relay.log.length;
        const second = await openssl(version, holder, ['-sess_in', file], `second-${version}-end`);
        assert.match(second.heard, /^Reused, TLSv1\.[23]/m);
        assert.match(second.said, /^250 2\.0\.0 /);
        assertTrace(await sink.message(`second-${version}-end`), {
          protocol: 'ESMTPS',
          version,
          verify: 'OK',
          recipient: OUTSIDE,
        });
        await secured(from, (line) => line['resumed'] === true && line['serial'] === holder.serial);

        await relay.revoke(holder);
        const third = await openssl(version, holder, ['-sess_in', file], `third-${version}-end`);
        assert.equal(third.said, `550 5.7.1 <${OUTSIDE}>... Relaying denied: the client certificate has been revoked`);
      });

    it('without a certificate does not gain one', async () => {
      const file = relay.path('anonymous.session');
      await openssl('TLSv1.3', undefined, ['-sess_out', file], 'anonymous-end');
      const { heard, said } = await openssl('TLSv1.3', undefined, ['-sess_in', file], 'anonymous-end');
      assert.match(heard, /^Reused, /m);
      assert.match(said, /no client certificate was shown$/);
    });

    /** One message by s_client, which writes or reads a session. */
    async function openssl(
      version: 'TLSv1.2' | 'TLSv1.3',
      identity: Identity | undefined,
      sessionArgs: readonly string[],
      marker: string,
    ): Promise<{ said: string; heard: string }> {
      using talk = Talk.through('openssl', [
        ['s_client', '-ign_eof', '-connect', `127.0.0.1:${relay.port('submission')}`, '-starttls', 'smtp'],
        [version === 'TLSv1.2' ? '-tls1_2' : '-tls1_3', '-CAfile', relay.root],
        identity === undefined ? [] : ['-cert', identity.certificate, '-key', identity.key],
        sessionArgs,
      ]);
      await talk.ask('EHLO client.example');
      const said = await talk.message(letter(marker), OUTSIDE);
      await talk.quit();
      return { said, heard: talk.heard };
    }
  });

  it('sent nothing that was refused', async () => {
    await relay.idle();
    for (const { recipients, text } of sink.messages) {
      if (!recipients.includes(OUTSIDE)) continue;
      assert.match(text, /verify=OK\)/);
      assert.doesNotMatch(text, /(?:fault|third|anonymous)-/);
    }
    assert.equal(relay.noise, '');
  });
});
