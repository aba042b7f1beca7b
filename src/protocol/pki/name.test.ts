import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { DerError, element, oid, sequence, setOf, tags } from './der.ts';
import { commonName, encodeName, readName, xtext } from './name.ts';

type Value = readonly [type: string, octets: string | Uint8Array, tag?: number];

const types: Readonly<Record<string, string>> = {
  C: '2.5.4.6',
  ST: '2.5.4.8',
  L: '2.5.4.7',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  CN: '2.5.4.3',
  emailAddress: '1.2.840.113549.1.9.1',
  UID: '0.9.2342.19200300.100.1.1',
  DC: '0.9.2342.19200300.100.1.25',
  serialNumber: '2.5.4.5',
  title: '2.5.4.12',
  GN: '2.5.4.42',
  SN: '2.5.4.4',
  street: '2.5.4.9',
};

function attribute([type, value, tag = tags.utf8String]: Value): Uint8Array {
  return sequence(oid(types[type] ?? type), element(tag, typeof value === 'string' ? Buffer.from(value) : value));
}

/** Each entry is an RDN: one attribute, or several. */
function name(...rdns: readonly (Value | readonly Value[])[]): Uint8Array {
  return sequence(
    ...rdns.map((rdn) =>
      setOf(...(typeof rdn[0] === 'string' ? [rdn as Value] : (rdn as readonly Value[])).map(attribute)),
    ),
  );
}

const unit = '0123456789abcdef'.repeat(4);

describe('names in Sendmail’s form', () => {
  // Measured with Sendmail 8.17.1.9 and OpenSSL 3.0.
  const measured: readonly (readonly [string, Uint8Array, string, string])[] = [
    [
      'blanks',
      name(['C', 'JP'], ['O', 'Creative Unit ZERO'], ['CN', 'Korogi Taro']),
      '/C=JP/O=Creative+20Unit+20ZERO/CN=Korogi+20Taro',
      'Korogi+20Taro',
    ],
    [
      'parentheses, quotes, angles',
      name(['C', 'JP'], ['O', 'X'], ['CN', 'a(b)c"d<e>f']),
      '/C=JP/O=X/CN=a+28b+29c+22d+3Ce+3Ef',
      'a+28b+29c+22d+3Ce+3Ef',
    ],
    ['plus', name(['C', 'JP'], ['O', 'X'], ['CN', 'a+b']), '/C=JP/O=X/CN=a+5C+2Bb', 'a+2Bb'],
    [
      'plus in an address',
      name(['C', 'JP'], ['O', 'X'], ['CN', 'u'], ['emailAddress', 'u+x@x.test', tags.ia5String]),
      '/C=JP/O=X/CN=u/emailAddress=u+5C+2Bx@x.test',
      'u',
    ],
    ['backslash', name(['C', 'JP'], ['O', 'X'], ['CN', 'a\\b']), '/C=JP/O=X/CN=a+5Cb', 'a+5Cb'],
    ['slash', name(['C', 'JP'], ['O', 'X'], ['CN', 'a/b']), '/C=JP/O=X/CN=a+5C/b', 'a/b'],
    [
      'slash that imitates an RDN',
      name(['C', 'JP'], ['O', 'X/CN=admin']),
      '/C=JP/O=X+5C/CN=admin',
      'BadCertificateUnknown',
    ],
    [
      'operators',
      name(['C', 'JP'], ['O', 'X'], ['CN', 'a.b:c%d@e!f^g[h]i']),
      '/C=JP/O=X/CN=a.b:c%d@e!f^g[h]i',
      'a.b:c%d@e!f^g[h]i',
    ],
    [
      'UTF-8',
      name(['C', 'JP'], ['O', '名古屋'], ['CN', 'u']),
      '/C=JP/O=+5CxE5+5Cx90+5Cx8D+5CxE5+5Cx8F+5CxA4+5CxE5+5CxB1+5Cx8B/CN=u',
      'u',
    ],
    [
      'T61',
      name(['C', 'JP'], ['O', 'X'], ['CN', Buffer.from('caf\u00e9', 'latin1'), tags.t61String]),
      '/C=JP/O=X/CN=caf+5CxE9',
      'caf+E9',
    ],
    [
      'UniversalString',
      name(
        ['C', 'JP'],
        ['O', 'X'],
        ['CN', Buffer.from('000000610000 0062'.replace(' ', ''), 'hex'), tags.universalString],
      ),
      '/C=JP/O=X/CN=+5Cx00+5Cx00+5Cx00a+5Cx00+5Cx00+5Cx00b',
      'BadCertificateContainsNUL',
    ],
    [
      'multi-valued RDN',
      name(
        ['C', 'JP'],
        ['O', 'X'],
        [
          ['CN', 'joint', tags.printableString],
          ['UID', 'jp1', tags.printableString],
        ],
      ),
      '/C=JP/O=X/CN=joint+2BUID=jp1',
      'joint',
    ],
    [
      'unknown type',
      name(['C', 'JP'], ['O', 'X'], ['1.3.6.1.4.1.99999.1', 'v'], ['CN', 'u']),
      '/C=JP/O=X/1.3.6.1.4.1.99999.1=v/CN=u',
      'u',
    ],
    ['empty common name', name(['C', 'JP'], ['O', 'X'], ['CN', '']), '/C=JP/O=X/CN=', ''],
    [
      'two common names',
      name(['C', 'JP'], ['O', 'X'], ['CN', 'first'], ['CN', 'last']),
      '/C=JP/O=X/CN=first/CN=last',
      'first',
    ],
    [
      'NUL',
      name(['C', 'JP'], ['O', 'X'], ['CN', 'admin\0.evil']),
      '/C=JP/O=X/CN=admin+5Cx00.evil',
      'BadCertificateContainsNUL',
    ],
    ['newline', name(['O', 'a\nb']), '/O=a+5Cx0Ab', 'BadCertificateUnknown'],
    ['empty', name(), '', 'BadCertificateUnknown'],
    [
      'short names',
      name(['street', 's'], ['title', 't'], ['GN', 'g'], ['SN', 'n'], ['serialNumber', '1'], ['DC', 'd']),
      '/street=s/title=t/GN=g/SN=n/serialNumber=1/DC=d',
      'BadCertificateUnknown',
    ],
  ];
  for (const [what, der, encoded, common] of measured) {
    it(what, () => {
      assert.equal(encodeName(der), encoded);
      assert.equal(commonName(der), common);
    });
  }

  it('holds 255 octets, and leaves out whole attributes from the first that does not fit', () => {
    const start: Value[] = [
      ['C', 'JP'],
      ['O', 'X'],
      ['OU', unit],
      ['OU', unit],
      ['OU', unit],
    ];
    const prefix = `/C=JP/O=X/OU=${unit}/OU=${unit}/OU=${unit}`;
    const room = 255 - prefix.length - '/CN='.length;
    assert.equal(encodeName(name(...start, ['CN', 'c'.repeat(room)])), `${prefix}/CN=${'c'.repeat(room)}`);
    assert.equal(encodeName(name(...start, ['CN', 'c'.repeat(room + 1)], ['L', 'x'])), prefix);
    // The limit is before xtext: what is encoded is longer.
    assert.equal(encodeName(name(['CN', ' '.repeat(251)])), `/CN=${'+20'.repeat(251)}`);
    assert.equal(encodeName(name(['CN', ' '.repeat(252)])), '');
  });

  it('says when a common name is too long to rely on', () => {
    assert.equal(commonName(name(['CN', 'c'.repeat(254)])), 'c'.repeat(254));
    assert.equal(commonName(name(['CN', 'c'.repeat(255)])), 'BadCertificateTooLong');
  });

  it('is what another reading of the rules gives, for any name', () => {
    const value = fc.oneof(
      fc.stringMatching(/^[A-Za-z0-9 .@+/\\()"<>=-]{0,20}$/).map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 90 }),
    );
    const pair = fc.tuple(
      fc.constantFrom(...Object.keys(types), '1.2.3.4', '2.999.7'),
      value,
      fc.constantFrom<number>(tags.utf8String, tags.t61String, tags.bmpString, tags.printableString),
    );
    const rdns = fc.array(fc.array(pair, { minLength: 1, maxLength: 3 }), { maxLength: 6 });
    fc.assert(
      fc.property(rdns, (sets) => {
        const der = name(...sets);
        assert.equal(encodeName(der), oracle(der));
      }),
      { numRuns: 1000 },
    );
  });

  it('throws nothing but DerError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        for (const read of [encodeName, commonName]) {
          try {
            assert.equal(typeof read(bytes), 'string');
          } catch (error) {
            assert.ok(error instanceof DerError);
          }
        }
      }),
    );
    assert.throws(() => encodeName(sequence(setOf(sequence(oid('2.5.4.3'), sequence())))), DerError);
  });

  it('gives xtext that decodes to the same octets', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (octets) => {
        const text = xtext(octets);
        assert.match(text, /^[!#-'*-;=?-[\]-~]*$/);
        const decoded = text.replace(/\+([0-9A-F]{2})/g, (_, pair: string) =>
          String.fromCharCode(Number.parseInt(pair, 16)),
        );
        assert.deepEqual([...Buffer.from(decoded, 'latin1')], [...octets]);
      }),
    );
  });
});

/** The rules again, over one long text and with replacements instead of loops. */
function oracle(der: Uint8Array): string {
  const byOid = new Map(Object.entries(types).map(([short, dotted]) => [dotted, short]));
  const hex = (letter: string): string => letter.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0');
  let text = '';
  let full = false;
  let last: number | undefined;
  for (const { type, set, value } of readName(der)) {
    const raw = Buffer.from(value).toString('latin1');
    const escaped = raw.replace(/[/+]|[^ -~]/g, (letter) =>
      letter === '/' || letter === '+' ? `\\${letter}` : `\\x${hex(letter)}`,
    );
    const next = `${text}${last === set ? '+' : '/'}${byOid.get(type) ?? type}=${escaped}`;
    full ||= next.length > 255;
    if (!full) text = next;
    last = set;
  }
  return text.replace(/[ +\\("<>)]/g, (letter) => `+${hex(letter)}`);
}
