/**
 * Renewal as users have it: holders by the command, with openssl as verifier; the server certificate under a load of
 * open sessions; reminders that arrive at a next hop and are read by Python's mail package.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import { connect as connectTls } from 'node:tls';
import { after, before, describe, it } from 'node:test';
import { fingerprintOf } from '../../src/ca/keys.ts';
import { someNote } from '../../src/ca/ledger.suite.ts';
import { encodeName } from '../../src/protocol/pki/name.ts';
import { parseCertificate } from '../../src/protocol/pki/certificate.ts';
import { openLedger } from '../../src/storage/sqlite/ledger.ts';
import { authorityOf, issue, makeRequest } from './authority.ts';
import { sqlite } from './database.ts';
import { letter } from './message.ts';
import { missing, mustRun, run } from './program.ts';
import { HOSTNAME, Relay, until, type Holder } from './relay.ts';
import { Sink } from './sink.ts';
import { Talk, tlsOptions, type Identity } from './talk.ts';

const OUTSIDE = 'bob@outside.example';
const DAY = 86_400_000;

interface RenewedJson {
  readonly certificate: { readonly serial: string };
  readonly replaced: { readonly serial: string; readonly overlapEnds: number };
}

describe('renewal', { skip: missing('openssl', 'sqlite3') }, () => {
  let sink: Sink;
  let relay: Relay;

  before(async () => {
    sink = await Sink.open();
    relay = await Relay.start(sink.port);
  });
  after(async () => {
    await relay?.[Symbol.asyncDispose]();
    await sink?.[Symbol.asyncDispose]();
  });

  /** The reply to a whole message sent with this identity. */
  async function sends(identity: Identity, marker: string): Promise<string> {
    using talk = await Talk.secure(relay.port('submissions'), tlsOptions(relay.root, identity));
    await talk.greet();
    return await talk.message(letter(marker), OUTSIDE);
  }

  it('a holder: both certificates count in the overlap, and after it the new one alone, by relay and CRL', async () => {
    const old: Holder = await relay.add('alice@example.net');
    const { request, key } = await makeRequest(relay.directory, 'next', '/CN=somebody else');
    const pem = relay.path('next.pem');
    const printed = await relay.cli(
      'renew',
      'alice@example.net',
      '--csr',
      request,
      '--pem',
      pem,
      '--overlap',
      '1h',
      '--json',
    );
    const { certificate, replaced } = JSON.parse(printed) as RenewedJson;
    assert.equal(replaced.serial, old.serial);
    const next = { certificate: pem, key };
    assert.match(
      await mustRun('openssl', ['x509', '-in', pem, '-noout', '-subject', '-ext', 'subjectAltName']),
      /alice@example\.net[^]*alice@example\.net/,
    );
    assert.equal(new X509Certificate(readFileSync(pem)).subject, 'CN=alice@example.net');
    assert.match(await sends(old, 'overlap-old'), /^250 /);
    assert.match(await sends(next, 'overlap-new'), /^250 /);
    assert.match(await relay.cli('show', old.serial), new RegExp(`${old.serial}[^]*${certificate.serial}`));

    // An hour later: upkeep withdraws it when the relay starts, as it does every few minutes.
    await relay.stop();
    await sqlite(relay, `UPDATE certificate SET overlap_ends = ${Date.now() - 1} WHERE serial = '${old.serial}'`);
    const from = relay.log.length;
    await relay.begin();
    await relay.event(({ event, serial }) => event === 'revoked' && serial === old.serial, 10_000, from);
    await until('the CRL has it', async () => {
      const crl = await mustRun('openssl', ['crl', '-in', relay.path('ca/crl.pem'), '-noout', '-text']);
      return new RegExp(`${old.serial}[^]{0,200}Superseded`, 'i').test(crl);
    });
    assert.match(await sends(old, 'superseded'), /^550 .*revoked/);
    assert.match(await sends(next, 'renewed'), /^250 /);
    await relay.idle();
    assert.equal(sink.with('overlap-old').length + sink.with('overlap-new').length + sink.with('renewed').length, 3);
    assert.match(await relay.cli('audit', 'verify'), /./);
  });

  it('a key made here leaves in the bundle; mistakes have their exit codes', async () => {
    const old = await relay.add('carol@example.net');
    const p12 = relay.path('carol-2.p12');
    const shown = JSON.parse(
      await relay.cli('renew', old.serial.slice(0, 12), '--p12', p12, '--json'),
    ) as RenewedJson & { passphrase: string };
    const opened = await mustRun('openssl', ['pkcs12', '-in', p12, '-passin', `pass:${shown.passphrase}`, '-nodes']);
    assert.match(opened, /BEGIN PRIVATE KEY/);
    assert.equal(
      new X509Certificate(opened.slice(opened.indexOf('-----BEGIN CERT'))).serialNumber.toLowerCase(),
      shown.certificate.serial,
    );
    const several = await relay.tryCli('renew', 'printer-9', '--make-key');
    assert.equal(several.code, 3, several.output);
    const without = await relay.tryCli('renew', shown.certificate.serial);
    assert.equal(without.code, 2, without.output);
    assert.match(without.output, /--csr[^]*--make-key/);
  });

  it('the server certificate is swapped seven times under forty sessions that send, and nothing is lost', async (t) => {
    const holder = await relay.add('load@example.net');
    const options = tlsOptions(relay.root, holder);
    const from = relay.log.length;
    const stop = new AbortController();
    let accepted = 0;
    const refused: string[] = [];
    const serials = new Set<string>();
    const one = async (index: number): Promise<void> => {
      using talk =
        index % 2 === 0
          ? await Talk.secure(relay.port('submissions'), options)
          : await Talk.open(relay.port('submission'));
      await talk.greet();
      if (index % 2 === 1) {
        await talk.starttls(options);
        await talk.ask('EHLO client.example');
      }
      for (let count = 0; !stop.signal.aborted; count++) {
        const reply = await talk.message(letter(`load-${index}-${count}.`), OUTSIDE);
        if (reply.startsWith('250 ')) accepted += 1;
        else refused.push(reply);
      }
      assert.match(await talk.ask('NOOP'), /^250 /);
    };
    const sessions = Array.from({ length: 40 }, (_, index) => one(index));
    // New connections all the while, each with its own handshake.
    const connecting = (async () => {
      while (!stop.signal.aborted) serials.add(await serverSerial(relay.port('submissions'), relay.root));
    })();
    const spans: number[] = [];
    const issued: string[] = [];
    for (let swap = 0; swap < 7; swap++) {
      const { certificate } = JSON.parse(await relay.cli('renew', HOSTNAME, '--json')) as RenewedJson;
      const start = Date.now();
      issued.push(certificate.serial);
      await until(
        'new handshakes see it',
        async () => (await serverSerial(relay.port('submissions'), relay.root)) === certificate.serial,
      );
      spans.push(Date.now() - start);
    }
    stop.abort();
    await Promise.all([...sessions, connecting]);
    assert.deepEqual(refused, []);
    for (const serial of issued) assert.ok(serials.has(serial), serial);
    await relay.idle();
    assert.equal(sink.with('load-').length, accepted);
    assert.ok(accepted > 200, String(accepted));
    assert.deepEqual(
      relay.log.slice(from).filter(({ event }) => event === 'handshake-failed' || event === 'trouble'),
      [],
    );
    assert.ok(Math.max(...spans) < 5_000, spans.join());
    const line = JSON.parse(await relay.cli('show', issued[6] as string, '--json')) as { line: { serial: string }[] }[];
    assert.deepEqual(line[0]?.line.map(({ serial }) => serial).slice(1), issued);
    t.diagnostic(`${accepted} messages accepted during 7 swaps, none lost; seen after ${spans.join(', ')} ms`);
  });
});

describe('reminders', { skip: missing('openssl', 'python3') }, () => {
  it('arrive at the next hop, once over a restart, and Python reads both languages', async () => {
    await using sink = await Sink.open();
    await using relay = await Relay.start(
      sink.port,
      { notices: { operator: ['root@ops.example'] } },
      async (directory) => {
        // One that was issued eighty days ago and ends in twenty.
        const ours = authorityOf(`${directory}/ours`, {
          certificate: `${directory}/ca/issuing.crt`,
          key: `${directory}/ca/issuing.key`,
        });
        const stamp = (at: number): string => `${new Date(at).toISOString().replaceAll(/[-:T]|\.\d+Z/g, '')}Z`;
        const [from, until] = [stamp(Date.now() - 80 * DAY), stamp(Date.now() + 20 * DAY)];
        const { certificate: path } = await issue(ours, 'alice', { subject: '/CN=alice', from, until });
        const der = new Uint8Array(new X509Certificate(readFileSync(path)).raw);
        const certificate = parseCertificate(der);
        assert.ok(certificate !== undefined);
        const ledger = openLedger(`${directory}/sealpost.db`);
        ledger.add(
          {
            ...certificate,
            holder: 'alice@example.net',
            profile: 'person',
            subject: encodeName(certificate.subject),
            issuer: encodeName(certificate.issuer),
            fingerprint: fingerprintOf(der),
            issuedAt: certificate.notBefore,
            state: 'active',
            revokedAt: undefined,
            reason: undefined,
            replacedBy: undefined,
            overlapEnds: undefined,
            certificate: der,
          },
          someNote(),
        );
        ledger.close();
      },
    );
    const mail = await sink.message('Your mail certificate ends on');
    assert.equal(mail.reversePath, '');
    assert.deepEqual(mail.recipients, ['alice@example.net']);
    assert.match(mail.text, /^Auto-Submitted: auto-generated\r$/m);
    assert.match(mail.text, new RegExp(`^From: "Sealpost ${HOSTNAME}" <postmaster@${HOSTNAME}>\r$`, 'm'));
    writeFileSync(relay.path('mail'), mail.content);
    const script = `import sys, email, email.policy
m = email.message_from_bytes(open(sys.argv[1], 'rb').read(), policy=email.policy.default)
print(m['subject']); print(m.defects, [p.defects for p in m.walk()], m['date'].datetime is not None)
print(m.get_content())`;
    const { output } = await run('python3', ['-c', script, relay.path('mail')], { env: { PYTHONIOENCODING: 'utf-8' } });
    assert.match(
      output,
      /^Your mail certificate ends on \d{4}-\d\d-\d\d メール用証明書の有効期限は\d{4}-\d\d-\d\dです\n\[\] \[\[\]\] True\n/,
    );
    assert.match(output, /in 19 days|in 20 days/);
    assert.match(output, /秘密鍵やパスフレーズをメールでお送りすることや、お尋ねすることは一切ありません。/);
    const head = await sink.message('issuance log at entry');
    assert.deepEqual(head.recipients, ['root@ops.example']);
    await sink.message('certificate will end soon');
    const body = Buffer.from(head.text.slice(head.text.indexOf('\r\n\r\n')), 'base64').toString();
    const mark = /--head (\S+)/.exec(body)?.[1] ?? '';
    assert.match(await relay.cli('audit', 'verify', '--head', mark), /./);
    const listed = await relay.cli('list', '--expiring', '30d');
    assert.match(listed, /alice@example\.net/);
    assert.match(await relay.cli('status'), /alice@example\.net/);
    await relay.idle();
    const before = sink.messages.length;
    await relay.stop();
    await relay.begin();
    await until('upkeep was there', async () => (await relay.status()).queue.entries === 0);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    assert.equal(sink.messages.length, before);
    assert.equal(before, 3);
  });
});

/** The serial number that a new handshake shows; the chain must verify by name. */
function serverSerial(port: number, root: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ port, host: '127.0.0.1', ca: readFileSync(root), servername: HOSTNAME }, () => {
      const serial = socket.getPeerX509Certificate()?.serialNumber.toLowerCase() ?? '';
      socket.end();
      resolve(serial);
    });
    socket.on('error', reject);
  });
}
