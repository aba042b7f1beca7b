/**
 * What other programs learn of a revocation: by the CRL (openssl, NSS, GnuTLS, and an Exim that is given it), by OCSP
 * (openssl, GnuTLS, curl), and by what the server staples.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { freePort } from './port.ts';
import { findProgram, missing, mustRun, rootMissing, run } from './program.ts';
import { Relay, until, type Holder } from './relay.ts';
import { Sink } from './sink.ts';
import { Talk, tlsOptions } from './talk.ts';

/** Debian's exim4 and postfix exclude each other: a copy that is only unpacked will do. */
const EXIM = process.env['SEALPOST_EXIM'] ?? findProgram('exim4');

describe('status of certificates', { skip: missing('openssl', 'curl') }, () => {
  let sink: Sink;
  let relay: Relay;
  let good: Holder;
  let bad: Holder;
  let url: string;
  let issuing: string;

  before(async () => {
    sink = await Sink.open();
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    relay = await Relay.start(sink.port, { web: { http: { port }, https: { port: 0 } }, ca: { url } });
    [good, bad] = await Promise.all([relay.add('good@example.net'), relay.add('bad@example.net')]);
    await relay.cli('revoke', bad.serial, '--reason', 'keyCompromise');
    issuing = relay.path('ca/issuing.crt');
    for (const name of ['crl/issuing', 'crl/issuing-plain', 'crl/root', 'ca/issuing', 'ca/root'])
      await mustRun('curl', [
        '--silent',
        '--fail',
        '--output',
        relay.path(name.replace('/', '-')),
        `${url}/${name}.pem`,
      ]);
    writeFileSync(
      relay.path('both.crl'),
      readFileSync(relay.path('crl-issuing'), 'utf8') + readFileSync(relay.path('crl-root'), 'utf8'),
    );
  });
  after(async () => {
    await relay?.[Symbol.asyncDispose]();
    await sink?.[Symbol.asyncDispose]();
  });

  describe('by the CRL', () => {
    const verify = (leaf: string, ...more: readonly string[]) =>
      run('openssl', [
        'verify',
        '-x509_strict',
        '-CAfile',
        relay.root,
        '-untrusted',
        issuing,
        '-CRLfile',
        relay.path('both.crl'),
        ...more,
        leaf,
      ]);

    it('openssl verify, of the leaf and of the whole chain', async () => {
      for (const check of [['-crl_check'], ['-crl_check', '-crl_check_all']]) {
        const fine = await verify(good.leaf, ...check);
        assert.equal(fine.code, 0, fine.output);
        const refused = await verify(bad.leaf, ...check);
        assert.match(refused.output, /certificate revoked/);
      }
    });

    it('certificates say where it is, in DER, with what caches need', async () => {
      const text = await mustRun('openssl', ['x509', '-in', good.leaf, '-noout', '-text']);
      assert.match(text, new RegExp(`URI:${url}/crl/issuing\\.crl`));
      assert.match(text, new RegExp(`OCSP - URI:${url}/ocsp`));
      const { output } = await run('curl', ['--silent', '--include', '--output', '-', `${url}/crl/issuing.crl`]);
      assert.match(output, /^HTTP\/1\.1 200 [^]*content-type: application\/pkix-crl/i);
      const [, tag = ''] = /^etag: (\S+)/im.exec(output) ?? [];
      const again = await run('curl', [
        '--silent',
        '--include',
        '--header',
        `If-None-Match: ${tag}`,
        `${url}/crl/issuing.crl`,
      ]);
      assert.match(again.output, /^HTTP\/1\.1 304 /);
    });

    it('GnuTLS refuses the revoked one alone', { skip: missing('certtool') }, async () => {
      const check = (holder: Holder): ReturnType<typeof run> =>
        run('certtool', [
          '--verify',
          '--load-ca-certificate',
          relay.root,
          '--load-crl',
          relay.path('both.crl'),
          '--infile',
          holder.certificate,
        ]);
      assert.match((await check(good)).output, /Chain verification output: Verified/);
      assert.match((await check(bad)).output, /revoked/i);
    });

    it(
      'NSS refuses the revoked one alone, by the list without a distribution point',
      { skip: missing('certutil', 'crlutil') },
      async () => {
        const database = relay.path('nss-crl');
        mkdirSync(database);
        const nss = (program: string, ...args: readonly string[]): Promise<string> =>
          mustRun(program, ['-d', `sql:${database}`, ...args]);
        await nss('certutil', '-N', '--empty-password');
        await nss('certutil', '-A', '-n', 'root', '-t', 'CT,C,C', '-a', '-i', relay.root);
        await nss('certutil', '-A', '-n', 'issuing', '-t', ',,', '-a', '-i', issuing);
        for (const holder of [good, bad])
          await nss('certutil', '-A', '-n', holder.name, '-t', ',,', '-a', '-i', holder.leaf);
        const verify = (holder: Holder): ReturnType<typeof run> =>
          run('certutil', ['-d', `sql:${database}`, '-V', '-n', holder.name, '-u', 'C', '-e']);
        // Without a list NSS knows no better.
        assert.match((await verify(bad)).output, /certificate is valid/);
        await mustRun('curl', [
          '--silent',
          '--fail',
          '--output',
          relay.path('plain.crl'),
          `${url}/crl/issuing-plain.crl`,
        ]);
        await nss('crlutil', '-I', '-t', '1', '-i', relay.path('plain.crl'));
        assert.match((await verify(good)).output, /certificate is valid/);
        assert.match((await verify(bad)).output, /revoked/);
      },
    );
  });

  describe('by OCSP', () => {
    const ask = (leaf: string, ...more: readonly string[]): ReturnType<typeof run> =>
      run('openssl', [
        'ocsp',
        '-issuer',
        issuing,
        '-cert',
        leaf,
        '-url',
        `${url}/ocsp`,
        '-CAfile',
        relay.root,
        ...more,
      ]);

    it('good, revoked with its reason, and unknown; with a nonce and without, by SHA-1 and SHA-256', async () => {
      for (const options of [[], ['-no_nonce'], ['-nonce'], ['-sha256']]) {
        const hash = options.filter((option) => option.startsWith('-sha'));
        const rest = options.filter((option) => !option.startsWith('-sha'));
        const fine = await run('openssl', [
          'ocsp',
          ...hash,
          '-issuer',
          issuing,
          '-cert',
          good.leaf,
          '-url',
          `${url}/ocsp`,
          '-CAfile',
          relay.root,
          ...rest,
        ]);
        assert.match(fine.output, /Response verify OK/, options.join(' '));
        assert.match(fine.output, /: good/);
        assert.doesNotMatch(fine.output, /WARNING: no nonce/);
        const refused = await ask(bad.leaf, ...rest);
        assert.match(refused.output, /Response verify OK[^]*: revoked[^]*Reason: keyCompromise/);
      }
      const unknown = await run('openssl', [
        'ocsp',
        '-issuer',
        issuing,
        '-serial',
        '0x1234',
        '-url',
        `${url}/ocsp`,
        '-CAfile',
        relay.root,
      ]);
      assert.match(unknown.output, /Response verify OK/);
      assert.match(unknown.output, /0x1234: (?:unknown|revoked)/);
    });

    it('by GET, which may be kept', async () => {
      const file = relay.path('request.der');
      await mustRun('openssl', ['ocsp', '-issuer', issuing, '-cert', good.leaf, '-no_nonce', '-reqout', file]);
      const path = encodeURIComponent(readFileSync(file).toString('base64'));
      const answer = relay.path('answer.der');
      const headers = await mustRun('curl', [
        '--silent',
        '--fail',
        '--dump-header',
        '-',
        '--output',
        answer,
        `${url}/ocsp/${path}`,
      ]);
      assert.match(headers, /content-type: application\/ocsp-response/i);
      assert.match(headers, /cache-control: public, max-age=[1-9]/i);
      const read = await run('openssl', [
        'ocsp',
        '-respin',
        answer,
        '-issuer',
        issuing,
        '-cert',
        good.leaf,
        '-CAfile',
        relay.root,
      ]);
      assert.match(read.output, /: good/);
    });

    it('NSS asks, and refuses the revoked one alone', { skip: missing('certutil', 'vfychain') }, async () => {
      const database = relay.path('nss');
      mkdirSync(database);
      const certutil = (...args: readonly string[]): Promise<string> =>
        mustRun('certutil', ['-d', `sql:${database}`, ...args]);
      await certutil('-N', '--empty-password');
      await certutil('-A', '-n', 'root', '-t', 'CT,C,C', '-a', '-i', relay.root);
      await certutil('-A', '-n', 'issuing', '-t', ',,', '-a', '-i', issuing);
      const check = (holder: Holder): ReturnType<typeof run> =>
        run('vfychain', [
          '-d',
          `sql:${database}`,
          '-pp',
          '-u',
          '0',
          '-g',
          'leaf',
          '-h',
          'requireFreshInfo',
          '-m',
          'ocsp',
          '-s',
          'failIfNoInfo',
          '-a',
          holder.leaf,
          '-a',
          issuing,
        ]);
      assert.match((await check(good)).output, /Chain is good!/);
      assert.match((await check(bad)).output, /has been revoked/);
    });

    it('GnuTLS asks and verifies', { skip: missing('ocsptool') }, async () => {
      const check = (holder: Holder): ReturnType<typeof run> =>
        run('ocsptool', [
          `--ask=${url}/ocsp`,
          '--load-issuer',
          issuing,
          '--load-cert',
          holder.leaf,
          '--load-trust',
          issuing,
        ]);
      // It takes the CA that delegated for the anchor, and gives no certificate of its own to the way there.
      assert.match((await check(good)).output, /Certificate Status: good[^]*Verifying OCSP Response: Success/);
      assert.match((await check(bad)).output, /Certificate Status: revoked[^]*Verifying OCSP Response: Success/);
    });

    it('an answer changes with the revocation, and kept ones with it', async () => {
      const late = await relay.add('late@example.net');
      assert.match((await ask(late.leaf, '-no_nonce')).output, /: good/);
      await relay.cli('revoke', late.serial);
      assert.match((await ask(late.leaf, '-no_nonce')).output, /: revoked/);
    });
  });

  it('the server staples: on SMTP with STARTTLS, with TLS from the start, and on HTTPS', async () => {
    const cases: readonly (readonly string[])[] = [
      ['-connect', `127.0.0.1:${relay.port('submission')}`, '-starttls', 'smtp'],
      ['-connect', `127.0.0.1:${relay.port('submissions')}`],
      ['-connect', `127.0.0.1:${relay.port('https')}`],
    ];
    for (const where of cases) {
      const { output } = await run(
        'openssl',
        ['s_client', ...where, '-status', '-CAfile', relay.root, '-verify_return_error'],
        { input: '' },
      );
      assert.match(output, /OCSP Response Status: successful/, where.join(' '));
      assert.match(output, /Cert Status: good/);
      assert.match(output, /Verify return code: 0/);
    }
  });

  it(
    'an Exim that is given the CRLs refuses the revoked certificate and takes the other',
    { skip: (EXIM === undefined ? missing('exim4') : false) || rootMissing() },
    async () => {
      const spool = relay.path('exim');
      mkdirSync(spool, { mode: 0o755 });
      const port = await freePort();
      const path = (name: string): string => join(spool, name);
      for (const name of ['server.crt', 'server.key'])
        writeFileSync(path(name), readFileSync(relay.path(`tls/${name}`)), { mode: 0o644 });
      writeFileSync(path('ca.pem'), readFileSync(relay.root, 'utf8') + readFileSync(issuing, 'utf8'));
      writeFileSync(path('crl.pem'), readFileSync(relay.path('both.crl')));
      writeFileSync(
        path('exim.conf'),
        [
          `spool_directory = ${spool}/spool`,
          `log_file_path = ${spool}/%slog`,
          'exim_user = nobody\nexim_group = nogroup',
          'never_users =',
          'primary_hostname = exim.example',
          `daemon_smtp_ports = ${port}\nlocal_interfaces = 127.0.0.1`,
          'tls_advertise_hosts = *',
          `tls_certificate = ${path('server.crt')}\ntls_privatekey = ${path('server.key')}`,
          `tls_verify_certificates = ${path('ca.pem')}\ntls_crl = ${path('crl.pem')}`,
          'tls_verify_hosts = *',
          'acl_smtp_rcpt = accept',
          'begin acl\naccept:\n  accept',
          'begin routers\nnone:\n  driver = redirect\n  data = :blackhole:',
          '',
        ].join('\n'),
      );
      mkdirSync(path('spool'));
      await mustRun('chown', ['-R', 'nobody:nogroup', spool]);
      await mustRun('chown', ['root:root', path('exim.conf')]);
      await mustRun('chmod', ['755', relay.directory]);
      const child: ChildProcess = spawn(EXIM ?? 'exim4', ['-bdf', '-C', path('exim.conf')], { stdio: 'ignore' });
      try {
        await until('Exim listens', async () => {
          try {
            using talk = await Talk.open(port);
            return (await talk.greet()).length > 0;
          } catch {
            return false;
          }
        });
        const tried = async (holder: Holder): Promise<string> => {
          try {
            using talk = await Talk.open(port);
            await talk.greet();
            await talk.starttls(tlsOptions(relay.root, holder));
            await talk.ask('EHLO client.example');
            await talk.ask('MAIL FROM:<a@example.net>');
            return await talk.ask('RCPT TO:<b@example.net>');
          } catch (error) {
            return String(error);
          }
        };
        assert.match(await tried(good), /^250 /);
        assert.doesNotMatch(await tried(bad), /^250 /);
        assert.match(readFileSync(path('mainlog'), 'utf8'), /revoked/i);
      } finally {
        child.kill('SIGKILL');
        rmSync(spool, { recursive: true, force: true });
        await mustRun('chmod', ['700', relay.directory]);
      }
    },
  );
});
