/** The guide's site with certificates made by OpenSSL as the guide makes them: MD5, 1024 bits, and a user's key on the server. */
import assert from 'node:assert/strict';
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { lintDirectory } from '../../src/app/lint-site.ts';
import { inFolder, missing, run } from '../fakes/outside.ts';

const guide = fileURLToPath(new URL('../sites/guide/', import.meta.url));
const sealpost = fileURLToPath(new URL('../../sealpost', import.meta.url));
const NAME = '/C=JP/ST=Aichi/O=Creative.Unit.ZERO/OU=Design/CN=mail.mydomain.net/emailAddress=korogi@mydomain.net';

function openssl(folder: string, ...args: readonly string[]): void {
  const { code, text } = run('openssl', args, { cwd: folder });
  assert.equal(code, 0, text);
}

/** The CA with its database, the server's certificate, and the user's, which ended in 2022. */
function makePki(folder: string): void {
  mkdirSync(join(folder, 'certs/users'), { recursive: true });
  mkdirSync(join(folder, 'CA/newcerts'), { recursive: true });
  const at = (name: string): string => join(folder, 'CA', name);
  const ca = [
    '-subj',
    '/C=JP/ST=Aichi/L=Nagoya/O=Creative.Unit.ZERO/OU=Design/CN=mydomain.net/emailAddress=korogi@mydomain.net',
  ];
  openssl(
    folder,
    'req',
    '-x509',
    '-newkey',
    'rsa:1024',
    '-nodes',
    '-keyout',
    'cakey.pem',
    '-out',
    'CA/cacert.pem',
    '-days',
    '9000',
    '-md5',
    ...ca,
  );
  writeFileSync(at('index.txt'), '');
  writeFileSync(at('serial'), '01\n');
  const optional = ['C', 'ST', 'L', 'O', 'OU', 'CN', 'emailAddress'].map((type) => `${type}=optional`);
  const main = [`database=${at('index.txt')}`, `new_certs_dir=${at('newcerts')}`, `serial=${at('serial')}`];
  const keys = [
    `certificate=${at('cacert.pem')}`,
    `private_key=${join(folder, 'cakey.pem')}`,
    'default_md=md5',
    'policy=p',
  ];
  writeFileSync(at('ca.cnf'), ['[ca]', 'default_ca=x', '[x]', ...main, ...keys, '[p]', ...optional].join('\n'));
  for (const [key, certificate, subject, end] of [
    ['certs/privkey.pem', 'certs/cert.pem', '/C=JP/O=Creative.Unit.ZERO/CN=casper.magi', '350101000000Z'],
    ['certs/users/mail_korogi_key.pem', 'certs/users/mail_korogi_cert.pem', NAME, '220530140849Z'],
  ] as const) {
    openssl(folder, 'req', '-newkey', 'rsa:1024', '-nodes', '-keyout', key, '-out', 'r.pem', '-subj', subject);
    openssl(
      folder,
      'ca',
      '-batch',
      '-config',
      'CA/ca.cnf',
      '-notext',
      '-in',
      'r.pem',
      '-out',
      certificate,
      '-startdate',
      '030331140849Z',
      '-enddate',
      end,
    );
    chmodSync(join(folder, key), 0o600);
  }
  cpSync(at('cacert.pem'), join(folder, 'certs/cacert.pem'));
}

test("lint says what is wrong with the guide's site, by file and line", { skip: missing('openssl') }, async () => {
  await inFolder(({ path }) => {
    makePki(path);
    cpSync(join(guide, 'sendmail.mc'), join(path, 'sendmail.mc'));
    cpSync(join(guide, 'access.unwrapped'), join(path, 'access'));
    const found = (): string[] =>
      lintDirectory(path, Date.now(), { fix: false, compatibility: [], authorities: [] }).findings.map(
        ({ file, line, rule }) => `${file.slice(path.length + 1)}:${line} ${rule}`,
      );
    const others = [
      'cakey.pem:1 ca-key-open',
      'certs/cacert.pem:1 weak-key',
      'certs/cert.pem:1 weak-key',
      'certs/cert.pem:1 weak-signature',
      'certs/users/mail_korogi_cert.pem:1 expired',
      'certs/users/mail_korogi_cert.pem:1 weak-key',
      'certs/users/mail_korogi_cert.pem:1 weak-signature',
      'sendmail.mc:12 no-crl',
      'sendmail.mc:16 client-key-of-user',
    ];
    const lines = [
      '1 email-attribute',
      '1 issuer-relays-all-known',
      '3 email-attribute',
      '3 name-extra',
      '3 subject-dead',
    ];
    assert.deepEqual(found().toSorted(), [...lines.map((one) => `access:${one}`), ...others].toSorted());

    const { code, text } = run(sealpost, ['lint', path, '--fix']);
    assert.equal(code, 78, text);
    assert.match(text, /access:3:1: error: .*L=Nagoya/);
    const fixed = readFileSync(join(path, 'access.fixed'), 'utf8');
    assert.ok(fixed.includes(`CERTSUBJECT:${NAME}\tRELAY`), fixed);
    assert.match(fixed, /^CERTISSUER:.*\tSUBJECT$/m);
    writeFileSync(join(path, 'access'), fixed);
    assert.deepEqual(found().toSorted(), others.toSorted());
  });
});

test('a site that says what it means gives nothing to say', { skip: missing('openssl') }, async () => {
  await inFolder(({ path, put }) => {
    mkdirSync(join(path, 'certs'));
    const make = (name: string, subject: string, ...more: readonly string[]): void =>
      openssl(
        path,
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-keyout',
        `${name}.key`,
        '-out',
        `certs/${name}.pem`,
        '-days',
        '900',
        '-subj',
        subject,
        ...more,
      );
    make('ca', '/O=Example/CN=Example CA');
    make(
      'server',
      '/O=Example/CN=mail.example.net',
      '-CA',
      'certs/ca.pem',
      '-CAkey',
      'ca.key',
      '-addext',
      'basicConstraints=critical,CA:FALSE',
    );
    cpSync(join(path, 'server.key'), join(path, 'certs/server.key'));
    chmodSync(join(path, 'certs/server.key'), 0o600);
    run('rm', ['ca.key', 'server.key'], { cwd: path });
    put(
      'sendmail.mc',
      [
        "define(`CERTS', `/etc/mail/certs')dnl",
        "define(`confCACERT_PATH', `CERTS')dnl",
        "define(`confCACERT', `CERTS/ca.pem')dnl",
        "define(`confSERVER_CERT', `CERTS/server.pem')dnl",
        "define(`confSERVER_KEY', `CERTS/server.key')dnl",
        "FEATURE(`access_db', `hash -T<TMPF> -o /etc/mail/access')dnl",
        "FEATURE(`blocklist_recipients')dnl",
        "MAILER(`smtp')dnl",
        '',
      ].join('\n'),
    );
    put(
      'access',
      [
        '# who relays',
        'Connect:127.0.0.1\tRELAY',
        'Connect:localhost\tRELAY',
        'CERTISSUER:/O=Example/CN=Example+20CA\tSUBJECT',
        'CERTSUBJECT:/O=Example/CN=alice\tRELAY',
        'To:nobody@example.net\tERROR:5.1.1:550 No such user',
        'From:spam.example\tREJECT',
        '',
      ].join('\n'),
    );
    const { findings } = lintDirectory(path, Date.now(), { fix: true, compatibility: [], authorities: [] });
    assert.deepEqual(
      findings.map(({ rule }) => rule),
      ['no-crl'],
    );
  });
});
