import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openCustody } from '../../test/fakes/custody.ts';
import { testAuthority } from '../../test/fakes/authority.ts';
import { type FakeClock, fakeClock } from '../../test/fakes/clock.ts';
import { namesIn } from '../../test/fakes/folder.ts';
import { seededRandom } from '../../test/fakes/random.ts';
import { utf8 } from '../base/bytes.ts';
import type { RelayEvent } from '../base/event.ts';
import { idMinter, queueId } from '../base/id.ts';
import { parseConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { encodePem } from '../protocol/pki/pem.ts';
import type { NewEntry } from '../relay/spool/spool.ts';
import { memoryAcmeStore } from '../storage/memory/acme.ts';
import { memoryContentStore } from '../storage/memory/content-store.ts';
import { memoryEnrolments } from '../storage/memory/enrolment.ts';
import { memoryPasswords } from '../storage/memory/passwords.ts';
import { passwordCrypto } from '../platform/process/password-crypto.ts';
import type { LedgerRecord } from '../ca/ledger.ts';
import { completeIssue } from '../ca/acme/order.ts';
import { someAccount, someOrder } from '../ca/acme/store.suite.ts';
import { someNote, someRecord } from '../ca/ledger.suite.ts';
import { memoryLedger } from '../storage/memory/ledger.ts';
import { memorySpool } from '../storage/memory/spool.ts';
import type { AccessCheck, AccessTest } from './access.ts';
import { checkConfig, showConfig } from './config.ts';
import type { AdminContext, LiveRelay } from './context.ts';
import { OperationError } from './errors.ts';
import { operations, runOperation } from './operation.ts';
import type { QueueChanged, QueueDetails, QueueListing } from './queue.ts';
import type { StatusReport } from './status.ts';

interface Bench {
  readonly context: AdminContext;
  readonly clock: FakeClock;
  readonly events: RelayEvent[];
  readonly files: Map<string, string>;
  /** Puts an entry into the spool; gives its queue id. */
  readonly enqueue: (over?: {
    readonly holder?: string;
    readonly serial?: string;
    readonly recipients?: readonly string[];
    readonly reversePath?: string;
    readonly stored?: boolean;
    readonly wait?: number;
  }) => Promise<string>;
}

function bench(over: { readonly config?: string; readonly live?: LiveRelay } = {}): Bench {
  const clock = fakeClock();
  const events: RelayEvent[] = [];
  const files = new Map<string, string>();
  const { config, problems } = parseConfig(`hostname: relay.example.net\n${over.config ?? ''}`, 'sealpost.yaml');
  assert.deepEqual(problems, []);
  const spool = memorySpool({ clock });
  const contents = memoryContentStore();
  const mint = idMinter(clock, 1);
  const context: AdminContext = {
    config: config as Config,
    directory: '/data',
    clock,
    random: seededRandom(3),
    events: { tell: (event) => events.push(event) },
    actor: 'cli:root',
    ledger: memoryLedger(),
    acme: memoryAcmeStore(),
    enrolments: memoryEnrolments(),
    passwords: memoryPasswords(),
    passwordCrypto: passwordCrypto(),
    door: () => Promise.reject(new Error('no door here')),
    custody: openCustody,
    spool,
    contents,
    files: {
      read: (path) => {
        const text = files.get(path);
        return text === undefined
          ? Promise.reject(Object.assign(new Error('no such file'), { code: 'ENOENT' }))
          : Promise.resolve(utf8(text));
      },
      write: () => Promise.reject(new Error('nothing is written here')),
      has: async (path) => files.has(path),
      list: async (path) => namesIn(files.keys(), path),
      remove: () => Promise.reject(new Error('nothing is removed here')),
      erase: () => Promise.reject(new Error('nothing is erased here')),
    },
    live: over.live,
  };
  return {
    context,
    clock,
    events,
    files,
    async enqueue({
      holder,
      serial,
      recipients = ['bob@example.com'],
      reversePath = 'alice@example.net',
      stored = false,
      wait = 0,
    } = {}) {
      const id = mint();
      let ref: string | undefined;
      if (stored) {
        const writer = contents.create(id);
        await writer.write(utf8('x'));
        ref = await writer.finish();
      }
      const entry: NewEntry = {
        id,
        at: clock.now(),
        envelope: { reversePath, body: '7BIT', smtputf8: false, ret: undefined, envid: undefined },
        origin: { holder, serial },
        messageId: '<1@example.net>',
        peer: '192.0.2.7 s1',
        size: 100,
        content: ref === undefined ? { kind: 'inline', bytes: utf8('x') } : { kind: 'stored', ref },
        deliveries: recipients.map((recipient) => ({
          id: mint(),
          lane: 1,
          dest: recipient.split('@')[1] ?? '',
          recipient,
          notify: undefined,
          orcpt: undefined,
          due: clock.now() + wait,
        })),
      };
      await spool.accept([entry]);
      return queueId(id);
    },
  };
}

const refused = (kind: string, pattern: RegExp) => (error: unknown) =>
  error instanceof OperationError && error.kind === kind && pattern.test(`${error.message}; ${error.hint ?? ''}`);

describe('queue', () => {
  test('list gives entries as plain data, and says when there are more', async () => {
    const { context, enqueue } = bench();
    const id = await enqueue({
      holder: 'alice@example.net',
      serial: '4a1f',
      recipients: ['bob@example.com', 'c@example.org'],
    });
    await enqueue();
    const all = (await runOperation(context, 'queue.list', {})) as QueueListing;
    assert.equal(all.entries.length, 2);
    assert.equal(all.more, false);
    assert.deepEqual(all.counts.deliveries, 3);
    const found = (await runOperation(context, 'queue.list', { holder: 'alice@example.net' })) as QueueListing;
    assert.deepEqual(found.entries, [
      {
        id,
        at: context.clock.now(),
        reversePath: 'alice@example.net',
        size: 100,
        holder: 'alice@example.net',
        serial: '4a1f',
        peer: '192.0.2.7 s1',
        messageId: '<1@example.net>',
        deliveries: ['bob@example.com', 'c@example.org'].map((recipient) => ({
          recipient,
          dest: recipient.split('@')[1],
          held: false,
          due: context.clock.now(),
          attempts: 0,
          lastDetail: found.entries[0]?.deliveries[0]?.lastDetail,
        })),
      },
    ]);
    assert.deepEqual(JSON.parse(JSON.stringify(found)), found);
    const one = (await runOperation(context, 'queue.list', { limit: 1 })) as QueueListing;
    assert.deepEqual([one.entries.length, one.more], [1, true]);
  });

  test('hold and release by certificate, told once as an event', async () => {
    const { context, enqueue, events } = bench();
    const id = await enqueue({ serial: '4a1f' });
    await enqueue({ serial: '5555' });
    assert.deepEqual(await runOperation(context, 'queue.hold', { serial: '4A1F', reason: 'abuse desk' }), {
      ids: [id],
    } satisfies QueueChanged);
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['queue-changed'],
    );
    const held = (await runOperation(context, 'queue.list', { held: true })) as QueueListing;
    assert.deepEqual(
      held.entries.map((entry) => entry.id),
      [id],
    );
    assert.deepEqual(
      held.entries[0]?.deliveries.map(({ held, due }) => [held, due]),
      [[true, null]],
    );
    assert.equal(held.counts.held, 1);
    const details = (await runOperation(context, 'queue.show', { id: id.toLowerCase() })) as QueueDetails;
    assert.ok(details.history.some(({ detail }) => detail.includes('abuse desk')));
    assert.deepEqual(await runOperation(context, 'queue.release', { ids: [id] }), { ids: [id] });
    assert.deepEqual(((await runOperation(context, 'queue.list', { held: true })) as QueueListing).entries, []);
  });

  test('retry makes it due now', async () => {
    const { context, enqueue, clock } = bench();
    const id = await enqueue({ wait: 3_600_000 });
    await clock.advance(1_000);
    await runOperation(context, 'queue.retry', { all: true });
    const { entry } = (await runOperation(context, 'queue.show', { id })) as QueueDetails;
    assert.equal(entry?.deliveries[0]?.due, clock.now());
  });

  test('remove drops the content with the entry; the history stays', async () => {
    const { context, enqueue } = bench();
    const id = await enqueue({ stored: true });
    assert.equal((await context.contents.refs()).length, 1);
    await runOperation(context, 'queue.remove', { ids: [id] });
    assert.deepEqual(await context.contents.refs(), []);
    const details = (await runOperation(context, 'queue.show', { id })) as QueueDetails;
    assert.equal(details.entry, null);
    assert.ok(details.history.length > 0);
  });

  test('nothing named is refused, and so is an id that is not there or is none', async () => {
    const { context, enqueue, events } = bench();
    const id = await enqueue();
    for (const verb of ['hold', 'release', 'retry', 'remove']) {
      await assert.rejects(
        runOperation(context, `queue.${verb}`, {}),
        refused('usage', /no entries were named.*--all/),
      );
      await assert.rejects(runOperation(context, `queue.${verb}`, { ids: [] }), refused('usage', /no entries/));
      await assert.rejects(
        runOperation(context, `queue.${verb}`, { ids: [id, '00000000001'] }),
        refused('not-found', /00000000001 is not in the queue/),
      );
      await assert.rejects(runOperation(context, `queue.${verb}`, { ids: ['hé'] }), refused('usage', /is no queue id/));
    }
    await assert.rejects(
      runOperation(context, 'queue.show', { id: '00000000001' }),
      refused('not-found', /queue list/),
    );
    assert.equal(((await runOperation(context, 'queue.list', {})) as QueueListing).entries.length, 1);
    assert.deepEqual(events, []);
  });
});

describe('status', () => {
  test('stopped', async () => {
    const { context, enqueue } = bench();
    await enqueue();
    const report = (await runOperation(context, 'status', undefined)) as StatusReport;
    assert.equal(report.running, false);
    assert.deepEqual([report.startedAt, report.counts, report.listeners], [null, null, []]);
    assert.equal(report.queue.entries, 1);
    assert.deepEqual(report.certificates, {
      active: 0,
      suspended: 0,
      revoked: 0,
      abandoned: 0,
      ending: [],
      endingCount: 0,
    });
  });

  test('running, with what ends soon', async () => {
    const counts = { sessions: 1, accepted: 2, refused: 3, delivered: 4, deferred: 5, failed: 6 };
    const listener = { name: 'relay', address: '::', port: 25, tls: 'starttls' };
    const { context, clock } = bench({
      live: {
        startedAt: 5,
        refresh: () => Promise.resolve(),
        listening: () => [listener],
        counts: () => Promise.resolve(counts),
      },
    });
    const record = (serial: string, notAfter: number): LedgerRecord =>
      someRecord(serial, { holder: `${serial}@x`, notBefore: 0, notAfter, issuedAt: 0 });
    const day = 86_400_000;
    for (const [serial, days] of [
      ['aa', 20],
      ['bb', 400],
      ['cc', -1],
      ['dd', 5],
    ] as const)
      context.ledger.add(record(serial, clock.now() + days * day), someNote());
    context.ledger.revoke(['bb'], 'unspecified', clock.now(), someNote('revoked'));
    const report = (await runOperation(context, 'status', {})) as StatusReport;
    assert.deepEqual(
      [report.running, report.startedAt, report.counts, report.listeners],
      [true, 5, counts, [listener]],
    );
    assert.deepEqual([report.certificates.active, report.certificates.revoked], [2, 1]);
    assert.deepEqual(
      report.certificates.ending.map(({ serial }) => serial),
      ['dd', 'aa'],
    );
  });
});

describe('access', () => {
  test('no map is no problem; one that is named must be there', async () => {
    assert.deepEqual(await runOperation(bench().context, 'access.check', {}), {
      file: null,
      keys: 0,
      problems: [],
    } satisfies AccessCheck);
    assert.equal(
      ((await runOperation(bench({ config: 'access: {map: none}' }).context, 'access.check', {})) as AccessCheck).file,
      null,
    );
    await assert.rejects(
      runOperation(bench({ config: 'access: {map: maps/access}' }).context, 'access.check', {}),
      refused('failed', /cannot read the access map maps\/access: no such file.*access\.map/),
    );
  });

  test('problems with their lines', async () => {
    const { context, files } = bench();
    files.set('access', 'To:example.com RELAY\n wrapped\nTo:example.com OK\n');
    const check = (await runOperation(context, 'access.check', {})) as AccessCheck;
    assert.equal(check.keys, 1);
    assert.deepEqual(
      check.problems.map(({ line, severity }) => `${line} ${severity}`),
      ['2 error', '3 error'],
    );
  });

  test('a map outside the data directory is read by a path relative to it', async () => {
    const { context, files } = bench({ config: 'access: {map: /etc/mail/access}' });
    files.set('../etc/mail/access', 'To:example.com RELAY\n');
    assert.equal(((await runOperation(context, 'access.check', {})) as AccessCheck).keys, 1);
  });

  test('a stranger is refused, with the reason in the reply', async () => {
    const result = (await runOperation(bench().context, 'access.test', {
      from: 'x@example.org',
      to: 'bob@example.com',
    })) as AccessTest;
    assert.match(result.verdict, /^reject 550 5\.7\.1 .*Relaying denied/);
    assert.deepEqual([result.accepted, result.relay, result.rule], [false, false, null]);
    assert.deepEqual(result.principal, {
      verify: 'NO',
      reason: 'no-certificate',
      holder: null,
      subject: null,
      issuer: null,
    });
  });

  test('names of a certificate, by the map', async () => {
    const { context, files } = bench();
    files.set('access', 'CERTISSUER:/C=JP/CN=ca SUBJECT\nCERTSUBJECT:/C=JP/CN=alice RELAY\n');
    const input = { to: 'bob@example.com', subject: '/C=JP/CN=alice', issuer: '/C=JP/CN=ca' };
    const result = (await runOperation(context, 'access.test', input)) as AccessTest;
    assert.deepEqual([result.verdict, result.relay, result.rule], ['accept, relay', true, 'access:2']);
    const other = (await runOperation(context, 'access.test', { ...input, subject: '/C=JP/CN=bob' })) as AccessTest;
    assert.equal(other.accepted, false);
  });

  test('a certificate of our own, while its record is active', async () => {
    const authority = testAuthority();
    const { certificate } = await authority.issue();
    const { context } = bench();
    const file = utf8(`A comment\n${encodePem('CERTIFICATE', certificate)}`);
    const unknown = (await runOperation(context, 'access.test', {
      to: 'b@example.com',
      certificate: file,
    })) as AccessTest;
    assert.equal(unknown.accepted, false);
    const { subject, issuer } = unknown.principal;
    const { createHash, X509Certificate } = await import('node:crypto');
    const serial = new X509Certificate(certificate).serialNumber.toLowerCase();
    const fingerprint = createHash('sha256').update(certificate).digest('hex');
    const names = { subject: subject ?? '', issuer: issuer ?? '' };
    const notAfter = context.clock.now() + 1e9;
    context.ledger.add(
      someRecord(serial, { ...names, fingerprint, notBefore: 0, notAfter, issuedAt: 0, certificate }),
      someNote(),
    );
    const known = (await runOperation(context, 'access.test', {
      to: 'b@example.com',
      certificate: new Uint8Array(certificate),
    })) as AccessTest;
    assert.deepEqual([known.relay, known.principal.holder, known.principal.verify], [true, 'alice@example.net', 'OK']);
    context.ledger.revoke([serial], 'keyCompromise', context.clock.now(), someNote('revoked'));
    const revoked = (await runOperation(context, 'access.test', {
      to: 'b@example.com',
      certificate: file,
    })) as AccessTest;
    assert.deepEqual([revoked.accepted, revoked.principal.reason], [false, 'revoked']);
  });

  test('all that Sendmail looks at can be stated', async () => {
    const { context, files } = bench({
      config: 'access: {features: [sendmail, relay_based_on_MX], trustedMechanisms: [PLAIN], localUsers: [root]}',
    });
    files.set('access', 'TLS_Clt:192.0.2.9 ENCR:128\n');
    const ask = async (input: object): Promise<string> =>
      ((await runOperation(context, 'access.test', { bits: 0, ...input })) as AccessTest).verdict;
    const to = 'bob@example.com';
    assert.match(await ask({ to, ptr: 'forged' }), /^reject 550 5\.7\.1 .*IP name possibly forged \[192\.0\.2\.1\]/);
    assert.match(await ask({ to, name: 'a.test' }), /Proper authentication required/);
    assert.equal(await ask({ to, name: 'a.test', auth: 'PLAIN:alice' }), 'accept, relay');
    assert.equal(await ask({ to, name: 'a.test', served: 'yes' }), 'accept, relay');
    assert.match(await ask({ to, from: 'u@no.test', senderDomain: 'missing' }), /^reject 553 5\.1\.8 <u@no\.test>/);
    assert.match(await ask({ to: 'u@a@b', name: 'a.test' }), /^reject 553 5\.1\.3 <u@a@b>\.\.\. Invalid route address/);
    assert.match(await ask({ to, address: '192.0.2.9', bits: 40, verify: 'NO' }), /too weak 40 less than 128/);
    assert.equal(await ask({ to, address: '127.0.0.1' }), 'accept, relay');
  });

  test('what is no certificate, and no address', async () => {
    const { context } = bench();
    await assert.rejects(
      runOperation(context, 'access.test', { certificate: utf8('hello') }),
      refused('usage', /is none.*PEM or DER/),
    );
    await assert.rejects(
      runOperation(context, 'access.test', { to: 'a b@c d' }),
      refused('usage', /"a b@c d" is no address/),
    );
  });
});

describe('ACME keys', () => {
  interface Shown {
    readonly id: string;
    readonly state: string;
    readonly names: readonly string[];
    readonly serial: string | null;
  }
  const list = async (context: AdminContext, all = true): Promise<Shown[]> =>
    (await runOperation(context, 'acme.list', { all })) as Shown[];
  /** A bench with a key of mx.example.net, whose account, where there is one, ordered certificate `aa`. */
  async function keyed(input: object = {}, opened = false): Promise<Bench & { readonly id: string }> {
    const made = bench();
    made.files.set('ca/root.crt', encodePem('CERTIFICATE', Uint8Array.of(0x30, 0)));
    const { acme, ledger } = made.context;
    const { id } = (await runOperation(made.context, 'acme.key', { holder: 'MX.example.net', ...input })) as Shown;
    if (opened) {
      acme.addAccount(someAccount('account', { keyId: id }));
      const order = { ...someOrder('order', 'account'), status: 'processing' } as const;
      acme.addOrder(order);
      acme.saveOrder(completeIssue(order, 'aa', made.clock.now() + 9_999));
      const ends = { notBefore: 0, notAfter: made.clock.now() + 9_999 };
      ledger.add(someRecord('aa', { holder: 'mx.example.net', profile: 'device', ...ends }), someNote());
    }
    return { ...made, id };
  }

  test('the holder is the name unless others are given; only the secret is told once, and to nobody else', async () => {
    const { context, id } = await keyed();
    const made = (await runOperation(context, 'acme.key', {
      holder: 'shop',
      dnsNames: ['Shop.example.net', 'shop.example.net'],
    })) as Shown & { readonly hmacKey: string; readonly directory: string };
    assert.equal(made.directory, 'https://relay.example.net:8443/acme/directory');
    assert.equal(Buffer.from(made.hmacKey, 'base64url').length, 32);
    assert.deepEqual(
      (await list(context)).map(({ id, names, state }) => [id, names, state]),
      [
        [id, ['mx.example.net'], 'open'],
        [made.id, ['shop.example.net'], 'open'],
      ],
    );
    const told = JSON.stringify([await list(context), context.ledger.audit(0, 10)]);
    assert.ok(told.includes(made.id) && !told.includes(made.hmacKey));
  });

  test('names that nobody could prove, and lives that no profile has, are refused', async () => {
    for (const [input, words] of [
      [{ holder: 'alice@example.net' }, /no DNS name/],
      [{ holder: 'a.example.net', dnsNames: ['*.example.net'] }, /wildcards are for servers/],
      [{ holder: 'a.example.net', profile: 'server', days: 826 }, /1 to 825 days/],
      [{ holder: 'a.example.net', profile: 'person' }, /profile/],
    ] as const) {
      const { context } = bench();
      await assert.rejects(runOperation(context, 'acme.key', input), refused('usage', words));
      assert.deepEqual(await list(context), []);
    }
  });

  test('withdrawn: the account is closed, the certificate stays; once', async () => {
    const { context, id } = await keyed({}, true);
    assert.deepEqual(
      (await list(context, false)).map(({ state, serial }) => [state, serial]),
      [['used', 'aa']],
    );
    await runOperation(context, 'acme.withdraw', { id });
    assert.equal(context.acme.account('account')?.status, 'revoked');
    assert.equal(context.ledger.get('aa')?.state, 'active');
    assert.deepEqual(await list(context, false), []);
    await assert.rejects(runOperation(context, 'acme.withdraw', { id }), refused('not-found', /acme list --all/));
    assert.match(context.ledger.audit(0, 10).at(-1)?.detail ?? '', new RegExp(`ACME key ${id} withdrawn`));
  });

  test('expired unless an account was opened in time', async () => {
    const { context, clock } = await keyed({ hours: 1 });
    await clock.advance(3_600_000);
    assert.equal((await list(context))[0]?.state, 'expired');
    const other = await keyed({ hours: 1 }, true);
    await other.clock.advance(3_600_000);
    assert.equal((await list(other.context))[0]?.state, 'used');
  });

  test('revoking closes the account that ordered it, even when no CRL can be written; superseding does not', async () => {
    for (const [reason, status] of [
      ['keyCompromise', 'revoked'],
      ['superseded', 'valid'],
    ] as const) {
      const { context } = await keyed({}, true);
      const done = runOperation(context, 'certificate.revoke', { name: 'mx.example.net', reason });
      await assert.rejects(done, refused('failed', /CRL could not be written/));
      assert.equal(context.ledger.get('aa')?.state, 'revoked');
      assert.equal(context.acme.account('account')?.status, status);
    }
  });
});

describe('operations', () => {
  test('an unknown name suggests one', async () => {
    await assert.rejects(
      runOperation(bench().context, 'queue.lst', {}),
      refused('usage', /no operation "queue\.lst".*queue\.list/),
    );
    await assert.rejects(runOperation(bench().context, 'toString', {}), refused('usage', /no operation/));
  });

  test('input is checked before anything is done', async () => {
    const { context } = bench();
    await assert.rejects(runOperation(context, 'queue.list', { limit: 'many' }), refused('usage', /^limit: /));
    await assert.rejects(runOperation(context, 'queue.remove', { everything: true }), refused('usage', /everything/));
    await assert.rejects(
      runOperation(context, 'certificate.add', { holder: 'a', csr: 'text' }),
      refused('usage', /csr: .*octets/),
    );
  });

  test('each has a name of noun and verb, but for lint and status', () => {
    for (const name of Object.keys(operations)) assert.match(name, /^(?:[a-z]+\.[a-z]+|lint|status)$/);
  });
});

describe('configuration', () => {
  test('files that are named and not there', () => {
    const text =
      'hostname: a.example\naccess: {map: maps/access}\ntls: {authorities: [ca.pem]}\ndelivery: {routes: [{domains: ["*"], identity: {certificate: c.crt, key: c.key}, authorities: r.pem}]}\n';
    const there = new Set(['/data/tls/server.crt', '/data/tls/server.key', '/data/c.crt']);
    const check = checkConfig(text, 'f', '/data', (path) => there.has(path));
    assert.deepEqual(check.problems, []);
    assert.deepEqual(check.missing, [
      { key: 'tls.authorities[0]', path: '/data/ca.pem' },
      { key: 'access.map', path: '/data/maps/access' },
      { key: 'delivery.routes[0].identity.key', path: '/data/c.key' },
      { key: 'delivery.routes[0].authorities', path: '/data/r.pem' },
    ]);
  });

  test('mistakes come before all else', () => {
    const warned = (more: string): readonly string[] =>
      checkConfig(`hostname: a.example\n${more}\n`, 'f', '/data', () => true).warnings.map(({ kind }) => kind);
    const url = 'ca: { url: "http://relay.example.net:8480" }\n';
    assert.deepEqual(warned(''), []);
    assert.deepEqual(warned(url), ['url-loopback']);
    assert.deepEqual(warned(`${url}web: { http: { address: "::1" } }`), ['url-loopback']);
    assert.deepEqual(warned(`${url}web: { http: { address: "::" } }`), []);
    assert.deepEqual(warned(`${url}web: { http: { enabled: false } }`), ['url-without-http']);
    assert.deepEqual(warned('ca: { url: "http://127.0.0.1:8480" }'), []);
    assert.equal(checkConfig('x: 1\n', 'f', '/data', () => false).problems.length, 2);
    assert.deepEqual(showConfig('x: 1\n', 'f').keys, []);
  });
});
