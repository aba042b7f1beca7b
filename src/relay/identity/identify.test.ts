import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { element, integer, oid, sequence, setOf, tags } from '../../protocol/pki/der.ts';
import type { TlsFacts } from '../connection/connection.ts';
import { certificateCache } from './certificate-cache.ts';
import { holderCache, type HolderCache, type HolderEntry } from './holders.ts';
import { current, identify } from './identify.ts';
import type { IdentityReason, Principal } from './principal.ts';
import { identityReason, reasonText } from './reason.ts';

const ours = '/CN=ours';
const alice: HolderEntry = { issuer: ours, serial: '05', holder: 'alice@example.net', state: 'active' };

function certificate(issuer: string, serial: number): Uint8Array {
  const algorithm = sequence(oid('1.2.840.10045.4.3.2'));
  const bits = element(tags.bitString, Uint8Array.of(0));
  const name = (common: string): Uint8Array =>
    sequence(setOf(sequence(oid('2.5.4.3'), element(tags.utf8String, Buffer.from(common)))));
  const time = (text: string): Uint8Array => element(tags.utcTime, Buffer.from(text));
  const signed = sequence(
    integer(serial),
    algorithm,
    name(issuer),
    sequence(time('260101000000Z'), time('270101000000Z')),
    name('alice'),
    sequence(algorithm, bits),
  );
  return sequence(signed, algorithm, bits);
}

function tls(changes: Partial<TlsFacts> = {}): TlsFacts {
  return {
    version: 'TLSv1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
    bits: 256,
    asked: true,
    certificate: { der: certificate('ours', 5), fingerprint: 'f5' },
    verifyError: undefined,
    resumed: false,
    serverName: undefined,
    ...changes,
  };
}

function directory(...entries: HolderEntry[]): HolderCache {
  return holderCache((issuer, serial) => entries.find((e) => e.issuer === issuer && e.serial === serial), [ours], 10);
}

function words(principal: Principal): string {
  const reason = principal.kind === 'verified' ? '' : ` ${principal.reason}`;
  const holder = principal.kind === 'anonymous' || principal.holder === undefined ? '' : ` ${principal.holder}`;
  return `${principal.verify || '-'}${reason}${holder}`;
}

describe('identify', () => {
  it('tells what stands in the way of a certificate', () => {
    const known = directory(alice);
    assert.equal(words(identify(undefined, known)), '- no-tls');
    assert.equal(words(identify(tls({ certificate: undefined }), known)), 'NO no-certificate');
    assert.equal(words(identify(tls({ certificate: undefined, asked: false }), known)), 'NOT not-asked');
    assert.equal(words(identify(tls(), known)), 'OK alice@example.net');
    assert.equal(words(identify(tls({ verifyError: 'CERT_HAS_EXPIRED' }), known)), 'FAIL expired alice@example.net');
    assert.equal(words(identify(tls({ verifyError: 'SOMETHING_NEW' }), known)), 'FAIL not-verified alice@example.net');
  });

  it('gives the facts in Sendmail’s form', () => {
    const principal = identify(tls(), directory(alice));
    assert.ok(principal.kind === 'verified');
    assert.deepEqual(principal.certificate, {
      subject: '/CN=alice',
      issuer: '/CN=ours',
      commonName: 'alice',
      issuerCommonName: 'ours',
      serial: '05',
      fingerprint: 'f5',
      notAfter: Date.UTC(2027, 0, 1),
      emails: [],
      dnsNames: [],
    });
  });

  it('refuses a certificate of our own CA that is not on record, or no longer good', () => {
    assert.equal(words(identify(tls(), directory())), 'FAIL not-issued');
    assert.equal(words(identify(tls(), directory({ ...alice, state: 'revoked' }))), 'FAIL revoked alice@example.net');
    assert.equal(
      words(identify(tls(), directory({ ...alice, state: 'suspended' }))),
      'FAIL suspended alice@example.net',
    );
  });

  it('takes a trusted certificate of another CA without a record', () => {
    const foreign = tls({ certificate: { der: certificate('theirs', 5), fingerprint: 'e5' } });
    assert.equal(words(identify(foreign, directory(alice))), 'OK');
  });

  it('goes by the fingerprint where the record has one: another CA of the same name is not ours', () => {
    assert.equal(words(identify(tls(), directory({ ...alice, fingerprint: 'f5' }))), 'OK alice@example.net');
    assert.equal(words(identify(tls(), directory({ ...alice, fingerprint: 'aa' }))), 'FAIL not-issued');
    assert.equal(
      words(identify(tls({ verifyError: 'CERT_HAS_EXPIRED' }), directory({ ...alice, fingerprint: 'aa' }))),
      'FAIL expired',
    );
  });

  it('refuses what it cannot read, whatever TLS thought of it', () => {
    const unreadable = tls({ certificate: { der: Uint8Array.of(0x30, 0), fingerprint: 'x' } });
    assert.equal(words(identify(unreadable, directory(alice))), 'FAIL not-verified');
  });

  it('sees that a certificate ran out since its chain was verified', () => {
    const end = Date.UTC(2027, 0, 1);
    assert.equal(words(identify(tls({ resumed: true }), directory(alice), undefined, end)), 'OK alice@example.net');
    assert.equal(
      words(identify(tls({ resumed: true }), directory(alice), undefined, end + 1)),
      'FAIL expired alice@example.net',
    );
  });
});

describe('a principal as it is now', () => {
  it('follows the record of its holder', () => {
    const table = directory(alice);
    const before = identify(tls(), table);
    assert.equal(current(before, table), before);
    table.learn({ issuers: [ours], entries: [{ ...alice, state: 'suspended' }] });
    const suspended = current(before, table);
    assert.equal(words(suspended), 'FAIL suspended alice@example.net');
    assert.equal(current(suspended, table), suspended);
    table.learn({ issuers: [ours], entries: [alice] });
    assert.equal(words(current(suspended, table)), 'OK alice@example.net');
    table.learn({ issuers: [ours], entries: [{ ...alice, state: 'revoked' }] });
    const revoked = current(before, table);
    assert.equal(words(revoked), 'FAIL revoked alice@example.net');
    table.learn({ issuers: [ours], entries: [alice] });
    assert.equal(current(revoked, table), revoked, 'revocation is for good');
  });

  it('never makes good what TLS refused', () => {
    const table = directory(alice);
    for (const verifyError of ['CERT_HAS_EXPIRED', 'CERT_REVOKED', 'UNSPECIFIED', 'DEPTH_ZERO_SELF_SIGNED_CERT']) {
      const refused = identify(tls({ verifyError }), table);
      assert.equal(current(refused, table), refused);
    }
    const anonymous = identify(undefined, table);
    assert.equal(current(anonymous, table), anonymous);
  });

  it('runs out with its certificate', () => {
    const table = directory(alice);
    const principal = identify(tls(), table);
    assert.equal(words(current(principal, table, Date.UTC(2028, 0, 1))), 'FAIL expired alice@example.net');
  });
});

describe('reasons', () => {
  it('have words for the user, all different', () => {
    const texts = Object.values(reasonText);
    assert.equal(new Set(texts).size, texts.length);
  });

  it('are read from the words of OpenSSL', () => {
    const expected: readonly (readonly [string, IdentityReason])[] = [
      ['CERT_HAS_EXPIRED', 'expired'],
      ['CERT_NOT_YET_VALID', 'not-yet-valid'],
      ['DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed'],
      ['SELF_SIGNED_CERT_IN_CHAIN', 'unknown-ca'],
      ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unknown-ca'],
      ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'unknown-ca'],
      ['INVALID_PURPOSE', 'wrong-use'],
      ['CERT_REVOKED', 'revoked'],
      ['CA_MD_TOO_WEAK', 'weak'],
      ['UNSPECIFIED', 'not-verified'],
      ['toString', 'not-verified'],
    ];
    for (const [code, reason] of expected) assert.equal(identityReason(code), reason);
  });
});

describe('the cache of certificates', () => {
  it('parses a certificate once and keeps the ones used last', () => {
    const cache = certificateCache(2);
    const shown = [1, 2, 3].map((serial) => ({ der: certificate('ours', serial), fingerprint: String(serial) }));
    const [one, two, three] = shown as [(typeof shown)[0], (typeof shown)[0], (typeof shown)[0]];
    const first = cache.facts(one);
    const second = cache.facts(two);
    assert.equal(first?.serial, '01');
    assert.equal(cache.facts(one), first);
    cache.facts(three);
    assert.equal(cache.facts(one), first);
    assert.notEqual(cache.facts(two), second);
    assert.deepEqual(cache.facts(two), second);
  });

  it('remembers that a certificate cannot be read', () => {
    const cache = certificateCache(2);
    assert.equal(cache.facts({ der: Uint8Array.of(1), fingerprint: 'x' }), undefined);
    assert.equal(cache.facts({ der: certificate('ours', 1), fingerprint: 'x' }), undefined);
  });
});

describe('the directory of holders', () => {
  /** A ledger that counts how often it is asked. */
  function ledger(...entries: HolderEntry[]): { readonly rows: HolderEntry[]; asked: string[]; cache: HolderCache } {
    const rows = [...entries];
    const asked: string[] = [];
    const lookUp = (issuer: string, serial: string): HolderEntry | undefined => {
      asked.push(serial);
      return rows.find((row) => row.issuer === issuer && row.serial === serial);
    };
    return { rows, asked, cache: holderCache(lookUp, [ours], 2) };
  }

  it('asks once for each certificate, again for one it has put aside, and always for one that was not known', () => {
    const { rows, asked, cache } = ledger(alice, { ...alice, serial: '06' }, { ...alice, serial: '07' });
    for (const serial of ['05', '06', '05', '07', '05', '06']) cache.find(ours, serial);
    assert.deepEqual(asked, ['05', '06', '07', '06']);
    assert.equal(cache.find('/CN=next', '05'), undefined, 'the same serial number of another CA');
    assert.equal(cache.find(ours, '08'), undefined);
    rows.push({ ...alice, serial: '08' });
    assert.equal(cache.find(ours, '08')?.state, 'active');
  });

  it('a change holds at once for what it remembers, and needs no room for what it does not', () => {
    const { rows, asked, cache } = ledger(alice, { ...alice, serial: '06' });
    assert.equal(cache.find(ours, '05')?.state, 'active');
    rows.splice(0, 2, { ...alice, state: 'revoked' }, { ...alice, serial: '06', state: 'revoked' });
    assert.equal(cache.find(ours, '05')?.state, 'active', 'the ledger is not asked again');
    cache.learn({ issuers: [ours, '/CN=next'], entries: rows });
    assert.deepEqual([cache.find(ours, '05')?.state, cache.find(ours, '06')?.state], ['revoked', 'revoked']);
    assert.deepEqual(asked, ['05', '06']);
    assert.deepEqual([cache.isOwnIssuer(ours), cache.isOwnIssuer('/CN=next')], [true, true]);
  });

  it('is asked anew about everything when more changed than was told', () => {
    const { rows, asked, cache } = ledger(alice);
    cache.find(ours, '05');
    rows.splice(0, 1, { ...alice, state: 'suspended' });
    cache.learn({ issuers: [], entries: undefined });
    assert.equal(cache.find(ours, '05')?.state, 'suspended');
    assert.deepEqual(asked, ['05', '05']);
    assert.equal(cache.isOwnIssuer(ours), false);
  });
});
