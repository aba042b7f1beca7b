import { Resolver as NodeResolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import type {
  AddressAnswer,
  MxAnswer,
  NameAnswer,
  NoAnswer,
  Resolver,
  TemporaryAnswer,
} from '../../relay/delivery/resolver.ts';
import { readHosts, type HostsFile } from './hosts.ts';

export interface DnsSettings {
  /** Servers as `address`, `address:port` or `[address]:port`; empty: the system's. */
  readonly servers: readonly string[];
  /** Wait for one answer, ms, and how often to ask. */
  readonly timeout: number;
  readonly tries: number;
  /** The system's table of hosts, which is asked before the name service for addresses and names; undefined: none. */
  readonly hostsFile: string | undefined;
}

export const defaultDnsSettings: DnsSettings = { servers: [], timeout: 5_000, tries: 2, hostsFile: '/etc/hosts' };

const LOCALHOST: AddressAnswer = { kind: 'found', addresses: ['127.0.0.1', '::1'] };

/** The name service by DNS. The hosts file is read once, now; a server that is no address is a RangeError. */
export function dnsResolver(settings: DnsSettings = defaultDnsSettings): Resolver {
  const dns = new NodeResolver({ timeout: settings.timeout, tries: settings.tries });
  if (settings.servers.length > 0) setServers(dns, settings.servers);
  const hosts: HostsFile =
    settings.hostsFile === undefined ? { addresses: new Map(), names: new Map() } : readHosts(settings.hostsFile);

  return {
    async mx(domain): Promise<MxAnswer> {
      try {
        const records = await dns.resolveMx(domain);
        if (records.length === 0) return { kind: 'none', exists: true };
        return {
          kind: 'found',
          records: records.map(({ priority, exchange }) => ({
            preference: priority,
            exchange: exchange.replace(/\.$/, ''),
          })),
        };
      } catch (error) {
        return absence(error);
      }
    },

    async addresses(host): Promise<AddressAnswer> {
      const name = host.toLowerCase().replace(/\.$/, '');
      if (isIP(name) !== 0) return { kind: 'found', addresses: [name] };
      const listed = hosts.addresses.get(name);
      if (listed !== undefined) return { kind: 'found', addresses: listed };
      // RFC 6761 §6.3: these names never leave the machine.
      if (name === 'localhost' || name.endsWith('.localhost')) return LOCALHOST;
      const answers = await Promise.all([asked(dns.resolve4(name)), asked(dns.resolve6(name))]);
      const addresses = answers.flatMap((answer) => (answer.kind === 'found' ? answer.values : []));
      if (addresses.length > 0) return { kind: 'found', addresses };
      const temporary = answers.find((answer) => answer.kind === 'temporary');
      return temporary ?? { kind: 'none', exists: answers.some((answer) => answer.kind === 'none' && answer.exists) };
    },

    async reverse(address): Promise<NameAnswer> {
      const listed = hosts.names.get(address);
      if (listed !== undefined) return { kind: 'found', names: listed };
      const answer = await asked(dns.resolvePtr(pointerName(address)));
      if (answer.kind !== 'found') return answer;
      const names = answer.values.map((name) => name.replace(/\.$/, '')).filter(isHostName);
      return names.length === 0 ? { kind: 'none', exists: true } : { kind: 'found', names };
    },
  };
}

export function setServers(dns: NodeResolver, servers: readonly string[]): void {
  try {
    // What has a port is tried as an IPv6 address first, which takes long the first time in each thread.
    dns.setServers(servers.map((server) => server.replace(/^([\d.]+):53$/, '$1')));
  } catch (error) {
    throw new RangeError(
      `name servers ${servers.join(', ')}: ${(error as Error).message}; write address, address:port or [address]:port`,
      { cause: error },
    );
  }
}

type Values = { readonly kind: 'found'; readonly values: readonly string[] } | NoAnswer | TemporaryAnswer;

async function asked(question: Promise<string[]>): Promise<Values> {
  try {
    const values = await question;
    return values.length === 0 ? { kind: 'none', exists: true } : { kind: 'found', values };
  } catch (error) {
    return absence(error);
  }
}

/**
 * The name that holds an address's PTR (RFC 1035 §3.5, RFC 3596 §2.5). Node's own `reverse` asks the hosts file too and
 * says "not found" when no server answers, which would be taken for a fact about the peer.
 */
export function pointerName(address: string): string {
  if (!address.includes(':')) return `${address.split('.').toReversed().join('.')}.in-addr.arpa`;
  const plain = (URL.parse(`http://[${address}]`)?.hostname ?? '').slice(1, -1);
  const [head = '', tail] = plain.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - before.length - after.length }, () => '0');
  const digits = [...before, ...zeros, ...after].map((group) => group.padStart(4, '0')).join('');
  return `${digits.split('').toReversed().join('.')}.ip6.arpa`;
}

/** DNS carries any octet in a name; what is no host name must not get into headers and logs. */
function isHostName(name: string): boolean {
  return /^[A-Za-z0-9._-]{1,255}$/.test(name);
}

/** What the absence of an answer means (RFC 2308 §2): no such name, no such record, or nothing known now. */
export function absence(error: unknown): NoAnswer | TemporaryAnswer {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  switch (code) {
    case 'ENOTFOUND': // NXDOMAIN
      return { kind: 'none', exists: false };
    case 'ENODATA':
      return { kind: 'none', exists: true };
    case 'EBADNAME': // no name that DNS could hold, so nobody has it
      return { kind: 'none', exists: false };
    case 'ESERVFAIL':
      return { kind: 'temporary', detail: 'the name server failed (SERVFAIL)' };
    case 'EREFUSED':
      return { kind: 'temporary', detail: 'the name server refused to answer (REFUSED)' };
    case 'ETIMEOUT':
      return { kind: 'temporary', detail: 'no name server answered in time' };
    case 'ECONNREFUSED':
      return { kind: 'temporary', detail: 'no name server is reachable' };
    default:
      return { kind: 'temporary', detail: error instanceof Error ? error.message : String(error) };
  }
}
