import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromLatin1, utf8 } from '../../base/bytes.ts';
import { decodeBase64url, encodeBase64url } from './base64url.ts';
import { readBinding, readJws } from './jws.ts';
import { AcmeProblem, type ProblemType } from './problem.ts';

/** RFC 7515 §A.3.1 and RFC 7517 §A.1: the P-256 key of the examples. */
const KEY = {
  kty: 'EC',
  crv: 'P-256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
};

const header = { alg: 'ES256', nonce: 'bm9uY2U', url: 'https://ca.example/acme/new-account', jwk: KEY };

const encoded = (value: unknown): string => encodeBase64url(utf8(JSON.stringify(value)));

/** A JWS whose signature is any octets: nothing here looks at it. */
function written(protectedHeader: unknown, over: Readonly<Record<string, unknown>> = {}): Uint8Array {
  const parts = { protected: encoded(protectedHeader), payload: encoded({}), signature: 'AQID', ...over };
  return utf8(JSON.stringify(parts));
}

function refused(bytes: Uint8Array, type: ProblemType, words: RegExp): void {
  assert.throws(
    () => readJws(bytes),
    (error) => {
      assert.ok(error instanceof AcmeProblem, String(error));
      assert.equal(error.problem.type, type);
      assert.match(error.problem.detail, words);
      return true;
    },
  );
}

describe('base64url', () => {
  test('RFC 7515 appendix C, and all lengths there and back', () => {
    assert.equal(encodeBase64url(Uint8Array.of(3, 236, 255, 224, 193)), 'A-z_4ME');
    for (let length = 0; length < 40; length++) {
      const bytes = Uint8Array.from({ length }, (_, at) => (at * 89 + length) & 0xff);
      assert.deepEqual(decodeBase64url(encodeBase64url(bytes)), bytes);
    }
  });

  test('one spelling alone: no padding, no blanks, no other alphabet, no stray bits', () => {
    for (const text of ['A-z_4ME=', 'A+z/4ME', ' A-z_4ME', 'A-z_4ME\n', 'A-z_4MF', 'A', 'AAAAA'])
      assert.equal(decodeBase64url(text), undefined, text);
  });
});

describe('JWS', () => {
  test('a whole one is taken apart; what is signed is as it was written', () => {
    const bytes = written(header, { payload: encodeBase64url(utf8('{"a":1}')) });
    const jws = readJws(bytes);
    assert.equal(jws.algorithm, 'ES256');
    assert.equal(jws.nonce, 'bm9uY2U');
    assert.equal(jws.url, header.url);
    assert.deepEqual(jws.signer, { kind: 'jwk', key: { crv: 'P-256', kty: 'EC', x: KEY.x, y: KEY.y } });
    assert.deepEqual(jws.payload, utf8('{"a":1}'));
    assert.deepEqual(jws.signed, fromLatin1(`${encoded(header)}.${encodeBase64url(utf8('{"a":1}'))}`));
    assert.deepEqual(jws.signature, Uint8Array.of(1, 2, 3));
    const { jwk: _, ...rest } = header;
    assert.deepEqual(readJws(written({ ...rest, kid: 'https://ca.example/acme/account/1' })).signer, {
      kind: 'kid',
      url: 'https://ca.example/acme/account/1',
    });
  });

  test('algorithms: never none, never a MAC, never what is not known', () => {
    for (const alg of ['none', 'None', 'HS256', 'HS512', 'ES512', 'RS1', 'PS256', 'ES256K', '', 'constructor'])
      refused(written({ ...header, alg }), 'badSignatureAlgorithm', /not signed with/);
    refused(written({ ...header, alg: undefined }), 'malformed', /no "alg"/);
    refused(written({ ...header, alg: 256 }), 'malformed', /"alg"/);
  });

  test('one signer: a key or an account, not both and not neither', () => {
    refused(written({ ...header, kid: 'https://ca.example/acme/account/1' }), 'malformed', /one of "jwk" and "kid"/);
    refused(written({ ...header, jwk: undefined }), 'malformed', /one of "jwk" and "kid"/);
  });

  test('nothing unprotected, nothing that would have to be understood', () => {
    refused(written(header, { header: { alg: 'none' } }), 'malformed', /no "header"/);
    refused(written(header, { signatures: [] }), 'malformed', /no "signatures"/);
    refused(written({ ...header, crit: ['exp'] }), 'malformed', /crit/);
    refused(written({ ...header, b64: false }), 'malformed', /b64/);
    refused(written({ ...header, url: undefined }), 'malformed', /no "url"/);
  });

  test('what is no JWS at all', () => {
    for (const [bytes, words] of [
      [utf8(''), /no JSON object/],
      [utf8('[]'), /no JSON object/],
      [utf8('null'), /no JSON object/],
      [utf8(`${encoded(header)}.e30.AQID`), /no JSON object/],
      [Uint8Array.of(0x7b, 0xff, 0x7d), /no JSON object/],
      [written(header, { signature: 'AQI=' }), /"signature" of the JWS is no base64url/],
      [written(header, { payload: { nested: 1 } }), /"payload" of the JWS is no text/],
      [written(header, { protected: 'bm8' }), /protected header is no JSON object/],
    ] as const)
      refused(bytes, 'malformed', words);
    refused(utf8('['.repeat(100_000)), 'malformed', /no JSON object/);
    refused(utf8('{"__proto__":{"protected":"e30","payload":"","signature":""}}'), 'malformed', /no "protected"/);
  });

  test('keys: only public ones, only whole ones, in one spelling', () => {
    const key = (jwk: unknown, words: RegExp, type: ProblemType = 'badPublicKey'): void =>
      refused(written({ ...header, jwk }), type, words);
    key({ ...KEY, d: 'AQID' }, /private key/);
    key({ kty: 'oct', k: 'AQID' }, /private key/);
    key({ ...KEY, x: KEY.x.slice(0, -2) }, /not 32 octets/);
    key({ ...KEY, x: `${KEY.x.slice(0, -1)}V` }, /not 32 octets/);
    key({ ...KEY, crv: 'P-521' }, /none of P-256/);
    key({ ...KEY, crv: 'secp256k1' }, /none of P-256/);
    key({ kty: 'OKP', crv: 'X25519', x: KEY.x }, /none of P-256/);
    key({ kty: 'RSA', e: 'AQAB', n: encodeBase64url(new Uint8Array(256)) }, /no number/);
    key({ kty: 'RSA', e: 'AQAB', n: encodeBase64url(new Uint8Array(1_025).fill(1)) }, /no number/);
    key({ kty: 'RSA', e: '', n: 'AQID' }, /no number/);
    key('x', /no JSON object/, 'malformed');
  });
});

describe('external account binding', () => {
  const binding = (over: object): Readonly<Record<string, unknown>> => ({
    protected: encoded({ alg: 'HS256', kid: 'key-1', url: header.url, ...over }),
    payload: encoded(KEY),
    signature: 'AQID',
  });

  test('is read', () => {
    const read = readBinding(binding({}));
    assert.equal(read.keyId, 'key-1');
    assert.equal(read.url, header.url);
    assert.deepEqual(read.mac, Uint8Array.of(1, 2, 3));
  });

  test('is made with HS256, without nonce and key in its header', () => {
    for (const over of [
      { alg: 'ES256' },
      { alg: 'none' },
      { nonce: 'x' },
      { jwk: KEY },
      { kid: undefined },
      { url: undefined },
    ])
      assert.throws(() => readBinding(binding(over)), AcmeProblem, JSON.stringify(over));
  });
});
