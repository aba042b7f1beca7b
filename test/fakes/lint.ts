/** What lint looks at, made in this process: an access file, settings, and certificates with any name. */
import { readFacts } from '../../src/admin/lint-files.ts';
import type { CertificateRole, LintSource } from '../../src/config/lint/input.ts';
import { noFiles } from '../../src/config/lint/input.ts';
import { encodeWrittenName, parseNameText } from '../../src/protocol/pki/name-text.ts';
import type { SendmailSettings } from '../../src/config/sendmail/site.ts';
import { NOON, outsider, type Outsider, type OutsiderWish } from './outsider.ts';

/** A CA, or a certificate of one; `subject` in the form of RFC 4514, most general first. */
export function named(subject: string, issuer?: Outsider, wish: OutsiderWish = {}): Outsider {
  return outsider(issuer, { name: encodeWrittenName(parseNameText(subject)), ca: issuer === undefined, ...wish });
}

export interface LintWish extends Partial<Omit<LintSource, 'access' | 'files'>> {
  /** PEM texts by path. */
  readonly pem?: Readonly<Record<string, string>>;
  readonly roles?: Readonly<Record<string, CertificateRole>>;
  readonly modes?: Readonly<Record<string, number>>;
  readonly files?: Partial<LintSource['files']>;
}

/** The access file is called `access`. */
export function lintSource(access: string | undefined, wish: LintWish = {}): LintSource {
  const { pem = {}, roles = {}, modes = {}, files = {}, ...rest } = wish;
  const read = Object.entries(pem).map(([path, text]) => ({
    path,
    mode: modes[path],
    bytes: Buffer.from(text, 'latin1'),
  }));
  const facts = readFacts(read, {
    roles: (path) => new Set(roles[path] === undefined ? [] : [roles[path]]),
    isRevocation: (path) => path === 'crl.pem',
  });
  return {
    access: access === undefined ? undefined : { file: 'access', text: access },
    features: new Map(),
    emailAlias: false,
    weakAccepted: false,
    localDomains: [],
    relayDomains: [],
    trustedNetworks: [],
    settings: undefined,
    settingsFile: 'sendmail.mc',
    now: NOON,
    ...rest,
    files: { ...noFiles, ...facts, ...files },
  };
}

/** Settings of a sendmail.mc that says nothing of what is not given. */
export function sendmailSettings(over: Partial<SendmailSettings> = {}): SendmailSettings {
  return {
    options: new Map(),
    features: new Map(),
    hostname: undefined,
    access: undefined,
    daemons: [],
    tls: {
      authorityPath: undefined,
      authorityFile: undefined,
      serverCertificate: undefined,
      serverKey: undefined,
      clientCertificate: undefined,
      clientKey: undefined,
      revocationFile: undefined,
      revocationPath: undefined,
      ciphers: undefined,
      serverOptions: [],
      clientOptions: [],
      requestOptions: '',
      fallbackToClear: false,
      permanentError: false,
    },
    auth: { mechanisms: [], trusted: [], options: '' },
    smartHost: undefined,
    relayPort: undefined,
    esmtpPort: undefined,
    privacyFlags: new Set(),
    dontBlame: new Set(),
    logLevel: 9,
    maxMessageSize: 0,
    maxRecipients: undefined,
    queueDirectory: undefined,
    recipes: new Set(),
    mailers: new Set(),
    masqueradeAs: undefined,
    ...over,
  };
}
