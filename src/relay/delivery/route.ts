/**
 * Which way the mail of a domain goes: the first route of the configuration that names it, else by MX with TLS where
 * it is offered. Pure; asks no name service (that is hop.ts).
 */
import type { RouteDefaults, RouteEnd, RouteSettings } from './settings.ts';

/** A fixed next hop. `host` is a name in lower case or an address without brackets. */
export interface Smarthost {
  readonly host: string;
  readonly port: number;
  /** The hosts are those that MX records of `host` name. */
  readonly mx: boolean;
}

export interface Route extends RouteSettings {
  /** Undefined: by MX of the recipient domain. */
  readonly smarthost: Smarthost | undefined;
  /** Those to be tried after it, in order. */
  readonly others: readonly Smarthost[];
}

export interface RouteTable {
  /** `domain` is a recipient's domain: lower case, A-labels, or an address literal with its brackets. */
  find(domain: string): Route;
  /**
   * The route key: what may share a transaction and is limited together. `host:port` of the smarthost, else the domain.
   * Routes to one smarthost that differ in TLS or identity have keys of their own: `host:port/2`, by order.
   */
  key(domain: string): string;
}

const NO_DEFAULTS: RouteDefaults = { tlsFallback: false, identity: undefined, authorities: undefined };

/** The port of a smarthost that names none: submission for implicit TLS (RFC 8314 §3.3), else SMTP. */
const IMPLICIT_PORT = 465;
const SMTP_PORT = 25;

/** Mail for a domain by which a `to` names no host. */
const NO_HOST: RouteEnd = { kind: 'refuse', reply: '550 5.1.2 there is no host of that name' };

/** What in `to` stands for the recipient's domain, or a part of it. */
const PLACES = /%([01])/g;

interface Found {
  readonly index: number;
  /** What stands before the subdomain pattern that matched; '' for other patterns. */
  readonly matched: string;
}

/** The routes ready for look-ups. Throws a RangeError on a `to` that is no next hop; the configuration has checked it before. */
export function routeTable(settings: readonly RouteSettings[], defaults: RouteDefaults = NO_DEFAULTS): RouteTable {
  const byMx: Route = {
    domains: ['*'],
    to: undefined,
    tls: 'opportunistic',
    implicit: false,
    ...defaults,
    smarthost: undefined,
    others: [],
  };
  const exact = new Map<string, number>();
  const suffixes: { readonly suffix: string; readonly index: number }[] = [];
  let all = settings.length;
  const routes: Route[] = settings.map((route) => ({
    ...route,
    smarthost: fixedTarget(route),
    others: (route.otherwise ?? []).map((to) => parseTarget(to, route.implicit)),
  }));
  const keys = smarthostKeys(routes);

  settings.forEach((route, index) => {
    for (const written of route.domains) {
      const pattern = written.toLowerCase();
      if (pattern === '*') all = Math.min(all, index);
      else if (pattern.startsWith('.')) suffixes.push({ suffix: pattern, index });
      else if (!exact.has(pattern)) exact.set(pattern, index);
    }
  });

  function search(domain: string): Found {
    let best = Math.min(exact.get(domain) ?? all, all);
    let matched = '';
    for (const { suffix, index } of suffixes) {
      if (index >= best || !domain.endsWith(suffix)) continue;
      best = index;
      matched = domain.slice(0, -suffix.length);
    }
    return { index: best, matched };
  }

  function find(domain: string): Route {
    const { index, matched } = search(domain);
    const route = routes[index] ?? byMx;
    if (route.to === undefined || !isTemplate(route)) return route;
    const to = route.to.replace(PLACES, (_, place) => (place === '0' ? domain : matched));
    // Not every domain that an address may have is a host's name: `[tag:text]`. Nobody else takes its mail either.
    const smarthost = readTarget(to, route.implicit);
    return smarthost === undefined ? { ...route, smarthost, end: NO_HOST } : { ...route, smarthost };
  }

  return {
    find,
    key(domain) {
      const { index } = search(domain);
      const route = routes[index];
      if (route === undefined || !isTemplate(route)) return keys[index] ?? domain;
      const { smarthost } = find(domain);
      return smarthost === undefined ? domain : `${targetName(smarthost)}/r${index + 1}`;
    },
  };
}

/** `host:port`, `host`, `[address]:port` or `[address]`, with `mx:` before it when MX records are to be asked. Throws a RangeError when it is neither. */
export function parseTarget(text: string, implicit = false): Smarthost {
  const target = readTarget(text, implicit);
  if (target === undefined)
    throw new RangeError(`"${text}" is no next hop; write host:port, [address]:port or mx:domain`);
  return target;
}

/** The same; undefined when it is neither. */
function readTarget(text: string, implicit: boolean): Smarthost | undefined {
  const match = /^(mx:)?(?:\[(?:ipv6:)?([0-9a-f:.]+)\]|([a-z0-9_.-]+))(?::([0-9]{1,5}))?$/i.exec(text);
  const port = match?.[4] === undefined ? (implicit ? IMPLICIT_PORT : SMTP_PORT) : Number(match[4]);
  const host = (match?.[2] ?? match?.[3])?.toLowerCase().replace(/\.$/, '');
  const mx = match?.[1] !== undefined && match[2] === undefined;
  if (host === undefined || host === '' || port < 1 || port > 65_535) return undefined;
  return { host, port, mx };
}

function isTemplate({ to }: RouteSettings): boolean {
  return to !== undefined && /%[01]/.test(to);
}

function fixedTarget(route: RouteSettings): Smarthost | undefined {
  if (route.to === undefined || isTemplate(route) || route.end !== undefined) return undefined;
  return parseTarget(route.to, route.implicit);
}

function targetName({ host, port, mx }: Smarthost): string {
  return `${mx ? 'mx:' : ''}${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The key of each route that has a smarthost. */
function smarthostKeys(routes: readonly Route[]): (string | undefined)[] {
  const known = new Map<string, string[]>();
  return routes.map((route) => {
    if (route.smarthost === undefined) return undefined;
    const name = targetName(route.smarthost);
    const ways = known.get(name) ?? [];
    known.set(name, ways);
    const way = JSON.stringify([
      route.otherwise ?? [],
      route.tls,
      route.implicit,
      route.tlsFallback ?? false,
      route.authorities ?? '',
      route.identity ?? '',
      route.login ?? '',
    ]);
    let place = ways.indexOf(way);
    if (place < 0) place = ways.push(way) - 1;
    return place === 0 ? name : `${name}/${place + 1}`;
  });
}
