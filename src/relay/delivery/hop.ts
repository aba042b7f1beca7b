/**
 * Where a domain's mail can be handed over: exchanges in the order to try them (RFC 5321 §5.1), then their addresses.
 * It finds out and never connects. Before it: route.ts. After it: attempt.ts.
 */
import { domainToASCII } from 'node:url';
import type { Random } from '../../base/random.ts';
import type { StatusKey } from '../../base/status.ts';
import type { AddressAnswer, MxRecord, Resolver } from './resolver.ts';
import type { Route } from './route.ts';

export interface HopDeps {
  readonly resolver: Resolver;
  readonly random: Random;
  /** Our name: an MX list is cut where it appears. */
  readonly hostname: string;
  readonly ownAddresses: readonly { readonly address: string; readonly port: number }[];
  /** Port of exchanges found by MX. */
  readonly port: number;
}

/** Nowhere to go; the status says for how long. */
export interface NoHop {
  readonly kind: 'none';
  readonly status: StatusKey;
  readonly detail: string;
}

/** Hosts of equal preference stand in one group, in random order; groups by rising preference. */
export interface ExchangeGroups {
  readonly kind: 'groups';
  readonly groups: readonly (readonly string[])[];
  readonly port: number;
}

export interface HopAddress {
  readonly host: string;
  readonly address: string;
  readonly port: number;
}

/** Addresses of one group. `self`: one of them is ours, so neither this group nor any after it may be used. */
export type GroupAddresses =
  | { readonly kind: 'hops'; readonly hops: readonly HopAddress[]; readonly missing: NoHop | undefined }
  | { readonly kind: 'self'; readonly host: string };

/** The domain of an address as it is routed: lower case, A-labels; an address literal keeps its brackets. */
export function routingDomain(address: string): string {
  const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase();
  // oxlint-disable-next-line no-control-regex -- the range is the point
  return /^[\u0000-\u007f]*$/.test(domain) ? domain : domainToASCII(domain);
}

/** The address in an address literal (RFC 5321 §4.1.3), undefined for a name. */
export function literalAddress(domain: string): string | undefined {
  const match = /^\[(?:IPv6:)?([0-9a-f:.]+)\]$/i.exec(domain);
  return match?.[1];
}

/** Which hosts take mail for the domain by this route. Asks for MX when the route names no host. */
export async function findExchanges(route: Route, domain: string, deps: HopDeps): Promise<ExchangeGroups | NoHop> {
  const { smarthost } = route;
  if (smarthost !== undefined)
    return smarthost.mx
      ? exchangesOf(smarthost.host, smarthost.port, deps)
      : { kind: 'groups', groups: [[smarthost.host]], port: smarthost.port };
  return exchangesOf(domain, deps.port, deps);
}

/** By MX; the domain may be an address literal. */
async function exchangesOf(domain: string, port: number, deps: HopDeps): Promise<ExchangeGroups | NoHop> {
  const literal = literalAddress(domain);
  if (literal !== undefined) return { kind: 'groups', groups: [[literal]], port };

  const answer = await deps.resolver.mx(domain);
  if (answer.kind === 'temporary') return none('lookup-failed', `MX of ${domain}: ${answer.detail}`);
  if (answer.kind === 'none') {
    if (!answer.exists) return none('no-such-domain', `${domain} does not exist`);
    return { kind: 'groups', groups: [[domain]], port }; // RFC 5321 §5.1: the implicit MX
  }
  const records = answer.records.filter((record) => record.exchange !== '' && record.exchange !== '.');
  if (records.length === 0) return none('null-mx', `${domain} has a null MX`); // RFC 7505 §3
  const groups = orderExchanges(records, deps.hostname, deps.random);
  if (groups.length === 0)
    return none('hop-is-self', `the best MX of ${domain} is this host, and no route says where its mail goes`);
  return { kind: 'groups', groups, port };
}

/** Exchanges by rising preference, each group shuffled, cut at our own name with all its equals (RFC 5321 §5.1). */
export function orderExchanges(records: readonly MxRecord[], hostname: string, random: Random): string[][] {
  const own = hostname.toLowerCase();
  let limit = Number.POSITIVE_INFINITY;
  const byPreference = new Map<number, Set<string>>();
  for (const record of records) {
    const exchange = record.exchange.toLowerCase().replace(/\.$/, '');
    if (exchange === own) limit = Math.min(limit, record.preference);
    const group = byPreference.get(record.preference) ?? new Set();
    byPreference.set(record.preference, group.add(exchange));
  }
  const groups: string[][] = [];
  const seen = new Set<string>();
  for (const preference of [...byPreference.keys()].sort((a, b) => a - b)) {
    if (preference >= limit) break;
    // A host listed again at a worse preference gains nothing by a second try.
    const group = [...(byPreference.get(preference) as Set<string>)].filter((host) => !seen.has(host));
    for (const host of group) seen.add(host);
    if (group.length > 0) groups.push(shuffle(group, random));
  }
  return groups;
}

/** The addresses of a group's hosts, host by host. */
export async function findAddresses(group: readonly string[], port: number, deps: HopDeps): Promise<GroupAddresses> {
  const hops: HopAddress[] = [];
  let missing: NoHop | undefined;
  const answers = await Promise.all(group.map((host) => addressesOf(host, deps.resolver)));
  for (const [index, answer] of answers.entries()) {
    const host = group[index] as string;
    if (answer.kind === 'temporary') {
      missing = none('lookup-failed', `addresses of ${host}: ${answer.detail}`);
    } else if (answer.kind === 'none') {
      missing ??= answer.exists
        ? none('no-route', `${host} has no address`)
        : none('no-route', `${host} does not exist`);
    } else {
      for (const address of answer.addresses) {
        if (isOwn(address, port, deps)) return { kind: 'self', host };
        hops.push({ host, address, port });
      }
    }
  }
  return { kind: 'hops', hops, missing };
}

async function addressesOf(host: string, resolver: Resolver): Promise<AddressAnswer> {
  return isAddress(host) ? { kind: 'found', addresses: [host] } : resolver.addresses(host);
}

function isOwn(address: string, port: number, deps: HopDeps): boolean {
  return deps.ownAddresses.some((own) => own.port === port && own.address === address);
}

function isAddress(host: string): boolean {
  return host.includes(':') || /^[0-9]+(?:\.[0-9]+){3}$/.test(host);
}

function none(status: StatusKey, detail: string): NoHop {
  return { kind: 'none', status, detail };
}

/** Every order equally likely (Fisher and Yates). */
function shuffle(hosts: string[], random: Random): string[] {
  for (let i = hosts.length - 1; i > 0; i--) {
    const j = Math.floor(random.fraction() * (i + 1));
    const host = hosts[i] as string;
    hosts[i] = hosts[j] as string;
    hosts[j] = host;
  }
  return hosts;
}
