import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { derive, type Derivation } from './bundle-derivation.ts';

describe('derivation of PKCS#12', () => {
  // The vectors that OpenSSL, Botan and others share (test/recipes/30-test_evp_data/evpkdf_pkcs12.txt).
  const cases: readonly (readonly [string, Omit<Derivation, 'digest' | 'salt'>, salt: string, made: string])[] = [
    [
      'a key of more than one output of SHA-1',
      { passphrase: 'smeg', iterations: 1, purpose: 'key', length: 24 },
      '0a58cf64530d823f',
      '8aaae6297b6cb04642ab5b077851284eb7128f1a2a7fbca3',
    ],
    ['an IV', { passphrase: 'smeg', iterations: 1, purpose: 'iv', length: 8 }, '0a58cf64530d823f', '79993dfe048d3b76'],
    [
      'a thousand iterations',
      { passphrase: 'queeg', iterations: 1000, purpose: 'key', length: 24 },
      '05dec959acff72f7',
      'ed2034e36328830ff09df1e1a07dd357185dac0d4f9eb3d4',
    ],
    [
      'a MAC key',
      { passphrase: 'queeg', iterations: 1000, purpose: 'mac', length: 20 },
      '263216fcc2fab31c',
      '5ec4c7a80df652294c3925b6489a7ab857c83476',
    ],
  ];
  for (const [name, how, salt, made] of cases)
    test(name, () =>
      assert.equal(
        Buffer.from(derive({ ...how, digest: 'sha1', salt: Buffer.from(salt, 'hex') })).toString('hex'),
        made,
      ),
    );
});
