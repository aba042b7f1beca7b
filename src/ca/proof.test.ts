import assert from 'node:assert/strict';
import { constants, createPrivateKey, generateKeyPairSync, sign, type KeyObject, type webcrypto } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { inFolder, missing, run } from '../../test/fakes/outside.ts';
import {
  caConstraints,
  encodeNameOf,
  encodeSigned,
  extKeyUsage,
  keyUsage,
  subjectAltName,
} from '../protocol/pki/certificate-write.ts';
import { bitString, bmpString, explicit, nil, octetString, utf8String } from '../protocol/pki/der-write.ts';
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

  /** RSASSA-PSS-params (RFC 4055 §3.1). */
  const pss = (hash: string, mask: string, salt: number): Uint8Array =>
    sequence(
      explicit(0, sequence(oid(hash), nil())),
      explicit(1, sequence(oid(oids.mgf1), sequence(oid(mask), nil()))),
      explicit(2, integer(salt)),
    );
  const signedPss = (key: KeyObject, parameters: Uint8Array, saltLength: number): Uint8Array => {
    const info = sequence(integer(0), alice, publicKeyOf(key), explicit(0, new Uint8Array(0)));
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    return encodeSigned(
      info,
      sequence(oid(oids.rsaPss), parameters),
      sign('sha256', info, { key, padding, saltLength }),
    );
  };

  test('RSA-PSS: with keys of RSA and of RSASSA-PSS; parameters that do not fit are refused', () => {
    const key = rsa(2048);
    proveRequest(signedPss(key, pss(oids.sha256, oids.sha256, 32), 32));
    proveRequest(signedPss(key, pss(oids.sha256, oids.sha256, 0), 0));
    const own = generateKeyPairSync('rsa-pss', {
      modulusLength: 2048,
      hashAlgorithm: 'sha256',
      mgf1HashAlgorithm: 'sha256',
    });
    proveRequest(signedPss(own.privateKey, pss(oids.sha256, oids.sha256, 32), 32));
    refused(signedPss(key, pss(oids.sha256, oids.sha256, 20), 32), /not signed by the key/, 'RFC 2986 §3');
    refused(signedPss(key, pss(oids.sha384, oids.sha384, 32), 32), /not signed by the key/, 'RFC 2986 §3');
    refused(signedPss(key, pss(oids.sha256, oids.sha384, 32), 32), /not known here/, 'RFC 2986 §4.2');
    refused(signedPss(key, sequence(), 20), /not known here/, 'RFC 2986 §4.2');
    refused(signedPss(key, pss(oids.sha256, oids.sha256, 100_000), 32), /not known here/, 'RFC 2986 §4.2');
  });

  test('ML-DSA', () => {
    for (const [kind, algorithm] of [
      ['ml-dsa-44', oids.mlDsa44],
      ['ml-dsa-65', oids.mlDsa65],
      ['ml-dsa-87', oids.mlDsa87],
    ] as const) {
      const { privateKey } = generateKeyPairSync(kind as 'ml-dsa-65');
      proveRequest(makeRequest(privateKey, { algorithm, hash: null }));
    }
  });

  const asked = (...extensions: readonly Uint8Array[]): Uint8Array =>
    explicit(0, sequence(oid(oids.extensionRequest), setOf(sequence(...extensions))));

  test('what a request asks for in extensions is said, and not listened to', () => {
    const attributes = asked(
      caConstraints(undefined),
      extKeyUsage(oids.serverAuth),
      keyUsage('keyCertSign'),
      subjectAltName([{ kind: 'dns', text: 'victim.example' }], false),
      sequence(oid('1.2.3'), octetString(nil())),
    );
    const { ignored, request } = proveRequest(makeRequest(ec('prime256v1'), { attributes }));
    assert.deepEqual(ignored, [
      'to be a CA (CA:TRUE)',
      'the extended key usage serverAuth',
      'the alternative name dns:victim.example',
      'the extension 1.2.3',
    ]);
    assert.deepEqual(request.requested.names, [{ kind: 'dns', text: 'victim.example' }]);
    assert.deepEqual(proveRequest(makeRequest(ec('prime256v1'))).ignored, []);
  });

  test('a challengePassword is read, in any string type', () => {
    const password = (value: Uint8Array): Uint8Array =>
      explicit(0, sequence(oid(oids.challengePassword), setOf(value)));
    const of = (value: Uint8Array): string | undefined =>
      proveRequest(makeRequest(ec('prime256v1'), { attributes: password(value) })).request.challengePassword;
    assert.equal(of(utf8String('sésame')), 'sésame');
    assert.equal(of(bmpString('例')), '例');
    refused(
      makeRequest(ec('prime256v1'), { attributes: password(nil()) }),
      /challengePassword is no text/,
      'RFC 2986 §4',
    );
  });

  test('attributes and extensions that are there twice are refused', () => {
    const attribute = sequence(oid(oids.extensionRequest), setOf(sequence()));
    refused(
      makeRequest(ec('prime256v1'), { attributes: explicit(0, Buffer.concat([attribute, attribute])) }),
      /attribute 1\.2\.840\.113549\.1\.9\.14 twice/,
      'RFC 2986 §4',
    );
    refused(
      makeRequest(ec('prime256v1'), { attributes: asked(caConstraints(0), caConstraints(0)) }),
      /extension 2\.5\.29\.19 asked for twice/,
      'RFC 2986 §4',
    );
  });

  test('keys that are no keys are refused', () => {
    const key = ec('prime256v1');
    const info = publicKeyOf(key);
    const point = (octets: Uint8Array): Uint8Array =>
      sequence(sequence(oid(oids.ecPublicKey), oid(oids.p256)), bitString(octets));
    const offCurve = Uint8Array.from(info.subarray(-65));
    offCurve[64] = (offCurve[64] as number) ^ 1;
    for (const [what, publicKey] of [
      ['off the curve', point(offCurve)],
      ['at infinity', point(Uint8Array.of(0))],
      ['empty', point(new Uint8Array(0))],
      ['a coordinate too large', point(new Uint8Array(65).fill(0xff).fill(4, 0, 1))],
    ] as const)
      assert.throws(() => proveRequest(makeRequest(key, { publicKey })), RequestRefused, what);

    const rsaKey = (modulus: bigint, exponent = 65_537): Uint8Array =>
      sequence(
        sequence(oid(oids.rsaEncryption), nil()),
        bitString(sequence(integer(Buffer.from(modulus.toString(16), 'hex')), integer(exponent))),
      );
    const [odd, algorithm] = [(1n << 2047n) + 1n, oids.sha256WithRsa];
    const signer = rsa(2048);
    const asking = (publicKey: Uint8Array): Uint8Array => makeRequest(signer, { publicKey, algorithm });
    refused(asking(rsaKey(odd + 1n)), /no product of two primes/, 'RFC 8017 §3.1');
    refused(
      asking(rsaKey(odd - (odd % 7n) + 14n + (((odd - (odd % 7n)) & 1n) === 0n ? 7n : 0n))),
      /no product/,
      'RFC 8017 §3.1',
    );
    refused(asking(rsaKey(1n << 16_383n)), /16384 bits is too large|octets/, 'RFC 8017 §3.1');
  });

  test('the most expensive requests there are take no longer than a bound', () => {
    const costly: Uint8Array[] = [];
    const long = (1n << 8191n) + 12_345n;
    const huge = sequence(
      sequence(oid(oids.rsaEncryption), nil()),
      bitString(sequence(integer(Buffer.from(long.toString(16), 'hex')), integer(0xffff_ffff))),
    );
    costly.push(makeRequest(rsa(2048), { publicKey: huge, algorithm: oids.sha256WithRsa }));
    const many = sequence(
      ...Array.from({ length: 500 }, () => setOf(sequence(oid(`2.5.4.${'9'.repeat(12)}`), utf8String('x')))),
    );
    costly.push(makeRequest(ec('secp521r1'), { subject: many, algorithm: oids.ecdsaWithSha512, hash: 'sha512' }));
    for (const der of costly) {
      const begun = performance.now();
      try {
        proveRequest(der);
      } catch (error) {
        assert.ok(error instanceof RequestRefused, String(error));
      }
      assert.ok(performance.now() - begun < 1000);
    }
  });

  test('requests of WebCrypto, as browsers make them', async () => {
    const { subtle } = crypto;
    const usages: ('sign' | 'verify')[] = ['sign', 'verify'];
    const request = async (
      pair: webcrypto.CryptoKeyPair,
      how: Parameters<typeof subtle.sign>[0],
      algorithm: Uint8Array,
    ) => {
      const publicKey = new Uint8Array(await subtle.exportKey('spki', pair.publicKey));
      const info = sequence(integer(0), alice, publicKey, explicit(0, new Uint8Array(0)));
      return encodeSigned(info, algorithm, ecdsaDer(new Uint8Array(await subtle.sign(how, pair.privateKey, info))));
    };
    // WebCrypto gives r and s one after the other (IEEE P1363); X.509 wants a SEQUENCE of both (RFC 3279 §2.2.3).
    const ecdsaDer = (raw: Uint8Array): Uint8Array =>
      raw.length === 64 ? sequence(integer(raw.subarray(0, 32)), integer(raw.subarray(32))) : raw;
    const p256 = await subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, usages);
    proveRequest(await request(p256, { name: 'ECDSA', hash: 'SHA-256' }, sequence(oid(oids.ecdsaWithSha256))));
    const rsaOf = (name: string): Promise<webcrypto.CryptoKeyPair> =>
      subtle.generateKey(
        { name, modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1), hash: 'SHA-256' },
        true,
        usages,
      );
    const pkcs1 = sequence(oid(oids.sha256WithRsa), nil());
    proveRequest(await request(await rsaOf('RSASSA-PKCS1-v1_5'), { name: 'RSASSA-PKCS1-v1_5' }, pkcs1));
    const parameters = sequence(oid(oids.rsaPss), pss(oids.sha256, oids.sha256, 32));
    proveRequest(await request(await rsaOf('RSA-PSS'), { name: 'RSA-PSS', saltLength: 32 }, parameters));
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
