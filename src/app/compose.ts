/** The only place that picks implementations: what operations work on, when the relay is stopped and when it runs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AdminContext, LiveRelay } from '../admin/context.ts';
import { OperationError } from '../admin/errors.ts';
import type { EventSink } from '../base/event.ts';
import type { Ledger } from '../ca/ledger.ts';
import { formatProblem, parseConfig } from '../config/load.ts';
import { CONFIG_FILE, type Config } from '../config/schema.ts';
import { authorityTerms, inDirectory } from '../config/settings.ts';
import { fileContentStore } from '../platform/files/content-store.ts';
import { systemActor } from '../platform/process/actor.ts';
import { systemClock } from '../platform/process/clock.ts';
import { passwordCrypto } from '../platform/process/password-crypto.ts';
import { systemRandom } from '../platform/process/random.ts';
import type { ContentStore, SpoolStore } from '../relay/spool/spool.ts';
import { openAcmeStore } from '../storage/sqlite/acme.ts';
import { openEnrolments } from '../storage/sqlite/enrolment.ts';
import { openLedger } from '../storage/sqlite/ledger.ts';
import { openPasswords } from '../storage/sqlite/passwords.ts';
import { sqliteSpool } from '../storage/sqlite/spool.ts';
import { adminFiles, CONTENTS, DATABASE } from './files.ts';
import { SharedDoor, type DoorOptions } from './signer-client.ts';

/** The configuration of a data directory. Throws an OperationError that lists every fault with file:line:column. */
export function readConfig(directory: string): Config {
  const file = join(directory, CONFIG_FILE);
  const { config, problems } = parseConfig(readFileSync(file, 'utf8'), file);
  if (config === undefined) throw new OperationError('configuration', problems.map(formatProblem).join('\n'));
  return config;
}

export interface ContextParts {
  readonly config: Config;
  readonly directory: string;
  readonly events: EventSink;
  readonly ledger: Ledger;
  readonly spool: SpoolStore;
  readonly contents: ContentStore;
  readonly live: LiveRelay | undefined;
  readonly actor: string;
  /** Where a passphrase for the issuing key comes from. */
  readonly passphrase?: DoorOptions['passphrase'] | undefined;
}

/** What operations work on, and the end of it. */
export type OwnedContext = AdminContext & { close(): Promise<void> };

/** A context of these parts, the door and the files of the directory. `close` closes the door and what was opened here, nothing that was given. */
export function adminContext({ passphrase, ...parts }: ContextParts): OwnedContext {
  const { signer } = parts.config.ca;
  const door = new SharedDoor(parts.directory, {
    // The configuration may be read again.
    terms: () => authorityTerms(context.config),
    socket: signer === undefined ? undefined : inDirectory(parts.directory, signer),
    ...(passphrase === undefined ? {} : { passphrase }),
  });
  const acme = openAcmeStore(join(parts.directory, DATABASE));
  const enrolments = openEnrolments(join(parts.directory, DATABASE));
  const passwords = openPasswords(join(parts.directory, DATABASE));
  const context: OwnedContext = {
    ...parts,
    acme,
    enrolments,
    passwords,
    passwordCrypto: passwordCrypto(),
    clock: systemClock(),
    random: systemRandom(),
    files: adminFiles(parts.directory),
    async door() {
      await door.open();
      return { issue: (request) => door.issue(request), signCrl: (request) => door.signCrl(request), close() {} };
    },
    custody: door,
    async close() {
      door.close();
      acme.close();
      enrolments.close();
      passwords.close();
    },
  };
  return context;
}

/** Operations on the files of a relay that is stopped. */
export async function offlineContext(
  directory: string,
  { config = readConfig(directory), passphrase }: Partial<Pick<ContextParts, 'config' | 'passphrase'>> = {},
): Promise<OwnedContext> {
  const ledger = openLedger(join(directory, DATABASE));
  const spool = sqliteSpool(join(directory, DATABASE));
  const contents = fileContentStore(join(directory, CONTENTS));
  // The command itself says what it did.
  const events: EventSink = { tell: () => {} };
  const context = adminContext({
    config,
    directory,
    events,
    ledger,
    spool,
    contents,
    live: undefined,
    actor: systemActor(),
    ...(passphrase === undefined ? {} : { passphrase }),
  });
  return {
    ...context,
    async close() {
      await context.close();
      await spool.close();
      ledger.close();
    },
  };
}
