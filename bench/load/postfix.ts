import { rmSync } from 'node:fs';
import { postfixMissing, startPostfix as startInstance } from '../../test/peers/postfix.ts';
import { greets, type Mode, type Server } from './server.ts';

const PLAIN = 2610;
const STARTTLS = 2611;

/** Whether Debian's Postfix is installed and may be started (root). */
export function postfixAvailable(): boolean {
  return postfixMissing() === false;
}

/** The Postfix that is installed, with a queue and a configuration of its own below `lab`. */
export async function startPostfix(lab: string, mode: Mode, sink: number): Promise<Server> {
  const directory = `${lab}/postfix`;
  rmSync(directory, { recursive: true, force: true });
  const postfix = startInstance({
    directory,
    main: mainCf(lab, mode, sink),
    services: [
      {
        port: PLAIN,
        processes: 1200,
        settings: { smtpd_tls_security_level: 'none', smtpd_relay_restrictions: 'permit_mynetworks, reject' },
      },
      { port: STARTTLS, processes: 1200 },
    ],
  });
  await Promise.all([greets(PLAIN), greets(STARTTLS)]);
  return {
    name: 'postfix',
    pid: postfix.pid,
    plain: PLAIN,
    starttls: STARTTLS,
    stop: async () => {
      postfix.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Durable, relaying by certificate; what is not named is at Postfix's default. */
function mainCf(lab: string, mode: Mode, sink: number): Record<string, string> {
  return {
    myhostname: 'postfix.bench.test',
    syslog_name: 'bench-postfix',
    smtpd_tls_security_level: 'may',
    smtpd_tls_cert_file: `${lab}/certs/server.crt`,
    smtpd_tls_key_file: `${lab}/certs/server.key`,
    smtpd_tls_CAfile: `${lab}/certs/ca.pem`,
    smtpd_tls_ask_ccert: 'yes',
    smtpd_relay_restrictions: 'permit_tls_all_clientcerts, reject',
    relayhost: `[127.0.0.1]:${sink}`,
    // The default throttles the intake when mail only waits; off in both set-ups, in Postfix's favour.
    in_flow_delay: '0s',
    ...(mode === 'hold' ? { smtpd_sender_restrictions: 'check_sender_access static:HOLD' } : {}),
  };
}
