/** What operations and upkeep work on, in memory: a whole authority whose door reads its keys from the files, as the signer does. */
import { createPrivateKey } from 'node:crypto';
import type { AdminContext } from '../../src/admin/context.ts';
import { initialise } from '../../src/admin/certificates.ts';
import { latin1 } from '../../src/base/bytes.ts';
import type { RelayEvent } from '../../src/base/event.ts';
import { localDoor } from '../../src/ca/authority-local.ts';
import { usualTerms } from '../../src/ca/authority.ts';
import { parseConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/schema.ts';
import { passwordCrypto } from '../../src/platform/process/password-crypto.ts';
import { decodePem } from '../../src/protocol/pki/pem.ts';
import { memoryAcmeStore } from '../../src/storage/memory/acme.ts';
import { memoryContentStore } from '../../src/storage/memory/content-store.ts';
import { memoryEnrolments } from '../../src/storage/memory/enrolment.ts';
import { memoryLedger } from '../../src/storage/memory/ledger.ts';
import { memoryPasswords } from '../../src/storage/memory/passwords.ts';
import { memorySpool } from '../../src/storage/memory/spool.ts';
import { fakeClock, type FakeClock } from './clock.ts';
import { openCustody } from './custody.ts';
import { namesIn } from './folder.ts';
import { seededRandom } from './random.ts';

export interface Administration {
  readonly context: AdminContext;
  readonly clock: FakeClock;
  /** Contents by path, as the configuration names them. */
  readonly files: Map<string, Uint8Array>;
  readonly events: RelayEvent[];
  /** What goes wrong from now on: writing this file, or opening the door. */
  readonly broken: Set<string>;
  /** How often the relay was told that the ledger changed. */
  readonly refreshed: () => number;
}

export const DOOR = 'door';

/** `config`: YAML besides the host name, which is mail.example.net. The authority and the server certificate are there. */
export async function administration(config = ''): Promise<Administration> {
  const clock = fakeClock();
  const files = new Map<string, Uint8Array>();
  const events: RelayEvent[] = [];
  const broken = new Set<string>();
  let refreshed = 0;
  const read = (path: string): Uint8Array => {
    const bytes = files.get(path);
    if (bytes === undefined) throw Object.assign(new Error(`${path}: no such file`), { code: 'ENOENT' });
    return bytes;
  };
  const der = (path: string): Uint8Array<ArrayBuffer> => decodePem(latin1(read(path)))[0]?.der ?? new Uint8Array(0);
  const context: AdminContext = {
    config: configOf(config),
    directory: '/data',
    actor: 'cli:root',
    clock,
    random: seededRandom(11),
    events: { tell: (event) => events.push(event) },
    ledger: memoryLedger(),
    acme: memoryAcmeStore(),
    enrolments: memoryEnrolments(),
    passwords: memoryPasswords(),
    passwordCrypto: passwordCrypto(),
    async door() {
      if (broken.has(DOOR)) throw new Error('the key is not there');
      return localDoor({
        root: der('ca/root.crt'),
        issuing: der('ca/issuing.crt'),
        issuingKey: createPrivateKey({ key: Buffer.from(der('ca/issuing.key')), format: 'der', type: 'pkcs8' }),
        terms: usualTerms,
      });
    },
    custody: openCustody,
    spool: memorySpool(),
    contents: memoryContentStore(),
    files: {
      read: async (path) => read(path),
      async write(path, bytes) {
        if (broken.has(path)) throw Object.assign(new Error(`${path}: no space left`), { code: 'ENOSPC' });
        files.set(path, bytes);
      },
      has: async (path) => files.has(path),
      list: async (path) => namesIn(files.keys(), path),
      remove: async (path) => void files.delete(path),
      erase: async (path) => void files.delete(path),
    },
    live: {
      startedAt: 0,
      refresh: async () => void refreshed++,
      listening: () => [],
      counts: () => Promise.reject(new Error('not asked')),
    },
  };
  await initialise(context, { hostname: 'mail.example.net' });
  return { context, clock, files, events, broken, refreshed: () => refreshed };
}

function configOf(text: string): Config {
  const { config, problems } = parseConfig(`hostname: mail.example.net\n${text}`, 'sealpost.yaml');
  if (config === undefined) throw new Error(JSON.stringify(problems));
  return config;
}
