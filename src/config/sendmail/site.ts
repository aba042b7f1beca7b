/**
 * What an /etc/mail directory says: the settings of its `sendmail.mc` with Sendmail's own defaults, the tables beside it,
 * and what becomes of each line. Read by `read-site.ts`, made into our configuration by `convert.ts`, looked at by lint.
 */
import { type Problem, formatProblem } from '../load.ts';
import type { Note } from './note.ts';

/** Where something stands in a file; `line` counts from 1. */
export interface Place {
  /** As an operator would write it: the path that was read. */
  readonly file: string;
  readonly line: number;
}

/**
 * What became of a line. `kept`: it works here as it did there. `changed`: it works, but otherwise (`note` says how).
 * `dropped`: it has no effect here. `dangerous`: it works, and lets in or out what its author may not expect.
 */
export type Fate = 'kept' | 'changed' | 'dropped' | 'dangerous';

export interface Finding extends Place {
  readonly fate: Fate;
  /** The line or macro call as written, first line of it, at most 200 characters. */
  readonly text: string;
  /** Why, and what to do; undefined for `kept` as it stands. */
  readonly note: Note | undefined;
}

/** A value and where it was given; `place` undefined: Sendmail's default. */
export interface Given<T> {
  readonly value: T;
  readonly place: Place | undefined;
}

/** FEATURE(`access_db', …). */
export interface AccessDb {
  /** The map's text file: the path of the map without `.db`. */
  readonly file: string;
  /** `-o`: a missing map is an empty one. */
  readonly optional: boolean;
  readonly skip: boolean;
  readonly lookupDotDomain: boolean;
  readonly relayToFullAddress: boolean;
}

/** One DAEMON_OPTIONS line, or the two that Sendmail has without any. */
export interface DaemonOptions {
  readonly name: string;
  /** `inet`, `inet6`. */
  readonly family: string;
  /** Undefined: all. */
  readonly address: string | undefined;
  readonly port: number;
  /** Letters of `M=`. */
  readonly modifiers: string;
  readonly place: Place | undefined;
}

/** The settings of sendmail.mc after all definitions, paths as written. */
export interface SendmailSettings {
  /** Every `define`d conf* option that is not one of those below, by its m4 name. */
  readonly options: ReadonlyMap<string, Given<string>>;
  /** FEATUREs by name, with their arguments. */
  readonly features: ReadonlyMap<string, Given<readonly string[]>>;
  /** $j: confDOMAIN_NAME; undefined: the machine's own name. */
  readonly hostname: Given<string> | undefined;
  readonly access: Given<AccessDb> | undefined;
  readonly daemons: readonly DaemonOptions[];
  readonly tls: {
    readonly authorityPath: Given<string> | undefined;
    readonly authorityFile: Given<string> | undefined;
    readonly serverCertificate: Given<string> | undefined;
    readonly serverKey: Given<string> | undefined;
    readonly clientCertificate: Given<string> | undefined;
    readonly clientKey: Given<string> | undefined;
    readonly revocationFile: Given<string> | undefined;
    readonly revocationPath: Given<string> | undefined;
    /** confCIPHER_LIST. */
    readonly ciphers: Given<string> | undefined;
    readonly serverOptions: readonly string[];
    readonly clientOptions: readonly string[];
    /** confTLS_SRV_OPTIONS, letters. */
    readonly requestOptions: string;
    readonly fallbackToClear: boolean;
    /** TLS_PERM_ERR. */
    readonly permanentError: boolean;
  };
  readonly auth: {
    /** confAUTH_MECHANISMS. */
    readonly mechanisms: readonly string[];
    /** TRUST_AUTH_MECH. */
    readonly trusted: readonly string[];
    /** confAUTH_OPTIONS, letters. */
    readonly options: string;
  };
  /** SMART_HOST as written, `mailer:host` or `host`. */
  readonly smartHost: Given<string> | undefined;
  /** Port of RELAY_MAILER_ARGS / ESMTP_MAILER_ARGS; undefined: 25. */
  readonly relayPort: number | undefined;
  readonly esmtpPort: number | undefined;
  readonly privacyFlags: ReadonlySet<string>;
  readonly dontBlame: ReadonlySet<string>;
  readonly logLevel: number;
  /** confMAX_MESSAGE_SIZE in octets, 0: none. */
  readonly maxMessageSize: number;
  readonly maxRecipients: number | undefined;
  readonly queueDirectory: Given<string> | undefined;
  /** Recipes in LOCAL_RULESETS that are understood. */
  readonly recipes: ReadonlySet<'verify-ok' | 'verify-ok-auth' | 'cert-cn'>;
  readonly mailers: ReadonlySet<string>;
  /** MASQUERADE_AS. */
  readonly masqueradeAs: Given<string> | undefined;
}

/** One row of a table: key and value as written, blanks around them gone. */
export interface TableRow extends Place {
  readonly key: string;
  readonly value: string;
}

/** An alias: its name in lower case and the right-hand side, split at the commas. */
export interface AliasRow extends Place {
  readonly name: string;
  readonly targets: readonly string[];
}

export interface SendmailTables {
  /** Class w, from local-host-names, LOCAL_DOMAIN and Sendmail's own ($j, localhost, `[127.0.0.1]`). */
  readonly localDomains: readonly TableRow[];
  /** Class R. */
  readonly relayDomains: readonly TableRow[];
  /** The access map's text; undefined: the file is not there. */
  readonly access: { readonly file: string; readonly text: string } | undefined;
  readonly mailertable: readonly TableRow[];
  readonly virtusertable: readonly TableRow[];
  /** Class VirtHost, which is part of class R too. */
  readonly virtualDomains: readonly TableRow[];
  readonly genericstable: readonly TableRow[];
  readonly genericsDomains: readonly TableRow[];
  readonly domaintable: readonly TableRow[];
  /** Classes M, N and E: domains behind the masquerade, those that are not, and users who are seen. */
  readonly masqueradeDomains: readonly TableRow[];
  readonly masqueradeExceptions: readonly TableRow[];
  readonly exposedUsers: readonly TableRow[];
  readonly aliases: readonly AliasRow[];
  readonly trustedUsers: readonly TableRow[];
  /** Passwords are in it: never shown. */
  readonly authinfo: readonly TableRow[];
}

export interface SendmailSite {
  readonly directory: string;
  readonly settings: SendmailSettings;
  readonly tables: SendmailTables;
  /** In the order of the files and their lines. */
  readonly findings: readonly Finding[];
}

/** How the reader reaches files, so that it can be tried without any. */
export interface SiteFiles {
  /** The file's octets as UTF-8 (with replacement), or undefined when there is none. Throws when it cannot be read. */
  read(path: string): string | undefined;
  /** Names in a directory, empty when there is none. */
  list(path: string): readonly string[];
}

/** Nothing can be made of a site: each problem with file, line and what to do. */
export class SiteFault extends Error {
  override readonly name = 'SiteFault';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.problems = problems;
  }
}
