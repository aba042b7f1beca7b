/**
 * A Sendmail site as our configuration: the object that sealpost.yaml would hold. Everything the relay does in Sendmail's
 * place is said there and nowhere else. Pure; paths stay as Sendmail has them, which are absolute.
 */
import { privacyFlags } from '../../protocol/smtp/server-manner.ts';
import type { CertificatePart } from '../../relay/access/certificate-part.ts';
import type { AccessFeature } from '../../relay/access/feature.ts';
import { mailHub, siteRoutes } from './mailertable.ts';
import { isMechanism } from './options.ts';
import { readRegexMap } from './regex-map.ts';
import type { SendmailSettings, SendmailSite, TableRow } from './site.ts';
import { parseDuration } from '../units.ts';

/** What is not in the directory. */
export interface SiteSurroundings {
  /** The machine's own full name, where confDOMAIN_NAME gives none. */
  readonly hostname: string;
  /** Names of the machine's users, who have mailboxes in Sendmail's eyes. */
  readonly users: readonly string[];
  /** Name servers to ask instead of those of the machine. */
  readonly resolver: readonly string[];
  /** Switches of `compatibility`. */
  readonly compatibility: readonly string[];
}

/** An object as a YAML file holds it. */
export type RawConfig = Readonly<Record<string, unknown>>;

/** Sendmail refuses no command for having refused many. */
const NEVER = 10_000;

/** The most that `limits` takes. */
const LARGEST_MESSAGE = 10 * 2 ** 30;
const MOST_RECIPIENTS = 100_000;

/** The longest that `schedule` takes. */
const MONTH = 30 * 86_400_000;

/** The only group that Sendmail 8.17 does key exchange with, measured. */
const SENDMAIL_GROUPS = 'P-256';

export function convertSite(read: SendmailSite, surroundings: SiteSurroundings): RawConfig {
  const site = onMachine(read, surroundings.hostname);
  const { settings, tables } = site;
  const resolver = surroundings.resolver;
  return {
    hostname: settings.hostname?.value ?? surroundings.hostname,
    listeners: listeners(settings),
    tls: tls(settings),
    smtp: { dialect: 'sendmail', privacy: [...settings.privacyFlags].filter((flag) => flag in privacyFlags) },
    access: {
      ...access(settings),
      localDomains: keys(tables.localDomains).filter(isHost),
      relayDomains: keys(tables.relayDomains).filter(isHost),
      ...localUsers(site, surroundings.users),
    },
    limits: limits(settings),
    schedule: schedule(settings),
    delivery: {
      ...delivery(site),
      ...(resolver.length === 0 ? {} : { resolver: [...resolver] }),
    },
    recipients: recipients(site),
    senders: senders(site),
    auth: auth(settings),
    log: { format: 'sendmail' },
    names: { lookupClientNames: true },
    // There is no CA of ours whose lists could be served.
    web: { http: { enabled: false }, https: { enabled: false } },
    acme: { enabled: false },
    ...(surroundings.compatibility.length === 0 ? {} : { compatibility: [...surroundings.compatibility] }),
  };
}

/** In class w Sendmail has the machine's own name in any case, in full and without its domain. */
function onMachine(site: SendmailSite, machine: string): SendmailSite {
  const [short = '', ...domain] = machine.split('.');
  if (domain.length === 0) return site;
  const { localDomains } = site.tables;
  const place = { file: localDomains[0]?.file ?? site.directory, line: localDomains[0]?.line ?? 1 };
  const own = [machine, short].map((key) => ({ ...place, key, value: '' }));
  return { ...site, tables: { ...site.tables, localDomains: [...localDomains, ...own] } };
}

/** What else stands in a class is compared with nothing; the report names it. */
function isHost(word: string): boolean {
  return !/[\s@/]/.test(word) && (!word.includes(':') || /^\[?IPv6:/i.test(word));
}

function keys(rows: readonly TableRow[]): string[] {
  return [...new Set(rows.map(({ key }) => key))];
}

function listeners({ daemons, tls: { requestOptions } }: SendmailSettings): object[] {
  const names = new Set<string>();
  return daemons.map(({ name: written, family, address, port, modifiers }) => {
    const name = unique(written.replaceAll(/[^A-Za-z0-9._-]/g, '-').replace(/^[^A-Za-z0-9]+/, '') || 'MTA', names);
    return {
      name,
      address: address ?? (family === 'inet6' ? '::' : '0.0.0.0'),
      port,
      role: 'relay',
      tls: modifiers.includes('s') ? 'implicit' : modifiers.includes('S') ? 'none' : 'starttls',
      certificates: requestOptions.includes('V') ? 'no' : 'ask',
      ...(modifiers.includes('A') ? { auth: 'no' } : modifiers.includes('a') ? { auth: 'require' } : {}),
    };
  });
}

function unique(name: string, taken: Set<string>): string {
  let free = name;
  for (let number = 2; taken.has(free); number++) free = `${name}-${number}`;
  taken.add(free);
  return free;
}

/**
 * STARTTLS is offered when certificate, key, CA file and CA directory are all there (SEMANTICS measured on 8.17); with one
 * of them unnamed the certificate stays unnamed here, which comes to the same.
 */
function tls({ tls: given, dontBlame }: SendmailSettings): object {
  const { authorityFile, authorityPath, serverCertificate, serverKey } = given;
  const whole = authorityFile && authorityPath && serverCertificate && serverKey;
  return {
    ...(whole
      ? {
          certificate: serverCertificate.value,
          key: serverKey.value,
          authorities: [authorityFile.value],
          authorityPaths: [authorityPath.value],
        }
      : {}),
    ownAuthority: false,
    unusable: 'no-starttls',
    keyMode: dontBlame.has('groupreadablekeyfile') ? 'group' : 'owner',
    groups: [SENDMAIL_GROUPS],
    // Node's list and its order differ from OpenSSL's: under TLSv1.2 they would give fewer bits than Sendmail's rules expect.
    ciphers: given.ciphers?.value ?? 'DEFAULT',
    options: ['-SSL_OP_CIPHER_SERVER_PREFERENCE', ...given.serverOptions],
    ...(given.revocationFile === undefined ? {} : { revocationLists: [given.revocationFile.value] }),
    ...(given.revocationPath === undefined ? {} : { revocationPaths: [given.revocationPath.value] }),
  };
}

/** FEATUREs that change nothing but policy, by Sendmail's name; those with arguments are below. */
const plainFeatures: readonly AccessFeature[] = [
  'relay_hosts_only',
  'relay_entire_domain',
  'relay_local_from',
  'relay_based_on_MX',
  'promiscuous_relay',
  'loose_relay_check',
  'accept_unresolvable_domains',
  'accept_unqualified_senders',
  'require_rdns',
  'check_cert_altnames',
];

function access(settings: SendmailSettings): object {
  const map = settings.access?.value;
  const friends = settings.features.get('delay_checks')?.value[0]?.toLowerCase();
  return {
    map: map === undefined ? 'none' : map.file,
    ...(map === undefined ? {} : { missingMap: map.optional ? 'empty' : 'defer' }),
    trustedMechanisms: settings.auth.trusted.filter(isMechanism),
    blocklistRecipients: hasFeature(settings, 'blocklist_recipients') || hasFeature(settings, 'blacklist_recipients'),
    delayChecks: hasFeature(settings, 'delay_checks'),
    ...certificateParts(settings),
    ...(friends === 'friend' || friends === 'hater' ? { spam: friends } : {}),
    features: features(settings),
  };
}

function certificateParts({ options }: SendmailSettings): object {
  const part = (name: string): CertificatePart | undefined => readRegexMap(options.get(name)?.value ?? '');
  const issuer = part('_CERT_REGEX_ISSUER_');
  const subject = part('_CERT_REGEX_SUBJECT_');
  if (issuer === undefined && subject === undefined) return {};
  return { certificateParts: { ...(issuer && { issuer }), ...(subject && { subject }) } };
}

function features(settings: SendmailSettings): AccessFeature[] {
  const found: AccessFeature[] = ['sendmail', ...plainFeatures.filter((name) => hasFeature(settings, name))];
  const map = settings.access?.value;
  const unqualified = settings.daemons.every(({ modifiers }) => modifiers.includes('u'));
  if (unqualified && !found.includes('accept_unqualified_senders')) found.push('accept_unqualified_senders');
  if (map?.skip) found.push('skip');
  if (map?.lookupDotDomain || hasFeature(settings, 'lookupdotdomain')) found.push('lookupdotdomain');
  if (map?.relayToFullAddress) found.push('relaytofulladdress');
  const from = settings.features.get('relay_mail_from')?.value;
  if (from !== undefined) found.push(from[0] === 'domain' ? 'relay_mail_from_domain' : 'relay_mail_from');
  for (const name of ['nopercenthack', 'nouucp'] as const) {
    const way = settings.features.get(name)?.value[0];
    if (way === 'nospecial' || way === 'reject') found.push(`${name}_${way}`);
  }
  if (settings.tls.permanentError) found.push('tls_perm_err');
  if (settings.recipes.has('verify-ok')) found.push('verify_ok_relays');
  if (settings.recipes.has('verify-ok-auth')) found.push('verify_ok_authenticates');
  if (settings.recipes.has('cert-cn')) found.push('cert_cn_relays');
  return found;
}

/** A client certificate that is half given is none. */
function delivery(site: SendmailSite): object {
  const { authorityFile, authorityPath, clientCertificate, clientKey, fallbackToClear } = site.settings.tls;
  const { routes } = siteRoutes(site);
  const { esmtpPort } = site.settings;
  const { access } = site.tables;
  // Without a table of their own they stand in the access map.
  const isInAccess = !hasFeature(site.settings, 'authinfo') && /^AuthInfo:/im.test(access?.text ?? '');
  const authinfo = isInAccess ? access?.file : site.tables.authinfo[0]?.file;
  return {
    ...(clientCertificate && clientKey
      ? { identity: { certificate: clientCertificate.value, key: clientKey.value } }
      : {}),
    ...(authorityFile === undefined ? {} : { authorities: [authorityFile.value] }),
    ...(authorityPath === undefined ? {} : { authorityPaths: [authorityPath.value] }),
    ...(fallbackToClear ? { tlsFallback: true } : {}),
    ...(esmtpPort === undefined ? {} : { port: esmtpPort }),
    ...(routes.length === 0 ? {} : { routes: routes.map((route) => ({ ...route, domains: [...route.domains] })) }),
    ...(authinfo === undefined ? {} : { authinfo }),
  };
}

function recipients({ settings, tables }: SendmailSite): object {
  return {
    aliases: [...new Set(tables.aliases.map(({ file }) => file))],
    ...fileOf('virtual', tables.virtusertable),
    virtualDomains: withSubdomains(keys(tables.virtualDomains), hasFeature(settings, 'virtuser_entire_domain')),
    ...fileOf('domains', tables.domaintable),
  };
}

function senders(site: SendmailSite): object {
  const { settings, tables } = site;
  const domains = withSubdomains(keys(tables.genericsDomains), hasFeature(settings, 'generics_entire_domain'));
  return {
    ...(tables.genericstable.length === 0
      ? {}
      : { ...fileOf('generic', tables.genericstable), genericDomains: domains }),
    ...masquerade(site),
    envelope: hasFeature(settings, 'masquerade_envelope'),
    recipients: hasFeature(settings, 'allmasquerade'),
    qualify: true,
  };
}

/** Class M, and class w but with limited_masquerade; names without a domain are always behind it. */
function masquerade({ settings, tables }: SendmailSite): object {
  const as = settings.masqueradeAs?.value.replace(/\.$/, '');
  if (as === undefined || !/^[^\s@/:]+$/u.test(as)) return {};
  const entire = hasFeature(settings, 'masquerade_entire_domain');
  const own = hasFeature(settings, 'limited_masquerade') ? [] : keys(tables.localDomains);
  return {
    masquerade: {
      as,
      domains: [...new Set([...withSubdomains(keys(tables.masqueradeDomains), entire), ...own])],
      exceptions: keys(tables.masqueradeExceptions),
      exposed: keys(tables.exposedUsers),
    },
  };
}

function withSubdomains(domains: readonly string[], wanted: boolean): string[] {
  return wanted ? domains.flatMap((domain) => [domain, `.${domain}`]) : [...domains];
}

function fileOf(key: string, [row]: readonly TableRow[]): object {
  return row === undefined ? {} : { [key]: row.file };
}

/** `A` in the modifiers of every daemon switches AUTH off. Without `p` in AuthOptions passwords go in clear too. */
function auth({ auth: given, daemons, hostname }: SendmailSettings): object {
  const off = daemons.every(({ modifiers }) => modifiers.includes('A'));
  const domain = hostname?.value.slice(hostname.value.indexOf('.') + 1);
  return {
    mechanisms: off ? [] : given.mechanisms.filter(isMechanism),
    ...(given.options.includes('p') ? {} : { plaintextWithoutTls: true }),
    // $m: where users are whose names come without a domain.
    ...(domain === undefined || !domain.includes('.') ? {} : { realm: domain }),
  };
}

function hasFeature({ features: given }: SendmailSettings, name: string): boolean {
  return given.has(name);
}

/** Who has a mailbox in Sendmail's eyes; with a hub that is the hub's business. */
function localUsers({ settings, tables }: SendmailSite, users: readonly string[]): object {
  if (mailHub(settings) !== undefined) return {};
  return { localUsers: [...new Set([...users, ...tables.aliases.map(({ name }) => name)])].toSorted() };
}

/** `5d`, `4h30m`; a number alone is days before mail is given up, hours before its sender is told. */
function schedule({ options }: SendmailSettings): object {
  const time = (name: string, unit: string, least: string): string | undefined => {
    const text = (options.get(name)?.value ?? '').trim().toLowerCase().replace(/\d$/, `$&${unit}`);
    const span = parseDuration(text);
    const within = span !== undefined && span >= (parseDuration(least) ?? 0) && span <= MONTH;
    return within ? text : undefined;
  };
  const expiry = time('confTO_QUEUERETURN', 'd', '1m');
  const delayNotice = time('confTO_QUEUEWARN', 'h', '0');
  return { ...(expiry === undefined ? {} : { expiry }), ...(delayNotice === undefined ? {} : { delayNotice }) };
}

function limits({ maxMessageSize, maxRecipients }: SendmailSettings): object {
  return {
    ...(maxMessageSize > 0 ? { messageSize: Math.min(maxMessageSize, LARGEST_MESSAGE) } : {}),
    ...(maxRecipients === undefined ? {} : { recipients: Math.min(maxRecipients, MOST_RECIPIENTS) }),
    errors: NEVER,
  };
}
