/** What lint looks at: an access file, the settings around it, and what was found in files. All of it is handed in. */
import type { Ms } from '../../base/clock.ts';
import type { Certificate } from '../../protocol/pki/certificate.ts';
import type { Given, Place, SendmailSettings, TableRow } from '../sendmail/site.ts';
import type { AccessLine } from './access-line.ts';

/** What a certificate is for, by the settings that name its file. */
export type CertificateRole = 'server' | 'client' | 'authority';

/** A certificate in a file, by where its PEM block begins. */
export interface FoundCertificate extends Place {
  readonly der: Uint8Array;
  readonly parsed: Certificate;
  /** As the access map has them. */
  readonly subject: string;
  readonly issuer: string;
  /** SHA-256, lower-case hexadecimal. */
  readonly fingerprint: string;
  /** Dotted. */
  readonly algorithm: string;
  /** Of an RSA key; undefined: another kind. */
  readonly rsaBits: number | undefined;
  readonly selfSigned: boolean;
  readonly roles: ReadonlySet<CertificateRole>;
}

export interface FoundKey extends Place {
  /** DER of SubjectPublicKeyInfo; undefined: it is encrypted or cannot be read. */
  readonly publicKey: Uint8Array | undefined;
  /** Needs a passphrase before it is worth anything. */
  readonly encrypted: boolean;
  /** Permission bits; undefined: not known. */
  readonly mode: number | undefined;
  readonly roles: ReadonlySet<'server' | 'client'>;
}

export interface FoundList extends Place {
  /** In the form of the access map; undefined: it cannot be read. */
  readonly issuer: string | undefined;
  readonly nextUpdate: Ms | undefined;
  /** Which one of its file it is, from 0. */
  readonly number: number;
  /** It is in the file that confCRL names. */
  readonly configured: boolean;
}

/** What a CA has on record, by its `index.txt` or ledger. */
export interface IssuedRecord extends Place {
  readonly subject: string;
  /** In the form of the access map; undefined: the record does not say which CA. */
  readonly issuer: string | undefined;
  readonly serial: string;
  readonly notAfter: Ms;
  readonly withdrawn: boolean;
}

/** A file that a setting names. */
export interface NamedFile {
  readonly setting: FileSetting;
  readonly path: string;
  readonly place: Place | undefined;
  readonly state: 'there' | 'missing' | 'unreadable' | 'empty';
}

export type FileSetting =
  | 'confCACERT'
  | 'confCACERT_PATH'
  | 'confSERVER_CERT'
  | 'confSERVER_KEY'
  | 'confCLIENT_CERT'
  | 'confCLIENT_KEY'
  | 'confCRL'
  | 'confCRL_PATH';

export interface FoundFiles {
  readonly certificates: readonly FoundCertificate[];
  readonly keys: readonly FoundKey[];
  readonly lists: readonly FoundList[];
  readonly issued: readonly IssuedRecord[];
  readonly named: readonly NamedFile[];
  /** PKCS#12 files; what is in them takes a passphrase. */
  readonly bundles: readonly string[];
  /** Names of the files directly in confCACERT_PATH and confCRL_PATH. */
  readonly authorityNames: readonly string[];
  readonly revocationNames: readonly string[];
}

export const noFiles: FoundFiles = {
  certificates: [],
  keys: [],
  lists: [],
  issued: [],
  named: [],
  bundles: [],
  authorityNames: [],
  revocationNames: [],
};

/** The access map and what changes its meaning. */
export interface AccessSource {
  readonly file: string;
  readonly text: string;
}

export interface LintSource {
  readonly access: AccessSource | undefined;
  /** FEATUREs that are on, by name, with their arguments; `skip`, `lookupdotdomain` and `relaytofulladdress` of access_db too. */
  readonly features: ReadonlyMap<string, Given<readonly string[]>>;
  /** Lines with /Email= also match /emailAddress=. */
  readonly emailAlias: boolean;
  /** MD5, SHA-1 and 1024 bits are accepted. */
  readonly weakAccepted: boolean;
  readonly localDomains: readonly TableRow[];
  readonly relayDomains: readonly TableRow[];
  /** Networks in CIDR form whose clients relay by address alone. */
  readonly trustedNetworks: readonly TableRow[];
  /** Undefined: the directory is one of our own. */
  readonly settings: SendmailSettings | undefined;
  /** Where TRUST_AUTH_MECH stands. */
  readonly trustPlace?: Place | undefined;
  /** The file with the settings. */
  readonly settingsFile: string;
  readonly files: FoundFiles;
  readonly now: Ms;
}

export interface LintInput extends LintSource {
  /** Every entry, those that makemap leaves out and that are meant as one included. */
  readonly lines: readonly AccessLine[];
}
