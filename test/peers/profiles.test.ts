/**
 * What our authority issues, judged by OpenSSL, NSS, GnuTLS and Java: each profile is good for its purpose and no other, and
 * a certificate for a name outside of the mail domains, signed behind the lint's back, is refused by all of them.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { localDoor } from '../../src/ca/authority-local.ts';
import type { AuthorityTerms, IssueRequest, SigningDoor } from '../../src/ca/authority.ts';
import { generateKey, keyIdOf, makeKey, signerOf, type KeyKind } from '../../src/ca/keys.ts';
import type { ProfileName } from '../../src/ca/ledger.ts';
import { createAuthority, type NewAuthority } from '../../src/ca/setup.ts';
import { systemClock } from '../../src/platform/process/clock.ts';
import { systemRandom } from '../../src/platform/process/random.ts';
import {
  authorityKeyIdentifier,
  encodeNameOf,
  encodeSigned,
  encodeTbsCertificate,
  extKeyUsage,
  keyUsage,
  subjectAltName,
  subjectKeyIdentifier,
} from '../../src/protocol/pki/certificate-write.ts';
import { parseCertificate } from '../../src/protocol/pki/certificate.ts';
import type { GeneralName } from '../../src/protocol/pki/general-name.ts';
import { oids } from '../../src/protocol/pki/oid.ts';
import { encodePem } from '../../src/protocol/pki/pem.ts';
import { missing, mustRun, run, type Ran } from './program.ts';

const DAY = 86_400_000;
const clock = systemClock();
const random = systemRandom();
const terms: AuthorityTerms = {
  urls: {
    crl: ['http://relay.example.net:8480/crl/issuing.crl'],
    ocsp: ['http://relay.example.net:8480/ocsp'],
    issuer: ['http://relay.example.net:8480/ca/issuing.crt'],
  },
  lifetimes: {},
  subject: 'C=JP, O=例株式会社, CN={holder}',
};

/** An authority whose files lie in a directory, and what it issued. */
class Workbench {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'sealpost-profiles-'));
  readonly made: NewAuthority;
  readonly door: SigningDoor;
  readonly root: string;
  readonly issuing: string;

  constructor(made: NewAuthority) {
    this.made = made;
    this.door = localDoor({ ...made, terms });
    this.root = this.put('root.crt', made.root);
    this.issuing = this.put('issuing.crt', made.issuing);
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  put(name: string, ...ders: readonly Uint8Array[]): string {
    writeFileSync(this.path(name), ders.map((der) => encodePem('CERTIFICATE', der)).join(''));
    return this.path(name);
  }

  async issue(name: string, over: Partial<IssueRequest> & Pick<IssueRequest, 'profile' | 'holder'>): Promise<string> {
    const { certificate } = await this.door.issue({
      csr: undefined,
      publicKey: makeKey().publicKey,
      dnsNames: [],
      uris: [],
      subject: undefined,
      serial: random.bytes(16),
      notBefore: clock.now() - 300_000,
      notAfter: undefined,
      ...over,
    });
    return this.put(name, certificate);
  }

  /** A certificate of a person as the issuing key signs it when nobody looks. */
  mint(name: string, names: readonly GeneralName[]): string {
    const issuer = parseCertificate(this.made.issuing);
    assert.ok(issuer?.subjectKeyId);
    const signer = signerOf(this.made.issuingKey);
    const { publicKey } = makeKey();
    const notBefore = Math.floor(clock.now() / 1000) * 1000 - 300_000;
    const toBeSigned = encodeTbsCertificate({
      serial: random.bytes(15),
      algorithm: signer.algorithm,
      issuer: issuer.subject,
      notBefore,
      notAfter: notBefore + 30 * DAY,
      subject: encodeNameOf([[oids.organizationName, 'minted']]),
      publicKey,
      extensions: [
        keyUsage('digitalSignature'),
        extKeyUsage(oids.clientAuth),
        subjectAltName(names, false),
        subjectKeyIdentifier(keyIdOf(publicKey)),
        authorityKeyIdentifier(issuer.subjectKeyId),
      ],
    });
    return this.put(name, encodeSigned(toBeSigned, signer.algorithm, signer.sign(toBeSigned)));
  }

  openssl(file: string, purpose: string): Promise<Ran> {
    const trust = ['-CAfile', this.root, '-untrusted', this.issuing];
    return run('openssl', ['verify', '-x509_strict', '-purpose', purpose, ...trust, file]);
  }

  gnutls(file: string, ...options: readonly string[]): Promise<Ran> {
    return run('certtool', ['--verify', '--load-ca-certificate', this.root, ...options, '--infile', this.chain(file)]);
  }

  /** `usage` as certutil has it: C client, V server, O OCSP responder. */
  async nss(file: string, usage: string): Promise<Ran> {
    const database = mkdtempSync(this.path('nss-'));
    const at = ['-d', `sql:${database}`];
    await mustRun('certutil', ['-N', at, '--empty-password']);
    await mustRun('certutil', ['-A', at, '-n', 'root', '-t', 'CT,,', '-i', this.root]);
    await mustRun('certutil', ['-A', at, '-n', 'issuing', '-t', ',,', '-i', this.issuing]);
    await mustRun('certutil', ['-A', at, '-n', 'leaf', '-t', ',,', '-i', file]);
    return await run('certutil', ['-V', at, '-n', 'leaf', '-u', usage, '-e']);
  }

  private chain(file: string): string {
    // certtool wants the whole chain in one file.
    writeFileSync(`${file}.chain`, readFileSync(file, 'utf8') + readFileSync(this.issuing, 'utf8'));
    return `${file}.chain`;
  }

  close(): void {
    rmSync(this.directory, { recursive: true });
  }
}

const mailDomains = ['example.net', 'xn--fsq.jp'];

interface Case {
  readonly what: string;
  readonly request: Partial<IssueRequest> & { readonly profile: ProfileName; readonly holder: string };
  /** As openssl, certutil and certtool name the purpose it has, and one it has not. */
  readonly good: readonly [openssl: string, nss: string, gnutls: string];
  readonly bad: readonly [openssl: string, nss: string, gnutls: string];
  readonly shows: readonly RegExp[];
}

const CLIENT = ['sslclient', 'C', oids.clientAuth] as const;
const SERVER = ['sslserver', 'V', oids.serverAuth] as const;
const RESPONDER = ['ocsphelper', 'O', oids.ocspSigning] as const;

const addresses = [
  /URI:http:\/\/relay\.example\.net:8480\/crl\/issuing\.crl/,
  /OCSP - URI:http:\/\/relay\.example\.net:8480\/ocsp/,
  /CA Issuers - URI:http:\/\/relay\.example\.net:8480\/ca\/issuing\.crt/,
];

const cases: readonly Case[] = [
  {
    what: 'a person',
    request: { profile: 'person', holder: 'alice@example.net' },
    good: CLIENT,
    bad: SERVER,
    shows: [/email:alice@example\.net/, /C = JP, O = 例株式会社, CN = alice@example\.net/, ...addresses],
  },
  {
    what: 'a person beyond ASCII',
    request: { profile: 'person', holder: '日本語@例.jp' },
    good: CLIENT,
    bad: SERVER,
    shows: [/othername:.*日本語@xn--fsq\.jp/],
  },
  {
    what: 'a device by a bare word',
    request: { profile: 'device', holder: 'printer-2' },
    good: CLIENT,
    bad: SERVER,
    shows: [/CN = printer-2/],
  },
  {
    what: 'a service with a SPIFFE ID',
    request: { profile: 'service', holder: 'backup', uris: ['spiffe://example.net/backup'] },
    good: CLIENT,
    bad: SERVER,
    shows: [/URI:spiffe:\/\/example\.net\/backup/],
  },
  {
    what: 'a server',
    request: { profile: 'server', holder: 'mx.other.example', dnsNames: ['mx.other.example', 'mail.example.net'] },
    good: SERVER,
    bad: CLIENT,
    shows: [/DNS:mx\.other\.example, DNS:mail\.example\.net/],
  },
  {
    what: 'an OCSP responder',
    request: { profile: 'responder', holder: 'OCSP of mx.other.example' },
    good: RESPONDER,
    bad: CLIENT,
    shows: [/OCSP Signing/, /OCSP No Check|1\.3\.6\.1\.5\.5\.7\.48\.1\.5/],
  },
  {
    what: 'a person for a day',
    request: { profile: 'person', holder: 'bob@sub.example.net', notAfter: clock.now() + DAY },
    good: CLIENT,
    bad: SERVER,
    shows: [/X509v3 No Revocation Available|2\.5\.29\.56/],
  },
];

describe('what is issued under name constraints', () => {
  let bench: Workbench;
  before(() => {
    bench = new Workbench(createAuthority(random, clock, 'mx.other.example', { mailDomains }));
  });
  after(() => bench?.close());

  for (const { what, request, good, bad, shows } of cases) {
    describe(what, () => {
      let file: string;
      before(async () => {
        file = await bench.issue(`${what.replaceAll(' ', '-')}.crt`, request);
      });

      it('is good for its purpose and no other, to openssl', { skip: missing('openssl') }, async () => {
        const fine = await bench.openssl(file, good[0]);
        assert.equal(fine.code, 0, fine.output);
        const other = await bench.openssl(file, bad[0]);
        assert.notEqual(other.code, 0, other.output);
        assert.match(other.output, /un(?:supported|suitable) certificate purpose/);
        const text = await mustRun('openssl', [
          'x509',
          '-in',
          file,
          '-noout',
          '-text',
          '-nameopt',
          'RFC2253,-esc_msb,utf8,sep_comma_plus_space,space_eq,-dn_rev',
        ]);
        for (const shown of shows) assert.match(text, shown);
        if (request.notAfter !== undefined) assert.doesNotMatch(text, /CRL Distribution|OCSP - URI/);
      });

      it('and to NSS', { skip: missing('certutil') }, async () => {
        const fine = await bench.nss(file, good[1]);
        assert.match(fine.output, /certificate is valid/);
        const other = await bench.nss(file, bad[1]);
        assert.doesNotMatch(other.output, /certificate is valid/);
      });

      it('and to GnuTLS', { skip: missing('certtool') }, async () => {
        const fine = await bench.gnutls(file, `--verify-purpose=${good[2]}`);
        assert.match(fine.output, /Chain verification output: Verified\. The certificate is trusted\./);
        const other = await bench.gnutls(file, `--verify-purpose=${bad[2]}`);
        assert.match(other.output, /Not verified/);
      });

      it('is read by keytool', { skip: missing('keytool') }, async () => {
        const printed = await mustRun('keytool', ['-printcert', '-file', file], { patience: 60_000 });
        assert.match(printed, /Owner: /);
      });
    });
  }

  describe('a certificate for a name outside, signed behind the back of the lint', () => {
    const outside: readonly (readonly [string, GeneralName])[] = [
      ['an address', { kind: 'email', text: 'eve@example.org' }],
      ['an address of a domain that ends alike', { kind: 'email', text: 'eve@notexample.net' }],
      ['a host', { kind: 'dns', text: 'host.example.org' }],
      ['a SPIFFE ID', { kind: 'uri', text: 'spiffe://example.org/eve' }],
    ];
    for (const [what, name] of outside) {
      it(`is refused: ${what}`, { skip: missing('openssl', 'certutil', 'certtool') }, async () => {
        const file = bench.mint('minted.crt', [name]);
        const openssl = await bench.openssl(file, 'sslclient');
        assert.notEqual(openssl.code, 0);
        assert.match(openssl.output, /permitted subtree violation/);
        const nss = await bench.nss(file, 'C');
        assert.doesNotMatch(nss.output, /certificate is valid/);
        // GnuTLS leaves constraints of URIs to the application.
        if (name.kind !== 'uri') assert.match((await bench.gnutls(file)).output, /Not verified/);
      });
    }

    it('is refused by openssl: an address beyond ASCII', { skip: missing('openssl') }, async () => {
      const file = bench.mint('minted.crt', [{ kind: 'mailbox', text: '日本語@example.org' }]);
      const { code, output } = await bench.openssl(file, 'sslclient');
      assert.notEqual(code, 0);
      assert.match(output, /permitted subtree violation/);
    });

    it(
      'and the same minted for a name inside is taken',
      { skip: missing('openssl', 'certutil', 'certtool') },
      async () => {
        const file = bench.mint('minted.crt', [{ kind: 'email', text: 'alice@example.net' }]);
        assert.equal((await bench.openssl(file, 'sslclient')).code, 0);
        assert.match((await bench.nss(file, 'C')).output, /certificate is valid/);
        assert.match((await bench.gnutls(file)).output, /Verified\. The certificate is trusted/);
      },
    );
  });

  it('the CRL of the root lets openssl check the whole chain', { skip: missing('openssl') }, async () => {
    const file = await bench.issue('crl-all.crt', { profile: 'person', holder: 'carol@example.net' });
    const { crl } = await bench.door.signCrl({
      number: 1,
      thisUpdate: clock.now() - 60_000,
      nextUpdate: clock.now() + DAY,
      revoked: [],
    });
    writeFileSync(bench.path('crl.pem'), encodePem('X509 CRL', crl));
    const rootCrl = bench.made.files.find(({ path }) => path === 'ca/root-crl.pem');
    assert.ok(rootCrl);
    writeFileSync(bench.path('root-crl.pem'), rootCrl.bytes);
    const lists = ['-CRLfile', bench.path('crl.pem'), '-CRLfile', bench.path('root-crl.pem')];
    const check = (...crls: readonly string[]): Promise<Ran> =>
      run('openssl', ['verify', '-crl_check_all', ...crls, '-CAfile', bench.root, '-untrusted', bench.issuing, file]);
    const all = await check(...lists);
    assert.equal(all.code, 0, all.output);
    assert.notEqual((await check(...lists.slice(0, 2))).code, 0);
  });
});

describe('a CA with other keys', { skip: missing('openssl', 'certutil', 'certtool') }, () => {
  for (const kind of ['p384', 'ed25519', 'rsa2048', 'rsa3072', 'rsa4096'] as const satisfies readonly KeyKind[]) {
    it(`${kind} is verified by all`, { timeout: 120_000 }, async () => {
      const keys = { root: await generateKey(kind), issuing: await generateKey(kind) };
      const bench = new Workbench(createAuthority(random, clock, 'relay.example.net', { keys, mailDomains }));
      try {
        const file = await bench.issue('leaf.crt', {
          profile: 'person',
          holder: 'alice@example.net',
          publicKey: (await generateKey(kind)).publicKey,
        });
        const openssl = await bench.openssl(file, 'sslclient');
        assert.equal(openssl.code, 0, openssl.output);
        const gnutls = await bench.gnutls(file);
        assert.match(gnutls.output, /Verified\. The certificate is trusted/);
        // NSS of Debian 12 has no Ed25519 in certificates.
        if (kind !== 'ed25519') assert.match((await bench.nss(file, 'C')).output, /certificate is valid/);
      } finally {
        bench.close();
      }
    });
  }
});
