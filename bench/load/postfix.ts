import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { greets, type Mode, type Server } from './server.ts';

const PLAIN = 2610;
const STARTTLS = 2611;

/** Whether Debian's Postfix is installed and may be started (root). */
export function postfixAvailable(): boolean {
  if (process.getuid?.() !== 0) return false;
  try {
    execFileSync('postconf', ['mail_version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The Postfix that is installed, with a queue and a configuration of its own below `lab`. */
export async function startPostfix(lab: string, mode: Mode, sink: number): Promise<Server> {
  const run = `${lab}/postfix`;
  rmSync(run, { recursive: true, force: true });
  for (const directory of ['conf', 'spool', 'data']) mkdirSync(`${run}/${directory}`, { recursive: true });
  execFileSync('chown', ['postfix', `${run}/data`]);
  writeFileSync(`${run}/conf/main.cf`, mainCf(lab, run, mode, sink));
  writeFileSync(`${run}/conf/master.cf`, masterCf);
  execFileSync('postfix', ['-c', `${run}/conf`, 'start'], { stdio: ['ignore', 'ignore', 'pipe'] });
  await Promise.all([greets(PLAIN), greets(STARTTLS)]);
  const pid = Number(readFileSync(`${run}/spool/pid/master.pid`, 'latin1'));
  return {
    name: 'postfix',
    pid,
    plain: PLAIN,
    starttls: STARTTLS,
    stop: async () => {
      execFileSync('postfix', ['-c', `${run}/conf`, 'stop'], { stdio: ['ignore', 'ignore', 'pipe'] });
      rmSync(run, { recursive: true, force: true });
    },
  };
}

/** Durable, relaying by certificate; what is not named is at Postfix's default. */
function mainCf(lab: string, run: string, mode: Mode, sink: number): string {
  return `
compatibility_level = 3.6
queue_directory = ${run}/spool
data_directory = ${run}/data
myhostname = postfix.bench.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
local_recipient_maps =
biff = no
syslog_name = bench-postfix
smtpd_tls_security_level = may
smtpd_tls_cert_file = ${lab}/certs/server.crt
smtpd_tls_key_file = ${lab}/certs/server.key
smtpd_tls_CAfile = ${lab}/certs/ca.pem
smtpd_tls_ask_ccert = yes
smtpd_relay_restrictions = permit_tls_all_clientcerts, reject
smtpd_recipient_restrictions =
relayhost = [127.0.0.1]:${sink}
smtp_tls_security_level = none
smtp_host_lookup = native
disable_dns_lookups = yes
# The default throttles the intake when mail only waits; off in both set-ups, in Postfix's favour.
in_flow_delay = 0s
${mode === 'hold' ? 'smtpd_sender_restrictions = check_sender_access static:HOLD' : ''}
`;
}

const masterCf = `
127.0.0.1:${PLAIN} inet n - n - 1200 smtpd
  -o smtpd_tls_security_level=none
  -o smtpd_relay_restrictions=permit_mynetworks,reject
127.0.0.1:${STARTTLS} inet n - n - 1200 smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`;
