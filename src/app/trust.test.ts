import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { missing, run } from '../../test/fakes/outside.ts';
import { Workshop } from '../../test/fakes/workshop.ts';
import { parseConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { TlsMaterial } from '../platform/net/tls-contexts.ts';
import { readTlsMaterial, refuseWorse, routeFiles, serverCertificateFaults, tlsFiles, TrustError } from './trust.ts';

const TICKETS = new Uint8Array(48);
const NAMED = 'subjectAltName=DNS:mail.example.net\nextendedKeyUsage=serverAuth\n';
const CA_EXTENSIONS = 'basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign\n';

/** Certificates made by openssl, as somebody else's CA gives them. */
describe('the server certificate in files of others', { skip: missing('openssl') }, () => {
  let shop: Workshop;
  const path = (name: string): string => join(shop.directory, name);
  const config = (over: string): Config => {
    const text = `hostname: mail.example.net\ntls:\n  ownAuthority: false\n  certificate: server.pem\n  key: server.key\n${over}`;
    const { config: parsed, problems } = parseConfig(text, 'x');
    assert.ok(parsed !== undefined, JSON.stringify(problems));
    return parsed;
  };
  /** What is read with these contents in the files. */
  const material = (certificate: string, key: string, over = ''): TlsMaterial => {
    writeFileSync(path('server.pem'), certificate);
    writeFileSync(path('server.key'), key, { mode: 0o600 });
    return readTlsMaterial(config(over), shop.directory, TICKETS);
  };
  const of = (name: string): TlsMaterial => material(shop.read(`${name}.pem`), shop.read(`${name}.key`));
  const faults = (certificate: string, key: string, over = ''): string[] =>
    serverCertificateFaults(config(over), material(certificate, key, over), Date.now());
  const refuses = (act: () => unknown, what: RegExp): void => {
    assert.throws(act, (error) => {
      assert.ok(error instanceof TrustError, String(error));
      assert.match(error.message, what);
      return true;
    });
  };

  before(() => {
    shop = new Workshop();
    shop.ca('root');
    shop.leaf('middle', 'root', CA_EXTENSIONS);
    shop.leaf('leaf', 'middle', NAMED);
    shop.leaf('direct', 'root', NAMED);
    shop.leaf('elsewhere', 'root', 'subjectAltName=DNS:other.example\n');
    shop.leaf('old', 'root', NAMED, 'past');
    shop.key('stray');
    run('openssl', ['ec', '-in', path('leaf.key'), '-aes256', '-passout', 'pass:secret', '-out', path('locked.key')]);
  });
  after(() => shop.close());

  test('a pair that fits is read, a key of another is refused, named with both files', () => {
    assert.ok(of('direct').certificate.includes('BEGIN CERTIFICATE'));
    refuses(
      () => material(shop.read('leaf.pem'), shop.read('stray.key')),
      /server\.key.*is not the key of.*server\.pem/,
    );
    refuses(() => material(shop.read('leaf.pem'), shop.read('locked.key')), /server\.key.*encrypted/);
    refuses(() => material(shop.read('leaf.pem'), 'nothing'), /the key in .*server\.key.*cannot be read/);
    refuses(() => material('', shop.read('leaf.key')), /server\.pem holds no certificate/);
    refuses(() => readTlsMaterial(config(''), '/nowhere', TICKETS), /cannot read \/nowhere\/server\.pem.*ENOENT/);
  });

  test('wherever the writing of a file is caught, half of it is never taken', () => {
    const whole = shop.read('leaf.pem') + shop.read('middle.pem');
    const key = shop.read('leaf.key');
    const first = shop.read('leaf.pem').length;
    const ends = Array.from({ length: Math.ceil(whole.length / 7) }, (_, index) => index * 7);
    const taken = new Set<number>();
    for (const end of [...ends, first - 2, first - 1, first, first + 1].filter((one) => one < whole.length - 1)) {
      try {
        material(whole.slice(0, end), key);
        taken.add(end);
      } catch (error) {
        assert.ok(error instanceof TrustError, String(error));
      }
    }
    // The first certificate whole, without or with its line end, is a file that somebody may mean.
    assert.deepEqual(
      [...taken].toSorted((one, other) => one - other),
      [first - 1, first],
    );
    for (let end = 0; end < key.length - 1; end += 7) refuses(() => material(whole, key.slice(0, end)), /server\.key/);
  });

  test('wrong name, missing or misplaced intermediate, end of life: told, with what to do', () => {
    const key = shop.read('leaf.key');
    const [leaf, middle, root] = ['leaf', 'middle', 'root'].map((name) => shop.read(`${name}.pem`)) as [
      string,
      string,
      string,
    ];
    const roots = `  authorities: [root.pem]\n`;
    assert.deepEqual(faults(leaf + middle, key, roots), []);
    assert.deepEqual(faults(leaf + middle + root, key), [], 'the root may be in it');
    assert.match(faults(leaf, key, roots).join(), /issuer \(CN=middle\) does not follow in the file.*append it/);
    assert.match(
      faults(leaf + root + middle, key, roots).join(),
      /certificate 2 in the file did not issue.*leaf first/,
    );
    const wrong = faults(shop.read('elsewhere.pem'), shop.read('elsewhere.key'), roots);
    assert.deepEqual(wrong.length, 1);
    assert.match(wrong[0] ?? '', /^server\.pem: it does not name mail\.example\.net but DNS:other\.example;/);
    assert.match(
      faults(shop.read('old.pem'), shop.read('old.key'), roots).join(),
      /the certificate ended on 2020-02-01.*clients refuse it/,
    );
  });

  test('one that has ended does not take the place of one that is good, but of none that has ended too', () => {
    const [good, old] = [of('direct'), of('old')];
    refuses(() => refuseWorse(config(''), old, good, Date.now()), /ended on 2020-02-01.*the one before stays in force/);
    refuseWorse(config(''), good, old, Date.now());
    refuseWorse(config(''), old, old, Date.now());
  });

  test('all files are watched: those of the listeners and those of the routes', () => {
    const routes = `  authorities: [partner.pem]\ndelivery:\n  routes:\n    - { domains: ['*'], to: 'hop.example:25', identity: { certificate: c.pem, key: /k.pem }, authorities: ca.pem }\n`;
    const at = (...names: string[]): string[] => names.map((name) => (name.startsWith('/') ? name : `/data/${name}`));
    assert.deepEqual(tlsFiles(config(routes), '/data'), at('server.pem', 'server.key', 'partner.pem'));
    assert.deepEqual(routeFiles(config(routes), '/data'), at('c.pem', '/k.pem', 'ca.pem'));
    assert.ok(readFileSync(path('root.pem')).length > 0);
  });
});
