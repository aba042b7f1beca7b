/** The access policy and the rules for recipients, as the files have them: read by the main thread, decided by in the others. */
import { isDeepStrictEqual } from 'node:util';
import { OperationError } from '../admin/errors.ts';
import type { Config } from '../config/schema.ts';
import { accessMapFile, accessSettings, recipientFiles, recipientSettings } from '../config/settings.ts';
import { isFileNow } from '../platform/files/write-file.ts';
import { openAccessMap } from '../relay/access/map.ts';
import type { AccessPolicy } from '../relay/access/policy.ts';
import type { RecipientRules, RecipientTables } from '../relay/recipients/rules.ts';
import { openTable } from '../relay/table/table.ts';
import {
  compileFiles,
  emptyTable,
  reviewFile,
  type CompiledTable,
  type FileProblem,
  type TableOrder,
} from './tables.ts';

/** The policy as it crosses to other threads: the tables are memory that all share, so to open them costs nothing. */
export interface PolicySource {
  readonly settings: Omit<AccessPolicy, 'map'>;
  /** Undefined: no map is configured. */
  readonly map: CompiledTable | undefined;
  readonly recipients: Omit<RecipientRules, keyof RecipientTables>;
  readonly tables: { readonly [K in keyof RecipientTables]: CompiledTable | undefined };
}

/** Reads the files; what has not changed since the last time is not compiled again. */
export class PolicyReader {
  readonly #directory: string;
  #last = new Map<string, CompiledTable>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The files that the policy is made of, as far as they are known. */
  files(config: Config): readonly string[] {
    const named = Object.values(this.#orders(config)).flatMap((order) => order?.files ?? []);
    return [...new Set([...named, ...[...this.#last.values()].flatMap(({ files }) => files)])];
  }

  /** The policy as the files have it now. Rejects when one that is named cannot be read. */
  async read(config: Config): Promise<PolicySource> {
    const orders = this.#orders(config);
    const settings = accessSettings(config);
    const { missingMap } = config.access;
    const file = orders.map?.files[0];
    const missing = missingMap !== 'fault' && file !== undefined && !isFileNow(file);
    const tables = Object.fromEntries(
      await Promise.all(
        Object.entries(orders).map(async ([name, order]) => [
          name,
          name === 'map' && missing ? emptyTable(file) : await this.#compile(name, order),
        ]),
      ),
    ) as { readonly [K in keyof typeof orders]: CompiledTable | undefined };
    const { map, ...others } = tables;
    return {
      settings: { ...settings, mapMissing: missing && missingMap === 'defer' },
      map,
      recipients: recipientSettings(config),
      tables: others,
    };
  }

  #orders(config: Config): Readonly<Record<keyof RecipientTables | 'map', TableOrder | undefined>> {
    const map = accessMapFile(config, this.#directory, isFileNow);
    const { aliases, virtual, domains, generic } = recipientFiles(config, this.#directory);
    const pairs = (file: string | undefined): TableOrder | undefined =>
      file === undefined ? undefined : { kind: 'pairs', files: [file] };
    return {
      map: map === undefined ? undefined : { kind: 'access', files: [map] },
      aliases: aliases.length === 0 ? undefined : { kind: 'aliases', files: aliases },
      virtual: pairs(virtual),
      domains: pairs(domains),
      generic: pairs(generic),
    };
  }

  async #compile(name: string, order: TableOrder | undefined): Promise<CompiledTable | undefined> {
    if (order === undefined) {
      this.#last.delete(name);
      return undefined;
    }
    const compiled = await compileFiles(order, this.#last.get(name));
    this.#last.set(name, compiled);
    return compiled;
  }
}

/** Whether both say the same. */
export function isSamePolicy(a: PolicySource, b: PolicySource): boolean {
  const digests = (source: PolicySource): unknown =>
    tablesOf(source).map(([name, table]) => [name, table.file, table.digest]);
  return (
    isDeepStrictEqual(a.settings, b.settings) &&
    isDeepStrictEqual(a.recipients, b.recipients) &&
    isDeepStrictEqual(digests(a), digests(b))
  );
}

/** Lines that are wrong in the files of a policy. */
export function policyErrors(source: PolicySource): readonly FileProblem[] {
  return tablesOf(source).flatMap(([, { problems }]) => problems);
}

/** Lines of its access map that hardly do what they look like. */
export async function policyWarnings({ map }: PolicySource): Promise<readonly FileProblem[]> {
  return map === undefined || map.digest === '' ? [] : await reviewFile(map);
}

/** Throws when a file that changed has errors: what is in force is better than half of what was meant. */
export function refuseBroken(next: PolicySource, current: PolicySource): void {
  const now = new Map(tablesOf(current));
  const errors = tablesOf(next)
    .filter(([name, table]) => now.get(name)?.digest !== table.digest)
    .flatMap(([, { problems }]) => problems)
    .filter(({ severity }) => severity === 'error');
  if (errors.length === 0) return;
  const shown = errors.slice(0, 5).map(problemText);
  const more = errors.length > shown.length ? [`and ${errors.length - shown.length} more errors`] : [];
  throw new OperationError('configuration', [...shown, ...more, 'what was in force stays in force'].join('\n'));
}

/** `file:line:column: what; what to do`. */
export function problemText({ file, line, column, text, hint }: FileProblem): string {
  return `${file}:${line}:${column}: ${text}; ${hint}`;
}

/** The policy that a thread decides by. */
export function makePolicy({ settings, map }: PolicySource): AccessPolicy {
  return { ...settings, map: map && openAccessMap(map.table, map.file) };
}

/** The rules by which recipients become others. */
export function makeRecipients({ recipients, tables }: PolicySource): RecipientRules {
  const open = (table: CompiledTable | undefined) => table && openTable(table.table);
  const { aliases, virtual, domains, generic } = tables;
  return {
    ...recipients,
    aliases: open(aliases),
    virtual: open(virtual),
    domains: open(domains),
    generic: open(generic),
  };
}

function tablesOf({ map, tables }: PolicySource): [string, CompiledTable][] {
  return Object.entries({ map, ...tables }).flatMap(([name, table]) => (table === undefined ? [] : [[name, table]]));
}
