/** Who relays by where it comes from, without a certificate: networks, domains, and lines that say more than they seem to. */
import { isWord } from '../../relay/access/rule.ts';
import { aboutKey, aboutPlace, aboutValue, rewrite } from './about.ts';
import { type AccessLine, isTag } from './access-line.ts';
import type { LintFinding, Severity } from './finding.ts';
import type { LintInput } from './input.ts';

export function lintRelaying(input: LintInput): LintFinding[] {
  const lines = input.lines.filter((line) => line.key !== undefined && isWord(line.value, 'RELAY'));
  return [
    ...lines.flatMap((line) => relaying(input, line)),
    ...input.relayDomains.flatMap((row) => {
      const width = networkWidth(row.key);
      if (width !== undefined) return [aboutPlace(row, width.severity, 'relay-domain-network', { ...width.values })];
      return isTopDomain(row.key) ? [aboutPlace(row, 'error', 'relay-domain-top', { domain: row.key })] : [];
    }),
    ...input.trustedNetworks.flatMap((row) => {
      const severity = cidrSeverity(row.key);
      return severity === undefined ? [] : [aboutPlace(row, severity, 'trusted-network', { network: row.key })];
    }),
  ];
}

function relaying(input: LintInput, line: AccessLine): LintFinding[] {
  const { name } = line;
  const untagged = line.tag === '';
  if (isTag(line, 'Connect') || untagged) {
    const width = networkWidth(name);
    if (width !== undefined) return [aboutValue(input, line, width.severity, 'relay-network', width.values)];
    if (isTopDomain(name)) return [aboutValue(input, line, 'error', 'relay-top-domain', { domain: name })];
    if (!untagged || isLocal(name) || isAddress(name)) return [];
    return [aboutKey(input, line, 'warning', 'relay-untagged', { domain: name })];
  }
  if (isTag(line, 'To')) {
    if (isTopDomain(name)) return [aboutValue(input, line, 'error', 'relay-to-top-domain', { domain: name })];
    if (name.includes('@') && !input.features.has('relaytofulladdress'))
      return [aboutKey(input, line, 'warning', 'to-address-relay-off')];
  }
  if (isTag(line, 'From')) {
    const anybody = input.features.has('relay_mail_from');
    return [
      anybody
        ? aboutValue(input, line, 'error', 'from-relay-open')
        : aboutValue(input, line, 'note', 'from-relay-off', {}, rewrite(line, undefined, 'OK')),
    ];
  }
  return [];
}

interface Width {
  readonly severity: Severity;
  readonly values: { readonly network: string; readonly addresses: string };
}

/** How many addresses a prefix of octets stands for; undefined: it is no prefix, or one of this machine. */
function networkWidth(name: string): Width | undefined {
  const [, octets] = /^\[?((?:\d{1,3}\.){0,2}\d{1,3})\]?$/.exec(name) ?? [];
  if (octets === undefined || octets === '127' || octets.startsWith('127.')) return undefined;
  const parts = octets.split('.');
  const addresses = (256 ** (4 - parts.length)).toLocaleString('en').replaceAll(',', ' ');
  const severity = isPrivate(parts.map(Number)) ? (parts.length === 3 ? 'note' : 'warning') : 'error';
  return { severity, values: { network: octets, addresses } };
}

/** Networks in CIDR form that are wider than a site's own are. */
function cidrSeverity(network: string): Severity | undefined {
  const [address = '', bits] = network.split('/');
  if (bits === undefined || address.startsWith('127.')) return undefined;
  const width = address.includes(':') ? Number(bits) - 40 : Number(bits);
  if (address.includes(':') ? /^f[cd]/i.test(address) : isPrivate(address.split('.').map(Number))) return undefined;
  return width < 16 ? 'error' : width < 24 ? 'warning' : undefined;
}

/** Networks that are not routed on the Internet. */
function isPrivate([first = 0, second = -1]: readonly number[]): boolean {
  if (first === 10) return true;
  return (
    (first === 192 && second === 168) ||
    (first === 172 && second >= 16 && second <= 31) ||
    (first === 169 && second === 254)
  );
}

function isAddress(name: string): boolean {
  return /^\[?\d+(\.\d+){0,3}\]?$/.test(name) || /^\[?ipv6:/i.test(name);
}

function isLocal(name: string): boolean {
  return /^localhost(\.localdomain)?$/i.test(name);
}

/** A name of one label stands for all that is below it. */
function isTopDomain(name: string): boolean {
  return /^\.?[a-z][a-z0-9-]*$/i.test(name) && !isLocal(name);
}
