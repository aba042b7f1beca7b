import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { describe, test } from 'node:test';
import { testAuthority } from '../../test/fakes/authority.ts';
import { inFolder, missing, run } from '../../test/fakes/outside.ts';
import { seededRandom } from '../../test/fakes/random.ts';
import { latin1, type Bytes } from '../base/bytes.ts';
import { decodePem } from '../protocol/pki/pem.ts';
import { makePem, makePkcs12, type BundleContent } from './bundle.ts';
import { publicKeyOf } from './keys.ts';
import { makePassphrase, passphraseFault } from './passphrase.ts';

const PASSPHRASE = 'correct horse 7';

async function aliceContent(): Promise<BundleContent> {
  const { certificate, chain, pair } = await testAuthority().issue();
  return { certificate, chain, key: pair.privateKey, friendlyName: 'alice@example.net' };
}

async function bundle(content: BundleContent): Promise<Bytes> {
  return makePkcs12(content, PASSPHRASE, seededRandom(2));
}

describe('PKCS#12', () => {
  test(
    'OpenSSL opens it: the same key and certificates, AES-256 and SHA-256, marks on the leaf alone',
    { skip: missing('openssl') },
    async () => {
      const content = await aliceContent();
      const bytes = await bundle(content);
      await inFolder((folder) => {
        const file = folder.put('alice.p12', bytes);
        const { code, text } = run('openssl', [
          'pkcs12',
          '-in',
          file,
          '-passin',
          `pass:${PASSPHRASE}`,
          '-nodes',
          '-info',
        ]);
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
        assert.match(text, /MAC: sha256, Iteration 10000/);
        assert.equal(text.match(/PBES2, PBKDF2, AES-256-CBC, Iteration 10000, PRF hmacWithSHA256/g)?.length, 2);
        assert.equal(text.match(/localKeyID/g)?.length, 2, 'one for the key, one for its certificate');
        assert.equal(text.match(/friendlyName: alice@example\.net/g)?.length, 2);
        assert.notEqual(run('openssl', ['pkcs12', '-in', file, '-passin', 'pass:wrong horse', '-nodes']).code, 0);
      });
    },
  );

  test('Java keytool opens it, with the chain', { skip: missing('keytool') }, async () => {
    const bytes = await bundle(await aliceContent());
    await inFolder((folder) => {
      const file = folder.put('alice.p12', bytes);
      const { code, text } = run('keytool', [
        '-J-Xshare:auto',
        '-J-XX:TieredStopAtLevel=1',
        '-list',
        '-v',
        '-keystore',
        file,
        '-storetype',
        'PKCS12',
        '-storepass',
        PASSPHRASE,
      ]);
      assert.equal(code, 0, text);
      assert.match(text, /Alias name: alice@example\.net/);
      assert.match(text, /Entry type: PrivateKeyEntry/);
      assert.match(text, /Certificate chain length: 3/);
    });
  });

  test('NSS pk12util imports it into a database, with the key', { skip: missing('pk12util') }, async () => {
    const bytes = await bundle(await aliceContent());
    await inFolder((folder) => {
      const file = folder.put('alice.p12', bytes);
      const database = `sql:${folder.path}`;
      assert.equal(run('certutil', ['-N', '-d', database, '--empty-password']).code, 0);
      const imported = run('pk12util', ['-i', file, '-d', database, '-W', PASSPHRASE]);
      assert.equal(imported.code, 0, imported.text);
      assert.match(run('certutil', ['-K', '-d', database]).text, /ec\s+[0-9a-f]{40}\s+.*alice@example\.net/);
      assert.match(run('certutil', ['-L', '-d', database]).text, /alice@example\.net\s+u,u,u/);
    });
  });

  test('no two are alike, and unfit passphrases make none', async () => {
    const content = await aliceContent();
    const random = seededRandom(3);
    assert.notDeepEqual(await makePkcs12(content, PASSPHRASE, random), await makePkcs12(content, PASSPHRASE, random));
    await assert.rejects(makePkcs12(content, 'pässwört€', random), /other than ASCII/);
    await assert.rejects(makePkcs12(content, 'short', random), /5 characters/);
  });
});

describe('PEM bundle', () => {
  test('certificate, issuing CA, root, key, in this order', async () => {
    const content = await aliceContent();
    const blocks = decodePem(latin1(makePem(content)));
    assert.deepEqual(
      blocks.map(({ label }) => label),
      ['CERTIFICATE', 'CERTIFICATE', 'CERTIFICATE', 'PRIVATE KEY'],
    );
    assert.deepEqual(blocks[0]?.der, content.certificate);
    assert.deepEqual(blocks[1]?.der, content.chain[0]);
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
