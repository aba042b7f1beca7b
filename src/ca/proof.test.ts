import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { inFolder, missing, run } from '../../test/fakes/outside.ts';
import { encodeNameOf, encodeSigned } from '../protocol/pki/certificate-write.ts';
import { bmpString, explicit, nil } from '../protocol/pki/der-write.ts';
import { element, integer, oid, sequence, setOf, tags } from '../protocol/pki/der.ts';
import { oids } from '../protocol/pki/oid.ts';
import { decodePem } from '../protocol/pki/pem.ts';
import { MAX_REQUEST } from '../protocol/pki/request.ts';
import { publicKeyOf } from './keys.ts';
import { proveRequest } from './proof.ts';
import { RequestRefused } from './refusal.ts';

const alice = encodeNameOf([[oids.commonName, 'alice@example.net']]);

/** A request as a program of another make could write it. */
function makeRequest(
  key: KeyObject,
  over: {
    readonly subject?: Uint8Array;
    readonly algorithm?: string;
    readonly hash?: string | null;
    readonly publicKey?: Uint8Array;
    readonly attributes?: Uint8Array;
  } = {},
): Uint8Array {
  const info = sequence(
    integer(0),
    over.subject ?? alice,
    over.publicKey ?? publicKeyOf(key),
    over.attributes ?? explicit(0, new Uint8Array(0)),
  );
  const { hash = 'sha256', algorithm = oids.ecdsaWithSha256 } = over;
  const parameters = key.asymmetricKeyType === 'rsa' ? [nil()] : [];
  return encodeSigned(info, sequence(oid(algorithm), ...parameters), sign(hash, info, key));
}

const ec = (namedCurve: string): KeyObject => generateKeyPairSync('ec', { namedCurve }).privateKey;
const rsa = (modulusLength: number, publicExponent = 65_537): KeyObject =>
  generateKeyPairSync('rsa', { modulusLength, publicExponent }).privateKey;

function refused(der: Uint8Array, what: RegExp, section: string): void {
  assert.throws(
    () => proveRequest(der),
    (error) => {
      assert.ok(error instanceof RequestRefused, String(error));
      assert.match(error.message, what);
      assert.equal(error.section, section);
      assert.ok(error.message.endsWith(`(${section})`), error.message);
      return true;
    },
  );
}

describe('certificate requests', () => {
  test('the subject comes back byte for byte: order, string types, several attributes in one RDN', () => {
    const oddity = sequence(
      setOf(sequence(oid(oids.commonName), bmpString('Алиса'))),
      setOf(
        sequence(oid('2.5.4.6'), element(tags.printableString, Buffer.from('JP'))),
        sequence(oid('2.5.4.11'), element(tags.t61String, Buffer.from([0x63, 0xe9]))),
      ),
      setOf(sequence(oid('1.2.840.113549.1.9.1'), element(tags.ia5String, Buffer.from('alice@example.net')))),
    );
    const key = ec('prime256v1');
    const proven = proveRequest(makeRequest(key, { subject: oddity }));
    assert.deepEqual(Buffer.from(proven.subject), Buffer.from(oddity));
    assert.deepEqual(Buffer.from(proven.publicKey), Buffer.from(publicKeyOf(key)));
  });

  test('P-256, P-384, P-521, Ed25519, Ed448 and RSA are taken, with attributes and without', () => {
    const ed = (type: 'ed25519'): KeyObject => generateKeyPairSync(type).privateKey;
    proveRequest(makeRequest(ec('prime256v1'), { attributes: new Uint8Array(0) }));
    proveRequest(makeRequest(ec('secp384r1'), { algorithm: oids.ecdsaWithSha384, hash: 'sha384' }));
    proveRequest(makeRequest(ec('secp521r1'), { algorithm: oids.ecdsaWithSha512, hash: 'sha512' }));
    proveRequest(makeRequest(ed('ed25519'), { algorithm: oids.ed25519, hash: null }));
    proveRequest(makeRequest(generateKeyPairSync('ed448').privateKey, { algorithm: oids.ed448, hash: null }));
    proveRequest(makeRequest(rsa(2048), { algorithm: oids.sha256WithRsa }));
  });

  test('whoever does not hold the key is refused', () => {
    const mine = ec('prime256v1');
    const other = publicKeyOf(ec('prime256v1'));
    refused(makeRequest(mine, { publicKey: other }), /not signed by the key/, 'RFC 2986 §3');
    const tampered = Uint8Array.from(makeRequest(mine));
    const at = Buffer.from(tampered).indexOf('alice');
    tampered[at] = 0x62;
    refused(tampered, /not signed by the key/, 'RFC 2986 §3');
  });

  test('weak and strange keys are refused', () => {
    refused(
      makeRequest(rsa(1024), { algorithm: oids.sha256WithRsa }),
      /RSA key of 1024 bits is too weak/,
      'RFC 9325 §4.5',
    );
    refused(makeRequest(rsa(2048, 3), { algorithm: oids.sha256WithRsa }), /exponent/, 'FIPS 186-5 §A.1.1');
    refused(makeRequest(ec('secp256k1')), /curve/, 'RFC 5480 §2.1.1');
    const explicitCurve = generateKeyPairSync('ec', { namedCurve: 'prime256v1', paramEncoding: 'explicit' });
    refused(
      makeRequest(explicitCurve.privateKey, {
        publicKey: explicitCurve.publicKey.export({ type: 'spki', format: 'der' }),
      }),
      /curve/,
      'RFC 5480 §2.1.1',
    );
    const dsa = generateKeyPairSync('dsa', { modulusLength: 2048, divisorLength: 256 }).privateKey;
    refused(makeRequest(dsa, { algorithm: '2.16.840.1.101.3.4.3.2' }), /not known here/, 'RFC 2986 §4.2');
    refused(makeRequest(dsa), /keys of algorithm 1\.2\.840\.10040\.4\.1/, 'RFC 5280 §4.1.2.7');
  });

  test('broken signature algorithms are refused by name', () => {
    const key = rsa(2048);
    refused(makeRequest(key, { algorithm: oids.sha1WithRsa, hash: 'sha1' }), /SHA-1, which is broken/, 'RFC 6194 §3');
    refused(makeRequest(key, { algorithm: oids.md5WithRsa, hash: 'md5' }), /MD5, which is broken/, 'RFC 6151 §2');
    refused(makeRequest(ec('prime256v1'), { algorithm: oids.ecdsaWithSha1, hash: 'sha1' }), /SHA-1/, 'RFC 6194 §3');
    refused(makeRequest(key, { algorithm: oids.ecdsaWithSha256 }), /does not fit its key/, 'RFC 2986 §4.2');
  });

  test('size is bounded', () => {
    refused(new Uint8Array(MAX_REQUEST + 1), /16385 octets/, 'RFC 2986 §4');
    refused(new Uint8Array(0), /no DER/, 'RFC 2986 §4');
  });

  test('nesting as deep as the size allows, indefinite and overlong lengths: refused, never thrown otherwise', () => {
    let nested: Uint8Array = new Uint8Array(0);
    while (nested.length < MAX_REQUEST - 8) nested = element(tags.sequence, nested);
    for (const der of [
      nested,
      Buffer.alloc(MAX_REQUEST, Buffer.from([0x30, 0x80])),
      Buffer.from([0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0]),
    ]) {
      assert.throws(() => proveRequest(der), RequestRefused);
    }
  });

  test('any bytes, and any change of a good request, are refused or leave the proof as it was', () => {
    const good = makeRequest(ec('prime256v1'));
    const before = proveRequest(good);
    const outcome = (der: Uint8Array): void => {
      try {
        assert.deepEqual(proveRequest(der), before);
      } catch (error) {
        assert.ok(error instanceof RequestRefused, String(error));
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), outcome));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 }),
        fc.nat(good.length),
        (changes, cut) => {
          const changed = Uint8Array.from(good);
          for (const [at, octet] of changes) changed[at] = octet;
          outcome(changed);
          outcome(good.subarray(0, cut));
        },
      ),
    );
  });

  test('a request of OpenSSL', { skip: missing('openssl') }, async () => {
    await inFolder(({ path }) => {
      const args = [
        'req',
        '-new',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-keyout',
        'key',
        '-out',
        'csr',
        '-subj',
        '/C=JP/O=例/CN=alice@example.net/emailAddress=alice@example.net',
        '-utf8',
        '-addext',
        'subjectAltName=email:eve@example.org',
      ];
      const ran = run('openssl', args, { cwd: path });
      assert.equal(ran.code, 0, ran.text);
      const proven = proveRequest(decodePem(readFileSync(join(path, 'csr'), 'latin1'))[0]?.der ?? new Uint8Array(0));
      const key = createPrivateKey(readFileSync(join(path, 'key')));
      assert.deepEqual(Buffer.from(proven.publicKey), Buffer.from(publicKeyOf(key)));
      assert.ok(Buffer.from(proven.subject).includes('例'));
    });
  });
});
