/**
 * Enrolment as a holder does it, with curl and openssl: the commands are those that `sealpost add` prints. The key never
 * leaves the holder's directory; the certificate relays at once, renews itself, and relays again.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { missing, mustRun, run } from './program.ts';
import { HOSTNAME, Relay } from './relay.ts';
import { Sink } from './sink.ts';
import { Talk, tlsOptions, type Identity } from './talk.ts';

interface Shown {
  readonly token: string;
  /** Fetch the root, look at it, make a key and a request, enrol. */
  readonly commands: readonly [string, string, string, string];
  readonly root: { readonly fingerprint: string };
}

describe('enrolment by EST', { skip: missing('curl', 'openssl') }, () => {
  let sink: Sink;
  let relay: Relay;
  let home: string;

  before(async () => {
    sink = await Sink.open();
    relay = await Relay.start(sink.port);
    home = relay.path('home');
    mkdirSync(home);
    // The relay's name has no address here; this is how curl learns it, and the printed commands stay as they are.
    writeFileSync(
      join(home, '.curlrc'),
      `resolve = "${HOSTNAME}:${relay.port('https')}:127.0.0.1"\nsilent\nshow-error\n`,
    );
  });
  after(async () => {
    await relay?.[Symbol.asyncDispose]();
    await sink?.[Symbol.asyncDispose]();
  });

  const add = async (...args: readonly string[]): Promise<Shown> =>
    JSON.parse(await relay.cli('add', ...args, '--json')) as Shown;
  const shell = (command: string): Promise<string> =>
    mustRun('sh', ['-c', command], { cwd: home, env: { HOME: home, CURL_HOME: home } });
  /** curl asks for the token at the terminal; here it stands in the command. */
  const withToken = (command: string, holder: string, token: string): string =>
    command.replace(`--user ${holder}`, `--user ${holder}:${token}`);
  const identity = (name: string): Identity => ({
    certificate: join(home, `${name}.pem`),
    key: join(home, `${name}.key`),
  });

  /** The reply to RCPT for an outside address. */
  async function tried(shown: Identity): Promise<string> {
    using talk = await Talk.open(relay.port('server'));
    await talk.greet();
    await talk.starttls(tlsOptions(relay.root, shown));
    await talk.ask('EHLO client.example');
    await talk.ask('MAIL FROM:<alice@example.net>');
    return await talk.ask('RCPT TO:<bob@outside.example>');
  }

  it('the printed commands, word for word: root, key, certificate; then mail', async () => {
    const { token, commands, root } = await add('alice@example.net');
    const [fetchRoot, checkRoot, makeKey, enrol] = commands;
    await shell(fetchRoot);
    const print = await shell(checkRoot);
    assert.equal(print.split('=')[1]?.trim().replaceAll(':', '').toLowerCase(), root.fingerprint);
    await shell(makeKey);
    await shell(withToken(enrol, 'alice@example.net', token));
    const certificate = await mustRun('openssl', [
      ['x509', '-noout', '-subject', '-ext', 'extendedKeyUsage,subjectAltName'],
      ['-in', join(home, 'alice@example.net.pem')],
    ]);
    assert.match(certificate, /email:alice@example\.net/);
    assert.match(certificate, /TLS Web Client Authentication/);
    assert.match(await tried(identity('alice@example.net')), /^250 2\.1\.5 /);

    const again = await run(
      'sh',
      ['-c', withToken(enrol.replace('curl ', 'curl --fail-with-body '), 'alice@example.net', token)],
      {
        cwd: home,
        env: { HOME: home, CURL_HOME: home },
      },
    );
    assert.match(again.output, /401/);
    const log = await relay.cli('audit', 'list', '--holder', 'alice@example.net', '--json');
    assert.match(log, /est:alice@example\.net/);
    assert.doesNotMatch(log, new RegExp(token));
  });

  it('a Japanese holder and a device, and a token that was withdrawn', async () => {
    const printer = await add('printer-2', '--days', '30');
    for (const command of printer.commands.slice(2)) await shell(withToken(command, 'printer-2', printer.token));
    assert.match(await tried(identity('printer-2')), /^250 2\.1\.5 /);

    const { token, commands } = await add('bob@example.net');
    const [{ id }] = JSON.parse(await relay.cli('token', 'list', '--json')) as [{ id: string }];
    await relay.cli('token', 'withdraw', id);
    await shell(commands[2]);
    const refused = await run(
      'sh',
      [
        '-c',
        withToken(commands[3].split(' | ')[0]?.replace('curl ', 'curl --include ') ?? '', 'bob@example.net', token),
      ],
      { cwd: home, env: { HOME: home, CURL_HOME: home } },
    );
    assert.match(refused.output, /HTTP\/1\.1 401[^]*WWW-Authenticate: Basic realm="enrolment"[^]*withdrawn/i);
  });

  it('renewal with the certificate that there is; old and new relay; a revoked one renews nothing', async () => {
    const base = `https://${HOSTNAME}:${relay.port('https')}/.well-known/est`;
    const { token, commands } = await add('carol@example.net');
    for (const command of commands.slice(2)) await shell(withToken(command, 'carol@example.net', token));
    const renewal = [
      `openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=carol@example.net -keyout new.key -outform DER | openssl base64 > new.req`,
      `curl --fail-with-body --cacert root.crt --cert carol@example.net.pem --key carol@example.net.key --header 'Content-Type: application/pkcs10' --data-binary @new.req ${base}/simplereenroll > new.p7`,
    ];
    for (const command of renewal) await shell(command);
    await shell('openssl base64 -d < new.p7 | openssl pkcs7 -inform DER -print_certs > new.pem');
    assert.match(await tried(identity('carol@example.net')), /^250 2\.1\.5 /);
    assert.match(await tried(identity('new')), /^250 2\.1\.5 /);
    assert.notEqual(
      readFileSync(join(home, 'new.pem'), 'utf8'),
      readFileSync(identity('carol@example.net').certificate, 'utf8'),
    );

    await relay.cli('revoke', 'carol@example.net');
    const late = await run('sh', ['-c', renewal[1] ?? ''], { cwd: home, env: { HOME: home, CURL_HOME: home } });
    assert.notEqual(late.code, 0);
    assert.match(late.output + readFileSync(join(home, 'new.p7'), 'utf8'), /403|revoked/);
    assert.match(await tried(identity('new')), /^550 5\.7\.1 /);

    const bare = await run('curl', ['--cacert', join(home, 'root.crt'), '--data', 'x', `${base}/simplereenroll`], {
      env: { HOME: home, CURL_HOME: home },
    });
    assert.match(bare.output, /no client certificate was shown/);
  });

  it('cacerts, as a program that only knows EST asks for them', async () => {
    const base = `https://${HOSTNAME}:${relay.port('https')}/.well-known/est`;
    const printed = await shell(
      `curl --cacert root.crt ${base}/cacerts | openssl base64 -d | openssl pkcs7 -inform DER -print_certs -noout`,
    );
    assert.match(printed, /Sealpost Root/);
    assert.match(printed, /Sealpost Issuing/);
    // Over plain HTTP there is no EST (RFC 7030 §3.3).
    const plain = await run('curl', [
      '--silent',
      '--include',
      `http://127.0.0.1:${relay.port('http')}/.well-known/est/cacerts`,
    ]);
    assert.match(plain.output, /^HTTP\/1\.1 404/);
  });
});
