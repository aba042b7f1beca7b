import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { generateKeyPairSync } from 'node:crypto';
import { listOf, NOON, outsider, type Outsider } from '../../test/fakes/outsider.ts';
import { inFolder, missing, run } from '../../test/fakes/outside.ts';
import { utf8 } from '../base/bytes.ts';
import { encodePem } from '../protocol/pki/pem.ts';
import { checkTrust, type CheckedTrust } from './trust-check.ts';

const root = outsider(undefined, { commonName: 'Theirs', ca: true });
const middle = outsider(root, { commonName: 'Issuing', ca: true });

function check(certificates: readonly Outsider[], crl?: Uint8Array, own: readonly Uint8Array[] = []): CheckedTrust {
  const text = certificates.map(({ pem }) => pem).join('# between\n');
  return checkTrust('p', { authority: utf8(text), rules: 'relay: [access]\n', crl }, { own, now: NOON });
}

const faults = (...given: Parameters<typeof check>): string => check(...given).faults.join('\n');
const pem = (...lists: readonly Uint8Array[]): Uint8Array =>
  utf8(lists.map((der) => encodePem('X509 CRL', der)).join('\n'));

describe('the certificates of a CA from outside', () => {
  it('are taken with all that leads to the root, in any order', () => {
    assert.equal(check([middle, root]).loaded?.certificates.length, 2);
    assert.equal(check([root]).loaded?.cas[0]?.root, true);
    assert.equal(
      checkTrust('p', { authority: root.der, rules: '', crl: undefined }, { own: [], now: NOON }).faults.length,
      0,
    );
  });

  it('are refused where they are none, with the line', () => {
    const leaf = outsider(root, { commonName: 'leaf' });
    assert.match(faults([root, leaf]), /^trust\/p\/authority\.pem:\d+: \/CN=leaf is no CA/);
    assert.equal(faults([root, leaf]).split(':')[1], String(root.pem.split('\n').length + 1));
    assert.match(faults([middle]), /is no root, and its issuer \(CN=Theirs\) is not in the file/);
    assert.match(faults([outsider(undefined, { ca: true, keyUsage: [6] })]), /may not sign certificates/);
    assert.match(faults([]), /no certificate in it/);
    const cut = utf8(root.pem.replace(/\n.{20}/, '\n'));
    assert.match(
      checkTrust('p', { authority: cut, rules: '', crl: undefined }, { own: [], now: NOON }).faults.join(),
      /:1: this is no certificate/,
    );
  });

  it('may not be ours by certificate, name or key', () => {
    const twin = outsider(undefined, { commonName: 'Theirs', ca: true });
    const sameKey = outsider(undefined, { commonName: 'Other', ca: true, key: root.key, spki: root.spki });
    for (const one of [root, twin, sameKey]) assert.match(faults([one], undefined, [root.der]), /is our own CA/);
  });

  it('may not be weak', { skip: missing('openssl') }, async () => {
    await inFolder(({ path }) => {
      const make = (name: string, bits: number, digest: string): string => {
        const made = run(
          'openssl',
          [
            'req',
            '-x509',
            '-newkey',
            `rsa:${bits}`,
            '-nodes',
            `-${digest}`,
            '-subj',
            '/CN=w',
            '-addext',
            'keyUsage=critical,keyCertSign',
            '-keyout',
            `${name}.key`,
            '-out',
            `${name}.pem`,
          ],
          { cwd: path },
        );
        assert.equal(made.code, 0, made.text);
        return run('cat', [`${name}.pem`], { cwd: path }).text;
      };
      const told = (text: string): CheckedTrust =>
        checkTrust('p', { authority: utf8(text), rules: '', crl: undefined }, { own: [], now: Date.now() });
      assert.match(told(make('short', 1024, 'sha256')).faults.join(), /RSA key of 1024 bits/);
      const old = told(make('old', 2048, 'sha1'));
      assert.deepEqual(old.faults, []);
      assert.match(old.loaded?.warnings.join() ?? '', /signed by .*SHA1/i);
    });
  });
});

describe('its revocation lists', () => {
  it('are believed when a CA of the file signed them', () => {
    const { loaded } = check([middle, root], pem(listOf(middle, { number: 7, revoked: [[1]] }), listOf(root)));
    assert.deepEqual(
      loaded?.crls.map(({ issuer, number, revoked }) => [issuer, number, revoked]),
      [
        ['/CN=Issuing', '7', 1],
        ['/CN=Theirs', '1', 0],
      ],
    );
    assert.equal(loaded?.foreign.revocation?.expired, 'refuse');
    assert.equal(check([root], listOf(root)).faults.length, 0, 'DER');
  });

  it('are refused when another key signed them, whatever name is in them', () => {
    assert.match(
      faults([root], pem(listOf(middle))),
      /^trust\/p\/crl\.pem:1: no CA in authority\.pem signed this list/,
    );
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    assert.match(faults([root], pem(listOf({ name: root.name, key: privateKey }))), /no CA in authority\.pem signed/);
    const noLists = outsider(undefined, { commonName: 'x', ca: true, keyUsage: [5] });
    assert.match(faults([noLists], pem(listOf(noLists))), /no CA in authority\.pem signed/);
    assert.match(faults([root], utf8('x')), /no CRL/);
    assert.match(faults([root], utf8(root.pem)), /there is no CRL in it/);
  });
});
