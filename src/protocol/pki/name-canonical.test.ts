import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { missing } from '../../../test/fakes/outside.ts';
import { canonicalName } from './name-canonical.ts';
import { element, oid, sequence, setOf, tags } from './der.ts';

const CN = '2.5.4.3';
const O = '2.5.4.10';
const name = (...sets: (readonly [type: string, tag: number, value: string | Uint8Array])[][]): Uint8Array =>
  sequence(
    ...sets.map((set) =>
      setOf(...set.map(([type, tag, value]) => sequence(oid(type), element(tag, Buffer.from(value as string))))),
    ),
  );

describe('canonicalName', () => {
  it('makes string types, case and blanks alike', () => {
    const one = canonicalName(name([[CN, tags.printableString, '  Example \t CA ']]));
    assert.deepEqual(one, canonicalName(name([[CN, tags.utf8String, 'example ca']])));
    assert.deepEqual(one, canonicalName(name([[CN, tags.bmpString, Buffer.from('Example CA', 'utf16le').swap16()]])));
    assert.notDeepEqual(one, canonicalName(name([[CN, tags.utf8String, 'exampleca']])));
  });

  it('is nothing for a name without attributes', () => {
    assert.equal(canonicalName(sequence()).length, 0);
  });

  it('has the hash that OpenSSL gives', { skip: missing('openssl') }, () => {
    const subjects = [
      name([[CN, tags.utf8String, 'Plain CA']]),
      name([[O, tags.t61String, Buffer.from('Caf\xe9  GmbH ', 'latin1')]], [[CN, tags.utf8String, 'ÄÖÜ  x']]),
      name([[CN, tags.bmpString, Buffer.from('日本 CA', 'utf16le').swap16()]]),
      name([
        [CN, tags.utf8String, 'Two'],
        [O, tags.printableString, 'In One'],
      ]),
      name([['2.5.4.5', tags.numericString, '12  34']], [['2.5.4.6', tags.printableString, 'JP']]),
      name([['1.2.840.113549.1.9.1', tags.ia5String, 'CA@Example.NET']]),
      sequence(),
    ];
    for (const subject of subjects) {
      const hash = createHash('sha1').update(canonicalName(subject)).digest().readUInt32LE().toString(16);
      assert.equal(hash.padStart(8, '0'), opensslHash(subject), Buffer.from(subject).toString('hex'));
    }
  });
});

/** A CRL says nothing but its issuer's name, and needs no good signature to be printed. */
function opensslHash(issuer: Uint8Array): string {
  const algorithm = sequence(oid('1.2.840.113549.1.1.11'), element(tags.null));
  const time = element(tags.utcTime, Buffer.from('260101000000Z'));
  const list = sequence(
    sequence(algorithm, issuer, time, time),
    algorithm,
    element(tags.bitString, Uint8Array.of(0, 1)),
  );
  return execFileSync('openssl', ['crl', '-inform', 'DER', '-noout', '-hash'], { input: list }).toString().trim();
}
