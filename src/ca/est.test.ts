import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { testAuthority, type TestAuthority } from '../../test/fakes/authority.ts';
import { fakeClock, type FakeClock } from '../../test/fakes/clock.ts';
import { inFolder, missing, run } from '../../test/fakes/outside.ts';
import { fromUtf8, utf8, type Bytes } from '../base/bytes.ts';
import { memoryEnrolments } from '../storage/memory/enrolment.ts';
import { memoryLedger } from '../storage/memory/ledger.ts';
import type { SigningDoor } from './authority.ts';
import { makeToken, type Enrolment, type EnrolmentStore } from './enrolment.ts';
import { estRoutes } from './est.ts';
import type { Issuance } from './issuance.ts';
import type { Ledger } from './ledger.ts';
import { AuthorityUnavailable } from './unavailable.ts';
import { findRoute, type WebRequest, type WebResponse } from './web.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

interface Bench {
  readonly authority: TestAuthority;
  readonly clock: FakeClock;
  readonly ledger: Ledger;
  readonly enrolments: EnrolmentStore;
  /** What the door does; undefined: it opens. */
  broken: Error | undefined;
  refreshed: number;
  readonly token: (over?: Partial<Enrolment>) => string;
  readonly ask: (path: string, over?: Partial<WebRequest>) => Promise<WebResponse>;
}

function bench(): Bench {
  const clock = fakeClock();
  const authority = testAuthority({ clock });
  const ledger = memoryLedger();
  const enrolments = memoryEnrolments();
  const door = async (): Promise<SigningDoor> => {
    if (it.broken !== undefined) throw it.broken;
    return authority.door;
  };
  const issuance: Issuance = { clock, random: authority.random, events: { tell: () => {} }, ledger, door };
  const routes = estRoutes({
    issuance,
    enrolments,
    chain: async () => [authority.made.issuing, authority.made.root],
    overlap: () => 30 * DAY,
    issued: async () => void it.refreshed++,
  });
  const it: Bench = {
    authority,
    clock,
    ledger,
    enrolments,
    broken: undefined,
    refreshed: 0,
    token(over = {}) {
      const { token, hash, id } = makeToken(authority.random);
      const now = clock.now();
      const usual: Enrolment = {
        id,
        holder: 'alice@example.net',
        profile: 'person',
        dnsNames: [],
        life: undefined,
        createdAt: now,
        expires: now + HOUR,
        by: 'cli:root',
        usedAt: undefined,
        serial: undefined,
        withdrawn: false,
      };
      enrolments.add({ ...usual, ...over }, hash);
      return token;
    },
    async ask(path, over = {}) {
      const route = findRoute(routes, `/.well-known/est/${path}`, true);
      assert.ok(route !== undefined, `there is no ${path}`);
      return await route.handle({
        method: route.methods[0] ?? 'GET',
        path: route.path,
        query: '',
        headers: {},
        body: new Uint8Array(0),
        secure: true,
        address: '192.0.2.7',
        certificate: undefined,
        ...over,
      });
    },
  };
  return it;
}

const basic = (user: string, password: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});
const words = (answer: WebResponse): string => fromUtf8(answer.body) ?? '';

/** Requests and certificates in a folder, by openssl. */
interface Desk {
  /** A request, DER; its key stays in the folder under this name. */
  readonly request: (name: string, subject: string) => Bytes;
  /** The certificates in an answer, DER of the first. */
  readonly open: (answer: WebResponse) => { readonly text: string; readonly der: Bytes };
}

async function withDesk(act: (desk: Desk) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    const desk: Desk = {
      request(name, subject) {
        const key = folder.put(`${name}.key`, '');
        const der = folder.put(`${name}.der`, '');
        const made = run('openssl', [
          'req',
          '-new',
          '-newkey',
          'ec',
          '-pkeyopt',
          'ec_paramgen_curve:P-256',
          '-nodes',
          '-utf8',
          '-subj',
          subject,
          '-keyout',
          key,
          '-outform',
          'DER',
          '-out',
          der,
        ]);
        assert.equal(made.code, 0, made.text);
        return new Uint8Array(readFileSync(der));
      },
      open(answer) {
        assert.equal(answer.status, 200, words(answer));
        assert.equal(answer.headers['content-type'], 'application/pkcs7-mime; smime-type=certs-only');
        const der = folder.put('answer.p7', Buffer.from(words(answer), 'base64'));
        const all = run('openssl', ['pkcs7', '-inform', 'DER', '-in', der, '-print_certs']);
        assert.equal(all.code, 0, all.text);
        const pem = folder.put('first.pem', all.text);
        const out = folder.put('first.der', '');
        const first = run('openssl', ['x509', '-in', pem, '-outform', 'DER', '-out', out]);
        assert.equal(first.code, 0, first.text);
        return { text: all.text, der: new Uint8Array(readFileSync(out)) };
      },
    };
    await act(desk);
  });
}

describe('EST', { skip: missing('openssl') }, () => {
  test('cacerts gives both CAs; there are no wishes on requests', async () => {
    const { ask } = bench();
    await withDesk(async ({ open }) => {
      const { text } = open(await ask('cacerts'));
      assert.equal(text.match(/BEGIN CERTIFICATE/g)?.length, 2);
      assert.match(text, /Sealpost Root/);
    });
    assert.equal((await ask('csrattrs')).status, 204);
  });

  test('a token gives one certificate, for its holder, whatever the request says', async () => {
    const it = bench();
    await withDesk(async ({ request, open }) => {
      const token = it.token({ life: 90 * DAY });
      const headers = basic('Alice@Example.net', token.toUpperCase());
      const csr = request('one', '/O=例/CN=アリス');
      const { text } = open(await it.ask('simpleenroll', { headers, body: base64(csr) }));
      assert.equal(text.match(/BEGIN CERTIFICATE/g)?.length, 1);
      const [record] = it.ledger.find({ holder: 'alice@example.net' });
      assert.ok(record !== undefined);
      assert.equal(record.profile, 'person');
      assert.equal(record.notAfter - record.notBefore, 90 * DAY);
      assert.equal(it.refreshed, 1);
      assert.equal(it.enrolments.list(1)[0]?.serial, record.serial);

      const again = await it.ask('simpleenroll', { headers, body: base64(csr) });
      assert.equal(again.status, 401);
      assert.match(words(again), /used before/);
      assert.equal(it.ledger.find({ holder: 'alice@example.net' }).length, 1);
      const told = it.ledger.audit(0, 100).map(({ action, by, detail }) => `${action} ${by} ${detail}`);
      assert.ok(
        told.some((line) => /^issued est:alice@example\.net person: token [0-9a-f]{8}$/.test(line)),
        told.join('\n'),
      );
      assert.ok(told.some((line) => line.startsWith('refused est:alice@example.net the token was used before')));
    });
  });

  test('without a token, with a wrong one, with that of another: 401, the same words, and nothing in the log', async () => {
    const it = bench();
    const token = it.token();
    const before = it.ledger.auditCount();
    const bare = await it.ask('simpleenroll');
    assert.equal(bare.status, 401);
    assert.equal(bare.headers['www-authenticate'], 'Basic realm="enrolment", charset="UTF-8"');
    const wrong = await it.ask('simpleenroll', { headers: basic('alice@example.net', 'aaaa-bbbb') });
    const other = await it.ask('simpleenroll', { headers: basic('bob@example.net', token) });
    assert.equal(wrong.status, 401);
    assert.deepEqual(other, wrong);
    for (const authorization of [
      'Basic',
      'Basic !!',
      'Bearer abc',
      `Basic ${Buffer.from('nocolon').toString('base64')}`,
    ])
      assert.equal((await it.ask('simpleenroll', { headers: { authorization } })).status, 401);
    assert.equal(it.ledger.auditCount(), before);
  });

  test('an expired and a withdrawn token are told apart, and fill no log', async () => {
    const it = bench();
    const [late, withdrawn] = [it.token(), it.token({ withdrawn: true })];
    await it.clock.advance(HOUR);
    assert.match(words(await it.ask('simpleenroll', { headers: basic('alice@example.net', late) })), /expired/);
    const before = it.ledger.auditCount();
    for (let i = 0; i < 20; i++)
      assert.match(
        words(await it.ask('simpleenroll', { headers: basic('alice@example.net', withdrawn) })),
        /withdrawn/,
      );
    assert.equal(it.ledger.auditCount() - before, 5);
  });

  test('a refused request, and an authority that cannot sign, cost no token', async () => {
    const it = bench();
    await withDesk(async ({ request, open }) => {
      const headers = basic('alice@example.net', it.token());
      const csr = request('one', '/CN=alice');
      const bad = Uint8Array.from(csr);
      bad[bad.length - 1] = (bad.at(-1) ?? 0) ^ 1;
      const attempts = [
        new Uint8Array(0),
        utf8('no base64!'),
        base64(bad),
        utf8('-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'),
      ];
      for (const body of attempts) {
        const answer = await it.ask('simpleenroll', { headers, body });
        assert.equal(answer.status, 400, words(answer));
        assert.match(words(answer), /RFC \d+/);
      }
      it.broken = new AuthorityUnavailable('the issuing key is locked', { locked: true });
      const locked = await it.ask('simpleenroll', { headers, body: base64(csr) });
      assert.equal(locked.status, 503);
      assert.doesNotMatch(words(locked), /locked/);
      it.broken = undefined;
      open(await it.ask('simpleenroll', { headers, body: base64(csr) }));
    });
  });

  test('of twenty at once with one token, one gets a certificate', async () => {
    const it = bench();
    await withDesk(async ({ request }) => {
      const headers = basic('alice@example.net', it.token());
      const body = base64(request('one', '/CN=alice'));
      const answers = await Promise.all(Array.from({ length: 20 }, () => it.ask('simpleenroll', { headers, body })));
      assert.equal(answers.filter(({ status }) => status === 200).length, 1);
      assert.equal(it.ledger.find({ holder: 'alice@example.net' }).length, 1);
    });
  });

  test('whoever has a certificate renews it; old and new are joined', async () => {
    const it = bench();
    await withDesk(async ({ request, open }) => {
      const headers = basic('alice@example.net', it.token());
      const first = open(await it.ask('simpleenroll', { headers, body: base64(request('one', '/O=例/CN=アリス')) }));
      const certificate = { der: first.der, verified: true };

      const body = base64(request('two', '/O=例/CN=アリス'));
      const second = open(await it.ask('simplereenroll', { certificate, body }));
      assert.notDeepEqual(second.der, first.der);
      const [old, next] = it.ledger.find({ holder: 'alice@example.net' });
      assert.ok(old !== undefined && next !== undefined);
      assert.equal(old.replacedBy, next.serial);
      assert.equal(next.subject, old.subject);
      assert.ok((old.overlapEnds ?? 0) >= it.clock.now() + 29 * DAY);

      const other = await it.ask('simplereenroll', { certificate, body: base64(request('three', '/CN=mallory')) });
      assert.equal(other.status, 400);
      assert.match(words(other), /changes no name/);
    });
  });

  test('a certificate that does not count renews nothing', async () => {
    const it = bench();
    await withDesk(async ({ request, open }) => {
      const headers = basic('alice@example.net', it.token());
      const { der } = open(await it.ask('simpleenroll', { headers, body: base64(request('one', '/CN=alice')) }));
      const body = base64(request('two', '/CN=alice'));
      const stranger = (await it.authority.issue()).certificate;
      const refusals = [undefined, { der, verified: false }, { der: stranger, verified: true }];
      for (const certificate of refusals)
        assert.equal((await it.ask('simplereenroll', { certificate, body })).status, 403);
      const [record] = it.ledger.find({ holder: 'alice@example.net' });
      it.ledger.revoke([record?.serial ?? ''], 'keyCompromise', it.clock.now(), {
        action: 'revoked',
        by: 'cli:root',
        detail: 'leaked',
      });
      const revoked = await it.ask('simplereenroll', { certificate: { der, verified: true }, body });
      assert.equal(revoked.status, 403);
      assert.match(words(revoked), /revoked/);
      assert.equal(it.ledger.find({ holder: 'alice@example.net' }).length, 1);
    });
  });
});

function base64(bytes: Uint8Array): Bytes {
  return utf8(Buffer.from(bytes).toString('base64'));
}
