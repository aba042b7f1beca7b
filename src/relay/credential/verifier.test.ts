import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { utf8 } from '../../base/bytes.ts';
import { passwordCrypto } from '../../platform/process/password-crypto.ts';
import {
  ITERATIONS,
  checkProof,
  makeVerifiers,
  readArgon2,
  readScram,
  scramKeys,
  unknownKeys,
  writeScram,
} from './verifier.ts';

const crypto = passwordCrypto();
const secret = new Uint8Array(32).fill(3);

describe('verifiers', () => {
  test('the exchange of RFC 7677 §3', async () => {
    const keys = await scramKeys(crypto, utf8('pencil'), Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'), 4_096);
    const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
    const message = `n=user,r=rOprNGfwEbeRWgbNEkqO,r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=${nonce}`;
    const proof = Buffer.from('dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=', 'base64');
    const signature = checkProof(crypto, keys, message, proof);
    assert.equal(Buffer.from(signature ?? []).toString('base64'), '6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
    assert.deepEqual(readScram(writeScram(keys)), { ...keys, salt: new Uint8Array(keys.salt) });
    for (const bad of [proof.subarray(1), Buffer.concat([proof, Buffer.of(0)]), Buffer.alloc(32), Buffer.alloc(0)])
      assert.equal(checkProof(crypto, keys, message, bad), undefined);
    assert.equal(checkProof(crypto, keys, `${message}x`, proof), undefined);
  });

  test('Argon2id of RFC 9106 with one lane, as other programs compute it', async () => {
    // printf password | argon2 somesalt -id -t 2 -k 65536 -p 1 -l 32
    const hash = await crypto.argon2id(utf8('password'), utf8('somesalt'), { memory: 65_536, passes: 2 });
    assert.equal(Buffer.from(hash).toString('hex'), '09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7');
  });

  test('of one password of a holder: the same salts for all of them, others for each holder and server', async () => {
    const one = await makeVerifiers(crypto, secret, 'alice', 'one password', true);
    const other = await makeVerifiers(crypto, secret, 'alice', 'other password', true);
    const bob = await makeVerifiers(crypto, secret, 'bob', 'one password', true);
    const elsewhere = await makeVerifiers(crypto, new Uint8Array(32), 'alice', 'one password', true);
    const salt = ({ scram }: { scram: string | undefined }): string => String(readScram(scram ?? '').salt);
    assert.equal(salt(one), salt(other));
    assert.notEqual(one.argon2id, other.argon2id);
    assert.notEqual(salt(one), salt(bob));
    assert.notEqual(salt(one), salt(elsewhere));
    assert.notEqual(String(readArgon2(one.argon2id).salt), salt(one));
    assert.equal(readScram(one.scram ?? '').iterations, ITERATIONS);
    assert.equal((await makeVerifiers(crypto, secret, 'alice', 'one password', false)).scram, undefined);
  });

  test('a name that nobody has gets what a holder would get, and no proof fits', async () => {
    const real = readScram((await makeVerifiers(crypto, secret, 'alice', 'x', true)).scram ?? '');
    const none = unknownKeys(crypto, secret, 'alice');
    assert.deepEqual([none.salt, none.iterations], [real.salt, real.iterations]);
    assert.equal(checkProof(crypto, none, 'message', new Uint8Array(32)), undefined);
  });

  test('what is not written by us is not read', () => {
    assert.throws(() => readArgon2('$2y$10$abc'), /argon2id/);
    assert.throws(() => readScram('md5abc'), /SCRAM-SHA-256/);
  });
});
