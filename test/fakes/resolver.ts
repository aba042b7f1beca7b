import type { AddressAnswer, MxAnswer, NameAnswer, Resolver } from '../../src/relay/delivery/resolver.ts';

/** What the name service knows. A name that is in none of the tables does not exist; 'temporary' never answers. */
export interface Zone {
  /** Preference and exchange; `[[0, '']]` is the null MX. */
  readonly mx?: Readonly<Record<string, readonly (readonly [number, string])[] | 'temporary'>>;
  readonly addresses?: Readonly<Record<string, readonly string[] | 'temporary'>>;
  readonly names?: Readonly<Record<string, readonly string[] | 'temporary'>>;
}

export interface FakeResolver extends Resolver {
  /** Questions in order, such as `mx example.net`. */
  readonly asked: string[];
  /** Replaced whole to change what is known. */
  zone: Zone;
}

const TEMPORARY = { kind: 'temporary', detail: 'SERVFAIL' } as const;

/** A name service in memory. */
export function fakeResolver(zone: Zone = {}): FakeResolver {
  const exists = (name: string): boolean =>
    [fake.zone.mx, fake.zone.addresses, fake.zone.names].some((table) => table !== undefined && name in table);
  const fake: FakeResolver = {
    asked: [],
    zone,
    mx(domain): Promise<MxAnswer> {
      fake.asked.push(`mx ${domain}`);
      const known = fake.zone.mx?.[domain];
      if (known === 'temporary') return Promise.resolve(TEMPORARY);
      if (known === undefined || known.length === 0) return Promise.resolve({ kind: 'none', exists: exists(domain) });
      return Promise.resolve({
        kind: 'found',
        records: known.map(([preference, exchange]) => ({ preference, exchange })),
      });
    },
    addresses(host): Promise<AddressAnswer> {
      fake.asked.push(`addresses ${host}`);
      const known = fake.zone.addresses?.[host];
      if (known === 'temporary') return Promise.resolve(TEMPORARY);
      if (known === undefined || known.length === 0) return Promise.resolve({ kind: 'none', exists: exists(host) });
      return Promise.resolve({ kind: 'found', addresses: known });
    },
    reverse(address): Promise<NameAnswer> {
      fake.asked.push(`reverse ${address}`);
      const known = fake.zone.names?.[address];
      if (known === 'temporary') return Promise.resolve(TEMPORARY);
      if (known === undefined || known.length === 0) return Promise.resolve({ kind: 'none', exists: exists(address) });
      return Promise.resolve({ kind: 'found', names: known });
    },
  };
  return fake;
}
