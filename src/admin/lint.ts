/** What an operator can ask of a mail server's files: whether they say what was meant, and what would have to be changed. */
import { isAbsolute, posix, relative } from 'node:path';
import type { Ms } from '../base/clock.ts';
import { authorityFiles } from '../ca/setup.ts';
import { effectiveConfig } from '../config/effective.ts';
import type { LintFinding } from '../config/lint/finding.ts';
import { type FixedFile, fixAccess } from '../config/lint/fix.ts';
import type { CertificateRole, FileSetting, IssuedRecord, LintSource, NamedFile } from '../config/lint/input.ts';
import { lint } from '../config/lint/lint.ts';
import { CONFIG_FILE } from '../config/schema.ts';
import type { Given, Place, SendmailSettings, SendmailSite } from '../config/sendmail/site.ts';
import type { AdminContext } from './context.ts';
import { type ReadFile, readFacts } from './lint-files.ts';

export interface LintReport {
  readonly findings: readonly LintFinding[];
  /** The access file as it would have to be; null: it is as it has to be, or nobody asked. */
  readonly fixed: FixedAccess | null;
}

export interface FixedAccess extends FixedFile {
  /** The file as it is. */
  readonly file: string;
}

/** How lint reaches a Sendmail site's files. */
export interface LintReader {
  /** All files below a directory that are small enough to look at, by their whole path, in order. */
  below(directory: string): readonly ReadFile[];
  /** One file; `missing`, or `unreadable`. */
  read(path: string): ReadFile | 'missing' | 'unreadable';
  /** Names in a directory, none when it is not there; undefined when it cannot be read. */
  list(path: string): readonly string[] | undefined;
}

export interface LintChoices {
  readonly fix: boolean;
  readonly compatibility: readonly string[];
  /** Directories of CAs besides the site's. */
  readonly authorities: readonly string[];
}

/** Lints a Sendmail site. */
export function lintSite(site: SendmailSite, reader: LintReader, now: Ms, choices: LintChoices): LintReport {
  return report(siteSource(site, reader, now, choices), choices.fix);
}

function report(source: LintSource, fix: boolean): LintReport {
  const fixed = fix ? fixAccess(source) : undefined;
  const file = source.access?.file ?? '';
  return { findings: lint(source), fixed: fixed === undefined ? null : { file, ...fixed } };
}

function siteSource(site: SendmailSite, reader: LintReader, now: Ms, choices: LintChoices): LintSource {
  const { settings, tables, directory } = site;
  const named = namedFiles(settings, directory, reader);
  const pathOf = (setting: FileSetting): string | undefined => named.find((one) => one.setting === setting)?.path;
  const rolesBy = new Map<string, Set<CertificateRole>>();
  for (const [setting, role] of ROLES) {
    const path = pathOf(setting);
    if (path !== undefined) rolesBy.set(path, (rolesBy.get(path) ?? new Set<CertificateRole>()).add(role));
  }
  const files = new Map<string, ReadFile>();
  for (const root of [directory, ...choices.authorities])
    for (const file of reader.below(root)) files.set(file.path, file);
  for (const { path } of named) {
    const file = files.has(path) ? undefined : reader.read(path);
    if (typeof file === 'object') files.set(path, file);
  }
  const hashed = pathOf('confCACERT_PATH')?.replace(/\/+$/, '');
  const authorityNames = (hashed === undefined ? undefined : reader.list(hashed)) ?? [];
  const revocationPath = pathOf('confCRL_PATH');
  const facts = readFacts([...files.values()], {
    roles: (path) => {
      const isLink = posix.dirname(path) === hashed && /^[0-9a-f]{8}\.\d+$/.test(posix.basename(path));
      return rolesBy.get(path) ?? new Set<CertificateRole>(isLink ? ['authority'] : []);
    },
    isRevocation: (path) => path === pathOf('confCRL'),
  });
  return {
    access: tables.access,
    features: featuresOf(settings),
    emailAlias: choices.compatibility.includes('email-alias'),
    weakAccepted:
      choices.compatibility.includes('weak-signatures') || /@SECLEVEL=0/i.test(settings.tls.ciphers?.value ?? ''),
    localDomains: tables.localDomains,
    relayDomains: tables.relayDomains,
    trustedNetworks: [],
    settings,
    trustPlace: site.findings.find(({ text }) => text.startsWith('TRUST_AUTH_MECH')),
    settingsFile: posix.join(directory, 'sendmail.mc'),
    files: {
      ...facts,
      named,
      authorityNames,
      revocationNames: (revocationPath === undefined ? undefined : reader.list(revocationPath)) ?? [],
    },
    now,
  };
}

const ROLES: readonly (readonly [FileSetting, CertificateRole])[] = [
  ['confSERVER_CERT', 'server'],
  ['confSERVER_KEY', 'server'],
  ['confCLIENT_CERT', 'client'],
  ['confCLIENT_KEY', 'client'],
  ['confCACERT', 'authority'],
];

/** Files that settings name, where they are found: what lies in /etc/mail may have been copied elsewhere to be looked at. */
function namedFiles({ tls }: SendmailSettings, directory: string, reader: LintReader): NamedFile[] {
  const given: readonly (readonly [FileSetting, Given<string> | undefined])[] = [
    ['confCACERT', tls.authorityFile],
    ['confCACERT_PATH', tls.authorityPath],
    ['confSERVER_CERT', tls.serverCertificate],
    ['confSERVER_KEY', tls.serverKey],
    ['confCLIENT_CERT', tls.clientCertificate],
    ['confCLIENT_KEY', tls.clientKey],
    ['confCRL', tls.revocationFile],
    ['confCRL_PATH', tls.revocationPath],
  ];
  return given.flatMap(([setting, value]) => {
    if (value === undefined || value.value === '') return [];
    const written = posix.normalize(isAbsolute(value.value) ? value.value : posix.join(directory, value.value));
    const copied = /^\/etc\/mail(?=\/|$)/.test(written) ? posix.join(directory, written.slice(9)) : written;
    const states = [written, copied].map((path) => ({ path, state: stateOf(setting, path, reader) }));
    const found = states.find(({ state }) => state !== 'missing') ?? { path: copied, state: 'missing' as const };
    return [{ setting, place: value.place, ...found }];
  });
}

function stateOf(setting: FileSetting, path: string, reader: LintReader): NamedFile['state'] {
  if (setting.endsWith('_PATH')) {
    const names = reader.list(path);
    return names === undefined ? 'unreadable' : names.length > 0 ? 'there' : 'missing';
  }
  const file = reader.read(path);
  return typeof file === 'string' ? file : file.bytes.length === 0 ? 'empty' : 'there';
}

function featuresOf({ features, access }: SendmailSettings): Map<string, Given<readonly string[]>> {
  const all = new Map([...features].map(([name, given]) => [name.toLowerCase(), given]));
  const on = { value: [], place: access?.place };
  if (access?.value.skip) all.set('skip', on);
  if (access?.value.lookupDotDomain) all.set('lookupdotdomain', on);
  if (access?.value.relayToFullAddress) all.set('relaytofulladdress', on);
  return all;
}

/** Lints our own access map with what the configuration and the CA's ledger say. */
export async function lintOwn(
  context: AdminContext,
  { fix }: { readonly fix?: boolean | undefined },
): Promise<LintReport> {
  return report(await ownSource(context), fix === true);
}

/** So many certificates are compared with the lines of the map. */
const MOST_RECORDS = 200_000;

async function ownSource(context: AdminContext): Promise<LintSource> {
  const { config, files, clock } = context;
  const read = async (path: string): Promise<ReadFile | undefined> => {
    try {
      return {
        path,
        mode: undefined,
        bytes: await files.read(isAbsolute(path) ? relative(context.directory, path) : path),
      };
    } catch {
      return undefined; // `config check` tells of files that are not there
    }
  };
  const map = config.access.map === 'none' ? undefined : config.access.map === 'auto' ? 'access' : config.access.map;
  const access = map === undefined ? undefined : await read(map);
  const settings = await read(CONFIG_FILE);
  const placeOf = placesIn(settings === undefined ? '' : Buffer.from(settings.bytes).toString('utf8'));
  const server = [config.tls.certificate, config.tls.key];
  const authorities = [...config.tls.authorities, authorityFiles.issuingCertificate, authorityFiles.rootCertificate];
  const found = await Promise.all([...new Set([...server, ...authorities])].map(read));
  const facts = readFacts(
    found.filter((file) => file !== undefined),
    {
      roles: (path) => new Set<CertificateRole>(server.includes(path) ? ['server'] : ['authority']),
      isRevocation: () => false,
    },
  );
  const row = (key: string, place: Place) => ({ key, value: '', ...place });
  return {
    access: access === undefined ? undefined : { file: access.path, text: Buffer.from(access.bytes).toString('utf8') },
    features: ownFeatures(context, placeOf('access.features')),
    emailAlias: config.compatibility.includes('email-alias'),
    weakAccepted: config.compatibility.includes('weak-signatures'),
    localDomains: config.access.localDomains.map((key) => row(key, placeOf('access.localDomains'))),
    relayDomains: config.access.relayDomains.map((key) => row(key, placeOf('access.relayDomains'))),
    trustedNetworks: config.access.trustedNetworks.map((key) => row(key, placeOf('access.trustedNetworks'))),
    settings: undefined,
    settingsFile: CONFIG_FILE,
    files: { ...facts, issued: ownRecords(context), named: [], authorityNames: [], revocationNames: [] },
    now: clock.now(),
  };
}

function ownFeatures({ config }: AdminContext, place: Place): Map<string, Given<readonly string[]>> {
  const { features, blocklistRecipients, delayChecks, spam } = config.access;
  const on = new Map<string, Given<readonly string[]>>(
    features.map((name) => [name.toLowerCase(), { value: [], place }]),
  );
  if (blocklistRecipients) on.set('blocklist_recipients', { value: [], place });
  if (delayChecks) on.set('delay_checks', { value: spam === undefined ? [] : [spam], place });
  return on;
}

/** The ledger, as an OpenSSL CA's index would say it. */
function ownRecords({ ledger }: AdminContext): IssuedRecord[] {
  return ledger.find({ limit: MOST_RECORDS }).map(({ subject, issuer, serial, notAfter, state, holder }) => ({
    file: holder,
    line: 0,
    subject,
    issuer,
    serial,
    notAfter,
    withdrawn: state !== 'active',
  }));
}

/** Where keys of the configuration stand. */
function placesIn(text: string): (key: string) => Place {
  const { keys } = effectiveConfig(text, CONFIG_FILE);
  return (name) => {
    const source = keys.find(({ key }) => key === name)?.source ?? '';
    return { file: CONFIG_FILE, line: Number(/:(\d+)$/.exec(source)?.[1] ?? 1) };
  };
}
