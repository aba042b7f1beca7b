/** What commands are given: streams, environment, messages, and the way to the relay. Tests give their own. */
import { resolve } from 'node:path';
import type { CommandContext } from '@stricli/core';
import type { AuthorityChoices } from '../admin/authority-files.ts';
import type { ImportedAuthority } from '../admin/ca-import.ts';
import type { AskPassphrase } from '../admin/custody.ts';
import type { Custody } from '../app/custody.ts';
import type { ImportChoices, ImportedSite } from '../app/import-site.ts';
import type { SiteChoices } from '../app/sendmail-site.ts';
import type { MessageKey, Messages } from './messages/en.ts';
import { fill } from './messages/choose.ts';
import { type Colour, painter } from './output.ts';

export interface CliStream {
  write(text: string): void;
  readonly isTTY?: boolean | undefined;
  getColorDepth?(environment?: Readonly<Partial<Record<string, string>>>): number;
}

/** What commands do beyond printing. */
export interface Reach {
  /** Runs an operation on the relay in `directory`: by its control socket when it runs, else on the files. Rejects with a CliError. */
  operate(directory: string, operation: string, input: unknown): Promise<unknown>;
  /** Creates the data directory. Rejects with a CliError. */
  create(directory: string, hostname: string | undefined, choices?: CreateChoices): Promise<CreatedDirectory>;
  /** Creates the data directory with a CA that is taken over from `from`. Rejects with a CliError. */
  importAuthority(
    directory: string,
    hostname: string | undefined,
    from: string,
    ask: AskPassphrase,
  ): Promise<{ readonly created: CreatedDirectory; readonly imported: ImportedAuthority }>;
  /** Makes the configuration of a data directory of another mail server's. Rejects with a CliError. */
  importSite(site: string, directory: string, choices: ImportChoices): Promise<ImportedSite>;
  /** Runs the relay until it is told to stop. */
  serve(directory: string, options: ServeOptions): Promise<void>;
  /** The work on the CA's keys, on the files of the directory; to be closed. Rejects with a CliError. */
  custody(directory: string): Promise<Custody>;
  /** This process becomes the signer, which speaks on its standard input and output. */
  becomeSigner(directory: string, passphraseFile: string | undefined): Promise<void>;
}

/** Of the authority that is made along with the directory. */
export type CreateChoices = AuthorityChoices;

export interface ServeOptions {
  /** The directory is created first when there is none. */
  readonly create: boolean;
  /** Of the issuing key; wiped once the signer has it. */
  readonly passphrase: Buffer | undefined;
  /** A Sendmail site whose place the relay takes: the directory is made of it. */
  readonly sendmail?: (SiteChoices & { readonly site: string }) | undefined;
}

export interface CreatedDirectory {
  readonly directory: string;
  readonly hostname: string;
  /** Files of interest, absolute. */
  readonly config: string;
  readonly rootCertificate: string;
}

export interface CliContext extends CommandContext {
  readonly process: {
    readonly stdout: CliStream;
    readonly stderr: CliStream;
    readonly env: Readonly<Partial<Record<string, string>>>;
    exitCode?: number | string | null;
  };
  readonly messages: Messages;
  /** From a -d before the command. */
  readonly directory: string | undefined;
  readonly root: boolean;
  readonly workingDirectory: string;
  readonly reach: Reach;
}

/** The data directory: -d, else SEALPOST_DIR, else the usual place. Absolute. */
export function directoryOf(context: CliContext, given: string | undefined): string {
  const chosen = given ?? context.directory ?? context.process.env['SEALPOST_DIR'];
  return resolve(
    context.workingDirectory,
    chosen === undefined || chosen === '' ? usualDirectory(context.root) : chosen,
  );
}

/** Runs an operation on the relay that the options of a command name. Rejects with a CliError. */
export function operate(
  context: CliContext,
  { directory }: { readonly directory?: string },
  operation: string,
  input: unknown,
): Promise<unknown> {
  return context.reach.operate(directoryOf(context, directory), operation, input);
}

/** Where the data lies when nothing says otherwise. */
export function usualDirectory(root: boolean): string {
  return root ? '/var/lib/sealpost' : './sealpost-data';
}

/** Prints for people or, with --json, for programs. */
export class Printer {
  readonly #context: CliContext;
  readonly #json: boolean;
  readonly paint: (colour: Colour, text: string) => string;

  constructor(context: CliContext, json: boolean) {
    this.#context = context;
    this.#json = json;
    this.paint = painter(hasColour(context.process.stdout, context.process.env));
  }

  /** The data as JSON when it was asked for, else what `words` makes of it. */
  data(value: unknown, words: () => string): void {
    this.#context.process.stdout.write(this.#json ? `${JSON.stringify(value, undefined, 2)}\n` : words());
  }

  say(key: MessageKey, values: Readonly<Record<string, string | number>> = {}): string {
    return fill(this.#context.messages, key, values);
  }
}

/** Colours only on terminals, and not with NO_COLOR (any value but empty). */
export function hasColour(stream: CliStream, environment: Readonly<Partial<Record<string, string>>>): boolean {
  return stream.isTTY === true && !environment['NO_COLOR'] && environment['TERM'] !== 'dumb';
}
