/** Distinguished names as the openssl command prints them, against our own reading: for names of every string type. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { element, integer, oid, sequence, setOf, tags } from '../../src/protocol/pki/der.ts';
import { attributeName } from '../../src/protocol/pki/attribute.ts';
import { parseCertificate } from '../../src/protocol/pki/certificate.ts';
import { encodeName, xtext } from '../../src/protocol/pki/name.ts';

const version = spawnSync('openssl', ['version'], { encoding: 'utf8' }).stdout ?? '';
// Before 3.0 slashes and plus signs were not escaped.
const missing = /^OpenSSL [3-9]/.test(version) ? false : `openssl 3 is not here (${version.trim() || 'no openssl'})`;
if (missing !== false && process.env['SEALPOST_PEERS'] === 'required') throw new Error(missing);

const algorithm = sequence(oid('1.2.840.10045.4.3.2'));
const bits = element(tags.bitString, Uint8Array.of(0));

function certificateOf(subject: Uint8Array): Uint8Array {
  const time = element(tags.utcTime, Buffer.from('260101000000Z'));
  const signed = sequence(integer(1), algorithm, sequence(), sequence(time, time), subject, sequence(algorithm, bits));
  return sequence(signed, algorithm, bits);
}

/** `-nameopt compat` is X509_NAME_oneline() without a limit. Undefined when openssl does not take the name. */
function printed(certificate: Uint8Array): string | undefined {
  const run = spawnSync('openssl', ['x509', '-inform', 'DER', '-noout', '-subject', '-nameopt', 'compat'], {
    input: certificate,
  });
  if (run.status !== 0) return undefined;
  return run.stdout
    .toString('latin1')
    .replace(/^subject=/, '')
    .replace(/\n$/, '');
}

const types = [
  '2.5.4.3',
  '2.5.4.6',
  '2.5.4.10',
  '2.5.4.97',
  '1.2.840.113549.1.9.1',
  '0.9.2342.19200300.100.1.25',
  '1.3.6.1.4.1.311.60.2.1.3',
  '1.3.6.1.4.1.99999.1',
  '2.999.1.340282366920938463463374607431768211455',
];
const strings = [
  tags.utf8String,
  tags.printableString,
  tags.t61String,
  tags.ia5String,
  tags.bmpString,
  tags.universalString,
  tags.numericString,
];

describe('names of openssl', { skip: missing }, () => {
  it('are ours', () => {
    const pair = fc.tuple(
      fc.constantFrom(...types),
      fc.oneof(
        fc.uint8Array({ maxLength: 12 }),
        fc.stringMatching(/^[ -~]{0,20}$/).map((text) => Buffer.from(text)),
      ),
      fc.constantFrom<number>(...strings),
    );
    const rdns = fc.array(fc.array(pair, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(rdns, (sets) => {
        const subject = sequence(
          ...sets.map((pairs) =>
            setOf(...pairs.map(([type, value, tag]) => sequence(oid(type), element(tag, octetsFor(tag, value))))),
          ),
        );
        const der = certificateOf(subject);
        const theirs = printed(der);
        fc.pre(theirs !== undefined);
        const ours = parseCertificate(der);
        assert.ok(ours);
        if (theirs.length <= 255) assert.equal(encodeName(ours.subject), xtext(Buffer.from(theirs, 'latin1')));
      }),
      { numRuns: 40 },
    );
  });

  it('have the short names of our table', () => {
    const all = Array.from({ length: 102 }, (_, i) => `2.5.4.${i + 3}`);
    const subject = sequence(
      ...all.map((type) => setOf(sequence(oid(type), element(tags.utf8String, Buffer.from('v'))))),
    );
    assert.equal(printed(certificateOf(subject)), all.map((type) => `/${attributeName(type) ?? type}=v`).join(''));
  });
});

/** openssl refuses UTF-8 that is none, and wide strings that are not whole characters. */
function octetsFor(tag: number, value: Uint8Array): Uint8Array {
  if (tag === tags.utf8String) return Buffer.from(Buffer.from(value).toString());
  if (tag === tags.bmpString) return value.subarray(0, value.length & ~1);
  return tag === tags.universalString ? value.subarray(0, value.length & ~3) : value;
}
