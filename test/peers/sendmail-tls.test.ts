/**
 * What Sendmail said of client certificates (`${verify}`) and which handshakes it refused, against what our TLS says of the
 * same certificates, with the same files. The cases and what makes their certificates are not part of this repository:
 * SEALPOST_SENDMAIL_CASES gives the file of the cases, and rig.py lies beside it. No SMTP is spoken here: what a relay
 * does with the word is compared in sendmail-rig.test.ts.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { connect, type SecureVersion } from 'node:tls';
import { describe, test } from 'node:test';
import { stringify } from 'yaml';
import { frontTrust } from '../../src/app/threads/front-trust.ts';
import { usableTlsMaterial } from '../../src/app/trust.ts';
import { parseConfig } from '../../src/config/load.ts';
import { listen } from '../../src/platform/net/listener.ts';
import { tlsContexts } from '../../src/platform/net/tls-contexts.ts';
import { nothingForeign } from '../../src/relay/identity/foreign.ts';
import { identify } from '../../src/relay/identity/identify.ts';
import type { HolderDirectory } from '../../src/relay/identity/principal.ts';
import { missing, run } from './program.ts';

interface Session {
  readonly steps: readonly string[];
  readonly tls?: {
    readonly cert?: string;
    readonly chain?: readonly string[];
    readonly min?: string;
    readonly max?: string;
    readonly ciphers?: string;
  };
}

interface Observed {
  readonly tls: { readonly handshake: string; readonly version?: string; readonly bits?: number } | null;
  readonly server_tls: { readonly verify: string; readonly bits: number } | null;
}

interface Case {
  readonly id: string;
  readonly sessions: readonly Session[];
  readonly observed: { readonly sessions?: readonly Observed[] };
}

const path = process.env['SEALPOST_SENDMAIL_CASES'];
const skip = path === undefined ? 'SEALPOST_SENDMAIL_CASES is not set' : missing('python3', 'openssl');

/** Holes of Sendmail that are closed by default; with `open-crl` the word is Sendmail's. */
const CLOSED = /^verify-crl-(?:second|missing-file)/;

/** Makes the files of all cases in one go, so that keys are made once. */
const MATERIALIZE = `
import json, os, sys
sys.path.insert(0, sys.argv[1])
import rig
doc = json.load(open(sys.argv[2]))
for case in doc["cases"]:
    if case["id"] in sys.argv[4:]:
        rig.materialize(doc, case, os.path.join(sys.argv[3], case["id"]), 2525, os.path.join(sys.argv[3], "keys"))
`;

describe('client certificates as Sendmail judged them', { skip, concurrency: false }, () => {
  const all = path === undefined ? [] : (JSON.parse(readFileSync(path, 'utf8')) as { readonly cases: Case[] }).cases;
  const cases = all.filter(
    ({ id, sessions }) => !/^(?:srvfeat|out|offer|mc-)/.test(id) && sessions.some(({ tls }) => tls?.cert !== undefined),
  );

  test('every word and every refused handshake is the same', { timeout: 600_000 }, async (t) => {
    const work = mkdtempSync(join(tmpdir(), 'sealpost-tls-'));
    try {
      const ids = cases.map(({ id }) => id);
      const made = await run('python3', ['-', dirname(path as string), path as string, work, ...ids], {
        input: MATERIALIZE,
        patience: 500_000,
      });
      assert.equal(made.code, 0, made.output);
      const count = { words: 0, refused: 0 };
      const differences: string[] = [];
      for (const one of cases) differences.push(...(await compare(one, join(work, one.id), count)));
      t.diagnostic(`${cases.length} cases: ${count.words} words and ${count.refused} refused handshakes compared`);
      assert.deepEqual(differences, []);
      assert.ok(count.words >= cases.length / 2, String(count.words));
    } finally {
      rmSync(work, { recursive: true });
    }
  });
});

async function compare(
  { id, sessions, observed }: Case,
  directory: string,
  count: { words: number; refused: number },
): Promise<string[]> {
  const differences: string[] = [];
  const mc = readFileSync(join(directory, 'sendmail.mc'), 'latin1');
  for (const compatibility of CLOSED.test(id) ? [[], ['open-crl']] : [[]]) {
    for (const [number, session] of sessions.entries()) {
      const seen = observed.sessions?.[number];
      if (session.tls === undefined || !seen?.tls) continue;
      const told = await handshake(directory, mc, session.tls, compatibility);
      const expected = seen.tls.handshake === 'fail' ? 'refused' : `${seen.server_tls?.verify} ${seen.tls.bits}`;
      if (expected === 'refused') count.refused += 1;
      else count.words += 1;
      const closed = CLOSED.test(id) && compatibility.length === 0;
      if (closed ? told === expected : told !== expected)
        differences.push(`${id} ${number} ${compatibility.join()}: ${told}, and Sendmail ${expected}`);
    }
  }
  return differences;
}

/** What of sendmail.mc this is about, as our configuration. */
function tlsSection(mc: string): object {
  const value = (name: string): string | undefined =>
    new RegExp(`^define\\(\`${name}', \`([^']*)'\\)`, 'm').exec(mc)?.[1];
  const named = (key: string, name: string, list = false): object => {
    const found = value(name);
    return found === undefined ? {} : { [key]: list ? [found] : found };
  };
  return {
    ownAuthority: false,
    groups: ['P-256'],
    unusable: 'no-starttls',
    ...named('certificate', 'confSERVER_CERT'),
    ...named('key', 'confSERVER_KEY'),
    ...named('authorities', 'confCACERT', true),
    ...named('authorityPaths', 'confCACERT_PATH', true),
    ciphers: value('confCIPHER_LIST') ?? 'DEFAULT',
    ...named('revocationLists', 'confCRL', true),
    ...named('revocationPaths', 'confCRL_PATH', true),
    // Sendmail lets the client choose.
    options: ['-SSL_OP_CIPHER_SERVER_PREFERENCE', ...(value('confSERVER_SSL_OPTIONS')?.split(/[ ,]+/) ?? [])],
  };
}

const NOBODY: HolderDirectory = { find: () => undefined, isOwnIssuer: () => false };

/** One handshake: the word and the bits, or `refused`. */
async function handshake(
  directory: string,
  mc: string,
  wish: NonNullable<Session['tls']>,
  compatibility: readonly string[],
): Promise<string> {
  const text = stringify({ hostname: 'mail.relay.test', tls: tlsSection(mc), compatibility });
  const { config, problems } = parseConfig(text, 'sealpost.yaml');
  assert.ok(config !== undefined, JSON.stringify(problems));
  const trust = frontTrust(usableTlsMaterial(config, directory, new Uint8Array(48)), nothingForeign);
  const contexts = tlsContexts(trust.material(), { handshakeTime: 10_000 });
  const asked = !/confTLS_SRV_OPTIONS', `[^']*V/.test(mc);
  const { promise, resolve } = Promise.withResolvers<string>();
  const listener = await listen(
    { name: 'x', address: '127.0.0.1', port: 0, role: 'relay', tls: 'implicit', certificates: asked ? 'ask' : 'no' },
    { reusePort: false, backlog: 1, onTrouble: resolve },
    contexts,
    (connection) => {
      connection.handler = {
        received() {},
        drained() {},
        ended() {},
        closed: () => resolve('refused'),
        secured(tls) {
          resolve(`${identify(tls, NOBODY, undefined, Date.now(), trust.foreign).verify} ${tls.bits}`);
          connection.end();
        },
      };
      connection.startTls();
    },
  );
  const version = (number: string | undefined): SecureVersion | undefined =>
    number === undefined ? undefined : (`TLSv${number}` as SecureVersion);
  const pem = clientPem(directory, wish);
  const client = connect({
    port: listener.port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ciphers: `TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:${wish.ciphers ?? 'DEFAULT:@SECLEVEL=0'}`,
    ...(pem === undefined ? {} : { cert: pem, key: pem }),
    minVersion: version(wish.min) ?? 'TLSv1.2',
    maxVersion: version(wish.max) ?? 'TLSv1.3',
  });
  client.on('error', () => resolve('refused'));
  client.resume();
  try {
    return await promise;
  } finally {
    client.destroy();
    await listener.close();
  }
}

function clientPem(directory: string, { cert, chain = [] }: NonNullable<Session['tls']>): string | undefined {
  if (cert === undefined) return undefined;
  const name = `${[cert, ...chain].join('+')}.pem`;
  assert.ok(readdirSync(join(directory, 'client')).includes(name), name);
  return readFileSync(join(directory, 'client', name), 'latin1');
}
