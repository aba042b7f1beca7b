/**
 * Certificate requests as other people's programs make them: each proves that it has its key, keeps its subject, and its
 * certificate goes back to the program.
 */
import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { usualTerms } from '../../src/ca/authority.ts';
import { localDoor } from '../../src/ca/authority-local.ts';
import { publicKeyOf } from '../../src/ca/keys.ts';
import { createAuthority, type NewAuthority } from '../../src/ca/setup.ts';
import { systemClock } from '../../src/platform/process/clock.ts';
import { systemRandom } from '../../src/platform/process/random.ts';
import { parseCertificate } from '../../src/protocol/pki/certificate.ts';
import { readName } from '../../src/protocol/pki/name.ts';
import { decodePem, encodePem } from '../../src/protocol/pki/pem.ts';
import { stringText } from '../../src/protocol/pki/string-value.ts';
import { missing, mustRun } from './program.ts';

const clock = systemClock();
const random = systemRandom();
const SUBJECT = '/C=JP/O=例株式会社/CN=alice@example.net';

describe('requests of other programs', () => {
  let directory: string;
  let made: NewAuthority;
  const at = (name: string): string => join(directory, name);

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'sealpost-requests-'));
    made = createAuthority(random, clock, 'relay.example.net');
    writeFileSync(at('root.crt'), encodePem('CERTIFICATE', made.root));
    writeFileSync(at('issuing.crt'), encodePem('CERTIFICATE', made.issuing));
  });
  after(() => rmSync(directory, { recursive: true }));

  interface Answer {
    readonly subject: readonly string[];
    readonly ignored: readonly string[];
    readonly file: string;
    readonly publicKey: Uint8Array;
  }

  /** What our authority answers to the request in the file, PEM or DER. */
  async function answer(request: string): Promise<Answer> {
    const bytes = readFileSync(request);
    const csr = bytes[0] === 0x30 ? bytes : decodePem(bytes.toString('latin1'))[0]?.der;
    assert.ok(csr);
    const { certificate, ignored } = await localDoor({ ...made, terms: usualTerms }).issue({
      profile: 'person',
      holder: 'alice@example.net',
      csr,
      publicKey: undefined,
      dnsNames: [],
      uris: [],
      subject: undefined,
      serial: random.bytes(16),
      notBefore: clock.now() - 60_000,
      notAfter: undefined,
    });
    const facts = parseCertificate(certificate);
    assert.ok(facts);
    const file = `${request}.crt`;
    writeFileSync(file, encodePem('CERTIFICATE', certificate));
    const subject = readName(facts.subject).map(({ tag, value }) => `${tag.toString(16)}:${stringText(tag, value)}`);
    return { subject, ignored, file, publicKey: facts.publicKey };
  }

  const kinds: Readonly<Record<string, { readonly key: readonly string[]; readonly sign?: readonly string[] }>> = {
    'P-256': { key: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'] },
    'P-384': { key: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'], sign: ['-sha384'] },
    'P-521': { key: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-521'], sign: ['-sha512'] },
    RSA: { key: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'] },
    'RSA signing by PSS': {
      key: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:3072'],
      sign: ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:digest'],
    },
    'RSASSA-PSS': {
      key: ['-algorithm', 'RSA-PSS', '-pkeyopt', 'rsa_keygen_bits:2048'],
      sign: ['-sigopt', 'rsa_pss_saltlen:32'],
    },
    Ed25519: { key: ['-algorithm', 'ED25519'] },
    Ed448: { key: ['-algorithm', 'ED448'] },
  };

  describe('openssl req', { skip: missing('openssl') }, () => {
    for (const [kind, { key, sign = [] }] of Object.entries(kinds)) {
      it(`with a key of ${kind}`, async () => {
        const [keyFile, request] = [at('openssl.key'), at('openssl.csr')];
        await mustRun('openssl', ['genpkey', ...key, '-out', keyFile]);
        await mustRun('openssl', ['req', '-new', '-utf8', '-key', keyFile, '-subj', SUBJECT, ...sign, '-out', request]);
        const { subject, file, publicKey } = await answer(request);
        assert.deepEqual(subject, ['13:JP', 'c:例株式会社', 'c:alice@example.net']);
        assert.deepEqual(publicKey, publicKeyOf(createPublicKey(readFileSync(keyFile))));
        await mustRun('openssl', [
          ['verify', '-x509_strict', '-purpose', 'sslclient', '-CAfile', at('root.crt')],
          ['-untrusted', at('issuing.crt'), file],
        ]);
      });
    }

    it('string types stay: T61 and BMP, several attributes in one RDN', async () => {
      const [keyFile, request] = [at('types.key'), at('types.csr')];
      await mustRun('openssl', ['genpkey', ...(kinds['P-256']?.key ?? []), '-out', keyFile]);
      for (const [mask, value, tag] of [
        ['MASK:0x4', 'Zoé', '14'],
        ['MASK:0x800', 'アリス', '1e'],
        ['utf8only', 'アリス', 'c'],
      ] as const) {
        writeFileSync(
          at('types.cnf'),
          `[req]\nprompt=no\nutf8=yes\nstring_mask=${mask}\ndistinguished_name=dn\n[dn]\nO=${value}\n+OU=${value}\nCN=${value}\n`,
        );
        await mustRun('openssl', [
          'req',
          '-new',
          '-utf8',
          '-config',
          at('types.cnf'),
          '-key',
          keyFile,
          '-out',
          request,
        ]);
        const { subject } = await answer(request);
        assert.deepEqual(subject, [`${tag}:${value}`, `${tag}:${value}`, `${tag}:${value}`]);
      }
    });

    it('what it asks for besides is told, and not given', async () => {
      const [keyFile, request] = [at('greedy.key'), at('greedy.csr')];
      await mustRun('openssl', ['genpkey', ...(kinds['P-256']?.key ?? []), '-out', keyFile]);
      const wishes = [
        'basicConstraints=CA:TRUE',
        'extendedKeyUsage=serverAuth',
        'subjectAltName=email:root@example.net',
      ];
      await mustRun('openssl', [
        ['req', '-new', '-key', keyFile, '-subj', '/CN=alice', '-out', request],
        wishes.flatMap((wish) => ['-addext', wish]),
      ]);
      const { ignored, file } = await answer(request);
      assert.deepEqual(ignored, [
        'to be a CA (CA:TRUE)',
        'the extended key usage serverAuth',
        'the alternative name email:root@example.net',
      ]);
      const text = await mustRun('openssl', ['x509', '-in', file, '-noout', '-text']);
      assert.doesNotMatch(text, /CA:TRUE|Server Authentication|root@example/);
    });
  });

  it('certutil -R, whose database takes the certificate', { skip: missing('certutil') }, async () => {
    const database = mkdtempSync(at('nss-'));
    const here = ['-d', `sql:${database}`];
    writeFileSync(at('noise'), random.bytes(64));
    await mustRun('certutil', ['-N', here, '--empty-password']);
    const [request, noise] = [at('nss.csr'), at('noise')];
    for (const key of [
      ['-k', 'ec', '-q', 'nistp256'],
      ['-k', 'rsa', '-g', '2048'],
      ['-k', 'rsa', '-g', '2048', '--pss', '-Z', 'SHA256'],
    ]) {
      await mustRun('certutil', [
        '-R',
        here,
        '-s',
        'CN=alice@example.net,O=例株式会社,C=JP',
        ...key,
        '-z',
        noise,
        '-o',
        request,
      ]);
      const { subject, file } = await answer(request);
      assert.deepEqual(subject.map((text) => text.replace(/^[^:]*:/, '')).toSorted(), [
        'JP',
        'alice@example.net',
        '例株式会社',
      ]);
      await mustRun('certutil', ['-A', here, '-n', 'root', '-t', 'CT,,', '-i', at('root.crt')]);
      await mustRun('certutil', ['-A', here, '-n', 'issuing', '-t', ',,', '-i', at('issuing.crt')]);
      await mustRun('certutil', ['-A', here, '-n', `alice ${key.join('')}`, '-t', ',,', '-i', file]);
      // u: the private key is there.
      assert.match(await mustRun('certutil', ['-L', here]), /alice .*u,u,u/);
      assert.match(
        await mustRun('certutil', ['-V', here, '-n', `alice ${key.join('')}`, '-u', 'C', '-e']),
        /certificate is valid/,
      );
    }
  });

  it(
    'keytool -certreq, whose keystore takes the certificate',
    { skip: missing('keytool'), timeout: 120_000 },
    async () => {
      const store = ['-keystore', at('java.p12'), '-storepass', 'changeit'];
      const java = (...args: readonly string[]): Promise<string> =>
        mustRun('keytool', [...args, ...store], { patience: 60_000 });
      await java('-importcert', '-noprompt', '-alias', 'root', '-file', at('root.crt'));
      await java('-importcert', '-noprompt', '-alias', 'issuing', '-file', at('issuing.crt'));
      for (const [alias, key] of [
        ['ec', ['-keyalg', 'EC', '-groupname', 'secp256r1']],
        ['rsa', ['-keyalg', 'RSA', '-keysize', '2048']],
      ] as const) {
        const request = at('java.csr');
        await java('-genkeypair', '-alias', alias, ...key, '-dname', 'CN=alice@example.net, O=Example, C=JP');
        await java('-certreq', '-alias', alias, '-file', request, '-ext', 'san=email:eve@example.org');
        const { ignored, file } = await answer(request);
        assert.deepEqual(ignored, ['the alternative name email:eve@example.org']);
        assert.match(await java('-importcert', '-alias', alias, '-file', file), /Certificate reply was installed/);
      }
    },
  );

  it('certtool --generate-request', { skip: missing('certtool') }, async () => {
    const [key, request, template] = [at('gnutls.key'), at('gnutls.csr'), at('gnutls.cfg')];
    writeFileSync(
      template,
      'cn = "alice@example.net"\norganization = "例株式会社"\ncountry = JP\nemail = "alice@example.net"\n',
    );
    for (const kind of [
      ['--key-type', 'ecdsa', '--curve', 'secp256r1'],
      ['--key-type', 'rsa', '--bits', '2048'],
      ['--key-type', 'rsa-pss', '--bits', '2048', '--hash', 'sha256'],
      ['--key-type', 'ed25519'],
    ]) {
      await mustRun('certtool', ['--generate-privkey', ...kind, '--outfile', key]);
      await mustRun('certtool', [
        '--generate-request',
        '--load-privkey',
        key,
        '--template',
        template,
        '--outfile',
        request,
      ]);
      const { subject } = await answer(request);
      assert.ok(subject.includes('c:例株式会社'), subject.join());
    }
  });
});
