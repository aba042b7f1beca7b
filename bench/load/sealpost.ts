import { execFileSync, spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { fillQueue } from './backlog.ts';
import { end, greets, type Mode, type Server } from './server.ts';

const PLAIN = 2710;
const STARTTLS = 2711;

/** This checkout's Sealpost as a user runs it, with a data directory of its own below `lab`; events are logged to a file. */
export async function startSealpost(lab: string, mode: Mode, sink: number, queued = 0): Promise<Server> {
  const directory = `${lab}/sealpost`;
  rmSync(directory, { recursive: true, force: true });
  execFileSync('./sealpost', ['init', '-d', directory, '--hostname', 'sealpost.bench.test'], { stdio: 'ignore' });
  writeFileSync(`${directory}/sealpost.yaml`, configuration(lab, sink), { mode: 0o600 });
  writeFileSync(`${directory}/access`, accessMap(mode));
  if (queued > 0) await fillQueue(`${directory}/sealpost.db`, queued);
  const child = spawn('./sealpost', ['start', '-d', directory], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (data: Buffer) => (said += data.toString()));
  try {
    await Promise.all([greets(PLAIN), greets(STARTTLS)]);
  } catch (error) {
    throw new Error(`Sealpost did not start: ${said}`, { cause: error });
  }
  return {
    name: 'sealpost',
    pid: child.pid as number,
    plain: PLAIN,
    starttls: STARTTLS,
    stop: async () => {
      await end(child);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Relaying by certificate of the bench CA, and for 127.0.0.1 on the plain port; what is not named is at its default. */
function configuration(lab: string, sink: number): string {
  return `
hostname: sealpost.bench.test
listeners:
  - { name: plain, address: 127.0.0.1, port: ${PLAIN}, role: relay, tls: none }
  - { name: starttls, address: 127.0.0.1, port: ${STARTTLS}, role: relay, tls: starttls }
tls: { certificate: ${lab}/certs/server.crt, key: ${lab}/certs/server.key, authorities: [${lab}/certs/ca.pem] }
access: { trustedNetworks: [127.0.0.1/32] }
limits: { connectionsByAddress: 5000, messagesPerSession: 1000000 }
delivery: { routes: [{ domains: ['*'], to: '127.0.0.1:${sink}', tls: none }] }
web: { http: { enabled: false }, https: { enabled: false } }
log: { destination: sealpost.log }${process.env['BENCH_EXTRA'] ?? ''}
`;
}

function accessMap(mode: Mode): string {
  return `CERTISSUER:/CN=BenchCA RELAY\n${mode === 'hold' ? 'Connect:127.0.0.1 QUARANTINE:kept for the measurement\n' : ''}`;
}
