import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { latin1 } from '../../base/bytes.ts';
import { attributeName } from './attribute.ts';
import { tags } from './der.ts';
import { encodeWrittenName, NameTextError, parseNameText } from './name-text.ts';
import { readName } from './name.ts';
import { stringText } from './string-value.ts';

/** What the name says, as `set type/tag=text`. */
function said(text: string): string[] {
  return readName(encodeWrittenName(parseNameText(text))).map(
    ({ set, type, tag, value }) =>
      `${set} ${attributeName(type) ?? type}/${tag.toString(16)}=${stringText(tag, value)}`,
  );
}

describe('names as text', () => {
  test('order as written, string types by attribute, several attributes in one RDN', () => {
    assert.deepEqual(said('C=jp, O=例株式会社,CN=alice+serialNumber=17, emailAddress=alice@example.net,DC=net'), [
      '0 C/13=JP',
      '1 O/c=例株式会社',
      // A SET has the order of DER (X.690 §11.6).
      '2 serialNumber/13=17',
      '2 CN/c=alice',
      '3 emailAddress/16=alice@example.net',
      '4 DC/16=net',
    ]);
    assert.deepEqual(said('cn=a;2.5.4.11=b'), ['0 CN/c=a', '1 OU/c=b']);
    assert.deepEqual(said('UID=u, SN=s, ST=t, 1.2.3.4=x'), ['0 UID/c=u', '1 SN/c=s', '2 ST/c=t', '3 1.2.3.4/c=x']);
  });

  test('escapes (RFC 4514 §2.4, §3)', () => {
    assert.deepEqual(said('O=Example\\, Inc.'), ['0 O/c=Example, Inc.']);
    assert.deepEqual(said('O=\\ a\\+b\\"c\\\\d\\;\\<\\>\\=\\#\\ '), ['0 O/c= a+b"c\\d;<>=# ']);
    assert.deepEqual(said('O=\\E4\\BE\\8B'), ['0 O/c=例']);
    assert.deepEqual(said('O=  two  words  , CN=x'), ['0 O/c=two  words', '1 CN/c=x']);
    assert.deepEqual(said('O=a=b#c'), ['0 O/c=a=b#c']);
  });

  const bad: Readonly<Record<string, RegExp>> = {
    '': /character 1: expected an attribute/,
    alice: /character 1: expected an attribute/,
    'CN=a, b': /character 7: expected an attribute .* write \\, for a comma/,
    'CN=a,': /character 6: expected/,
    'XX=a': /character 1: "XX" is no attribute/,
    '例=a': /character 1: expected/,
    'C=JP, O=': /character 7: O has an empty value/,
    'C=Japan': /character 1: "Japan" is no country code/,
    'CN=#04024869': /character 4: values in hexadecimal/,
    'O=a"b': /character 4: write \\ before "\\""/,
    'O=a\\zb': /character 4: after \\/,
    'O=\\C3\\28': /character 3: after \\/,
    'O=a\\': /character 4: after \\/,
    'O=a\\0A': /character 1: the value has a control character/,
    'serialNumber=a_b': /other than those of PrintableString/,
    'emailAddress=日本@example.net': /is not ASCII/,
    '3.1.2=a': /is no attribute/,
    '1.40.2=a': /is no attribute/,
  };
  for (const [text, what] of Object.entries(bad)) {
    test(`refuses ${JSON.stringify(text)}`, () =>
      assert.throws(
        () => said(text),
        (error) => error instanceof NameTextError && what.test(error.message),
      ));
  }

  test('a common name of 64 characters and not 65', () => {
    said(`CN=${'例'.repeat(64)}`);
    assert.throws(() => said(`CN=${'例'.repeat(65)}`), /65 characters, more than the 64 of RFC 5280 §A\.1/);
  });

  test('any text is a name or an error with its place; any escaped value comes back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        try {
          encodeWrittenName(parseNameText(text));
        } catch (error) {
          assert.ok(error instanceof NameTextError, String(error));
          assert.match(error.message, /^character \d+: /);
        }
      }),
    );
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 30 }), (value) => {
        const escaped = value.replaceAll(/[ "#+,;<=>\\]/g, String.raw`\$&`);
        assert.equal(parseNameText(`O=${escaped}`)[0]?.value, value);
      }),
    );
  });
});

describe('string types', () => {
  test('octets that are none of the type have no text', () => {
    assert.equal(stringText(tags.printableString, Buffer.from('a@b')), undefined);
    assert.equal(stringText(tags.utf8String, Uint8Array.of(0xc3, 0x28)), undefined);
    assert.equal(stringText(tags.ia5String, Uint8Array.of(0xe9)), undefined);
    assert.equal(stringText(tags.bmpString, Uint8Array.of(0)), undefined);
    assert.equal(stringText(tags.bmpString, Uint8Array.of(0xd8, 0)), undefined);
    assert.equal(stringText(tags.universalString, Uint8Array.of(0, 0x11, 0, 0)), undefined);
    assert.equal(stringText(tags.octetString, Uint8Array.of(0x61)), undefined);
  });
  test('others do', () => {
    assert.equal(stringText(tags.t61String, Uint8Array.of(0x63, 0xe9)), latin1(Uint8Array.of(0x63, 0xe9)));
    assert.equal(stringText(tags.bmpString, Uint8Array.of(0x4f, 0x8b)), '例');
    assert.equal(stringText(tags.universalString, Uint8Array.of(0, 1, 0xf6, 0)), '😀');
    assert.equal(stringText(tags.numericString, Buffer.from('1 2')), '1 2');
  });
});
