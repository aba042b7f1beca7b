import assert from 'node:assert/strict';
import * as crypto from 'node:crypto';
import { createPrivateKey, createPublicKey, X509Certificate, type KeyObject } from 'node:crypto';
import { describe, test } from 'node:test';
import { testAuthority } from '../../test/fakes/authority.ts';
import { inFolder, missing, run } from '../../test/fakes/outside.ts';
import { seededRandom } from '../../test/fakes/random.ts';
import { latin1 } from '../base/bytes.ts';
import { decodePem } from '../protocol/pki/pem.ts';
import { targets, USUAL_RECIPE, type Recipe } from './bundle-target.ts';
import { makePem, makePkcs12, type BundleContent } from './bundle.ts';
import { publicKeyOf } from './keys.ts';
import { makePassphrase, passphraseFault } from './passphrase.ts';

const PASSPHRASE = 'correct horse 7';
const NAME = '山田 太郎 𠮷 alice@example.net';

async function aliceContent(): Promise<BundleContent> {
  const { certificate, chain, pair } = await testAuthority().issue();
  return { certificate, chain, key: pair.privateKey, friendlyName: NAME };
}

/** Of Node 26; its types do not have it yet. */
const parsePkcs12 = Reflect.get(crypto, 'parsePKCS12') as (
  bundle: Uint8Array,
  options: { readonly passphrase: string },
) => {
  readonly privateKey: KeyObject;
  readonly certificate: X509Certificate;
  readonly additionalCertificates: readonly X509Certificate[];
};

describe('PKCS#12', () => {
  for (const [target, recipe] of Object.entries<Recipe>(targets)) {
    if (recipe.form !== 'pkcs12') continue;
    const aes = recipe.encryption === 'aes';

    test(
      `for ${target}: OpenSSL opens it, with the algorithms of the recipe, and marks on the leaf alone`,
      { skip: missing('openssl') },
      async () => {
        const content = await aliceContent();
        const bytes = await makePkcs12(content, PASSPHRASE, recipe, seededRandom(2));
        await inFolder((folder) => {
          const file = folder.put('alice.p12', bytes);
          const open = ['pkcs12', '-in', file, '-nodes', '-passin'];
          const { code, text } = run('openssl', [...open, `pass:${PASSPHRASE}`, '-info']);
          assert.equal(code, 0, text);
          const blocks = decodePem(text);
          const certificates = blocks.filter(({ label }) => label === 'CERTIFICATE').map(({ der }) => [...der]);
          assert.deepEqual(
            certificates,
            [content.certificate, ...content.chain].map((der) => [...der]),
          );
          const key = blocks.find(({ label }) => label === 'PRIVATE KEY');
          assert.ok(key);
          const opened = createPublicKey(createPrivateKey({ key: Buffer.from(key.der), format: 'der', type: 'pkcs8' }));
          assert.deepEqual(publicKeyOf(opened), publicKeyOf(content.key));

          assert.match(text, aes ? /MAC: sha256, Iteration 10000/ : /MAC: sha1, Iteration 10000/);
          assert.match(text, new RegExp(`MAC length: ${aes ? 32 : 20}, salt length: ${recipe.macSalt}\\n`));
          const encrypted = aes
            ? /PBES2, PBKDF2, AES-256-CBC, Iteration 10000, PRF hmacWithSHA256/g
            : /pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 10000/g;
          assert.equal(text.match(encrypted)?.length, 2, 'key and certificates');
          assert.equal(text.match(/localKeyID/g)?.length, 2, 'one for the key, one for its certificate');
          assert.equal(text.match(/friendlyName: /g)?.length, 2);
          const store = /Microsoft CSP Name: Microsoft Software Key Storage Provider/g;
          assert.equal(text.match(store)?.length, recipe.keyProvider === undefined ? undefined : 1);
          assert.notEqual(run('openssl', [...open, 'pass:wrong horse']).code, 0);
        });
      },
    );

    test(`for ${target}: Node opens it`, async () => {
      const content = await aliceContent();
      const bytes = Buffer.from(await makePkcs12(content, PASSPHRASE, recipe, seededRandom(2)));
      const opened = parsePkcs12(bytes, { passphrase: PASSPHRASE });
      assert.equal(opened.privateKey.equals(content.key), true);
      assert.deepEqual(
        [opened.certificate, ...opened.additionalCertificates].map((one) => one.fingerprint256),
        [content.certificate, ...content.chain].map((der) => new X509Certificate(der).fingerprint256),
      );
      assert.throws(() => parsePkcs12(bytes, { passphrase: 'wrong horse' }));
      assert.throws(() => parsePkcs12(bytes, { passphrase: '' }));
    });
  }

  test('no two are alike, and unfit passphrases make none', async () => {
    const content = await aliceContent();
    const random = seededRandom(3);
    const made = (passphrase: string): Promise<Uint8Array> => makePkcs12(content, passphrase, USUAL_RECIPE, random);
    assert.notDeepEqual(await made(PASSPHRASE), await made(PASSPHRASE));
    await assert.rejects(made('pässwört€'), /other than ASCII/);
    await assert.rejects(made('short'), /5 characters/);
    await assert.rejects(made(''), /0 characters/);
  });
});

describe('PEM bundle', () => {
  test('key, certificate, issuing CA, in this order', async () => {
    const content = await aliceContent();
    const blocks = decodePem(latin1(makePem(content)));
    assert.deepEqual(
      blocks.map(({ label }) => label),
      ['PRIVATE KEY', 'CERTIFICATE', 'CERTIFICATE'],
    );
    assert.deepEqual(blocks[1]?.der, content.certificate);
    assert.deepEqual(blocks[2]?.der, content.chain[0]);
  });
});

describe('passphrases', () => {
  test('six groups of four, no look-alikes, each different, all characters as likely', () => {
    const random = seededRandom(5);
    const counts = new Map<string, number>();
    const seen = new Set<string>();
    for (let i = 0; i < 500; i++) {
      const passphrase = makePassphrase(random);
      assert.match(passphrase, /^[a-hjkmnp-z2-9]{4}(?:-[a-hjkmnp-z2-9]{4}){5}$/);
      assert.equal(passphraseFault(passphrase), undefined);
      seen.add(passphrase);
      for (const character of passphrase.replaceAll('-', '')) counts.set(character, (counts.get(character) ?? 0) + 1);
    }
    assert.equal(seen.size, 500);
    assert.equal(counts.size, 31);
    assert.ok(24 * Math.log2(counts.size) > 100);
    const expected = (500 * 24) / 31;
    for (const [character, count] of counts)
      assert.ok(Math.abs(count - expected) < expected / 3, `${character} came ${count} times, not about ${expected}`);
  });
});
