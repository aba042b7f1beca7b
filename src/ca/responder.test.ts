import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { testAuthority } from '../../test/fakes/authority.ts';
import { FAKE_START, fakeClock } from '../../test/fakes/clock.ts';
import { ocspRequest } from '../../test/fakes/ocsp.ts';
import { inFolder, missing, run } from '../../test/fakes/outside.ts';
import { utf8 } from '../base/bytes.ts';
import { DerReader, contextTag, tags } from '../protocol/pki/der.ts';
import { encodePem } from '../protocol/pki/pem.ts';
import { ocspRoutes } from './ocsp-routes.ts';
import { Responder, type Standing } from './responder.ts';
import type { WebRequest } from './web.ts';

const HOUR = 3_600_000;

async function bench(standings: Readonly<Record<string, Standing>> = {}) {
  const clock = fakeClock();
  const authority = testAuthority({ clock });
  const { certificate, pair } = await authority.issue({ profile: 'responder', holder: 'ocsp-responder' });
  const known = new Map(Object.entries(standings));
  let looks = 0;
  const { issuing } = authority.made;
  const responder = new Responder({
    clock,
    issuing,
    certificate,
    key: pair.privateKey,
    standing: (serial) => {
      looks++;
      return known.get(serial);
    },
  });
  const ask = (over: Partial<Parameters<typeof ocspRequest>[0]> = {}) =>
    responder.answer(ocspRequest({ issuing, serials: ['0a01'], ...over }));
  return { clock, authority, responder, known, ask, issuing, looks: () => looks };
}

/** `successful`: 0; the errors of RFC 6960 §4.2.1. */
function statusOf(der: Uint8Array): number | undefined {
  return new DerReader(der).read(tags.sequence).read(tags.enumerated).bytes[0];
}

/** Tags of the CertStatus of each answer: good, revoked, unknown. */
function verdictsOf(der: Uint8Array): string[] {
  const body = new DerReader(der).read(tags.sequence);
  body.read(tags.enumerated);
  const bytes = body.read(contextTag(0)).read(tags.sequence);
  bytes.readOid();
  const data = new DerReader(bytes.read(tags.octetString).bytes).read(tags.sequence).read(tags.sequence);
  data.read(contextTag(2));
  data.read(tags.generalizedTime);
  const list = data.read(tags.sequence);
  const verdicts: string[] = [];
  while (!list.done) {
    const single = list.read(tags.sequence);
    single.read(tags.sequence);
    const { tag } = single.next();
    verdicts.push(({ 0x80: 'good', 0xa1: 'revoked', 0x82: 'unknown' } as Record<number, string>)[tag] ?? String(tag));
  }
  return verdicts;
}

const malformed = 1;
const tryLater = 3;
const unauthorized = 6;

describe('OCSP responder', () => {
  test('good, revoked, suspended, unknown; many at once', async () => {
    const at = FAKE_START - HOUR;
    const { ask } = await bench({
      '0a01': { state: 'good' },
      '0a02': { state: 'revoked', at, reason: 'keyCompromise' },
      '0a03': { state: 'revoked', at, reason: 'certificateHold' },
    });
    for (const hash of ['sha1', 'sha256'] as const)
      assert.deepEqual(verdictsOf(ask({ hash, serials: ['0a01', '0a02', '0a03', '0a04'] }).der), [
        'good',
        'revoked',
        'revoked',
        'unknown',
      ]);
  });

  test('an answer is signed once, until it is old or the ledger changed', async () => {
    const { ask, known, responder, clock, looks } = await bench({ '0a01': { state: 'good' } });
    const first = ask();
    const after = looks();
    assert.equal(ask().der, first.der);
    assert.equal(looks(), after, 'the ledger is not asked again');
    assert.notDeepEqual(ask({ hash: 'sha256' }).der, first.der);
    known.set('0a01', { state: 'revoked', at: clock.now(), reason: 'superseded' });
    responder.forget(['0a01']);
    assert.deepEqual(verdictsOf(ask().der), ['revoked']);
    assert.deepEqual(verdictsOf(ask({ hash: 'sha256' }).der), ['revoked']);
    const revoked = ask();
    await clock.advance(2 * HOUR);
    assert.notEqual(ask().der, revoked.der);
    responder.forget();
    assert.deepEqual(verdictsOf(ask().der), ['revoked']);
  });

  test('a nonce of 1 to 128 octets comes back; other lengths are malformed (RFC 9654 §2.1)', async () => {
    const { ask } = await bench({ '0a01': { state: 'good' } });
    for (const length of [1, 16, 32, 128]) {
      const nonce = new Uint8Array(length).fill(0xc5);
      const { der, kept } = ask({ nonce });
      assert.equal(statusOf(der), 0);
      assert.ok(Buffer.from(der).includes(nonce), `${length} octets`);
      assert.equal(kept, undefined);
    }
    for (const length of [0, 129]) assert.equal(statusOf(ask({ nonce: new Uint8Array(length) }).der), malformed);
  });

  test('what signs for one asker alone is bounded, and does not starve what is kept', async () => {
    const { ask, clock } = await bench({ '0a01': { state: 'good' } });
    ask();
    const statuses: (number | undefined)[] = [];
    for (let i = 0; i < 1_100; i++) statuses.push(statusOf(ask({ nonce: Uint8Array.of(i & 255, i >> 8) }).der));
    assert.equal(statuses.filter((status) => status === 0).length, 1_000);
    assert.equal(statuses.at(-1), tryLater);
    assert.equal(statusOf(ask({ serials: ['0bad'] }).der), tryLater);
    assert.deepEqual(verdictsOf(ask().der), ['good']);
    await clock.advance(1_000);
    assert.equal(statusOf(ask({ nonce: Uint8Array.of(1) }).der), 0);
  });

  test('of another CA, with a critical extension, too many, or no request at all', async () => {
    const { ask, responder } = await bench({ '0a01': { state: 'good' } });
    const other = testAuthority({ hostname: 'other.example' });
    assert.equal(statusOf(ask({ issuing: other.made.issuing }).der), unauthorized);
    assert.equal(statusOf(ask({ strange: { critical: true } }).der), malformed);
    assert.equal(statusOf(ask({ strange: { critical: false } }).der), 0);
    assert.equal(statusOf(ask({ serials: Array.from({ length: 17 }, (_, i) => `0a${i + 16}`) }).der), malformed);
    assert.equal(statusOf(ask({ serials: [] }).der), malformed);
    for (const bytes of [new Uint8Array(0), utf8('GET / HTTP/1.1'), new Uint8Array(5_000).fill(0x30)])
      assert.equal(statusOf(responder.answer(bytes).der), malformed);
  });

  test('a certificate of ours that is good can be stapled, and no other', async () => {
    const { authority, responder, known } = await bench();
    const { certificate } = await authority.issue({ serial: Uint8Array.from({ length: 16 }, () => 0x41) });
    assert.equal(responder.staple(certificate), undefined);
    known.set('41'.repeat(16), { state: 'good' });
    assert.deepEqual(verdictsOf(responder.staple(certificate) ?? new Uint8Array(0)), ['good']);
    known.set('41'.repeat(16), { state: 'revoked', at: 0, reason: 'superseded' });
    responder.forget();
    assert.equal(responder.staple(certificate), undefined);
  });

  test('openssl verifies the answer by the delegated certificate', { skip: missing('openssl') }, async () => {
    const { authority, responder, known, issuing } = await bench();
    const serial = Uint8Array.from({ length: 16 }, () => 0x42);
    const { certificate } = await authority.issue({ serial });
    known.set('42'.repeat(16), { state: 'good' });
    await inFolder((folder) => {
      const put = (name: string, der: Uint8Array): string => folder.put(name, encodePem('CERTIFICATE', der));
      const answer = responder.answer(ocspRequest({ issuing, serials: ['42'.repeat(16)] })).der;
      const { text, code } = run('openssl', [
        'ocsp',
        '-respin',
        folder.put('answer', answer),
        '-issuer',
        put('issuing', issuing),

        '-cert',
        put('leaf', certificate),
        '-CAfile',
        put('root', authority.made.root),
        '-attime',
        String(FAKE_START / 1000),
      ]);
      assert.equal(code, 0, text);
      assert.match(text, /Response verify OK/);
      assert.match(text, /: good/);
    });
  });

  test('over HTTP: GET as base64 in the path, however it is encoded; POST with its media type', async () => {
    const { responder, issuing } = await bench({ '0a01': { state: 'good' } });
    const der = ocspRequest({ issuing, serials: ['0a01'] });
    const routes = ocspRoutes(() => responder);
    const send = async (over: Partial<WebRequest>) => {
      const path = over.path ?? '/ocsp';
      const route = routes.find((one) => one.path === path || (one.path.endsWith('/') && path.startsWith(one.path)));
      return await route?.handle({
        method: 'GET',
        query: '',
        headers: {},
        body: new Uint8Array(0),
        secure: false,
        address: '192.0.2.1',
        certificate: undefined,
        ...over,
        path,
      });
    };
    const base64 = Buffer.from(der).toString('base64');
    for (const text of [encodeURIComponent(base64), base64, base64.replace(/=+$/, '')]) {
      const answer = await send({ path: `/ocsp/${text}` });
      assert.deepEqual(verdictsOf(answer?.body ?? new Uint8Array(0)), ['good'], text);
      assert.ok((answer?.freshness?.until ?? 0) > FAKE_START);
    }
    for (const text of ['%', '%zz', 'not base64!', '']) {
      const answer = await send({ path: `/ocsp/${text}` });
      assert.equal(statusOf(answer?.body ?? new Uint8Array(0)), malformed, text);
      assert.equal(answer?.freshness, undefined);
    }
    const posted = await send({ method: 'POST', headers: { 'content-type': 'application/ocsp-request' }, body: der });
    assert.deepEqual(verdictsOf(posted?.body ?? new Uint8Array(0)), ['good']);
    assert.equal((await send({ method: 'POST', headers: { 'content-type': 'text/plain' }, body: der }))?.status, 415);
  });
});
