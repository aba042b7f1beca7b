/** The facts of sendmail.mc as settings, with Sendmail's defaults where nothing is said. */
import type { Problem } from '../load.ts';
import { readDaemons } from './daemons.ts';
import type { Recipe } from './local-lines.ts';
import type { MacroFacts } from './macros.ts';
import type { AccessDb, Given, SendmailSettings } from './site.ts';

export interface ReadSettings {
  readonly settings: SendmailSettings;
  readonly problems: readonly Problem[];
}

/** Sendmail's own list (cf/README, confAUTH_MECHANISMS). */
const usualMechanisms: readonly string[] = ['EXTERNAL', 'GSSAPI', 'KERBEROS_V4', 'DIGEST-MD5', 'CRAM-MD5'];

/** `settingsDirectory`: MAIL_SETTINGS_DIR, for the access map that has no path. */
export function settingsOf(facts: MacroFacts, recipes: ReadonlySet<Recipe>, settingsDirectory: string): ReadSettings {
  const { options, features, classes } = facts;
  const given = (name: string): Given<string> | undefined => {
    const option = options.get(name);
    return option === undefined || option.value === '' ? undefined : option;
  };
  const text = (name: string): string => given(name)?.value ?? '';
  const words = (name: string): string[] =>
    text(name)
      .split(/[\s,]+/)
      .filter(Boolean);
  const { daemons, problems } = readDaemons(facts.daemons, options.has('_NETINET6_'), !features.has('no_default_msa'));
  const nullClient = features.get('nullclient');
  const hub = nullClient?.value[0];
  const settings: SendmailSettings = {
    options,
    features,
    hostname: given('confDOMAIN_NAME'),
    access: accessDb(features.get('access_db'), settingsDirectory),
    daemons,
    tls: {
      authorityPath: given('confCACERT_PATH'),
      authorityFile: given('confCACERT'),
      serverCertificate: given('confSERVER_CERT'),
      serverKey: given('confSERVER_KEY'),
      clientCertificate: given('confCLIENT_CERT'),
      clientKey: given('confCLIENT_KEY'),
      revocationFile: given('confCRL'),
      revocationPath: given('confCRL_PATH'),
      ciphers: given('confCIPHER_LIST'),
      serverOptions: words('confSERVER_SSL_OPTIONS'),
      clientOptions: words('confCLIENT_SSL_OPTIONS'),
      requestOptions: text('confTLS_SRV_OPTIONS').replaceAll(/[^A-Za-z]/g, ''),
      fallbackToClear: /^(?:true|t|yes|y|1|)$/i.test(options.get('confTLS_FALLBACK_TO_CLEAR')?.value ?? 'false'),
      permanentError: options.has('TLS_PERM_ERR'),
    },
    auth: {
      mechanisms: options.has('confAUTH_MECHANISMS') ? words('confAUTH_MECHANISMS') : usualMechanisms,
      trusted: (classes.get('TrustAuthMech') ?? []).map(({ value }) => value),
      options: text('confAUTH_OPTIONS').replaceAll(/[^A-Za-z]/g, ''),
    },
    smartHost: given('SMART_HOST') ?? (hub === undefined ? undefined : { value: hub, place: nullClient?.place }),
    relayPort: mailerPort(text('RELAY_MAILER_ARGS')),
    esmtpPort: mailerPort(text('ESMTP_MAILER_ARGS')),
    privacyFlags: new Set(words('confPRIVACY_FLAGS').map((word) => word.toLowerCase())),
    dontBlame: new Set(words('confDONT_BLAME_SENDMAIL').map((word) => word.toLowerCase())),
    logLevel: wholeNumber(text('confLOG_LEVEL')) ?? 9,
    maxMessageSize: wholeNumber(text('confMAX_MESSAGE_SIZE')) ?? 0,
    maxRecipients: wholeNumber(text('confMAX_RCPTS_PER_MESSAGE')) || undefined,
    queueDirectory: given('QUEUE_DIR'),
    recipes,
    mailers: facts.mailers,
    masqueradeAs: facts.masqueradeAs,
  };
  return { settings, problems };
}

/** `hash -T<TMPF> -o /etc/mail/access`; without a path it is `access` in the settings' directory. */
function accessDb(
  feature: Given<readonly string[]> | undefined,
  settingsDirectory: string,
): Given<AccessDb> | undefined {
  if (feature === undefined) return undefined;
  const [specification = '', ...flags] = feature.value;
  const words = specification.split(/\s+/).filter(Boolean);
  // A map of another kind has no text that could be read: without it no certificate relays.
  if (words[0] !== undefined && !textMaps.has(words[0].toLowerCase())) return undefined;
  const path = words.length > 1 ? words.at(-1) : undefined;
  const has = (flag: string): boolean => flags.some((word) => word.toLowerCase() === flag);
  return {
    place: feature.place,
    value: {
      file: (path === undefined || path.startsWith('-') ? `${settingsDirectory}access` : path).replace(/\.db$/, ''),
      optional: words.slice(1, -1).some((word) => word.startsWith('-o')),
      skip: has('skip'),
      lookupDotDomain: has('lookupdotdomain'),
      relayToFullAddress: has('relaytofulladdress'),
    },
  };
}

/** Kinds of maps that are made of a text file. */
const textMaps: ReadonlySet<string> = new Set(['hash', 'btree', 'dbm', 'cdb', 'text', 'implicit']);

/** `TCP $h 2600`. */
function mailerPort(text: string): number | undefined {
  const port = Number(/^\s*(?:TCP|IPC)\s+\S+\s+(\d{1,5})\s*$/.exec(text)?.[1]);
  return port > 0 && port < 65_536 ? port : undefined;
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,12}$/.test(text) ? Number(text) : undefined;
}
