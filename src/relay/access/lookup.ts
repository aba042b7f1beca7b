/**
 * The keys that Sendmail asks the access map for: hosts from the whole name to the top domain, addresses from all octets
 * to the first, users from `user+detail@domain` to `user@`. Each question is a step of the trail.
 */
import ipaddr from 'ipaddr.js';
import type { AccessFeature } from './feature.ts';
import type { AccessEntry, AccessMap } from './map.ts';
import { isWord } from './rule.ts';
import type { AccessTag } from './tags/tag.ts';
import type { TrailStep } from './verdict.ts';

/** How the map is asked. */
export interface LookupWays {
  readonly features: ReadonlySet<AccessFeature>;
  readonly emailAlias?: boolean;
}

const PLAIN: LookupWays = { features: new Set() };

/** Asks one map and writes down what it asked. */
export class Lookup {
  readonly #map: AccessMap | undefined;
  readonly #trail: TrailStep[];
  readonly #ways: LookupWays;

  constructor(map: AccessMap | undefined, trail: TrailStep[], ways: LookupWays = PLAIN) {
    this.#map = map;
    this.#trail = trail;
    this.#ways = ways;
  }

  /** Writes down a test that is not of the map. */
  note(asked: string, source: string | undefined, answer: string | undefined): void {
    this.#trail.push({ asked, source, answer });
  }

  /** The value of just this key, behind the tag. */
  exact(tag: AccessTag, key: string): string | undefined {
    const value = this.#ask(`${tag.name}:${key}`)?.value;
    if (value !== undefined || this.#ways.emailAlias !== true || !/\/emailAddress=/i.test(key)) return value;
    return this.#ask(`${tag.name}:${key.replaceAll(/\/emailAddress=/gi, '/Email=')}`)?.value;
  }

  /** The value of just this key, also without the tag. */
  only(tag: AccessTag, key: string): string | undefined {
    return this.#tagged(tag, key);
  }

  /** A host name and its parents, or `[address]` and its leading octets. SKIP ends it where that means something. */
  host(tag: AccessTag, name: string): string | undefined {
    for (let rest: string | undefined = name; rest !== undefined && rest !== ''; rest = parent(rest)) {
      const value = this.#tagged(tag, rest) ?? this.#dotted(tag, rest);
      if (value !== undefined) return this.#unlessSkip(value);
    }
    return undefined;
  }

  /** An address and its leading octets. SKIP ends it where that means something. */
  address(tag: AccessTag, address: string): string | undefined {
    for (const prefix of addressPrefixes(address)) {
      const value = this.#tagged(tag, prefix);
      if (value !== undefined) return this.#unlessSkip(value);
    }
    return undefined;
  }

  /** A user of a domain, with the domain or, in the form `user@`, without. */
  user(tag: AccessTag, local: string, domain: string): string | undefined {
    const plus = local.indexOf('+', 1);
    const keys = plus > 0 ? [local, `${local.slice(0, plus)}+*`, local.slice(0, plus)] : [local];
    for (const key of keys) {
      const value = this.#tagged(tag, `${key}@${domain}`);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  /** FEATURE(lookupdotdomain): `.parent` stands for subdomains alone. */
  #dotted(tag: AccessTag, name: string): string | undefined {
    if (!this.#ways.features.has('lookupdotdomain') || name.startsWith('[')) return undefined;
    const above = parent(name);
    return above === undefined || above === '' ? undefined : this.#tagged(tag, `.${above}`);
  }

  #unlessSkip(value: string): string | undefined {
    return this.#ways.features.has('skip') && isWord(value, 'SKIP') ? undefined : value;
  }

  #tagged(tag: AccessTag, key: string): string | undefined {
    return (this.#ask(`${tag.name}:${key}`) ?? (tag.untagged ? this.#ask(key) : undefined))?.value;
  }

  #ask(asked: string): AccessEntry | undefined {
    const entry = this.#map?.find(asked);
    this.#trail.push({
      asked,
      source: entry === undefined ? undefined : `${this.#map?.file}:${entry.line}`,
      answer: entry?.value,
    });
    return entry;
  }
}

/** The parent of a domain; of `[1.2.3.4]`, `[1.2.3]`. */
function parent(name: string): string | undefined {
  if (name.startsWith('[')) {
    const cut = Math.max(name.lastIndexOf('.'), name.lastIndexOf(':'));
    return cut > 0 && name.endsWith(']') ? `${name.slice(0, cut)}]` : undefined;
  }
  const dot = name.indexOf('.');
  return dot < 0 ? undefined : name.slice(dot + 1);
}

/** An address as Sendmail writes it: IPv4 (also one mapped into IPv6) as it is, IPv6 uncompressed with `IPv6:` before it. */
export function sendmailAddress(address: string): string {
  if (!address.includes(':')) return address;
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  return parsed.kind() === 'ipv4' ? parsed.toString() : `IPv6:${parsed.toNormalizedString().replace(/%.*$/, '')}`;
}

/** `1.2.3.4`, `1.2.3`, `1.2`, `1`; for IPv6 the same by its parts. Takes Sendmail's form. */
export function addressPrefixes(address: string): string[] {
  const separator = address.includes(':') ? ':' : '.';
  const prefixes = [address];
  for (let cut = address.lastIndexOf(separator); cut > 0; cut = address.lastIndexOf(separator, cut - 1)) {
    prefixes.push(address.slice(0, cut));
  }
  return prefixes;
}
