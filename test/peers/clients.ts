/** How each mail program is told to send one message with a certificate: nothing else of its user's machine counts. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createTransport } from 'nodemailer';
import { letter } from './message.ts';
import { run, type Ran } from './program.ts';
import { HOSTNAME, type Holder, type Relay } from './relay.ts';
import { Talk, type Identity } from './talk.ts';

/** The reverse-path of all messages. */
export const FROM = 'alice@example.net';

/** One message by one program. */
export interface Sending {
  readonly relay: Relay;
  readonly port: number;
  /** TLS from the first octet; else by STARTTLS. */
  readonly implicit: boolean;
  readonly identity: Identity | undefined;
  readonly to: string;
  readonly marker: string;
}

/** A whole session through a program: the last reply, and what the program said around it. */
async function through(talk: Talk, { marker, to }: Sending): Promise<Ran> {
  using open = talk;
  await open.ask('EHLO client.example');
  const said = await open.message(letter(marker), to);
  const code = await open.quit();
  return { code: said.startsWith('250') ? code : 1, output: `${open.heard}\n${said}` };
}

export async function byOpenssl(sending: Sending, version: 'TLSv1.2' | 'TLSv1.3'): Promise<Ran> {
  const { identity, implicit, port, relay } = sending;
  const own =
    identity === undefined
      ? []
      : ['-cert', identity.certificate, '-key', identity.key, '-cert_chain', identity.certificate];
  const talk = Talk.through('openssl', [
    's_client',
    '-quiet',
    ['-connect', `127.0.0.1:${port}`],
    implicit ? [] : ['-starttls', 'smtp'],
    version === 'TLSv1.2' ? '-tls1_2' : '-tls1_3',
    ['-CAfile', relay.root, '-verify_hostname', HOSTNAME, '-verify_return_error'],
    own,
  ]);
  if (implicit) await talk.reply();
  return through(talk, sending);
}

export async function byGnutls(sending: Sending): Promise<Ran> {
  const { identity, port, relay } = sending;
  const own = identity === undefined ? [] : ['--x509certfile', identity.certificate, '--x509keyfile', identity.key];
  const talk = Talk.through('gnutls-cli', [
    '--starttls-proto=smtp',
    `--port=${port}`,
    `--x509cafile=${relay.root}`,
    own,
    'localhost',
  ]);
  await talk.hears('Simple Client Mode');
  return through(talk, sending);
}

export function bySwaks({ relay, port, implicit, identity, to, marker }: Sending): Promise<Ran> {
  return run(
    'swaks',
    [
      ['--server', '127.0.0.1', '--port', String(port), '--ehlo', 'client.example'],
      implicit ? '--tls-on-connect' : '--tls',
      ['--tls-verify', '--tls-ca-path', relay.root],
      identity === undefined ? [] : ['--tls-cert', identity.certificate, '--tls-key', identity.key],
      ['--from', FROM, '--to', to, '--header', `Subject: ${marker}`, '--body', 'Good morning.'],
    ],
    { env: { HOME: relay.directory } },
  );
}

export function byCurl(
  { relay, port, implicit, identity, to, marker }: Sending,
  auth: readonly string[],
): Promise<Ran> {
  return run(
    'curl',
    [
      ['--disable', '--silent', '--show-error', '--verbose', '--noproxy', '*'],
      `${implicit ? 'smtps' : 'smtp'}://localhost:${port}/client.example`,
      '--ssl-reqd',
      ['--cacert', relay.root],
      identity === undefined ? [] : ['--cert', identity.certificate, '--key', identity.key],
      auth,
      ['--mail-from', FROM, '--mail-rcpt', to, '--upload-file', '-'],
    ],
    { input: letter(marker).replaceAll('\n', '\r\n') },
  );
}

export function byMsmtp(
  { relay, port, implicit, identity, to, marker }: Sending,
  auth: readonly string[],
): Promise<Ran> {
  return run(
    'msmtp',
    [
      ['--host=localhost', `--port=${port}`, '--domain=client.example'],
      ['--tls=on', `--tls-starttls=${implicit ? 'off' : 'on'}`, `--tls-trust-file=${relay.root}`],
      identity === undefined ? [] : [`--tls-cert-file=${identity.certificate}`, `--tls-key-file=${identity.key}`],
      auth,
      `--from=${FROM}`,
      to,
    ],
    { input: letter(marker) },
  );
}

export function bySnail({ relay, port, implicit, identity, to, marker }: Sending, auth: string): Promise<Ran> {
  const set = (...settings: readonly string[]): string[] => settings.flatMap((text) => ['-S', text]);
  const pairs =
    identity === undefined
      ? []
      : set(`tls-config-pairs=Certificate=${identity.certificate},PrivateKey=${identity.key}`);
  const user = auth === 'none' ? '' : `${encodeURIComponent(FROM)}@`;
  return run(
    's-nail',
    [
      ['-:/', '-s', marker, '-r', FROM],
      set('v15-compat', 'sendwait', 'save=/dev/null', 'verbose', 'hostname=client.example'),
      set(`mta=${implicit ? 'smtps' : 'smtp'}://${user}localhost:${port}`, `smtp-auth=${auth}`),
      implicit ? [] : set('smtp-use-starttls'),
      set(`tls-ca-file=${relay.root}`, 'tls-ca-no-defaults', 'tls-verify=strict'),
      pairs,
      to,
    ],
    { input: 'Good morning.\n', env: { HOME: relay.directory, MAILRC: '/dev/null' } },
  );
}

export function byMutt({ relay, port, identity, to, marker }: Sending): Promise<Ran> {
  const pem = relay.path(`${marker}.mutt.pem`);
  const config = relay.path(`${marker}.muttrc`);
  if (identity !== undefined)
    writeFileSync(pem, readFileSync(identity.key, 'utf8') + readFileSync(identity.certificate, 'utf8'));
  writeFileSync(
    config,
    [
      `set smtp_url="smtp://localhost:${port}" smtp_authenticators="external" ssl_starttls=yes ssl_force_tls=yes`,
      `set ssl_ca_certificates_file="${relay.root}" ssl_usesystemcerts=no certificate_file="/dev/null"`,
      `set from="${FROM}" use_envelope_from=yes hostname="client.example" copy=no`,
      identity === undefined ? '' : `set ssl_client_cert="${pem}"`,
    ].join('\n'),
  );
  return run('mutt', ['-n', '-F', config, '-s', marker, '--', to], {
    input: 'Good morning.\n',
    env: { HOME: relay.directory, TERM: 'dumb' },
  });
}

export async function byNodemailer({ relay, port, implicit, identity, to, marker }: Sending): Promise<Ran> {
  // A holder comes with the bundle of `sealpost add`.
  const own =
    identity === undefined
      ? {}
      : 'p12' in identity
        ? { pfx: readFileSync((identity as Holder).p12), passphrase: (identity as Holder).passphrase }
        : { cert: readFileSync(identity.certificate), key: readFileSync(identity.key) };
  const transport = createTransport({
    host: 'localhost',
    port,
    secure: implicit,
    requireTLS: true,
    name: 'client.example',
    tls: { ca: readFileSync(relay.root), ...own },
  });
  try {
    const sent = await transport.sendMail({ from: FROM, to, subject: marker, text: 'Good morning.\n' });
    return { code: 0, output: sent.response };
  } catch (error) {
    return { code: 1, output: String(error) };
  } finally {
    transport.close();
  }
}

const PYTHON = `
import smtplib, ssl, sys
implicit, port, root, cert, key, sender, to, subject = sys.argv[1:]
context = ssl.create_default_context(cafile=root)
if cert: context.load_cert_chain(cert, key)
if implicit == 'implicit':
    smtp = smtplib.SMTP_SSL('localhost', int(port), context=context, timeout=10)
else:
    smtp = smtplib.SMTP('localhost', int(port), timeout=10)
    smtp.starttls(context=context)
with smtp:
    smtp.sendmail(sender, [to], 'Subject: %s\\n\\nGood morning.\\n' % subject)
`;

export function byPython({ relay, port, implicit, identity, to, marker }: Sending): Promise<Ran> {
  const mode = implicit ? 'implicit' : 'starttls';
  return run('python3', [
    '-c',
    PYTHON,
    mode,
    String(port),
    relay.root,
    identity?.certificate ?? '',
    identity?.key ?? '',
    FROM,
    to,
    marker,
  ]);
}

const PERL = String.raw`
my ($implicit, $port, $root, $cert, $key, $from, $to, $subject) = @ARGV;
my @tls = (SSL_ca_file => $root, SSL_verifycn_name => 'localhost', SSL_verifycn_scheme => 'smtp', SSL_verify_mode => 1);
push @tls, (SSL_cert_file => $cert, SSL_key_file => $key) if $cert;
my $smtp = Net::SMTP->new('localhost', Port => $port, Timeout => 10, $implicit eq 'implicit' ? (SSL => 1, @tls) : ()) or die "no connection: $@";
sub check { $_[0] or die $smtp->code . ' ' . $smtp->message }
check($smtp->starttls(@tls)) if $implicit ne 'implicit';
check($smtp->mail($from));
check($smtp->to($to));
check($smtp->data("Subject: $subject\n\nGood morning.\n"));
$smtp->quit;
`;

export function byPerl({ relay, port, implicit, identity, to, marker }: Sending): Promise<Ran> {
  const mode = implicit ? 'implicit' : 'starttls';
  return run('perl', [
    '-MNet::SMTP',
    '-e',
    PERL,
    mode,
    String(port),
    relay.root,
    identity?.certificate ?? '',
    identity?.key ?? '',
    FROM,
    to,
    marker,
  ]);
}
