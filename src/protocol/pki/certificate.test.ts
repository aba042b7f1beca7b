import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { hex } from '../../base/bytes.ts';
import { parseCertificate, serialText } from './certificate.ts';
import { contextPrimitiveTag, contextTag, element, integer, oid, sequence, setOf, tags } from './der.ts';
import { encodeName } from './name.ts';

// A self-signed P-256 certificate that the openssl command made (OpenSSL 3.0), so that one sample is not our own writing.
const sample = Buffer.from(
  'MIICcTCCAhagAwIBAgIUHuF2oAUsWJjrBvCqe2tmVmzjBMgwCgYIKoZIzj0EAwIwVTELMAkGA1UEBhMCSlAxFDASBgNVBAoMC0V4YW1wbGUgT3JnMQ4wDAYDVQQDDAVhbGljZTEgMB4GCSqGSIb3DQEJARYRYWxpY2VAZXhhbXBsZS5uZXQwHhcNMjYxMTI0MDUyMzQ4WhcNMzYxMTIxMDUyMzQ4WjBVMQswCQYDVQQGEwJKUDEUMBIGA1UECgwLRXhhbXBsZSBPcmcxDjAMBgNVBAMMBWFsaWNlMSAwHgYJKoZIhvcNAQkBFhFhbGljZUBleGFtcGxlLm5ldDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABGahGRGpOiaDHpnt2F3na+vHp+0rop7TQw+EWGMJx7skke6sAkIb6PM4SljL1vZRKDhYDVINlQOVxrRihnjbdl6jgcMwgcAwHQYDVR0OBBYEFK876yCBpPuOIOn8nQ4qAhKx3e7jMB8GA1UdIwQYMBaAFK876yCBpPuOIOn8nQ4qAhKx3e7jMA8GA1UdEwEB/wQFMAMBAf8wSwYDVR0RBEQwQoERYWxpY2VAZXhhbXBsZS5uZXSCEmRldmljZS5leGFtcGxlLm5ldIYZaHR0cHM6Ly9leGFtcGxlLm5ldC9hbGljZTATBgNVHSUEDDAKBggrBgEFBQcDAjALBgNVHQ8EBAMCB4AwCgYIKoZIzj0EAwIDSQAwRgIhANU/jYrVHu8R2vDFlucFGxK/rkl06w7/Sqz87WQ9MLh0AiEA2w5m3ttexE3Gh3nDb8rpFcpjge2vrl0DUlROxaOUWmU=',
  'base64',
);

interface Parts {
  readonly version?: number | undefined;
  readonly serial?: Uint8Array;
  readonly times?: readonly Uint8Array[];
  readonly extensions?: readonly Uint8Array[];
  readonly innerAlgorithm?: Uint8Array;
}

const algorithm = sequence(oid('1.2.840.10045.4.3.2'));
const octets = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const utc = (text: string): Uint8Array => element(tags.utcTime, octets(text));
const generalized = (text: string): Uint8Array => element(tags.generalizedTime, octets(text));
const nameOf = (common: string): Uint8Array =>
  sequence(setOf(sequence(oid('2.5.4.3'), element(tags.utf8String, octets(common)))));

function extension(id: string, value: Uint8Array, critical = false): Uint8Array {
  const flag = critical ? [element(tags.boolean, Uint8Array.of(0xff))] : [];
  return sequence(oid(id), ...flag, element(tags.octetString, value));
}

function build({
  version = 2,
  serial = integer(1),
  times,
  extensions = [],
  innerAlgorithm = algorithm,
}: Parts): Uint8Array {
  const signed = sequence(
    ...(version === 0 ? [] : [element(contextTag(0), integer(version))]),
    serial,
    innerAlgorithm,
    nameOf('ca'),
    sequence(...(times ?? [utc('260101000000Z'), utc('270101000000Z')])),
    nameOf('u'),
    sequence(algorithm, element(tags.bitString, Uint8Array.of(0))),
    ...(extensions.length === 0 ? [] : [element(contextTag(3), sequence(...extensions))]),
  );
  return sequence(signed, algorithm, element(tags.bitString, Uint8Array.of(0)));
}

describe('certificates', () => {
  it('are read as OpenSSL reads them', () => {
    const ours = parseCertificate(sample);
    const theirs = new X509Certificate(sample);
    assert.ok(ours);
    assert.equal(ours.serial, theirs.serialNumber.toLowerCase());
    assert.equal(ours.notBefore, Date.parse(theirs.validFrom));
    assert.equal(ours.notAfter, Date.parse(theirs.validTo));
    assert.equal(ours.isCa, true);
    assert.deepEqual(ours.extendedKeyUsage, theirs.keyUsage);
    assert.deepEqual(Buffer.from(ours.publicKey), theirs.publicKey.export({ type: 'spki', format: 'der' }));
    assert.equal(encodeName(ours.subject), '/C=JP/O=Example+20Org/CN=alice/emailAddress=alice@example.net');
    assert.deepEqual(ours.issuer, ours.subject);
    assert.deepEqual(ours.emails, ['alice@example.net']);
    assert.deepEqual(ours.dnsNames, ['device.example.net']);
    assert.deepEqual(ours.uris, ['https://example.net/alice']);
    assert.equal(ours.keyUsage, 0x80);
  });

  it('have times up to 2049 in UTCTime and after in GeneralizedTime', () => {
    const times = (from: Uint8Array, to: Uint8Array): readonly (string | undefined)[] => {
      const certificate = parseCertificate(build({ times: [from, to] }));
      return [certificate?.notBefore, certificate?.notAfter].map((at) =>
        at === undefined ? undefined : new Date(at).toISOString(),
      );
    };
    assert.deepEqual(times(utc('500101000000Z'), utc('491231235959Z')), [
      '1950-01-01T00:00:00.000Z',
      '2049-12-31T23:59:59.000Z',
    ]);
    assert.deepEqual(times(generalized('20500101000000Z'), generalized('99991231235959Z')), [
      '2050-01-01T00:00:00.000Z',
      '9999-12-31T23:59:59.000Z',
    ]);
    assert.deepEqual(times(utc('240229120000Z'), generalized('21000228235959Z')), [
      '2024-02-29T12:00:00.000Z',
      '2100-02-28T23:59:59.000Z',
    ]);
    for (const bad of [
      '230229000000Z',
      '261301000000Z',
      '260100000000Z',
      '260101240000Z',
      '2601010000Z',
      '260101000000+0000',
    ]) {
      assert.deepEqual(times(utc(bad), utc('270101000000Z')), [undefined, undefined], bad);
    }
    fc.assert(
      fc.property(fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }), (second) => {
        const at = new Date(second * 1000);
        const text = at.toISOString().replace(/[-:T]|\.000/g, '');
        assert.equal(
          parseCertificate(build({ times: [generalized(text), utc('270101000000Z')] }))?.notBefore,
          second * 1000,
        );
      }),
    );
  });

  it('have serial numbers without leading zero octets', () => {
    assert.equal(parseCertificate(build({ serial: integer(Uint8Array.of(0x80, 1)) }))?.serial, '8001');
    assert.equal(parseCertificate(build({ serial: integer(0) }))?.serial, '00');
    assert.equal(parseCertificate(build({ serial: element(tags.integer, Uint8Array.of(0xff)) }))?.serial, '-ff');
    assert.equal(serialText(Uint8Array.of(0, 0, 0x0a)), '0a');
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 20 }), (serial) => {
        assert.equal(
          parseCertificate(build({ serial: integer(serial) }))?.serial,
          hex(serial).replace(/^(00)+(?=..)/, ''),
        );
      }),
    );
  });

  it('have no alternative names with octets that do not print', () => {
    const general = (number: number, text: string): Uint8Array => element(contextPrimitiveTag(number), octets(text));
    const names = sequence(
      general(1, 'a@b.test'),
      general(1, 'a\0@b.test'),
      general(2, 'b.test'),
      general(2, 'b c'),
      general(6, 'x:y'),
      general(7, '\u0001\u0002\u0003\u0004'),
      general(2, ''),
    );
    const certificate = parseCertificate(build({ extensions: [extension('2.5.29.17', names)] }));
    assert.deepEqual(
      [certificate?.emails, certificate?.dnsNames, certificate?.uris],
      [['a@b.test'], ['b.test'], ['x:y']],
    );
  });

  it('are refused when two readers could read them differently', () => {
    assert.ok(parseCertificate(build({})));
    const usage = extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.2')));
    assert.deepEqual(parseCertificate(build({ extensions: [usage] }))?.extendedKeyUsage, ['1.3.6.1.5.5.7.3.2']);
    assert.equal(parseCertificate(build({ extensions: [usage, usage] })), undefined, 'extension twice');
    assert.equal(parseCertificate(build({ version: 0, extensions: [usage] })), undefined, 'extensions in version 1');
    assert.equal(parseCertificate(build({ version: 3 })), undefined, 'version 4');
    assert.equal(parseCertificate(build({ innerAlgorithm: sequence(oid('1.2.3')) })), undefined, 'two algorithms');
    assert.equal(parseCertificate(Buffer.concat([build({}), Uint8Array.of(0)])), undefined, 'something behind it');
    assert.equal(parseCertificate(build({ times: [utc('260101000000Z')] })), undefined, 'one time');
    assert.equal(parseCertificate(new Uint8Array(100_001)), undefined, 'too large');
    assert.ok(parseCertificate(build({ version: 0 })), 'version 1');
  });

  it('of a CA say so', () => {
    const constraints = (...parts: Uint8Array[]): Uint8Array => extension('2.5.29.19', sequence(...parts), true);
    const flag = element(tags.boolean, Uint8Array.of(0xff));
    assert.equal(parseCertificate(build({ extensions: [constraints(flag, integer(0))] }))?.isCa, true);
    assert.equal(parseCertificate(build({ extensions: [constraints()] }))?.isCa, false);
  });

  it('never make the parser throw, whatever is changed in them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        parseCertificate(bytes);
      }),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(sample.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (changes) => {
          const bytes = Uint8Array.from(sample);
          for (const [at, octet] of changes) bytes[at] = octet;
          const certificate = parseCertificate(bytes);
          // Names of what was parsed can always be printed.
          if (certificate !== undefined)
            assert.equal(typeof (encodeName(certificate.subject) + encodeName(certificate.issuer)), 'string');
        },
      ),
      { numRuns: 2000 },
    );
    for (let length = 0; length < sample.length; length++)
      assert.equal(parseCertificate(sample.subarray(0, length)), undefined);
  });
});
