/** A real Postfix as the next hop, and as a client: TLS in every strictness, client certificates, SMTP extensions, reports. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Workshop } from '../fakes/workshop.ts';
import { freePorts } from './port.ts';
import { postfixMissing, startPostfix, type Postfix, type PostfixService } from './postfix.ts';
import { Relay, until, type Holder, type LogLine } from './relay.ts';
import { Talk } from './talk.ts';

type Services = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** What Postfix listens with, each service on a port of its own. Mail that comes in is kept on hold, but for `out`. */
function servicesOf(lab: string): Services {
  const tls = (name: string, level = 'may'): Record<string, string> => ({
    smtpd_tls_security_level: level,
    smtpd_tls_chain_files: `${lab}/${name}.key, ${lab}/${name}.crt`,
  });
  const asking = { ...tls('trusted', 'encrypt'), smtpd_tls_ask_ccert: 'yes', smtpd_tls_CAfile: `${lab}/root.crt` };
  const certificate = {
    smtpd_relay_restrictions: 'permit_tls_clientcerts, reject',
    relay_clientcerts: `texthash:${lab}/clients`,
  };
  const sendsOn = { smtpd_sender_restrictions: '', smtpd_recipient_restrictions: '' };
  return {
    clear: {},
    trusted: tls('trusted'),
    stranger: tls('stranger'),
    implicit: { ...tls('trusted'), smtpd_tls_wrappermode: 'yes' },
    demanding: { ...asking, smtpd_tls_req_ccert: 'yes' },
    bycert: { ...asking, ...certificate },
    small: { message_size_limit: '20000' },
    modest: { smtpd_discard_ehlo_keywords: '8bitmime, smtputf8, dsn, chunking, pipelining' },
    out: sendsOn,
  };
}

describe('Postfix', { skip: postfixMissing() }, () => {
  const lab = mkdtempSync(join(tmpdir(), 'sealpost-postfix-'));
  const ports: Record<string, number> = {};
  let relay: Relay;
  let postfix: Postfix;
  let identity: Holder;

  before(async () => {
    chmodSync(lab, 0o755);
    const services = servicesOf(lab);
    const names = Object.keys(services);
    for (const [i, port] of (await freePorts(names.length)).entries()) ports[names[i] as string] = port;
    relay = await Relay.start(ports['clear'] as number, {
      access: { trustedNetworks: ['127.0.0.1/32'] },
      delivery: { routes: routes(ports) },
      schedule: { firstRetry: '1h', longestRetry: '1h' },
    });
    const trusted = await relay.add('hop.example.org', '--profile', 'server', '--dns', 'localhost');
    identity = await relay.add('identity', '--profile', 'service');
    const workshop = new Workshop();
    workshop.ca('elsewhere');
    workshop.leaf('stranger', 'elsewhere', 'subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth');
    for (const [from, to] of [
      [trusted.certificate, 'trusted.crt'],
      [trusted.key, 'trusted.key'],
      [identity.certificate, 'identity.crt'],
      [identity.key, 'identity.key'],
      [relay.root, 'root.crt'],
      [join(workshop.directory, 'stranger.pem'), 'stranger.crt'],
      [join(workshop.directory, 'stranger.key'), 'stranger.key'],
    ] as const)
      copyFileSync(from, join(lab, to));
    workshop.close();
    const fingerprint = execFileSync('openssl', ['x509', '-in', identity.leaf, '-noout', '-fingerprint', '-sha256'], {
      encoding: 'utf8',
    });
    execFileSync('sh', ['-c', `echo "${fingerprint.trim().split('=')[1]} relay" > ${lab}/clients`]);
    postfix = startPostfix({
      directory: join(lab, 'postfix'),
      main: {
        myhostname: 'postfix.example.org',
        smtpd_sender_restrictions: 'check_sender_access static:HOLD',
        smtpd_recipient_restrictions:
          'check_recipient_access inline:{ {nobody@clear.test = 550 5.1.1 no such user here}, {later@clear.test = 450 4.2.1 come back later} }',
        smtpd_tls_fingerprint_digest: 'sha256',
        smtp_bind_address: '127.0.0.2',
        transport_maps: `inline:{ bycert.out.test=bycert:[localhost]:${relay.port('server')}, nocert.out.test=nocert:[localhost]:${relay.port('server')} }`,
      },
      services: Object.entries(services).map(([name, settings]): PostfixService => ({
        port: ports[name] as number,
        settings,
      })),
      clients: {
        bycert: {
          smtp_tls_security_level: 'verify',
          smtp_tls_CAfile: `${lab}/root.crt`,
          smtp_tls_chain_files: `${lab}/identity.key, ${lab}/identity.crt`,
        },
        nocert: { smtp_tls_security_level: 'encrypt' },
      },
    });
  });

  after(async () => {
    postfix?.stop();
    await relay?.[Symbol.asyncDispose]();
    rmSync(lab, { recursive: true, force: true });
  });

  let count = 0;
  /** Hands a message to the relay, which must take it; gives its marker. Addresses may have parameters after them. */
  async function send(
    to: string | readonly string[],
    content = 'Hello.',
    from = '<alice@example.net>',
  ): Promise<string> {
    const marker = `marker-${++count}-`;
    const talk = await Talk.open(relay.port('server'));
    await talk.greet();
    const recipients = typeof to === 'string' ? [to] : to;
    const says = [`MAIL FROM:${from}`, ...recipients.map((one) => `RCPT TO:${one}`), 'DATA'];
    for (const line of says) {
      talk.send(Buffer.from(`${line}\r\n`));
      assert.match(await talk.reply(), /^[23]/, line);
    }
    talk.send(
      Buffer.from(
        `From: Alice <alice@example.net>\r\nSubject: ${marker}\r\nMessage-ID: <${marker}@example.net>\r\nX-Secret: no\r\n\r\n${content}\r\n.\r\n`,
        'latin1',
      ),
    );
    assert.match(await talk.reply(), /^250 2\.0\.0/);
    await talk.quit();
    return marker;
  }

  async function sendBinary(to: string, content: Buffer): Promise<string> {
    const marker = `marker-${++count}-`;
    const talk = await Talk.open(relay.port('server'));
    await talk.greet();
    const whole = Buffer.concat([
      Buffer.from(`Subject: ${marker}\r\nMessage-ID: <${marker}@example.net>\r\n\r\n`),
      content,
    ]);
    await talk.ask('MAIL FROM:<alice@example.net> BODY=BINARYMIME');
    await talk.ask(`RCPT TO:${to}`);
    talk.send(`BDAT ${whole.length} LAST\r\n`);
    talk.send(whole);
    assert.match(await talk.reply(), /^250 2\.0\.0/);
    await talk.quit();
    return marker;
  }

  function attempt(recipient: string): Promise<LogLine> {
    return relay.event(({ event, recipient: whose }) => event === 'attempted' && whose === recipient);
  }

  /** What Postfix has on hold, as postcat prints it. */
  async function held(marker: string): Promise<string> {
    await until(`Postfix has ${marker}`, () => postfix.heldWith(marker) !== undefined);
    return postfix.heldWith(marker) as string;
  }

  /** The report about a message, as it came to Postfix for its sender. */
  async function report(marker: string): Promise<string> {
    const isReport = (): string | undefined => postfix.heldWith(marker, 'multipart/report');
    await until(`a report about ${marker}`, () => isReport() !== undefined);
    return isReport() as string;
  }

  test('TLS by each strictness: what is not good enough waits, and says why', async () => {
    const expected: readonly (readonly [domain: string, outcome: string, status: RegExp, tls: RegExp | undefined])[] = [
      ['none.clear.test', 'delivered', /^2/, undefined],
      ['opportunistic.clear.test', 'delivered', /^2/, undefined],
      ['required.clear.test', 'deferred', /^4\.7\.4/, undefined],
      ['opportunistic.stranger.test', 'delivered', /^2/, /^TLSv1\.3/],
      ['required.stranger.test', 'delivered', /^2/, /^TLSv1\.3/],
      ['verify.stranger.test', 'deferred', /^4\.7\.5/, undefined],
      ['verify.trusted.test', 'delivered', /^2/, /^TLSv1\.3.*verify=OK/],
      ['name.trusted.test', 'deferred', /^4\.7\.5/, undefined],
      ['implicit.test', 'delivered', /^2/, /^TLSv1\.3.*verify=OK/],
    ];
    for (const [domain] of expected) await send(`<alice@${domain}>`);
    for (const [domain, outcome, status, tls] of expected) {
      const line = await attempt(`alice@${domain}`);
      assert.equal(line['outcome'], outcome, domain);
      assert.match(String(line['status']), status, domain);
      if (tls !== undefined) assert.match(String(line['tls']), tls, domain);
    }
  });

  test('a client certificate that Postfix demands', async () => {
    for (const service of ['demanding', 'bycert'])
      for (const way of ['with', 'without']) await send(`<alice@${way}.${service}.test>`);
    for (const service of ['demanding', 'bycert'])
      assert.equal((await attempt(`alice@with.${service}.test`))['outcome'], 'delivered', service);
    // It ends the handshake, so this is trouble with TLS, and may be mended.
    const refused = await attempt('alice@without.demanding.test');
    assert.equal(refused['outcome'], 'deferred');
    // Here it says so in SMTP, for good.
    const denied = await attempt('alice@without.bycert.test');
    assert.equal(denied['outcome'], 'failed');
    assert.match(String(denied['remote']), /^554 5\.7\.1 .*Access denied/);
  });

  test('of three recipients one is refused and one put off: a report about one, another attempt for the other', async () => {
    const marker = await send(
      ['<bob@clear.test>', '<nobody@clear.test> ORCPT=rfc822;first+2Bname@clear.test', '<later@clear.test>'],
      'Text.',
      '<alice@example.net> RET=HDRS ENVID=E+2B1',
    );
    assert.match(await held(marker), /^recipient: bob@clear\.test$/m);
    assert.equal((await attempt('later@clear.test'))['outcome'], 'deferred');
    const text = await report(marker);
    const fields = text.slice(text.indexOf('message/delivery-status'));
    for (const line of [
      /^sender: $/m,
      /^recipient: alice@example\.net$/m,
      /^Auto-Submitted: auto-replied$/m,
      /^Reporting-MTA: dns; relay\.example\.net$/m,
      /^Original-Envelope-Id: E\+1$/m,
      /^Original-Recipient: rfc822; ?first\+name@clear\.test$/m,
      /^Final-Recipient: rfc822; nobody@clear\.test$/m,
      /^Action: failed$/m,
      /^Status: 5\.1\.1$/m,
      /^Remote-MTA: dns; 127\.0\.0\.1$/m,
      /^Diagnostic-Code: smtp; 550 5\.1\.1 <nobody@clear\.test>: Recipient address\n rejected: no such user here$/m,
      /^Subject: marker-/m,
      /^X-Secret: no$/m,
    ])
      assert.match(text, line);
    assert.doesNotMatch(fields, /later@|bob@|^Text\.$/m);
    const { deliveries } = await relay.status().then(({ queue }) => queue);
    assert.ok(deliveries >= 1);
  });

  test('DSN parameters go on to Postfix, which takes over the duty to report', async () => {
    const marker = await send(
      '<dora@clear.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;dora+2B@elsewhere.test',
      'Text.',
      '<alice@example.net> RET=FULL ENVID=Q+3D7',
    );
    const text = await held(marker);
    assert.match(text, / envelope_id=Q=7$/m);
    assert.match(text, / dsn_orig_rcpt=rfc822;dora\+@elsewhere\.test$/m);
    assert.match(text, / notify_flags=10$/m);
    assert.equal(postfix.heldWith(marker, 'multipart/report'), undefined);
  });

  test('without DSN there, success is reported here', async () => {
    const marker = await send('<dan@modest.test> NOTIFY=SUCCESS');
    const text = await report(marker);
    assert.match(text, /^Action: relayed$/m);
    assert.match(text, /^Final-Recipient: rfc822; dan@modest\.test$/m);
  });

  test('8-bit content and UTF-8 addresses arrive as they are, where they are taken', async () => {
    const eight = await send('<bob@clear.test>', 'caf\xe9 \xff\x80', '<alice@example.net> BODY=8BITMIME');
    assert.match(await held(eight), /^caf\xe9 \xff\x80$/m);
    const utf8 = await send('<\u{732b}@clear.test>', 'Text.', '<alice@example.net> SMTPUTF8');
    const text = await held(utf8);
    assert.match(Buffer.from(text, 'latin1').toString(), /^recipient: \u{732b}@clear\.test$/mu);
  });

  test('where 8BITMIME is not offered, 8-bit content goes out as it is; binary content and UTF-8 addresses are reported', async () => {
    const eight = await send('<bob@modest.test>', 'caf\xe9', '<alice@example.net> BODY=8BITMIME');
    assert.match(await held(eight), /^caf\xe9$/m);
    const binary = await sendBinary('<bits@modest.test>', Buffer.of(0, 13, 10, 46, 13, 10, 10, 255));
    const text = await report(binary);
    assert.match(text, /^Status: 5\.6\.3$/m);
    assert.match(text, /^Content-Type: text\/rfc822-headers$/m);
    const utf8 = await send('<\u{732b}@modest.test>', 'Text.', '<alice@example.net> SMTPUTF8');
    assert.match(await report(utf8), /^Status: 5\.6\.7$/m);
  });

  test('what is larger than Postfix takes is not sent at all, and reported', async () => {
    const marker = await send('<big@small.test>', 'A line of text.\r\n'.repeat(2_000));
    const line = await attempt('big@small.test');
    assert.equal(line['outcome'], 'failed');
    assert.match(String(line['status']), /^5\.3\.4/);
    const text = await report(marker);
    assert.match(text, /^Status: 5\.3\.4$/m);
  });

  test('as a client Postfix relays by its certificate alone', async () => {
    for (const way of ['bycert', 'nocert']) {
      const talk = await Talk.open(ports['out'] as number);
      await talk.greet();
      assert.match(await talk.message(`Subject: from-postfix-${way}\n\nText.`, `bob@${way}.out.test`), /^250/);
      await talk.quit();
    }
    const text = await held('from-postfix-bycert');
    assert.match(text, /verify=OK/);
    const refused = await relay.event(
      ({ event, recipient }) => event === 'refused' && String(recipient).includes('bob@nocert.out.test'),
    );
    assert.match(String(refused['reply']), /^550 5\.7\.1 .*Relaying denied/);
  });
});

function routes(ports: Readonly<Record<string, number>>): object[] {
  const way = (domain: string, to: string, tls: string, more: object = {}): object => ({
    domains: [domain],
    to,
    tls,
    authorities: 'ca/root.crt',
    ...more,
  });
  const named = (service: string): string => `localhost:${ports[service]}`;
  const bare = (service: string): string => `127.0.0.1:${ports[service]}`;
  const identity = { identity: { certificate: 'identity.crt', key: 'identity.key' } };
  return [
    way('opportunistic.clear.test', bare('clear'), 'opportunistic'),
    way('required.clear.test', bare('clear'), 'required'),
    way('opportunistic.stranger.test', named('stranger'), 'opportunistic'),
    way('required.stranger.test', named('stranger'), 'required'),
    way('verify.stranger.test', named('stranger'), 'verify'),
    way('verify.trusted.test', named('trusted'), 'verify'),
    way('name.trusted.test', bare('trusted'), 'verify'),
    way('implicit.test', named('implicit'), 'verify', { implicit: true }),
    way('with.demanding.test', named('demanding'), 'verify', identity),
    way('without.demanding.test', named('demanding'), 'verify'),
    way('with.bycert.test', named('bycert'), 'verify', identity),
    way('without.bycert.test', named('bycert'), 'verify'),
    way('small.test', bare('small'), 'none'),
    way('modest.test', bare('modest'), 'none'),
    way('*', bare('clear'), 'none'),
  ];
}
