/**
 * Which way the mail of a domain goes: the first route of the configuration that names it, else by MX with TLS where
 * it is offered. Pure; asks no name service (that is hop.ts).
 */
import type { RouteSettings } from './settings.ts';

/** A fixed next hop. `host` is a name in lower case or an address without brackets. */
export interface Smarthost {
  readonly host: string;
  readonly port: number;
}

export interface Route extends RouteSettings {
  /** Undefined: by MX of the recipient domain. */
  readonly smarthost: Smarthost | undefined;
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

const BY_MX: Route = {
  domains: ['*'],
  to: undefined,
  tls: 'opportunistic',
  implicit: false,
  identity: undefined,
  authorities: undefined,
  smarthost: undefined,
};

/** The port of a smarthost that names none: submission for implicit TLS (RFC 8314 §3.3), else SMTP. */
const IMPLICIT_PORT = 465;
const SMTP_PORT = 25;

/** The routes ready for look-ups. Throws a RangeError on a `to` that is no `host:port`; the configuration has checked it before. */
export function routeTable(settings: readonly RouteSettings[]): RouteTable {
  const exact = new Map<string, number>();
  const suffixes: { readonly suffix: string; readonly index: number }[] = [];
  let all = settings.length;
  const routes: Route[] = settings.map((route) => ({
    ...route,
    smarthost: route.to === undefined ? undefined : parseTarget(route.to, route.implicit),
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

  function indexOf(domain: string): number {
    let best = Math.min(exact.get(domain) ?? all, all);
    for (const { suffix, index } of suffixes) if (index < best && domain.endsWith(suffix)) best = index;
    return best;
  }

  return {
    find: (domain) => routes[indexOf(domain)] ?? BY_MX,
    key: (domain) => keys[indexOf(domain)] ?? domain,
  };
}

/** `host:port`, `host`, `[address]:port` or `[address]`; undefined when it is neither. */
export function parseTarget(text: string, implicit = false): Smarthost {
  const match = /^(?:\[(?:IPv6:)?([0-9A-Fa-f:.]+)\]|([A-Za-z0-9_.-]+))(?::([0-9]{1,5}))?$/.exec(text);
  const port = match?.[3] === undefined ? (implicit ? IMPLICIT_PORT : SMTP_PORT) : Number(match[3]);
  const host = (match?.[1] ?? match?.[2])?.toLowerCase().replace(/\.$/, '');
  if (host === undefined || host === '' || port < 1 || port > 65_535)
    throw new RangeError(`"${text}" is no next hop; write host:port or [address]:port`);
  return { host, port };
}

/** The key of each route that has a smarthost. */
function smarthostKeys(routes: readonly Route[]): (string | undefined)[] {
  const known = new Map<string, string[]>();
  return routes.map((route) => {
    if (route.smarthost === undefined) return undefined;
    const { host, port } = route.smarthost;
    const name = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    const ways = known.get(name) ?? [];
    known.set(name, ways);
    const way = JSON.stringify([
      route.tls,
      route.implicit,
      route.tlsFallback ?? false,
      route.authorities ?? '',
      route.identity ?? '',
    ]);
    let place = ways.indexOf(way);
    if (place < 0) place = ways.push(way) - 1;
    return place === 0 ? name : `${name}/${place + 1}`;
  });
}
