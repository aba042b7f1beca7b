/**
 * A CA that was run with CA.pl and `openssl ca` is taken over, goes on here, is written out again, and goes on with
 * `openssl ca` there.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { missing, mustRun, run } from './program.ts';
import { HOSTNAME, Relay, SEALPOST } from './relay.ts';
import { Sink } from './sink.ts';
import { Talk, tlsOptions, type Identity } from './talk.ts';

const PASSPHRASE = 'an old passphrase';
const NEW_PASSPHRASE = 'another one, for the way out';

const CONFIGURATION = `
[ca]
default_ca = CA_default
[CA_default]
dir = .
certs = certs
new_certs_dir = newcerts
database = index.txt
serial = serial
crlnumber = crlnumber
certificate = cacert.pem
private_key = private/cakey.pem
default_md = sha256
default_days = 365
default_crl_days = 30
policy = any
x509_extensions = user
email_in_dn = yes
[any]
countryName = optional
organizationName = optional
commonName = supplied
emailAddress = optional
[user]
basicConstraints = CA:FALSE
[v3_ca]
basicConstraints = critical,CA:true
subjectKeyIdentifier = hash
[req]
prompt = no
distinguished_name = dn
[dn]
`;

describe('a CA of openssl', { skip: missing('openssl') }, () => {
  let work: string;
  let ca: string;
  let sink: Sink;
  const openssl = (...args: readonly string[]): Promise<string> => mustRun('openssl', args, { cwd: ca });
  const paths = (name: string): Identity => ({
    certificate: join(ca, 'certs', `${name}.pem`),
    key: join(ca, 'certs', `${name}.key`),
  });

  /** A request and its certificate, by the old CA. */
  async function issue(name: string, subject: string): Promise<void> {
    const { certificate, key } = paths(name);
    await openssl(
      'req',
      '-new',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-config',
      'ca.cnf',
      '-subj',
      subject,
      '-keyout',
      key,
      '-out',
      'request.pem',
    );
    await openssl(
      'ca',
      '-batch',
      '-config',
      'ca.cnf',
      '-passin',
      `pass:${PASSPHRASE}`,
      '-in',
      'request.pem',
      '-notext',
      '-out',
      certificate,
    );
  }

  before(async () => {
    sink = await Sink.open();
    work = mkdtempSync(join(tmpdir(), 'sealpost-ca-'));
    ca = join(work, 'CA');
    await mustRun('mkdir', ['-p', join(ca, 'certs'), join(ca, 'newcerts'), join(ca, 'private'), join(ca, 'crl')]);
    writeFileSync(join(ca, 'ca.cnf'), CONFIGURATION);
    writeFileSync(join(ca, 'index.txt'), '');
    writeFileSync(join(ca, 'crlnumber'), '1000\n');
    await openssl(
      'req',
      '-new',
      '-newkey',
      'rsa:2048',
      '-config',
      'ca.cnf',
      '-passout',
      `pass:${PASSPHRASE}`,

      '-subj',
      '/C=JP/O=Creative.Unit.ZERO/CN=mydomain.net/emailAddress=korogi@mydomain.net',
      '-keyout',
      'private/cakey.pem',
      '-out',
      'careq.pem',
    );
    // As CA.pl does it: the CA's own certificate is in the database, too.
    await openssl(
      'ca',
      '-batch',
      '-create_serial',
      '-selfsign',
      '-days',
      '3650',
      '-extensions',
      'v3_ca',
      '-config',
      'ca.cnf',

      '-passin',
      `pass:${PASSPHRASE}`,
      '-keyfile',
      'private/cakey.pem',
      '-notext',
      '-out',
      'cacert.pem',
      '-infiles',
      'careq.pem',
    );
    await issue('korogi', '/C=JP/O=Creative.Unit.ZERO/CN=korogi/emailAddress=korogi@mydomain.net');
    await issue('lost', '/C=JP/O=Creative.Unit.ZERO/CN=lost/emailAddress=lost@mydomain.net');
    await issue('host', '/C=JP/O=Creative.Unit.ZERO/CN=host.mydomain.net');
    await openssl(
      'ca',
      '-config',
      'ca.cnf',
      '-passin',
      `pass:${PASSPHRASE}`,
      '-revoke',
      paths('lost').certificate,
      '-crl_reason',
      'keyCompromise',
    );
    await openssl('ca', '-config', 'ca.cnf', '-passin', `pass:${PASSPHRASE}`, '-gencrl', '-out', 'crl/crl.pem');
  });
  after(async () => {
    await sink?.[Symbol.asyncDispose]();
    rmSync(work, { recursive: true, force: true });
  });

  /** The reply to RCPT. */
  async function tried(relay: Relay, identity: Identity): Promise<string> {
    using talk = await Talk.open(relay.port('server'));
    await talk.greet();
    await talk.starttls(tlsOptions(relay.root, identity));
    await talk.ask('EHLO client.example');
    await talk.ask('MAIL FROM:<korogi@mydomain.net>');
    return await talk.ask('RCPT TO:<bob@outside.example>');
  }

  it('is taken over with what it issued and withdrew, goes on, and is given back', async () => {
    const files = { password: join(work, 'password'), other: join(work, 'other') };
    writeFileSync(files.password, PASSPHRASE, { mode: 0o600 });
    writeFileSync(files.other, NEW_PASSPHRASE, { mode: 0o600 });
    const before = readdirSync(ca, { recursive: true })
      .toSorted((a, b) => String(a).localeCompare(String(b)))
      .join('\n');

    await using relay = await Relay.takeOver(sink.port, (directory) =>
      mustRun('sh', [
        '-c',
        `exec "$0" ca import "$1" --hostname ${HOSTNAME} -d "$2" --json --ca-passphrase-fd 3 3<"$3"`,
        SEALPOST,
        ca,
        directory,
        files.password,
      ]),
    );
    assert.equal(
      readdirSync(ca, { recursive: true })
        .toSorted((a, b) => String(a).localeCompare(String(b)))
        .join('\n'),
      before,
      'the old directory is only read',
    );
    assert.match(readFileSync(relay.path('ca/issuing.key'), 'utf8'), /BEGIN ENCRYPTED PRIVATE KEY/);
    const list = JSON.parse(await relay.cli('list', '--all', '--json')) as
      | readonly { holder: string; state: string; profile: string }[]
      | { certificates: readonly { holder: string; state: string; profile: string }[] };
    const rows = 'certificates' in list ? list.certificates : list;
    const states = new Map(rows.map(({ holder, state, profile }) => [holder, `${state} ${profile}`]));
    assert.equal(states.get('korogi@mydomain.net'), 'active person');
    assert.equal(states.get('lost@mydomain.net'), 'revoked person');
    assert.equal(states.get('host.mydomain.net'), 'active device');
    assert.equal(states.get(HOSTNAME), 'active server');

    assert.match(await tried(relay, paths('korogi')), /^250 2\.1\.5 /);
    assert.match(await tried(relay, paths('host')), /^250 2\.1\.5 /);
    assert.match(await tried(relay, paths('lost')), /^550 5\.7\.1 .*revoked/);

    // The CRL goes on where the old one ended, and covers both.
    const crl = await mustRun('openssl', [
      'crl',
      '-in',
      relay.path('ca/crl.pem'),
      '-noout',
      '-text',
      '-CAfile',
      join(ca, 'cacert.pem'),
    ]);
    assert.match(crl, /verify OK/);
    assert.match(crl, /X509v3 CRL Number: \n\s+(?:409[7-9]|41\d\d)/);
    assert.match(crl, /Key Compromise/);

    const target = join(work, 'out');
    await mustRun('sh', [
      '-c',
      'exec "$0" ca export "$1" -d "$2" --passphrase-fd 3 --ca-passphrase-fd 4 3<"$3" 4<"$4"',
      SEALPOST,
      target,
      relay.directory,
      files.other,
      files.password,
    ]);
    assert.equal(statSync(join(target, 'private/cakey.pem')).mode & 0o777, 0o600);
    assert.equal(statSync(target).mode & 0o777, 0o700);
    const goOn = (...args: readonly string[]): Promise<string> =>
      mustRun('openssl', ['ca', '-config', join(target, 'openssl.cnf'), '-passin', `file:${files.other}`, ...args]);
    await mustRun('openssl', [
      'req',
      '-new',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-subj',
      '/CN=after',
      '-keyout',
      join(work, 'after.key'),
      '-out',
      join(work, 'after.req'),
    ]);
    await goOn(
      '-batch',
      '-extensions',
      'person',
      '-in',
      join(work, 'after.req'),
      '-notext',
      '-out',
      join(work, 'after.pem'),
    );
    const verified = await mustRun('openssl', [
      'verify',
      '-purpose',
      'sslclient',
      '-CAfile',
      join(target, 'cacert.pem'),
      join(work, 'after.pem'),
    ]);
    assert.match(verified, /OK/);
    await goOn('-revoke', paths('host').certificate);
    await goOn('-gencrl', '-out', join(work, 'crl.pem'));
    const check = await run('openssl', [
      'verify',
      '-crl_check',
      '-CRLfile',
      join(work, 'crl.pem'),
      '-CAfile',
      join(target, 'cacert.pem'),
      paths('host').certificate,
    ]);
    assert.match(check.output, /certificate revoked/);
    const audit = await relay.cli('audit', 'list', '--json');
    assert.match(audit, /"imported"/);
    assert.match(audit, /"exported"/);
    assert.match(await relay.cli('audit', 'verify'), /./);
  });

  it('what is wrong with the directory is told with its file and line, and nothing is left behind', async () => {
    const cases: readonly (readonly [string, (directory: string) => void, RegExp])[] = [
      ['no CA', (directory) => rmSync(join(directory, 'cacert.pem')), /cacert\.pem: no such file/],
      [
        'a leaf for a CA',
        (directory) => writeFileSync(join(directory, 'cacert.pem'), readFileSync(paths('korogi').certificate)),
        /cacert\.pem: is no CA certificate/,
      ],
      [
        'another key',
        (directory) => writeFileSync(join(directory, 'private/cakey.pem'), readFileSync(paths('host').key)),
        /cakey\.pem: is not the key of cacert\.pem/,
      ],
      [
        'a broken line',
        (directory) =>
          writeFileSync(join(directory, 'index.txt'), `${readFileSync(join(ca, 'index.txt'), 'utf8')}V\tnever\n`),
        /index\.txt:5: has 2 fields/,
      ],
      ['no database', (directory) => rmSync(join(directory, 'index.txt')), /index\.txt: no such file/],
    ];
    const password = join(work, 'password');
    for (const [what, spoil, expected] of cases) {
      const copy = join(work, `copy-${what.replaceAll(' ', '-')}`);
      await mustRun('cp', ['-r', ca, copy]);
      spoil(copy);
      const data = join(work, `data-${what.replaceAll(' ', '-')}`);
      const { code, output } = await run('sh', [
        '-c',
        'exec "$0" ca import "$1" -d "$2" --ca-passphrase-fd 3 3<"$3"',
        SEALPOST,
        copy,
        data,
        password,
      ]);
      assert.notEqual(code, 0, what);
      assert.match(output, expected, what);
      assert.equal(existsSync(data), false, `${what}: ${data} is left`);
    }
    writeFileSync(join(work, 'wrong'), 'not the passphrase', { mode: 0o600 });
    const wrong = await run('sh', [
      '-c',
      'exec "$0" ca import "$1" -d "$2" --ca-passphrase-fd 3 3<"$3"',
      SEALPOST,
      ca,
      join(work, 'data-wrong'),
      join(work, 'wrong'),
    ]);
    assert.match(wrong.output, /passphrase does not open the key/);
  });

  it('a CA as weak as that of the guide is refused with what to do', async () => {
    const weak = join(work, 'weak');
    await mustRun('cp', ['-r', ca, weak]);
    await mustRun('openssl', [
      'req',
      '-x509',
      '-newkey',
      'rsa:1024',
      '-nodes',
      '-sha256',
      '-subj',
      '/CN=weak',
      '-days',
      '30',
      '-keyout',
      join(weak, 'private/cakey.pem'),
      '-out',
      join(weak, 'cacert.pem'),
    ]);
    const { code, output } = await run(SEALPOST, ['ca', 'import', weak, '-d', join(work, 'data-weak')]);
    assert.notEqual(code, 0);
    assert.match(output, /1024 bits is too weak.*sealpost init/s);
  });
});
