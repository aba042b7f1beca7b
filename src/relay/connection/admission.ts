/**
 * Admission by number: how many connections one address, and this thread, may hold at once. Decides nothing by
 * identity or policy. The session asks before it greets, and says when a connection is gone.
 */
import type { StatusKey } from '../../base/status.ts';

/**
 * Counts by key, shared by those who enter and leave. A thread's own is `localCounts()`; counts over all front
 * threads take its place by the same port.
 */
export interface AddressCounts {
  /** Adds one and gives the count, the new one included. */
  enter(key: string): number;
  leave(key: string): void;
}

export interface AdmissionLimits {
  /** In this thread. */
  readonly connections: number;
  /** By address (IPv6: by /64). */
  readonly connectionsByAddress: number;
}

/** Counts in memory of this thread. */
export function localCounts(): AddressCounts {
  const counts = new Map<string, number>();
  return {
    enter(key) {
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      return count;
    },
    leave(key) {
      const count = (counts.get(key) ?? 0) - 1;
      if (count > 0) counts.set(key, count);
      else counts.delete(key);
    },
  };
}

/** One of these for each front thread. */
export class Admission {
  readonly #counts: AddressCounts;
  #connections = 0;

  constructor(counts: AddressCounts = localCounts()) {
    this.#counts = counts;
  }

  /** Connections that entered and have not left, the refused ones included. */
  get connections(): number {
    return this.#connections;
  }

  /**
   * Counts the connection in and says why it is one too many; undefined: welcome. Each enter() needs its leave(),
   * after a refusal too: a refused connection holds a socket until it is closed.
   */
  enter(address: string, limits: AdmissionLimits): StatusKey | undefined {
    this.#connections += 1;
    const ofAddress = this.#counts.enter(addressKey(address));
    if (this.#connections > limits.connections) return 'server-busy';
    if (ofAddress > limits.connectionsByAddress) return 'too-many-connections';
    return undefined;
  }

  leave(address: string): void {
    this.#connections -= 1;
    this.#counts.leave(addressKey(address));
  }
}

/**
 * What counts as one address: an IPv4 address, or the /64 of an IPv6 address, since a single host chooses freely
 * among the addresses of its /64 (RFC 4862 §5.5). IPv4 in IPv6 (`::ffff:192.0.2.1`) is the IPv4 address.
 */
export function addressKey(address: string): string {
  if (!address.includes(':')) return address;
  const zone = address.indexOf('%');
  const plain = (zone < 0 ? address : address.slice(0, zone)).toLowerCase();
  if (plain.startsWith('::ffff:') && plain.includes('.')) return plain.slice(7);
  const gap = plain.indexOf('::');
  const head = groups(gap < 0 ? plain : plain.slice(0, gap));
  const tail = gap < 0 ? [] : groups(plain.slice(gap + 2));
  const whole = [...head, ...Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0'), ...tail];
  return `${whole
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}

function groups(part: string): string[] {
  if (part === '') return [];
  // A dotted quad at the end stands for two groups (RFC 4291 §2.2); which two does not matter, they are past the /64.
  return part.split(':').flatMap((group) => (group.includes('.') ? ['0', '0'] : [group]));
}
