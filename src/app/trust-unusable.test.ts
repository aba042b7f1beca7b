import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { missing } from '../../test/fakes/outside.ts';
import { listOf, outsider } from '../../test/fakes/outsider.ts';
import { Workshop } from '../../test/fakes/workshop.ts';
import { parseConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { TlsMaterial } from '../platform/net/tls-contexts.ts';
import { encodePem } from '../protocol/pki/pem.ts';
import {
  isSameMaterial,
  isSameTrust,
  serverCertificateFaults,
  tlsFiles,
  TrustError,
  usableTlsMaterial,
} from './trust.ts';

const TICKETS = new Uint8Array(48);

/** The files of a site whose relay is to start whatever they are like. */
describe('TLS files that may be unusable', { skip: missing('openssl') }, () => {
  let shop: Workshop;
  const path = (name: string): string => join(shop.directory, name);
  const config = (tls: string, compatibility = '[]'): Config => {
    const text = `hostname: mail.example.net\ntls:\n  ownAuthority: false\n  certificate: cert.pem\n  key: key.pem\n  authorities: [root.pem]\n${tls}compatibility: ${compatibility}\n`;
    const { config: parsed, problems } = parseConfig(text, 'x');
    assert.ok(parsed !== undefined, JSON.stringify(problems));
    return parsed;
  };
  const read = (tls: string, inForce?: TlsMaterial, compatibility?: string): TlsMaterial =>
    usableTlsMaterial(config(`  unusable: no-starttls\n${tls}`, compatibility), shop.directory, TICKETS, inForce);
  const refused = (tls: string, what: RegExp): void => {
    assert.throws(
      () => usableTlsMaterial(config(tls), shop.directory, TICKETS),
      (error) => error instanceof TrustError && what.test(error.message),
    );
    const { unusable, certificate, remarks = [] } = read(tls);
    assert.match(unusable ?? '', what);
    assert.equal(certificate, '');
    assert.match(remarks.join(), /STARTTLS is not offered until that is mended/);
  };

  before(() => {
    shop = new Workshop();
    shop.ca('root');
    shop.ca('second');
    shop.leaf('server', 'root', 'subjectAltName=DNS:mail.example.net\n');
    mkdirSync(path('folder'));
  });
  after(() => shop.close());
  beforeEach(() => {
    writeFileSync(path('cert.pem'), shop.read('server.pem'));
    writeFileSync(path('key.pem'), shop.read('server.key'));
    chmodSync(path('key.pem'), 0o600);
  });

  test('what is missing or no good keeps TLS off, and the relay only where that was asked for', () => {
    assert.equal(read('').unusable, undefined);
    refused('  ciphers: NOSUCH\n', /tls\.ciphers cannot be used/);
    refused('  groups: [nosuch]\n', /tls\.groups cannot be used/);
    rmSync(path('key.pem'));
    refused('', /cannot read .*key\.pem \(tls\.key\): ENOENT/);
    rmSync(path('cert.pem'));
    refused('', /cannot read .*cert\.pem \(tls\.certificate\): ENOENT/);
  });

  test('a directory that is not there is an empty one to OpenSSL, unless CAs came from it', () => {
    const folders = '  authorityPaths: [nowhere]\n';
    assert.throws(
      () => usableTlsMaterial(config(folders), shop.directory, TICKETS),
      /nowhere \(tls\.authorityPaths\): ENOENT/,
    );
    const material = read(folders);
    assert.equal(material.unusable, undefined);
    assert.match(material.remarks?.join() ?? '', /nowhere .*no CA is taken from there/);
    assert.equal(read(folders, material).unusable, undefined, 'and the certificate can be renewed meanwhile');
    const had = { ...material, unnamedAuthorities: [shop.read('second.pem')] };
    assert.throws(() => read(folders, had), /ENOENT/);
  });

  test('certificate and key may be in one file', () => {
    writeFileSync(path('key.pem'), shop.read('server.pem') + shop.read('server.key'));
    writeFileSync(path('cert.pem'), shop.read('server.pem') + shop.read('server.key'));
    assert.equal(read('').unusable, undefined);
  });

  test('a key that others can read is refused as far as tls.keyMode says, and told in any case', () => {
    const modes = (mode: number): string =>
      ['any', 'group', 'owner']
        .filter((keyMode) => {
          chmodSync(path('key.pem'), mode);
          return read(`  keyMode: ${keyMode}\n`).unusable === undefined;
        })
        .join(' ');
    assert.equal(modes(0o600), 'any group owner');
    assert.equal(modes(0o400), 'any group owner');
    assert.equal(modes(0o640), 'any group');
    assert.equal(modes(0o660), 'any');
    assert.equal(modes(0o644), 'any');
    assert.match(
      read('').remarks?.join() ?? '',
      /can be read by every user of this machine \(mode 0644\); make it 0600/,
    );
  });

  test('what becomes usable is taken, what breaks later does not take the place of what works', () => {
    renameSync(path('key.pem'), path('away.pem'));
    const off = read('');
    assert.ok(isSameMaterial(off, read('', off)));
    renameSync(path('away.pem'), path('key.pem'));
    const on = read('', off);
    assert.equal(on.unusable, undefined);
    assert.ok(!isSameMaterial(on, off));
    rmSync(path('key.pem'));
    assert.throws(() => read('', on), TrustError);
  });

  test('in a directory of CAs only names by hash count, from 0 on without a gap', () => {
    const hash = execFileSync('openssl', ['x509', '-in', path('second.pem'), '-noout', '-hash'])
      .toString()
      .trim();
    const found = (...names: readonly string[]): number => {
      rmSync(path('folder'), { recursive: true });
      mkdirSync(path('folder'));
      for (const name of names) symlinkSync('../second.pem', path(`folder/${name}`));
      return read('  authorityPaths: [folder]\n').unnamedAuthorities?.length ?? -1;
    };
    assert.equal(found(), 0);
    assert.equal(found('second.pem', `${hash}.pem`, `${hash}.r0`), 0);
    assert.equal(found(`${hash}.0`), 1);
    assert.equal(found(`${hash}.1`), 0, 'nobody looks behind a gap');
    assert.equal(found('00000000.0'), 0, 'a hash that is not its own, as before OpenSSL 1.0');
    symlinkSync('nowhere', path('folder/11111111.0'));
    assert.equal(read('  authorityPaths: [folder]\n').unnamedAuthorities?.length, 0);
    writeFileSync(path(`folder/${hash}.0`), shop.read('second.pem'));
    assert.equal(read('  authorityPaths: [folder]\n').unnamedAuthorities?.length, 1, 'a file is as good as a link');
    assert.ok(tlsFiles(config('  authorityPaths: [folder]\n'), shop.directory).includes(path(`folder/${hash}.0`)));
  });

  test('a list that cannot be read shuts certificates out, unless Sendmail is to be followed', () => {
    const ca = outsider(undefined, { commonName: 'theirs', ca: true });
    const pem = encodePem('X509 CRL', listOf(ca));
    const tls = '  revocationLists: [crl.pem]\n';
    assert.throws(
      () => usableTlsMaterial(config(tls), shop.directory, TICKETS),
      /crl\.pem \(tls\.revocationLists\): ENOENT/,
    );
    const without = read(tls);
    assert.equal(without.unusable, undefined);
    assert.equal(without.revocation?.incomplete, true);
    assert.match(without.remarks?.join() ?? '', /ENOENT; no client certificate counts until that is mended/);
    assert.equal(read(tls, undefined, '[open-crl]').revocation?.incomplete, false);

    writeFileSync(path('crl.pem'), pem + encodePem('X509 CRL', listOf(ca, { number: 2 })));
    const with2 = read(tls, without);
    assert.deepEqual([with2.revocation?.incomplete, with2.revocation?.lists.length], [false, 2]);
    assert.ok(!isSameTrust(with2, without));
    assert.ok(isSameTrust(with2, read(tls, with2)));
    assert.equal(read(tls, undefined, '[open-crl]').revocation?.lists.length, 1, 'no more than the first');
    assert.match(with2.remarks?.join() ?? '', /no CA that is believed here has the name \/CN=theirs/);
    const late = serverCertificateFaults(config(tls), with2, Date.UTC(2027, 0, 1));
    assert.match(late.join('\n'), /the revocation list of \/CN=theirs ran out on 2026-06-08/);

    writeFileSync(path('crl.pem'), pem.slice(0, -30));
    assert.throws(() => read(tls, with2), /crl\.pem/, 'what is in force stays');
    assert.equal(read(tls, without).revocation?.incomplete, true);
  });
});
