/**
 * CAs from outside (`sealpost trust`): made by openssl, with an intermediate and CRLs, against the running relay. Which
 * certificate may relay by which rule; revocation by file and by URL; changes by hand; what a trusted CA must not be
 * able to do.
 */
import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import { callControl } from '../../src/platform/process/control.ts';
import { letter } from './message.ts';
import { Partner } from './partner.ts';
import { missing, run } from './program.ts';
import { HOSTNAME, Relay } from './relay.ts';
import { Sink } from './sink.ts';
import { Talk, tlsOptions, type Identity } from './talk.ts';

const OUTSIDE = 'bob@outside.example';
const ID = 'spiffe://partner.example/ns/mail/sa/smtp';

describe('CAs from outside', { skip: missing('openssl') }, () => {
  let sink: Sink;
  let relay: Relay;
  let partner: Partner;
  let workload: Identity;

  before(async () => {
    sink = await Sink.open();
    relay = await Relay.start(sink.port, { threads: { fronts: 3 } });
    partner = await Partner.make(relay.path('partner-ca'), 'Partner');
    workload = await partner.issue('workload', {
      subject: '/O=Partner/CN=smtp 1',
      names: `URI:${ID},email:smtp@partner.example,DNS:mx.partner.example`,
    });
    writeFileSync(relay.path('partner.pem'), partner.chain);
  });
  after(async () => {
    await relay?.[Symbol.asyncDispose]();
    await sink?.[Symbol.asyncDispose]();
  });

  async function session(identity: Identity, more: ConnectionOptions = {}): Promise<Talk> {
    const talk = await Talk.open(relay.port('server'));
    await talk.greet();
    await talk.starttls(tlsOptions(relay.root, identity, more));
    await talk.ask('EHLO client.example');
    return talk;
  }

  /** The reply to a recipient elsewhere. */
  async function relays(identity: Identity): Promise<string> {
    using talk = await session(identity);
    await talk.ask('MAIL FROM:<smtp@partner.example>');
    return await talk.ask(`RCPT TO:<${OUTSIDE}>`);
  }

  const refusal = (words: string): string => `550 5.7.1 <${OUTSIDE}>... Relaying denied: ${words}`;
  const YES = /^250 2\.1\.5 /;
  const NO_RIGHT = refusal('this certificate has no right to relay here');

  /** Writes a file of the trust by hand and waits until it is in force. Gives the milliseconds that took. */
  async function edit(name: 'trust.yaml' | 'crl.pem' | 'authority.pem', text: string): Promise<number> {
    const from = relay.log.length;
    const start = performance.now();
    writeFileSync(relay.path(`trust/partner/${name}`), text);
    await relay.event((line) => line.event === 'reloaded' && line['what'] === 'trusted CAs', 5_000, from);
    return performance.now() - start;
  }

  const rules = (...list: readonly string[]): string => `relay: ${JSON.stringify(list)}\n`;

  it('are strangers until they are trusted, and then at once', async () => {
    assert.equal(await relays(workload), refusal('the client certificate was issued by a CA that is not trusted here'));
    const added = JSON.parse(
      await relay.cli(
        'trust',
        'add',
        'partner.pem',
        '--name',
        'partner',
        '--relay',
        'spiffe://partner.example/ns/mail/*',
        '--json',
      ),
    ) as { name: string; cas: { root: boolean }[]; faults: string[] };
    assert.deepEqual([added.name, added.cas.map(({ root }) => root), added.faults], ['partner', [false, true], []]);
    assert.match(await relays(workload), YES);
    const line = await relay.event(({ event, holder }) => event === 'secured' && holder === `${ID} via partner`);
    assert.equal(line['verify'], 'OK');
    assert.match(await relay.cli('trust', 'list'), /partner .*Partner\+20Root .*spiffe:/);
    assert.match(await relay.cli('trust', 'show', 'partner'), /trust\/partner\/trust\.yaml:\d+/);
  });

  it('carry a message whose log and queue name whom it came from', { skip: missing('swaks', 'curl') }, async () => {
    const swaks = await run('swaks', [
      [
        '--server',
        `127.0.0.1:${relay.port('server')}`,
        '--tls',
        '--tls-cert',
        partner.leaf('workload'),
        '--tls-key',
        workload.key,
      ],
      ['--from', 'smtp@partner.example', '--to', OUTSIDE, '--header', 'Subject: trust-swaks'],
    ]);
    assert.equal(swaks.code, 0, swaks.output);
    const accepted = await relay.event(({ event, holder }) => event === 'accepted' && holder === `${ID} via partner`);
    assert.match(String(accepted['rule']), /trust partner: spiffe:.*trust\/partner\/trust\.yaml:\d+/);
    writeFileSync(relay.path('mail.eml'), letter('trust-curl').replaceAll(/\r?\n/g, '\r\n'));
    const curl = await run('curl', [
      ['-sS', '--ssl-reqd', '--cacert', relay.root, '--connect-to', `::127.0.0.1:${relay.port('server')}`],
      ['--cert', workload.certificate, '--key', workload.key, `smtp://${HOSTNAME}:${relay.port('server')}`],
      ['--mail-from', 'smtp@partner.example', '--mail-rcpt', OUTSIDE, '--upload-file', relay.path('mail.eml')],
    ]);
    assert.equal(curl.code, 0, curl.output);
    await sink.message('trust-curl');
  });

  it('relay by each kind of rule that names the certificate, and by none that does not', async () => {
    const leaf = new X509Certificate(readFileSync(partner.leaf('workload')));
    const key = createHash('sha256')
      .update(leaf.publicKey.export({ format: 'der', type: 'spki' }))
      .digest('hex');
    const cases: readonly (readonly [rule: string, fits: boolean])[] = [
      [ID, true],
      ['spiffe://partner.example/ns/mailer/*', false],
      ['email:smtp@partner.example', true],
      ['email:SMTP@partner.example', false],
      ['dns:*.partner.example', true],
      ['dns:partner.example', false],
      ['subject:/O=Partner/CN=smtp+201', true],
      ['subject:/O=Partner/CN=smtp', false],
      ['subject:CN=smtp 1, O=Partner', true],
      [`key:${key}`, true],
      [`certificate:${leaf.fingerprint256}`, true],
      [`certificate:${key}`, false],
    ];
    for (const [rule, fits] of cases) {
      const took = await edit('trust.yaml', rules(rule));
      assert.ok(took < 2_500, `${took} ms`);
      const said = await relays(workload);
      if (fits) assert.match(said, YES, rule);
      else assert.equal(said, NO_RIGHT, rule);
    }
  });

  it('relay by a key rule after renewal with the same key, and not with another', async () => {
    const leaf = new X509Certificate(readFileSync(partner.leaf('workload')));
    const key = createHash('sha256')
      .update(leaf.publicKey.export({ format: 'der', type: 'spki' }))
      .digest('hex');
    await edit('trust.yaml', rules(`key:${key}`));
    assert.match(await relays(await partner.issue('renewed', { subject: '/CN=other', key: workload.key })), YES);
    assert.equal(await relays(await partner.issue('rekeyed', { subject: '/O=Partner/CN=smtp 1' })), NO_RIGHT);
  });

  it('are asked about in the access map only where a rule says so', async () => {
    writeFileSync(relay.path('access'), 'CERTISSUER:/O=Partner/CN=Partner+20Issuing\tRELAY\n');
    await relay.event((line) => line.event === 'reloaded' && line['what'] === 'access map');
    await edit('trust.yaml', rules('email:nobody@partner.example'));
    assert.equal(await relays(workload), NO_RIGHT);
    const test = await relay.tryCli('access', 'test', '--cert', workload.certificate, '--to', OUTSIDE);
    assert.match(test.output, /no rule names this certificate/);
    await edit('trust.yaml', rules('access'));
    assert.match(await relays(workload), YES);
    assert.match(
      await relay.cli('access', 'test', '--cert', workload.certificate, '--to', OUTSIDE),
      /CERTISSUER:\/O=Partner\/CN=Partner\+20Issuing +RELAY/,
    );
  });

  it('keep what was in force when an edit is broken, and tell its line', async () => {
    await edit('trust.yaml', rules(ID));
    const from = relay.log.length;
    writeFileSync(relay.path('trust/partner/trust.yaml'), 'relay:\n  - email:a@b.example\n  - emial:a@b.example\n');
    const told = await relay.event((line) => line.event === 'trouble', 6_000, from);
    assert.match(String(told['detail']), /^trust\/partner\/trust\.yaml:3:5: "emial:a@b\.example" is no rule; /);
    assert.match(await relays(workload), YES);
    assert.match(await relay.cli('status'), /trust\.yaml:3:5/);
    await edit('trust.yaml', rules('email:smtp@partner.example'));
    assert.match(await relays(workload), YES);
  });

  it('need not have their intermediates in the file: they come with the client, and sessions are resumed in all threads', async () => {
    await edit('authority.pem', readFileSync(partner.root, 'utf8'));
    let ticket: Buffer | undefined;
    {
      using talk = await session(workload, { maxVersion: 'TLSv1.2' });
      ticket = talk.tls.getSession();
      await talk.ask('MAIL FROM:<smtp@partner.example>');
      assert.match(await talk.ask(`RCPT TO:<${OUTSIDE}>`), YES);
    }
    let resumed = 0;
    for (let i = 0; i < 12; i++) {
      using talk = await session(workload, { maxVersion: 'TLSv1.2', session: ticket });
      resumed += talk.tls.isSessionReused() ? 1 : 0;
      await talk.ask('MAIL FROM:<smtp@partner.example>');
      assert.match(await talk.ask(`RCPT TO:<${OUTSIDE}>`), YES);
    }
    assert.equal(resumed, 12);
    await edit('authority.pem', partner.chain);
  });

  it('end the sessions of whom they revoke within a second, and refuse them from then on, resumed or not', async () => {
    const victim = await partner.issue('victim', { names: 'email:victim@partner.example' });
    await edit('trust.yaml', `${rules('email:*@partner.example')}crl: {}\n`);
    assert.equal(
      await relays(victim),
      refusal(
        'it cannot be told now whether the client certificate was revoked, because the revocation list of its CA is missing or has run out',
      ),
    );
    await edit('crl.pem', await partner.crl());
    using open = await session(victim, { maxVersion: 'TLSv1.2' });
    using innocent = await session(workload);
    const ticket = open.tls.getSession();
    await open.ask('MAIL FROM:<victim@partner.example>');
    await partner.revoke('victim');
    const start = performance.now();
    const [took] = [await edit('crl.pem', await partner.crl())];
    assert.match(await open.reply(3_000), /^421 /);
    assert.ok(performance.now() - start < 3_000, `${took}`);
    for (const more of [{}, { maxVersion: 'TLSv1.2', session: ticket }] as const) {
      using talk = await session(victim, more);
      await talk.ask('MAIL FROM:<victim@partner.example>');
      assert.equal(await talk.ask(`RCPT TO:<${OUTSIDE}>`), refusal('the client certificate has been revoked'));
    }
    await innocent.ask('MAIL FROM:<smtp@partner.example>');
    assert.match(await innocent.ask(`RCPT TO:<${OUTSIDE}>`), YES);
  });

  it('cannot free whom they revoked by an older list', async () => {
    const newest = readFileSync(relay.path('trust/partner/crl.pem'), 'utf8');
    const from = relay.log.length;
    const older = (await run('openssl', ['crl', '-in', relay.path('trust/partner/crl.pem'), '-noout', '-crlnumber']))
      .output;
    assert.match(older, /=(0x)?0?2/);
    writeFileSync(relay.path('partner-ca/issuing.number'), '01\n');
    writeFileSync(relay.path('trust/partner/crl.pem'), await partner.crl());
    const told = await relay.event((line) => line.event === 'trouble', 6_000, from);
    assert.match(String(told['detail']), /number 1, of .* is older than the one in force \(number 2/);
    assert.match(await relays(workload), YES);
    writeFileSync(relay.path('trust/partner/crl.pem'), newest);
    writeFileSync(relay.path('partner-ca/issuing.number'), '03\n');
  });

  it('fail closed or open while their list has run out, as it was said', async () => {
    await edit('crl.pem', await partner.crl(-60));
    assert.match(await relays(workload), /cannot be told now/);
    assert.match(await relay.cli('status'), /revocation list of .*ran out/);
    await relay.event((line) => line.event === 'trouble' && /ran out on .*are refused/.test(String(line['detail'])));
    await edit('trust.yaml', `${rules('email:*@partner.example')}crl: { expired: accept }\n`);
    assert.match(await relays(workload), YES);
    assert.match(
      await relays({ certificate: partner.leaf('victim'), key: relay.path('partner-ca/victim.key') }),
      /revoked/,
    );
    await edit('crl.pem', await partner.crl(86_400));
    assert.match(await relays(workload), YES);
  });

  describe('with a list that is fetched', () => {
    let server: Server;
    let served = '';
    const asked: (string | undefined)[] = [];
    let elsewhere = 0;

    before(async () => {
      server = createServer((request, response) => {
        if (request.url === '/moved') {
          response.writeHead(302, { location: '/elsewhere' }).end();
          return;
        }
        if (request.url === '/elsewhere') elsewhere += 1;
        const tag = `"${createHash('sha256').update(served).digest('hex')}"`;
        asked.push(request.headers['if-none-match']);
        if (request.headers['if-none-match'] === tag) response.writeHead(304).end();
        else response.writeHead(200, { etag: tag }).end(served);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    });
    after(() => server.close());
    const url = (path = '/crl.pem'): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;

    it('take it when they are added, ask whether it changed, and keep out what is false, older or moved', async () => {
      await relay.cli('trust', 'remove', 'partner');
      served = await partner.crl();
      await relay.cli(
        'trust',
        'add',
        'partner.pem',
        '--name',
        'partner',
        '--relay',
        'email:*@partner.example',
        '--crl',
        url(),
      );
      assert.match(await relays(workload), YES);
      assert.match(
        await relays({ certificate: partner.leaf('victim'), key: relay.path('partner-ca/victim.key') }),
        /revoked/,
      );
      assert.equal(readFileSync(relay.path('trust/partner/crl.pem'), 'utf8'), served);

      const count = asked.length;
      await relay.cli('trust', 'fetch', 'partner');
      assert.notEqual(asked[count], undefined, 'a conditional request');

      const good = served;
      served = good.replace(/\n(.)(.)/, (_, one: string, two: string) => `\n${two}${one}`).replace(/A/, 'B');
      const broken = await relay.tryCli('trust', 'fetch', 'partner');
      assert.equal(broken.code, 1, broken.output);
      writeFileSync(relay.path('partner-ca/issuing.number'), '01\n');
      served = await partner.crl();
      const older = await relay.tryCli('trust', 'fetch', 'partner');
      assert.equal(older.code, 1);
      assert.match(older.output, /older than the one in force/);
      assert.equal(readFileSync(relay.path('trust/partner/crl.pem'), 'utf8'), good);

      const stranger = await Partner.make(relay.path('stranger-ca'), 'Partner');
      served = await stranger.crl();
      assert.match((await relay.tryCli('trust', 'fetch', 'partner')).output, /no CA in authority\.pem signed/);

      await edit('trust.yaml', `${rules('email:*@partner.example')}crl: { url: "${url('/moved')}" }\n`);
      assert.equal((await relay.tryCli('trust', 'fetch', 'partner')).code, 1);
      assert.equal(elsewhere, 0);
      assert.match(await relays(workload), YES, 'what was there stays in force');
    });

    it('tell what they revoke with the next list', async () => {
      const victim = await partner.issue('late', { names: 'email:late@partner.example' });
      await edit('trust.yaml', `${rules('email:*@partner.example')}crl: { url: "${url()}" }\n`);
      using open = await session(victim);
      await partner.revoke('late');
      writeFileSync(relay.path('partner-ca/issuing.number'), '99\n');
      served = await partner.crl();
      await relay.cli('trust', 'fetch', 'partner');
      assert.match(await open.reply(3_000), /^421 /);
    });
  });

  describe('must not', () => {
    it('be our own CA, or have its name', async () => {
      const own = await relay.tryCli('trust', 'add', relay.root, '--name', 'own');
      assert.equal(own.code, 2);
      assert.match(own.output, /is our own CA/);
      const twin = await Partner.make(relay.path('twin-ca'), 'Twin');
      const forger = await twin.issue(
        'forger',
        { subject: `/O=${HOSTNAME}/CN=Sealpost Issuing ${HOSTNAME}`, ca: true },
        'root',
      );
      writeFileSync(relay.path('twin.pem'), readFileSync(forger.certificate, 'utf8') + readFileSync(twin.root, 'utf8'));
      assert.match((await relay.tryCli('trust', 'add', 'twin.pem', '--name', 'twin')).output, /has its name/);
    });

    it('issue in the name of our CA for a holder of ours', async () => {
      const alice = await relay.add('alice@example.net');
      const twin = await Partner.make(relay.path('twin-ca-2'), 'Twin');
      const own = new X509Certificate(readFileSync(relay.path('ca/issuing.crt')));
      const subject = `/${own.subject.replaceAll('\n', '/')}`;
      await twin.issue('forger', { subject, ca: true }, 'root');
      const forged = await twin.issue(
        'forged',
        { subject: '/CN=alice@example.net', names: 'email:alice@example.net' },
        'forger',
      );
      await relay.cli('trust', 'add', twin.root, '--name', 'twin', '--relay', 'email:*@example.net');
      const said = await relays(forged);
      assert.equal(said, refusal('the client certificate is not on record here'));
      assert.match(await relays(alice), YES);
    });

    it('be taken from a file that is no CA, twice, or without its root', async () => {
      const leaf = await relay.tryCli('trust', 'add', partner.leaf('workload'), '--name', 'leaf');
      assert.equal(leaf.code, 2);
      assert.match(leaf.output, /authority\.pem:1: \/O=Partner\/CN=smtp\+201 is no CA/);
      const middle = await relay.tryCli('trust', 'add', partner.issuing, '--name', 'middle');
      assert.match(middle.output, /is no root, and its issuer/);
      const twice = await relay.tryCli('trust', 'add', partner.root, '--name', 'twice');
      assert.equal(twice.code, 4);
      assert.match(twice.output, /the trust partner has this CA already/);
      const bad = await relay.tryCli('trust', 'add', 'partner.pem', '--name', 'x', '--relay', 'mail:x@y');
      assert.equal(bad.code, 2);
    });
  });

  it('leave nothing behind when they are removed', async () => {
    using open = await session(workload);
    await relay.cli('trust', 'remove', 'partner');
    assert.match(await open.reply(3_000), /^421 /);
    assert.equal(await relays(workload), refusal('the client certificate was issued by a CA that is not trusted here'));
    assert.equal(existsSync(relay.path('trust/partner')), false);
    const audit = await callControl(relay.path('control.sock'), 'audit.list', {});
    assert.match(JSON.stringify(audit), /trust partner removed/);
  });
});
