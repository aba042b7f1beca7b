/**
 * OCSP answers a second on one core: kept ones, those signed for one asker (nonce), and kept ones over HTTP, with
 * keep-alive, from a process of its own.
 *
 *     node bench/ocsp.bench.ts [seconds]          for each, default: 3
 */
import { fork } from 'node:child_process';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { localDoor } from '../src/ca/authority-local.ts';
import { usualTerms } from '../src/ca/authority.ts';
import { makeKey } from '../src/ca/keys.ts';
import { ocspRoutes } from '../src/ca/ocsp-routes.ts';
import { Responder } from '../src/ca/responder.ts';
import { createAuthority } from '../src/ca/setup.ts';
import { openWebListener } from '../src/platform/http/server.ts';
import { systemClock } from '../src/platform/process/clock.ts';
import { systemRandom } from '../src/platform/process/random.ts';
import { ocspRequest } from '../test/fakes/ocsp.ts';

const SECONDS = Number(process.argv[2] ?? 3);
const CERTIFICATES = 5_000;

if (process.argv[2] === 'client') await runClient(Number(process.argv[3]), Number(process.argv[4]));
else await run();

async function run(): Promise<void> {
  const [clock, random] = [systemClock(), systemRandom()];
  const made = createAuthority(random, clock, 'relay.example.net');
  const door = localDoor({ ...made, terms: usualTerms });
  const pair = makeKey();
  const wish = { profile: 'responder', holder: 'ocsp-responder', csr: undefined, subject: undefined } as const;
  const { certificate } = await door.issue({
    ...wish,
    publicKey: pair.publicKey,
    dnsNames: [],
    uris: [],
    serial: random.bytes(16),
    notBefore: clock.now() - 300_000,
    notAfter: undefined,
  });
  const { issuing } = made;
  const responder = new Responder({
    clock,
    issuing,
    certificate,
    key: pair.privateKey,
    standing: () => ({ state: 'good' }),
  });
  const requests = Array.from({ length: CERTIFICATES }, (_, i) =>
    ocspRequest({ issuing, serials: [(0x10_0000 + i).toString(16)] }),
  );
  for (const der of requests) responder.answer(der);
  tell(
    `kept, ${CERTIFICATES} certificates`,
    rate((i) => responder.answer(requests[i % CERTIFICATES] as Uint8Array)),
  );
  const nonces = Array.from({ length: 1_000 }, (_, i) =>
    ocspRequest({ issuing, serials: [(0x10_0000 + i).toString(16)], nonce: random.bytes(32) }),
  );
  // The bound is a thousand a second; what one costs is measured within it.
  const begun = performance.now();
  for (const der of nonces) responder.answer(der);
  tell('with a nonce, signed each', { count: 1_000, milliseconds: performance.now() - begun });

  const listener = await openWebListener(
    { name: 'http', address: '127.0.0.1', port: 0, connections: 100, connectionsByAddress: 100 },
    { routes: () => ocspRoutes(() => responder), tls: undefined, onTrouble: (detail) => console.error(detail) },
  );
  const before = process.cpuUsage();
  const client = fork(fileURLToPath(import.meta.url), ['client', String(listener.port), String(SECONDS)]);
  client.send(requests.slice(0, 200).map((der) => Buffer.from(der).toString('base64')));
  const count = await new Promise<number>((resolve) => client.once('message', (n) => resolve(Number(n))));
  const cpu = process.cpuUsage(before);
  tell('kept, POST over HTTP, 16 connections', { count, milliseconds: SECONDS * 1000 });
  console.log(`  ${Math.round(count / ((cpu.user + cpu.system) / 1e6))} for each second of our CPU`);
  await listener.close(0);
}

/** Sockets and no HTTP client, which would cost more than what it measures. */
async function runClient(port: number, seconds: number): Promise<void> {
  const bodies = await new Promise<Buffer[]>((resolve) =>
    process.once('message', (list) => resolve((list as string[]).map((text) => Buffer.from(text, 'base64')))),
  );
  const requests = bodies.map((body) =>
    Buffer.concat([
      Buffer.from(
        `POST /ocsp HTTP/1.1\r\nHost: relay\r\nContent-Type: application/ocsp-request\r\nContent-Length: ${body.length}\r\n\r\n`,
      ),
      body,
    ]),
  );
  const end = performance.now() + seconds * 1000;
  let count = 0;
  const worker = (first: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      let i = first;
      let wanted = 0;
      const next = (): void => {
        if (performance.now() >= end) {
          socket.destroy();
          resolve();
        } else socket.write(requests[i++ % requests.length] as Buffer);
      };
      socket.on('error', reject).on('connect', next);
      socket.on('data', (part: Buffer) => {
        if (wanted === 0) {
          const head = /^HTTP\/1\.1 200 [^]*?content-length: (\d+)[^]*?\r\n\r\n/i.exec(part.toString('latin1'));
          if (head === null) return reject(new Error(part.toString('latin1')));
          wanted = head[0].length + Number(head[1]);
        }
        wanted -= part.length;
        if (wanted > 0) return;
        count++;
        next();
      });
    });
  await Promise.all(Array.from({ length: 16 }, (_, i) => worker(i)));
  process.send?.(count);
  process.disconnect?.();
}

function rate(act: (i: number) => void): { readonly count: number; readonly milliseconds: number } {
  const begun = performance.now();
  let count = 0;
  while (performance.now() - begun < SECONDS * 1000) for (let i = 0; i < 100; i++) act(count++);
  return { count, milliseconds: performance.now() - begun };
}

function tell(what: string, { count, milliseconds }: { readonly count: number; readonly milliseconds: number }): void {
  console.log(`${what}: ${Math.round((count * 1000) / milliseconds)}/s`);
}
