import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { listOf, NOON, outsider } from '../../../test/fakes/outsider.ts';
import { inFolder, missing, run } from '../../../test/fakes/outside.ts';
import { octetString } from './der-write.ts';
import { element, integer, oid, sequence, tags } from './der.ts';
import { entryAt, readCrl } from './crl-read.ts';

const ca = outsider(undefined, { commonName: 'Theirs', ca: true });
const DAY = 86_400_000;

function why(der: Uint8Array): string {
  const reading = readCrl(der);
  return reading.kind === 'bad' ? reading.why : 'good';
}

function extension(id: string, value: Uint8Array, critical = true): Uint8Array {
  const flag = critical ? [element(tags.boolean, Uint8Array.of(0xff))] : [];
  return sequence(oid(id), ...flag, octetString(value));
}

const point = (...parts: Uint8Array[]): Uint8Array => extension('2.5.29.28', sequence(...parts));
const yes = (tag: number): Uint8Array => element(0x80 | tag, Uint8Array.of(0xff));

describe('a revocation list', () => {
  it('is read', () => {
    const der = listOf(ca, { number: 300, revoked: [[5, 1], [200, 6], [70_000]] });
    const reading = readCrl(der);
    assert.ok(reading.kind === 'list');
    const { list } = reading;
    assert.deepEqual(
      [list.number, list.thisUpdate, list.nextUpdate, list.scope, list.algorithm],
      [300n, NOON - DAY, NOON + 7 * DAY, 'all', '1.2.840.10045.4.3.2'],
    );
    assert.deepEqual(
      Array.from(list.entries, (start) => entryAt(der, start)),
      [
        { serial: '05', at: NOON - DAY, reason: 1 },
        { serial: 'c8', at: NOON - DAY, reason: 6 },
        { serial: '011170', at: NOON - DAY, reason: 0 },
      ],
    );
    assert.equal(why(listOf(ca)), 'good');
  });

  it('may speak of end entities or CAs alone, and then says so', () => {
    const scope = (tag: number): string | undefined => {
      const reading = readCrl(listOf(ca, { extensions: [point(yes(tag))] }));
      return reading.kind === 'list' ? reading.list.scope : undefined;
    };
    assert.deepEqual([scope(1), scope(2)], ['users', 'authorities']);
  });

  it('is refused in words where it says only a part, or what is not understood', () => {
    const name = element(0xa0, element(0xa0, element(0x86, Buffer.from('http://x.example/1.crl'))));
    const cases: readonly (readonly [Uint8Array, RegExp])[] = [
      [listOf(ca, { extensions: [extension('2.5.29.27', integer(1))] }), /delta CRL/],
      [listOf(ca, { extensions: [point(yes(4))] }), /indirect/],
      [listOf(ca, { extensions: [point(element(0x83, Uint8Array.of(0, 1)))] }), /some reasons/],
      [listOf(ca, { extensions: [point(yes(5))] }), /attribute certificates/],
      [listOf(ca, { extensions: [point(name)] }), /one distribution point/],
      [listOf(ca, { extensions: [point(yes(1), yes(2))] }), /no CRL/],
      [listOf(ca, { extensions: [extension('1.2.3.4', integer(1))] }), /critical extension 1\.2\.3\.4/],
      [listOf(ca, { nextUpdate: null }), /no nextUpdate/],
      [listOf(ca, { revoked: [[1]], entryExtensions: [extension('2.5.29.29', sequence())] }), /indirect/],
      [listOf(ca, { revoked: [[1]], entryExtensions: [extension('1.2.3.4', integer(1))] }), /critical extension/],
      [ca.der, /no CRL/],
      [Uint8Array.of(), /no CRL/],
    ];
    for (const [der, words] of cases) assert.match(why(der), words);
    assert.equal(why(listOf(ca, { extensions: [extension('1.2.3.4', integer(1), false)] })), 'good');
  });

  it('never throws, whatever is cut out of it or changed in it', () => {
    const der = listOf(ca, { revoked: [[5, 1], [6]], extensions: [point(yes(1))] });
    fc.assert(
      fc.property(fc.nat(der.length), fc.nat(der.length), fc.uint8Array({ maxLength: 4 }), (from, length, more) => {
        const changed = Buffer.concat([der.subarray(0, from), more, der.subarray(from + length)]);
        const reading = readCrl(changed);
        if (reading.kind === 'list') for (const start of reading.list.entries) entryAt(changed, start);
      }),
      { numRuns: 2_000 },
    );
  });

  it('with 100,000 entries is read in a time that nobody notices', () => {
    const revoked = Array.from({ length: 100_000 }, (_, index) => [index * 7 + 1, 1] as const);
    const der = listOf(ca, { revoked });
    const start = performance.now();
    const reading = readCrl(der);
    assert.ok(reading.kind === 'list' && reading.list.entries.length === revoked.length);
    assert.ok(performance.now() - start < 3_000);
  });
});

describe('lists of OpenSSL', { skip: missing('openssl') }, () => {
  it('are read, with all it says of them', async () => {
    await inFolder(({ path, put }) => {
      put('index.txt', '');
      put('number', '0F\n');
      put('ca.pem', ca.pem);
      put('ca.key', ca.key.export({ format: 'pem', type: 'pkcs8' }));
      put(
        'cnf',
        '[ca]\ndefault_ca=c\n[c]\ndatabase=index.txt\ncrlnumber=number\ndefault_md=sha256\ncrl_extensions=e\n[e]\nauthorityKeyIdentifier=issuer:always\n',
      );
      const made = run(
        'openssl',
        [
          'ca',
          '-config',
          'cnf',
          '-gencrl',
          '-crldays',
          '3',
          '-cert',
          'ca.pem',
          '-keyfile',
          'ca.key',
          '-out',
          'crl.pem',
        ],
        { cwd: path },
      );
      assert.equal(made.code, 0, made.text);
      assert.equal(
        run('openssl', ['crl', '-in', 'crl.pem', '-outform', 'DER', '-out', 'crl.der'], { cwd: path }).code,
        0,
      );
      const der = run('openssl', ['base64', '-A', '-in', 'crl.der'], { cwd: path }).text;
      const reading = readCrl(Buffer.from(der, 'base64'));
      assert.ok(reading.kind === 'list');
      assert.equal(reading.list.number, 15n);
      assert.equal(reading.list.entries.length, 0);
    });
  });
});
