/**
 * Sendmail's mailertable, MAIL_HUB and SMART_HOST as our routes. Sendmail looks a domain up whole, then by its parents with a dot
 * before them, then `.`; here the first route that fits counts, so the longest come first. Pure.
 */
import { note } from './note.ts';
import type { Finding, Given, SendmailSettings, SendmailSite, TableRow } from './site.ts';

/** A route as sealpost.yaml has it. */
export interface SiteRoute {
  readonly domains: readonly string[];
  readonly to?: string;
  readonly otherwise?: readonly string[];
  readonly refuse?: string;
  readonly hold?: string;
}

export interface SiteRoutes {
  readonly routes: readonly SiteRoute[];
  readonly findings: readonly Finding[];
}

/** Ports by mailer: `TCP $h port` of RELAY_MAILER_ARGS and ESMTP_MAILER_ARGS. */
interface MailerPorts {
  readonly relay: number;
  readonly esmtp: number;
}

/** Mailers that speak SMTP; all of MAILER(`smtp') share the arguments of esmtp but relay. */
const NETWORK: ReadonlySet<string> = new Set(['relay', 'esmtp', 'smtp', 'smtp8', 'dsmtp']);

/** Where the site's mail goes: by its mailertable, that of local users to their hub, all else to its smart host. */
export function siteRoutes({ settings, tables }: SendmailSite): SiteRoutes {
  const ports = { relay: settings.relayPort ?? 25, esmtp: settings.esmtpPort ?? 25 };
  const local = new Set(tables.localDomains.map(({ key }) => key.toLowerCase()));
  const table = mailertableRoutes(tables.mailertable, ports, local);
  const hub = localRoutes(mailHub(settings), tables.localDomains, ports);
  const smart = smartHostRoutes(settings.smartHost, ports);
  const rest = table.routes.filter(({ domains }) => domains.includes('*'));
  return {
    routes: [...table.routes.filter((route) => !rest.includes(route)), ...hub.routes, ...rest, ...smart.routes],
    findings: [...table.findings, ...hub.findings, ...smart.findings],
  };
}

/** Where mail for local users goes that no alias names: MAIL_HUB, else LOCAL_RELAY, which comes to the same. */
export function mailHub({ options }: SendmailSettings): Given<string> | undefined {
  return ['MAIL_HUB', 'LOCAL_RELAY'].map((name) => options.get(name)).find((given) => given?.value.trim());
}

const NO_MAILBOX = 'no mailbox is kept here; give this domain a route, then release its mail';

/**
 * Without a hub, mail for users of the machine itself is accepted, as Sendmail does, and put on hold: nothing is delivered into
 * mailboxes here, and a queue that an operator sees loses less than a report to a reverse-path that may be forged. A mailertable row for such a domain goes before.
 */
function localRoutes(
  hub: Given<string> | undefined,
  localDomains: readonly TableRow[],
  ports: MailerPorts,
): SiteRoutes {
  const names = [...new Set(localDomains.map(({ key }) => key))];
  const domains = names.filter((domain) => /^\.?[^\s@/:*[\]]+$/u.test(domain));
  if (domains.length === 0) return { routes: [], findings: [] };
  const made = smartHostRoutes(hub, ports, domains);
  if (made.routes.length > 0) return made;
  const { file, line } = localDomains[0] as TableRow;
  const held = { file, line, fate: 'changed', text: domains.join(' '), note: note('sendmail.localHeld') } as const;
  return { routes: [{ domains, hold: NO_MAILBOX }], findings: [...made.findings, held] };
}

/** `localDomains` (class w): what is to go to one of them goes nowhere by a mailer. */
export function mailertableRoutes(
  rows: readonly TableRow[],
  ports: MailerPorts,
  localDomains: ReadonlySet<string> = new Set(),
): SiteRoutes {
  const routes: SiteRoute[] = [];
  const findings: Finding[] = [];
  const sorted = rows.toSorted((a, b) => rank(b.key) - rank(a.key));
  for (const row of sorted) {
    const domain = row.key === '.' ? '*' : row.key.toLowerCase();
    const made = targetOf(row.value, ports, localDomains, row.key.startsWith('.'));
    const place = { file: row.file, line: row.line, text: `${row.key}\t${row.value}`.slice(0, 200) };
    if ('note' in made) findings.push({ ...place, fate: 'dropped', note: made.note });
    // Mail for local users never asks the table, and they are not refused by it.
    else if ('refuse' in made && localDomains.has(domain))
      findings.push({ ...place, fate: 'dropped', note: note('sendmail.localDelivery', { name: row.value }) });
    else routes.push({ domains: [domain], ...made });
  }
  return { routes, findings };
}

/** The route of all that no other names; none without SMART_HOST, or with one that no route can be made of. */
export function smartHostRoutes(
  smartHost: Given<string> | undefined,
  ports: MailerPorts,
  domains: readonly string[] = ['*'],
): SiteRoutes {
  if (smartHost === undefined || smartHost.value.trim() === '') return { routes: [], findings: [] };
  const made = targetOf(smartHost.value.trim(), ports, new Set(), false);
  if (!('note' in made)) return { routes: [{ domains, ...made }], findings: [] };
  const { file, line } = smartHost.place ?? { file: 'sendmail.mc', line: 0 };
  return { routes: [], findings: [{ file, line, fate: 'dropped', text: smartHost.value, note: made.note }] };
}

/** Whole names before parents, long parents before short ones, `.` last. */
function rank(key: string): number {
  if (key === '.') return 0;
  return key.startsWith('.') ? key.length : 1_000_000;
}

type Target =
  | { readonly to: string; readonly otherwise?: readonly string[] }
  | { readonly refuse: string }
  | { readonly note: Finding['note'] };

/** `mailer:host`, or a host alone for the mailer relay. */
function targetOf(value: string, ports: MailerPorts, localDomains: ReadonlySet<string>, isParent: boolean): Target {
  const [, written, rest = ''] = /^(?:([A-Za-z0-9*_-]+):)?(.*)$/s.exec(value) ?? [];
  const mailer = written?.toLowerCase();
  switch (mailer) {
    case 'error':
      return { refuse: refusalOf(rest) };
    case 'discard':
      // Only rulesets that check may say so; here it is a mailer that is not there.
      return { refuse: '554 5.3.5 buildaddr: unknown mailer discard' };
    case 'local':
      return { note: note('sendmail.localDelivery', { name: value }) };
    case undefined:
      if (localDomains.has(rest.toLowerCase())) return { note: note('sendmail.localDelivery', { name: value }) };
      break;
    default:
      if (!NETWORK.has(mailer)) return { note: note('sendmail.mailer', { name: written ?? '' }) };
  }
  return hostsTarget(rest, mailer === undefined || mailer === 'relay' ? ports.relay : ports.esmtp, isParent);
}

/** Several hosts, separated by colons, are tried in that order. */
function hostsTarget(text: string, port: number, isParent: boolean): Target {
  const hosts = text.match(/\[[^\]]*\]|[^:[\]]+/g) ?? [];
  // What does not come apart into hosts is told whole.
  if (hosts.length < 2 || hosts.join(':') !== text) return hostTarget(text, port, isParent);
  const tos: string[] = [];
  for (const host of hosts) {
    const made = hostTarget(host, port, isParent);
    if (!('to' in made)) return made;
    tos.push(made.to);
  }
  const [to = '', ...otherwise] = tos;
  return { to, otherwise };
}

/** `[host]` has the addresses of that name, `host` its MX. */
function hostTarget(host: string, port: number, isParent: boolean): Target {
  const bracketed = /^\[([^\]]+)\]$/.exec(host)?.[1];
  const name = (bracketed ?? host).replace(/\.$/, '');
  const literal = /^(?:IPv6:)?([0-9A-Fa-f]*:[0-9A-Fa-f:.]+)$/.exec(name)?.[1];
  if (bracketed !== undefined && literal !== undefined) return { to: `[${literal}]:${port}` };
  // %1 is what stands before the parent that matched; a whole name leaves nothing for it.
  const fits = /^(?:[A-Za-z0-9_.-]|%[01])+$/.test(name) && (isParent || !name.includes('%1'));
  if (!fits) return { note: note('sendmail.badLine', { what: host === '' ? 'no host' : host }) };
  if (bracketed !== undefined || /^\d+(?:\.\d+){3}$/.test(name)) return { to: `${name}:${port}` };
  return { to: `mx:${name}:${port}` };
}

/**
 * `5.1.2:550 words`, `nohost:words`, `550 words` or words, as `refuse` of a route has it. As in Sendmail the text has to give
 * the code, else it is 553 5.3.0 whatever stands before; an enhanced code in the text wins.
 */
function refusalOf(rest: string): string {
  const [, before = '', words = ''] = /^(?:("?[a-z0-9][\w.]*"?):)?(.*)$/is.exec(rest.trim()) ?? [];
  const [, code, inside, text = ''] = /^([45]\d\d)\s+(?:([45]\.\d{1,3}\.\d{1,3})\s+)?(.*)$/s.exec(words.trim()) ?? [];
  if (code === undefined) return `553 5.3.0 ${words.trim() || 'refused'}`;
  const enhanced = [inside, before].find((one) => one?.[0] === code[0]) ?? `${code[0]}.0.0`;
  return `${code} ${enhanced} ${text.trim()}`.trim();
}
