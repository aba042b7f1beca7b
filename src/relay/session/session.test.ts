import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fakeClock, type FakeClock } from '../../../test/fakes/clock.ts';
import { fakeConnection, type FakeConnection } from '../../../test/fakes/connection.ts';
import type { RelayEvent } from '../../base/event.ts';
import { Fault } from '../../base/fault.ts';
import { idMinter } from '../../base/id.ts';
import { statuses } from '../../base/status.ts';
import { memoryContentStore } from '../../storage/memory/content-store.ts';
import { memorySpool } from '../../storage/memory/spool.ts';
import type { PeerName } from '../access/facts.ts';
import { parseAccessMap } from '../access/map.ts';
import type { AccessPolicy } from '../access/policy.ts';
import { Admission } from '../connection/admission.ts';
import type { ListenerSettings, TlsFacts } from '../connection/connection.ts';
import { holderDirectory, type HolderTable } from '../identity/holders.ts';
import type { CertificateFacts } from '../identity/principal.ts';
import { HELD, type ContentStore, type NewEntry, type SpoolStore } from '../spool/spool.ts';
import { mechanisms } from './auth/registry.ts';
import type { SessionLimits } from './limits.ts';
import { LiveSessions } from './live.ts';
import type { SessionServices } from './services.ts';
import { startSession, type Session } from './session.ts';

const ISSUER = '/O=Example/CN=Sealpost+20Issuing+20CA';

const ALICE: CertificateFacts = {
  subject: '/CN=alice@example.net',
  issuer: ISSUER,
  commonName: 'alice@example.net',
  issuerCommonName: 'Sealpost+20Issuing+20CA',
  serial: '0a1b',
  fingerprint: 'aa',
  notAfter: 4e12,
  emails: ['alice@example.net', 'sales@example.net'],
  dnsNames: [],
};

const LIMITS: SessionLimits = {
  commandLine: 512,
  authLine: 12_288,
  messageSize: 1_000_000,
  recipients: 10,
  messagesPerSession: 100,
  errors: 10,
  idleCommands: 50,
  buffer: 65_536,
  header: 10_000,
  hops: 100,
  sessionTime: 3_600_000,
  connections: 10,
  connectionsByAddress: 3,
  handshakeTime: 20_000,
  inlineContent: 20_000,
};

const POLICY: AccessPolicy = {
  map: undefined,
  localDomains: new Set(['example.net']),
  relayDomains: new Set(),
  trustedNetworks: [],
  trustExternal: false,
  blocklistRecipients: false,
  delayChecks: false,
};

const TLS: TlsFacts = {
  version: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  bits: 256,
  asked: true,
  certificate: undefined,
  verifyError: undefined,
  resumed: false,
  serverName: undefined,
};

const WITH_CERTIFICATE: TlsFacts = { ...TLS, certificate: { der: new Uint8Array(1), fingerprint: ALICE.fingerprint } };

interface Stage {
  readonly clock: FakeClock;
  readonly events: RelayEvent[];
  readonly entries: NewEntry[];
  readonly contents: ContentStore;
  readonly directory: HolderTable;
  readonly sessions: LiveSessions;
  readonly admission: Admission;
  readonly services: SessionServices;
  start(listener?: Partial<ListenerSettings>, address?: string): { connection: FakeConnection; session: Session };
  /** A session that is through STARTTLS and EHLO with these facts; what was said until then is taken away. */
  secured(tls?: TlsFacts, listener?: Partial<ListenerSettings>): Promise<FakeConnection>;
  revoke(state?: 'revoked' | 'suspended'): void;
  told<K extends RelayEvent['kind']>(kind: K): Extract<RelayEvent, { kind: K }>[];
}

interface StageOptions {
  readonly limits?: Partial<SessionLimits>;
  readonly policy?: Partial<AccessPolicy>;
  readonly map?: string;
  readonly name?: PeerName | Promise<PeerName>;
  readonly certificate?: CertificateFacts;
  readonly accept?: SpoolStore['accept'];
  readonly contents?: ContentStore;
}

function stage(options: StageOptions = {}): Stage {
  const clock = fakeClock();
  const events: RelayEvent[] = [];
  const entries: NewEntry[] = [];
  const directory = holderDirectory();
  directory.replace({ version: 1, issuers: [ISSUER], entries: [{ issuer: ISSUER, serial: ALICE.serial, holder: 'alice@example.net', state: 'active' }] });
  const spool = memorySpool({ clock });
  const contents = options.contents ?? memoryContentStore();
  const sessions = new LiveSessions();
  const admission = new Admission();
  const limits = { ...LIMITS, ...options.limits };
  const map = options.map === undefined ? undefined : parseAccessMap(options.map, 'access').map;
  const policy = { ...POLICY, map, ...options.policy };
  const accept: SpoolStore['accept'] = async (batch) => {
    const added = await spool.accept(batch);
    entries.push(...batch);
    return added;
  };
  const services: SessionServices = {
    hostname: 'relay.example.net',
    version: '0.1.0',
    limits: () => limits,
    policy: () => policy,
    directory,
    certificates: { facts: () => options.certificate ?? ALICE },
    peerName: () => Promise.resolve(options.name ?? { state: 'ok', name: 'client.example.org' }),
    store: { accept: options.accept ?? accept },
    contents,
    route: (domain) => ({ dest: domain, lane: 7 }),
    mintId: idMinter(clock, 3),
    clock,
    events: { tell: (event) => events.push(event) },
    mechanisms,
    utcOffset: () => 0,
    admission,
    sessions,
  };
  const start: Stage['start'] = (listener, address) => {
    const connection = fakeConnection(listener, address);
    return { connection, session: startSession(connection, services) };
  };
  return {
    clock,
    events,
    entries,
    contents,
    directory,
    sessions,
    admission,
    services,
    start,
    async secured(tls = WITH_CERTIFICATE, listener = {}) {
      const { connection } = start(listener);
      await clock.settle();
      connection.say('STARTTLS\r\n');
      connection.secure(tls);
      connection.say('EHLO laptop.example.org\r\n');
      await clock.settle();
      connection.heard();
      return connection;
    },
    revoke(state = 'revoked') {
      directory.change({ version: directory.version + 1, entries: [{ issuer: ISSUER, serial: ALICE.serial, holder: 'alice@example.net', state }] });
    },
    told: (kind) => events.filter((event) => event.kind === kind) as never,
  };
}

const ENVELOPE = 'MAIL FROM:<alice@example.net>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\n';
const CONTENT = 'Date: then\r\nMessage-ID: <1@laptop>\r\nSubject: x\r\n\r\nhello\r\n';

/** Sends a whole message and gives the replies. */
async function send(at: Stage, connection: FakeConnection, envelope = ENVELOPE, content = `${CONTENT}.\r\n`): Promise<string> {
  connection.say(envelope);
  await at.clock.settle();
  connection.say(content);
  await at.clock.settle();
  return connection.heard();
}

function text(entry: NewEntry | undefined): string {
  assert.ok(entry?.content.kind === 'inline');
  return Buffer.from(entry.content.bytes).toString('latin1');
}

describe('session: the way of a message', () => {
  it('relays by certificate alone', async () => {
    const at = stage();
    const connection = await at.secured();
    const replies = await send(at, connection);
    assert.match(
      replies,
      /^250 2\.1\.0 <alice@example\.net>\.\.\. Sender ok\r\n250 2\.1\.5 <bob@example\.com>\.\.\. Recipient ok\r\n354 .*\r\n250 2\.0\.0 [0-9A-Z]{11} Message accepted for delivery\r\n$/,
    );
    const [entry] = at.entries;
    const id = replies.slice(-45).match(/[0-9A-Z]{11}/)?.[0];
    assert.equal(
      text(entry),
      'Received: from laptop.example.org (client.example.org [192.0.2.7])\r\n' +
        `\tby relay.example.net (Sealpost/0.1.0) with ESMTPS id ${id}\r\n` +
        '\t(version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 bits=256 verify=OK)\r\n' +
        '\tfor <bob@example.com>; Tue, 24 Nov 2026 02:21:48 +0000\r\n' +
        CONTENT,
    );
    assert.deepEqual(entry?.origin, { holder: 'alice@example.net', serial: '0a1b' });
    assert.equal(entry.envelope.reversePath, 'alice@example.net');
    assert.equal(entry.messageId, '<1@laptop>');
    assert.equal(entry.size, text(entry).length);
    assert.deepEqual(
      entry.deliveries.map(({ lane, dest, recipient, due }) => ({ lane, dest, recipient, due })),
      [{ lane: 7, dest: 'example.com', recipient: 'bob@example.com', due: entry.at }],
    );
    const [accepted] = at.told('accepted');
    assert.equal(accepted?.id, entry.id);
    assert.equal(accepted.peer.holder, 'alice@example.net');
    assert.equal(accepted.peer.serial, '0a1b');
    assert.equal(accepted.rule, 'holder alice@example.net: RELAY (ledger)');
    assert.deepEqual(accepted.recipients, ['bob@example.com']);
    assert.equal(at.told('secured')[0]?.peer.verify, 'OK');
  });

  it('takes one message after the other, pipelined, each behind its durable 250', async () => {
    const waiting: PromiseWithResolvers<number>[] = [];
    const at = stage({
      accept: () => {
        const one = Promise.withResolvers<number>();
        waiting.push(one);
        return one.promise;
      },
    });
    const connection = await at.secured();
    connection.say(ENVELOPE);
    await at.clock.settle();
    connection.heard();
    // The next envelope comes before the reply: it waits, and reading stops.
    connection.say(`${CONTENT}.\r\n${ENVELOPE}`);
    connection.say('x\r\n.\r\n');
    connection.say('QUIT\r\n');
    await at.clock.settle();
    assert.equal(connection.heard(), '');
    assert.equal(waiting.length, 1);
    assert.equal(connection.reading, false);
    waiting[0]?.resolve(1);
    await at.clock.settle();
    assert.match(connection.heard(), /^250 2\.0\.0 .*\r\n250 2\.1\.0 .*\r\n250 2\.1\.5 .*\r\n354 .*\r\n$/);
    assert.equal(waiting.length, 2);
    waiting[1]?.resolve(1);
    await at.clock.settle();
    assert.match(connection.heard(), /^250 2\.0\.0 .*\r\n221 2\.0\.0 .*\r\n$/);
    assert.equal(connection.state, 'ending');
    assert.equal(at.told('accepted').length, 2);
  });

  it('answers pipelined commands in one piece', async () => {
    const at = stage();
    const connection = await at.secured();
    const before = connection.sends;
    connection.say('MAIL FROM:<alice@example.net>\r\nRCPT TO:<bob@example.com>\r\nRCPT TO:<carol@example.com>\r\nRSET\r\nNOOP\r\n');
    assert.equal(connection.sends - before, 1);
    assert.equal(connection.heard().split('\r\n').length, 6);
  });

  it('names no recipient in the trace when there are several, and routes each', async () => {
    const at = stage();
    const connection = await at.secured();
    await send(at, connection, 'MAIL FROM:<> BODY=8BITMIME RET=HDRS ENVID=x\r\nRCPT TO:<bob@example.com> NOTIFY=NEVER\r\nRCPT TO:<Carol@Example.ORG> ORCPT=rfc822;c@example.org\r\nDATA\r\n');
    const [entry] = at.entries;
    assert.doesNotMatch(text(entry), /for </);
    assert.deepEqual(entry?.envelope, { reversePath: '', body: '8BITMIME', smtputf8: false, ret: 'HDRS', envid: 'x' });
    assert.deepEqual(
      entry.deliveries.map(({ dest, recipient, notify, orcpt }) => ({ dest, recipient, notify, orcpt })),
      [
        { dest: 'example.com', recipient: 'bob@example.com', notify: 'never', orcpt: undefined },
        { dest: 'example.org', recipient: 'Carol@example.org', notify: undefined, orcpt: 'rfc822;c@example.org' },
      ],
    );
  });

  it('takes content by BDAT', async () => {
    const at = stage();
    const connection = await at.secured();
    connection.say('MAIL FROM:<alice@example.net>\r\nRCPT TO:<bob@example.com>\r\n');
    connection.say(`BDAT ${CONTENT.length}\r\n${CONTENT}BDAT 5 LAST\r\nmore!`);
    await at.clock.settle();
    assert.match(connection.heard(), /250 2\.0\.0 \d+ octets received\r\n250 2\.0\.0 [0-9A-Z]{11} Message accepted/);
    assert.ok(text(at.entries[0]).endsWith(`\r\n${CONTENT}more!`));
  });

  it('completes a message on submission and leaves it alone on relay', async () => {
    const at = stage();
    const bare = 'Subject: x\r\nBcc: secret@example.org\r\n\r\nhello\r\n';
    const submission = await at.secured();
    await send(at, submission, ENVELOPE, `${bare}.\r\n`);
    const relay = await at.secured(WITH_CERTIFICATE, { role: 'relay', port: 25 });
    await send(at, relay, ENVELOPE, `${bare}.\r\n`);
    const [submitted, relayed] = at.entries;
    const id = /id ([0-9A-Z]{11})/.exec(text(submitted))?.[1];
    assert.ok(text(submitted).endsWith(`+0000\r\nSubject: x\r\nDate: Tue, 24 Nov 2026 02:21:48 +0000\r\nMessage-ID: <${id}@relay.example.net>\r\n\r\nhello\r\n`));
    assert.ok(text(relayed).endsWith(`+0000\r\n${bare}`));
    assert.equal(at.told('accepted')[0]?.messageId, `<${id}@relay.example.net>`);
    assert.equal(at.told('accepted')[1]?.messageId, undefined);
  });

  it('sends large content to the content store', async () => {
    const at = stage();
    const connection = await at.secured();
    const body = 'line of some length, and many of them\r\n'.repeat(5000);
    connection.say(ENVELOPE);
    await at.clock.settle();
    connection.say(CONTENT);
    for (let i = 0; i < body.length; i += 60_000) connection.say(body.slice(i, i + 60_000));
    connection.say('.\r\n');
    await at.clock.settle();
    assert.match(connection.heard(), /250 2\.0\.0 [0-9A-Z]{11} Message accepted for delivery\r\n$/);
    const [entry] = at.entries;
    assert.ok(entry?.content.kind === 'stored');
    const pieces: Uint8Array[] = [];
    for await (const piece of at.contents.read(entry.content.ref)) pieces.push(piece);
    const stored = Buffer.concat(pieces).toString('latin1');
    assert.ok(stored.startsWith('Received: from laptop.example.org '));
    assert.ok(stored.endsWith(CONTENT + body));
    assert.equal(stored.length, entry.size);
  });

  it('stops reading while the content store is slow', async () => {
    const gate = Promise.withResolvers<void>();
    const store = memoryContentStore();
    const at = stage({
      contents: {
        ...store,
        create: (id) => {
          const writer = store.create(id);
          return { write: (bytes) => gate.promise.then(() => writer.write(bytes)), finish: () => writer.finish(), abandon: () => writer.abandon() };
        },
      },
    });
    const connection = await at.secured();
    connection.say(ENVELOPE);
    await at.clock.settle();
    connection.say(`${CONTENT}${'x'.repeat(70)}\r\n`.repeat(300));
    connection.say('more\r\n');
    connection.say('.\r\n');
    assert.equal(connection.reading, false);
    gate.resolve();
    await at.clock.settle();
    assert.equal(connection.reading, true);
    assert.match(connection.heard(), /250 2\.0\.0 [0-9A-Z]{11} Message accepted/);
  });

  it('holds what policy quarantines, and drops what it discards, without a word to the peer', async () => {
    const at = stage({ map: `CERTISSUER:${ISSUER} RELAY\nFrom:held@example.net QUARANTINE:look\nFrom:gone@example.net DISCARD\n` });
    const connection = await at.secured();
    const held = await send(at, connection, ENVELOPE.replace('alice', 'held'));
    const gone = await send(at, connection, ENVELOPE.replace('alice', 'gone'));
    assert.match(held, /250 2\.0\.0 [0-9A-Z]{11} Message accepted for delivery\r\n$/);
    assert.match(gone, /250 2\.0\.0 [0-9A-Z]{11} Message accepted for delivery\r\n$/);
    assert.equal(at.entries.length, 1);
    assert.equal(at.entries[0]?.deliveries[0]?.due, HELD);
    assert.equal(at.told('discarded')[0]?.reversePath, 'gone@example.net');
    assert.match(at.told('discarded')[0]?.rule ?? '', /holder alice/);
  });

  it('accepts mail for its own domains from anyone on a relay port', async () => {
    const at = stage();
    const { connection } = at.start({ role: 'relay', port: 25 });
    connection.say('EHLO client\r\n');
    await at.clock.settle();
    const replies = await send(at, connection, 'MAIL FROM:<x@example.org>\r\nRCPT TO:<bob@example.net>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\n');
    assert.match(replies, /250 2\.1\.5 <bob@example\.net>\.\.\. Recipient ok\r\n550 5\.7\.1 <bob@example\.com>\.\.\. Relaying denied: no client certificate was shown.*\r\n354/);
    assert.equal(at.entries[0]?.deliveries.length, 1);
    assert.match(text(at.entries[0]), /with ESMTP id .*\r\n\tfor <bob@example\.net>; /);
    assert.deepEqual(at.entries[0]?.origin, { holder: undefined, serial: undefined });
    const [refused] = at.told('refused');
    assert.equal(refused?.stage, 'recipient');
    assert.equal(refused.recipient, '<bob@example.com>');
    assert.equal(refused.reversePath, 'x@example.org');
    assert.match(refused.reply, /^550 5\.7\.1 /);
  });
});

describe('session: certificates', () => {
  it('tells a client without rights why', async () => {
    const reasons = [
      [TLS, /Relaying denied: no client certificate was shown\r\n/],
      [{ ...TLS, asked: false }, /Relaying denied: no client certificate was shown, because this port does not ask for one\r\n/],
      [{ ...WITH_CERTIFICATE, verifyError: 'CERT_HAS_EXPIRED' }, /Relaying denied: the client certificate has expired\r\n/],
      [{ ...WITH_CERTIFICATE, verifyError: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }, /Relaying denied: .* CA that is not trusted here\r\n/],
    ] as const;
    for (const [tls, reply] of reasons) {
      const at = stage();
      const connection = await at.secured(tls);
      connection.say('MAIL FROM:<alice@example.net>\r\nRCPT TO:<bob@example.com>\r\n');
      await at.clock.settle();
      assert.match(connection.heard(), reply);
    }
  });

  it('refuses MAIL without a verified certificate where one is required', async () => {
    const at = stage();
    const listener = { certificates: 'require' } as const;
    const { connection } = at.start(listener);
    await at.clock.settle();
    connection.say('EHLO x\r\nMAIL FROM:<alice@example.net>\r\n');
    assert.match(connection.heard(), /550 5\.7\.1 A client certificate is required here: .*use STARTTLS.*\r\n$/);
    const failed = await at.secured({ ...WITH_CERTIFICATE, verifyError: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, listener);
    failed.say('MAIL FROM:<alice@example.net>\r\n');
    assert.match(failed.heard(), /550 5\.7\.1 A client certificate is required here: the client certificate is self-signed/);
    const good = await at.secured(WITH_CERTIFICATE, listener);
    assert.match(await send(at, good), /Message accepted/);
  });

  it('keeps the rights of a certificate after HELO inside TLS', async () => {
    const at = stage();
    const connection = await at.secured();
    connection.say('HELO nullmailer\r\n');
    connection.heard();
    assert.match(await send(at, connection), /Message accepted/);
    assert.match(text(at.entries[0]), /with SMTP id .*\r\n\t\(version=.*verify=OK\)/);
  });

  it('forgets the hello said in clear, and what came behind STARTTLS', async () => {
    const at = stage();
    const { connection } = at.start();
    await at.clock.settle();
    connection.say('EHLO x\r\n');
    assert.match(connection.heard(), /250[ -]STARTTLS\r\n/);
    connection.say('STARTTLS\r\nEHLO injected\r\n');
    assert.match(connection.heard(), /^220 2\.0\.0 Ready to start TLS\r\n$/);
    connection.secure(WITH_CERTIFICATE);
    assert.equal(connection.heard(), '');
    connection.say('MAIL FROM:<alice@example.net>\r\n');
    assert.match(connection.heard(), /^503 5\.5\.1 Say HELO or EHLO first\r\n$/);
    connection.say('EHLO x\r\n');
    assert.doesNotMatch(connection.heard(), /STARTTLS/);
  });

  it('serves implicit TLS: handshake first, then the greeting', async () => {
    const at = stage();
    const { connection } = at.start({ tls: 'implicit', port: 465 });
    await at.clock.settle();
    assert.equal(connection.state, 'handshake');
    assert.equal(connection.heard(), '');
    connection.secure(WITH_CERTIFICATE);
    await at.clock.settle();
    assert.equal(connection.heard(), '220 relay.example.net ESMTP Sealpost\r\n');
    connection.say('EHLO x\r\n');
    assert.doesNotMatch(connection.heard(), /STARTTLS/);
    assert.match(await send(at, connection), /Message accepted/);
  });

  it('relays by the access map with a foreign CA', async () => {
    const foreign = { ...ALICE, issuer: '/CN=Foreign', serial: '77' };
    const at = stage({ certificate: foreign, map: 'CERTISSUER:/CN=Foreign RELAY\n' });
    assert.match(await send(at, await at.secured()), /Message accepted/);
    assert.deepEqual(at.entries[0]?.origin, { holder: undefined, serial: '77' });
    const without = stage({ certificate: foreign });
    const connection = await without.secured();
    connection.say('MAIL FROM:<alice@example.net>\r\nRCPT TO:<bob@example.com>\r\n');
    await without.clock.settle();
    assert.match(connection.heard(), /550 5\.7\.1 .*Relaying denied: this certificate has no right to relay here/);
  });
});

describe('session: withdrawal of a certificate', () => {
  it('bites at the next MAIL and RCPT of an open session', async () => {
    const at = stage();
    const connection = await at.secured();
    connection.say('MAIL FROM:<alice@example.net>\r\n');
    connection.heard();
    at.revoke('suspended');
    connection.say('RCPT TO:<bob@example.com>\r\nRSET\r\nMAIL FROM:<alice@example.net>\r\n');
    await at.clock.settle();
    const refusal = '550 5.7.1 Your certificate has been withdrawn\r\n';
    assert.equal(connection.heard(), `${refusal}250 2.0.0 Reset state\r\n${refusal}`);
    assert.deepEqual(at.told('refused').map((event) => [event.stage, event.peer.verify]), [['recipient', 'FAIL'], ['mail', 'FAIL']]);
  });

  it('bites when content is there but not yet durable', async () => {
    const at = stage();
    const connection = await at.secured();
    connection.say(ENVELOPE);
    await at.clock.settle();
    connection.say(CONTENT);
    at.revoke();
    connection.say('.\r\n');
    await at.clock.settle();
    assert.match(connection.heard(), /550 5\.7\.1 Your certificate has been withdrawn\r\n$/);
    assert.equal(at.entries.length, 0);
    assert.equal(at.told('accepted').length, 0);
  });

  it('leaves nothing of large content behind', async () => {
    const at = stage();
    const connection = await at.secured();
    connection.say(ENVELOPE);
    await at.clock.settle();
    connection.say(CONTENT + 'x\r\n'.repeat(20_000));
    at.revoke();
    connection.say('.\r\n');
    await at.clock.settle();
    assert.match(connection.heard(), /550 5\.7\.1 Your certificate has been withdrawn\r\n$/);
    assert.deepEqual(await at.contents.refs(), []);
  });

  it('closes all sessions of the certificate at once, and no others', async () => {
    const at = stage();
    const idle = await at.secured();
    const other = await at.secured(TLS);
    const inContent = await at.secured();
    inContent.say(ENVELOPE);
    await at.clock.settle();
    inContent.say(CONTENT);
    inContent.heard();
    at.revoke();
    assert.equal(at.sessions.recheck(new Set(['ffff'])), 0);
    assert.equal(at.sessions.recheck(new Set([ALICE.serial])), 2);
    const farewell = '421 4.7.0 relay.example.net your certificate has been withdrawn\r\n';
    assert.equal(idle.heard(), farewell);
    assert.equal(inContent.heard(), farewell);
    assert.equal(idle.state, 'ending');
    assert.equal(inContent.state, 'ending');
    assert.equal(other.heard(), '');
    assert.equal(other.state, 'open');
    assert.equal(at.sessions.recheck(), 0);
  });

  it('lets an entry that is being made durable have its reply first', async () => {
    const durable = Promise.withResolvers<number>();
    const at = stage({ accept: () => durable.promise });
    const connection = await at.secured();
    await send(at, connection);
    at.revoke();
    assert.equal(at.sessions.recheck(), 1);
    assert.equal(connection.heard(), '');
    durable.resolve(1);
    await at.clock.settle();
    assert.match(connection.heard(), /^250 2\.0\.0 .*accepted for delivery\r\n421 4\.7\.0 .*withdrawn\r\n$/);
    assert.equal(connection.state, 'ending');
  });

  it('never served: a certificate that was withdrawn before', async () => {
    const at = stage();
    at.revoke();
    const connection = await at.secured();
    connection.say('MAIL FROM:<alice@example.net>\r\nRCPT TO:<bob@example.com>\r\n');
    await at.clock.settle();
    assert.match(connection.heard(), /550 5\.7\.1 .*Relaying denied: the client certificate has been revoked/);
    assert.equal(at.told('secured')[0]?.reason, 'revoked');
  });
});

describe('session: AUTH EXTERNAL', () => {
  const offers = async (at: Stage, tls: TlsFacts): Promise<string> => {
    const connection = await at.secured(tls);
    connection.say('EHLO x\r\n');
    return connection.heard();
  };

  it('is offered with a verified certificate and only then', async () => {
    assert.match(await offers(stage(), WITH_CERTIFICATE), /250[ -]AUTH EXTERNAL\r\n/);
    assert.doesNotMatch(await offers(stage(), TLS), /AUTH/);
    assert.doesNotMatch(await offers(stage(), { ...WITH_CERTIFICATE, verifyError: 'CERT_HAS_EXPIRED' }), /AUTH/);
  });

  const auth = async (words: string, then?: string): Promise<{ replies: string; at: Stage; connection: FakeConnection }> => {
    const at = stage();
    const connection = await at.secured();
    connection.say(`AUTH EXTERNAL${words}\r\n`);
    if (then !== undefined) connection.say(`${then}\r\n`);
    return { replies: connection.heard(), at, connection };
  };
  const base64 = (plain: string): string => Buffer.from(plain).toString('base64');

  it('takes the holder for an empty identity, with and without initial response', async () => {
    assert.equal((await auth(' =')).replies, '235 2.7.0 Authenticated as alice@example.net\r\n');
    assert.equal((await auth('', '')).replies, '334 \r\n235 2.7.0 Authenticated as alice@example.net\r\n');
  });

  it('takes names that the certificate carries', async () => {
    for (const name of ['ALICE@example.net', 'sales@example.net', '/CN=alice@example.net']) {
      assert.equal((await auth(` ${base64(name)}`)).replies, `235 2.7.0 Authenticated as ${name}\r\n`);
    }
    assert.match((await auth('', base64('sales@example.net'))).replies, /235 /);
  });

  it('refuses others, and goes on', async () => {
    const { replies, at, connection } = await auth(` ${base64('bob@example.net')}`);
    assert.match(replies, /^535 5\.7\.8 Authentication failed: the certificate does not carry this identity\r\n$/);
    assert.equal(at.told('refused')[0]?.stage, 'auth');
    assert.match((await auth(` ${base64('a\0b')}`)).replies, /^535 /);
    assert.match((await auth(' /w==')).replies, /^535 /);
    assert.match(await send(at, connection), /Message accepted/);
    assert.match(text(at.entries[0]), /with ESMTPS id/);
  });

  it('shows in the trace header and among the events', async () => {
    const { at, connection } = await auth(' =');
    assert.match(await send(at, connection), /Message accepted/);
    assert.match(text(at.entries[0]), /\r\n\t\(authenticated bits=0\)\r\n\tby .* with ESMTPSA id/);
    const [event] = at.told('authenticated');
    assert.equal(event?.mechanism, 'EXTERNAL');
    assert.equal(event.identity, 'alice@example.net');
  });

  it('can be cancelled and begun again', async () => {
    const { replies, connection } = await auth('', '*');
    assert.match(replies, /^334 \r\n501 5\.7\.0 /);
    connection.say('AUTH EXTERNAL =\r\n');
    assert.match(connection.heard(), /^235 /);
  });
});

describe('session: what goes wrong', () => {
  for (const [key, reply] of [['storage-full', /^452 4\.3\.1 /], ['storage-failed', /^451 4\.3\.0 /]] as const) {
    it(`accepts nothing when the spool says ${key}`, async () => {
      const at = stage({ accept: () => Promise.reject(new Fault(statuses[key], 'the disk')) });
      const connection = await at.secured();
      const replies = await send(at, connection);
      assert.match(replies.split('\r\n').at(-2) ?? '', reply);
      assert.equal(at.told('accepted').length, 0);
      assert.match(at.told('trouble')[0]?.detail ?? '', /the disk/);
      assert.doesNotMatch(replies, /the disk/);
      assert.match(await send(at, connection), /\r\n45[12] /, 'the session goes on');
    });
  }

  it('drops stored content that the spool did not take', async () => {
    const at = stage({ accept: () => Promise.reject(new Error('boom')) });
    const connection = await at.secured();
    connection.say(ENVELOPE);
    await at.clock.settle();
    connection.say(`${CONTENT}${'x\r\n'.repeat(20_000)}.\r\n`);
    await at.clock.settle();
    assert.match(connection.heard(), /451 4\.3\.0 Local error; try again later\r\n$/);
    assert.deepEqual(await at.contents.refs(), []);
  });

  it('says so when an id was there already, instead of losing the message', async () => {
    const at = stage({ accept: () => Promise.resolve(0) });
    assert.match(await send(at, await at.secured()), /451 4\.3\.0 Local error/);
    assert.match(at.told('trouble')[0]?.detail ?? '', /already/);
  });

  it('answers 452 when the content store is full, and swallows the rest', async () => {
    let abandoned = 0;
    const writer = {
      write: () => Promise.reject(new Fault(statuses['storage-full'], 'full')),
      finish: () => Promise.reject(new Error('finished')),
      abandon: () => Promise.resolve(void abandoned++),
    };
    const at = stage({ contents: { ...memoryContentStore(), create: () => writer } });
    const connection = await at.secured();
    connection.say(ENVELOPE);
    await at.clock.settle();
    connection.heard();
    for (let i = 0; i < 10; i++) connection.say('x'.repeat(70).concat('\r\n').repeat(500));
    connection.say('.\r\n');
    await at.clock.settle();
    assert.equal(connection.heard(), '452 4.3.1 Insufficient storage; try again later\r\n');
    assert.equal(abandoned, 1);
  });

  it('refuses loops and long headers at the end of content', async () => {
    const at = stage({ limits: { hops: 2, header: 300 } });
    const connection = await at.secured();
    assert.match(await send(at, connection, ENVELOPE, `${'Received: x\r\n'.repeat(2)}\r\n.\r\n`), /554 5\.4\.6 Too many hops \(2\): mail loop\r\n$/);
    assert.match(await send(at, connection, ENVELOPE, `X: ${'y'.repeat(300)}\r\n\r\n.\r\n`), /552 5\.6\.0 Header section exceeds 300 octets\r\n$/);
    assert.equal(at.entries.length, 0);
    assert.deepEqual(at.told('refused').map((event) => event.stage), ['content', 'content']);
  });

  it('throws away content whose end is refused, and begins anew after a reset', async () => {
    const at = stage();
    const connection = await at.secured();
    assert.match(await send(at, connection, ENVELOPE, 'bare\nline\r\n.\r\n'), /550 5\.6\.0 Bare CR or LF/);
    assert.equal(at.told('refused')[0]?.stage, 'content');
    connection.say('MAIL FROM:<alice@example.net>\r\nRSET\r\n');
    connection.heard();
    assert.match(await send(at, connection), /Message accepted/);
    assert.equal(at.entries.length, 1);
  });

  it('undoes what is half done when the connection breaks', async () => {
    const at = stage();
    const connection = await at.secured();
    connection.say(ENVELOPE);
    await at.clock.settle();
    connection.say(CONTENT + 'x\r\n'.repeat(20_000));
    await at.clock.settle();
    connection.breakOff('ECONNRESET');
    await at.clock.settle();
    assert.deepEqual(await at.contents.refs(), []);
    const [gone] = at.told('disconnected');
    assert.equal(gone?.reason, 'ECONNRESET');
    assert.equal(gone.messages, 0);
    assert.equal(at.sessions.size, 0);
    assert.equal(at.admission.connections, 0);
    assert.equal(at.clock.pending(), 0);
  });

  it('accepts an entry whose client left while it was made durable', async () => {
    const durable = Promise.withResolvers<number>();
    const at = stage({ accept: () => durable.promise });
    const connection = await at.secured();
    await send(at, connection);
    connection.breakOff();
    durable.resolve(1);
    await at.clock.settle();
    assert.equal(at.told('accepted').length, 1);
  });

  it('survives an error of its own by ending this session alone', async () => {
    const at = stage();
    const connection = await at.secured();
    (at.services as { policy: () => AccessPolicy }).policy = () => {
      throw new Error('a bug');
    };
    connection.say('MAIL FROM:<alice@example.net>\r\n');
    await at.clock.settle();
    assert.equal(connection.state, 'destroyed');
    assert.equal(at.told('trouble')[0]?.detail, 'a bug');
    assert.equal(at.sessions.size, 0);
  });

  it('stops reading while the peer takes no replies', async () => {
    const at = stage();
    const connection = await at.secured();
    connection.block();
    connection.say('NOOP\r\n');
    assert.equal(connection.reading, false);
    connection.say('NOOP\r\nNOOP\r\n');
    connection.drain();
    await at.clock.settle();
    assert.equal(connection.reading, true);
    assert.equal(connection.heard(), '250 2.0.0 OK\r\n'.repeat(3));
  });

  it('answers all that came before the peer closed its side', async () => {
    const at = stage();
    const connection = await at.secured();
    connection.say(ENVELOPE);
    await at.clock.settle();
    connection.say(`${CONTENT}.\r\n`);
    connection.say('NOOP\r\n');
    connection.hangUp();
    await at.clock.settle();
    assert.match(connection.heard(), /accepted for delivery\r\n250 2\.0\.0 OK\r\n$/);
    await at.clock.settle();
    assert.equal(at.told('disconnected')[0]?.reason, 'the peer closed the connection');
    assert.equal(at.told('disconnected')[0]?.messages, 1);
  });
});

describe('session: connect', () => {
  it('greets, and tells who is there', async () => {
    const at = stage();
    const { connection, session } = at.start();
    assert.equal(connection.heard(), '220 relay.example.net ESMTP Sealpost\r\n');
    await at.clock.settle();
    connection.say('EHLO laptop\r\n');
    assert.match(connection.heard(), /^250-relay\.example\.net Hello client\.example\.org \[192\.0\.2\.7\], pleased to meet you\r\n/);
    const [connected] = at.told('connected');
    assert.equal(connected?.peer.session, session.id);
    assert.equal(connected.peer.address, '192.0.2.7');
    assert.equal(connected.listener, 'submission');
  });

  it('turns away what is too much by 421, before any handshake', async () => {
    const at = stage();
    for (let i = 0; i < 3; i++) at.start();
    const { connection } = at.start();
    assert.equal(connection.heard(), '421 4.7.0 relay.example.net too many connections from your address\r\n');
    assert.equal(connection.state, 'ending');
    assert.equal(at.start({ tls: 'implicit' }).connection.state, 'destroyed');
    for (let i = 0; i < 5; i++) at.start({}, `198.51.100.${i}`);
    const late = at.start({}, '198.51.100.99');
    assert.equal(late.connection.heard(), '421 4.3.2 relay.example.net too many connections; try again later\r\n');
    connection.destroy();
    await at.clock.settle();
    assert.equal(at.admission.connections, 9);
    assert.equal(at.told('refused').length, 3);
  });

  it('greets the refused by 220 and refuses everything that matters', async () => {
    const at = stage({ map: 'Connect:192.0.2.7 REJECT\n' });
    const { connection } = at.start();
    await at.clock.settle();
    connection.say('EHLO x\r\nNOOP\r\nRSET\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.net>\r\nHELO x\r\nMAIL FROM:<a@example.net>\r\nQUIT\r\n');
    const replies = connection.heard();
    assert.match(replies, /^220 relay/);
    assert.doesNotMatch(replies, /STARTTLS|AUTH/);
    assert.equal(replies.match(/550 5\.7\.1 Access denied/g)?.length, 2);
    assert.match(replies, /250 2\.0\.0 OK\r\n250 2\.0\.0 Reset state\r\n/);
    assert.match(replies, /221 /);
    assert.equal(at.told('refused')[0]?.stage, 'connect');
    assert.match(at.told('refused')[0]?.rule ?? '', /access:1/);
  });

  it('says a 421 of the map in place of the greeting', async () => {
    const at = stage({ map: 'Connect:client.example.org ERROR:421 4.7.1 come back later\n' });
    const { connection } = at.start();
    assert.equal(connection.heard(), '', 'the map is asked by name first');
    await at.clock.settle();
    assert.match(connection.heard(), /^421 .*come back later\r\n$/);
    assert.equal(connection.state, 'ending');
  });

  it('waits for the name before the greeting only with a map, before RCPT only for strangers', async () => {
    const name = Promise.withResolvers<PeerName>();
    const at = stage({ name: name.promise });
    const stranger = at.start({ role: 'relay' }).connection;
    const holder = await at.secured();
    assert.match(stranger.heard(), /^220 /);
    const envelope = 'MAIL FROM:<alice@example.net>\r\nRCPT TO:<bob@example.net>\r\n';
    stranger.say(`EHLO x\r\n${envelope}`);
    assert.match(stranger.heard(), /Sender ok\r\n$/);
    holder.say(`${envelope}DATA\r\n`);
    assert.match(holder.heard(), /Recipient ok\r\n$/);
    name.resolve({ state: 'forged', name: 'x.example' });
    await at.clock.settle();
    assert.match(stranger.heard(), /^250 .*Recipient ok\r\n$/);
    assert.match(holder.heard(), /^354 /);
    holder.say(`${CONTENT}.\r\n`);
    await at.clock.settle();
    assert.match(text(at.entries[0]), /^Received: from laptop\.example\.org \(x\.example \[192\.0\.2\.7\] \(may be forged\)\)\r\n/);
  });

  it('goes away quietly when the peer left before its name was known', async () => {
    const name = Promise.withResolvers<PeerName>();
    const at = stage({ name: name.promise, map: 'Connect:1.2.3.4 REJECT\n' });
    const { connection } = at.start();
    connection.breakOff();
    name.resolve({ state: 'none', name: undefined });
    await at.clock.settle();
    assert.equal(connection.heard(), '');
    assert.equal(at.told('trouble').length, 0);
  });
});

describe('session: time', () => {
  it('ends a silent session by 421, and not one that speaks', async () => {
    const at = stage();
    const connection = await at.secured();
    for (let i = 0; i < 4; i++) {
      await at.clock.advance(299_000);
      connection.say('NOOP\r\n');
      assert.equal(connection.heard(), '250 2.0.0 OK\r\n');
    }
    await at.clock.advance(299_999);
    assert.equal(connection.heard(), '');
    await at.clock.advance(1);
    assert.equal(connection.heard(), '421 4.4.2 relay.example.net closing connection: timed out waiting for a command\r\n');
    assert.equal(connection.state, 'ending');
    await at.clock.advance(10_000);
    assert.equal(connection.state, 'destroyed');
    assert.equal(at.clock.pending(), 0);
    assert.match(at.told('disconnected')[0]?.reason ?? '', /^421 4\.4\.2 /);
  });

  it('is less patient in the middle of content', async () => {
    const at = stage();
    const connection = await at.secured();
    connection.say(ENVELOPE);
    await at.clock.settle();
    connection.say(CONTENT);
    connection.heard();
    await at.clock.advance(179_999);
    assert.equal(connection.heard(), '');
    await at.clock.advance(1);
    assert.match(connection.heard(), /^421 4\.4\.2 .*timed out waiting for content\r\n$/);
    await at.clock.advance(10_000);
    assert.equal(at.entries.length, 0);
  });

  it('does not count the time it takes itself', async () => {
    const durable = Promise.withResolvers<number>();
    const at = stage({ accept: () => durable.promise });
    const connection = await at.secured();
    await send(at, connection);
    await at.clock.advance(1_200_000);
    assert.equal(connection.heard(), '');
    durable.resolve(1);
    await at.clock.settle();
    assert.match(connection.heard(), /accepted for delivery\r\n$/);
    await at.clock.advance(299_999);
    assert.equal(connection.state, 'open');
    await at.clock.advance(1);
    assert.equal(connection.state, 'ending');
  });

  it('ends a session that lasts too long, whatever it does', async () => {
    const at = stage({ limits: { sessionTime: 500_000, idleCommands: 1000 } });
    const connection = await at.secured();
    for (let i = 0; i < 49; i++) {
      await at.clock.advance(10_000);
      connection.say('NOOP\r\n');
    }
    connection.heard();
    await at.clock.advance(9_999);
    assert.equal(connection.heard(), '');
    await at.clock.advance(1);
    assert.match(connection.heard(), /^421 4\.7\.0 .*session lasts too long\r\n$/);
  });

  it('gives a handshake its time', async () => {
    const at = stage();
    const { connection } = at.start();
    await at.clock.settle();
    connection.say('STARTTLS\r\n');
    await at.clock.advance(19_999);
    assert.equal(connection.state, 'handshake');
    await at.clock.advance(1);
    assert.equal(connection.state, 'destroyed');
    assert.match(at.told('handshake-failed')[0]?.detail ?? '', /too long/);
    assert.equal(at.told('disconnected').length, 1);
  });

  it('tells of a handshake that failed', async () => {
    const at = stage();
    const { connection } = at.start({ tls: 'implicit' });
    connection.breakOff('tlsv1 alert unknown ca');
    assert.equal(at.told('handshake-failed')[0]?.detail, 'tlsv1 alert unknown ca');
  });

  it('sets few timers', async () => {
    const at = stage();
    let timers = 0;
    const { after } = at.clock;
    (at.services.clock as { after: typeof after }).after = (span, action) => {
      timers += 1;
      return after(span, action);
    };
    const connection = await at.secured();
    for (let i = 0; i < 20; i++) {
      await at.clock.advance(100);
      await send(at, connection);
    }
    assert.equal(at.entries.length, 20);
    assert.ok(timers <= 4, `${timers} timers`);
  });
});

describe('session: shutting down', () => {
  it('ends idle sessions at once, and those with a message after it', async () => {
    const at = stage();
    const idle = await at.secured();
    const busy = await at.secured();
    busy.say(ENVELOPE);
    await at.clock.settle();
    busy.heard();
    let drained = false;
    void at.sessions.drain().then(() => (drained = true));
    assert.equal(idle.heard(), '421 4.3.2 relay.example.net is shutting down; try again soon\r\n');
    assert.equal(busy.heard(), '');
    busy.say(`${CONTENT}.\r\n`);
    await at.clock.settle();
    assert.match(busy.heard(), /^250 2\.0\.0 .*accepted for delivery\r\n421 4\.3\.2 .*shutting down.*\r\n$/);
    assert.equal(drained, false);
    idle.hangUp();
    busy.hangUp();
    await at.clock.settle();
    assert.equal(drained, true);
  });

  it('closes what remains when told so', async () => {
    const at = stage();
    const connection = await at.secured();
    at.sessions.abort();
    await at.clock.settle();
    assert.equal(connection.state, 'destroyed');
    assert.equal(at.told('disconnected')[0]?.reason, 'the server was stopped');
  });
});
