import type { Clock, Ms } from '../../base/clock.ts';
import type { PeerName } from '../../relay/access/facts.ts';
import type { Resolver } from '../../relay/delivery/resolver.ts';

export type PeerNames = (address: string) => Promise<PeerName>;

const KEEP: Ms = 60_000;
const TIME: Ms = 5_000;
const CACHE_LIMIT = 1_000;

const LOOPBACK: PeerName = { state: 'ok', name: 'localhost' };
const LATE: PeerName = { state: 'temporary', name: undefined };

/**
 * Names of peers as Sendmail takes them: the PTR's name counts when its own addresses contain the peer's, else it may
 * be forged. Answers are kept for a minute, questions for one address are asked once, and after five seconds the
 * answer is `temporary`. Never rejects.
 */
export function peerNames(resolver: Resolver, clock: Clock): PeerNames {
  const known = new Map<string, { readonly answer: Promise<PeerName>; until: Ms }>();

  return (address) => {
    const peer = address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address;
    if (peer === '127.0.0.1' || peer === '::1') return Promise.resolve(LOOPBACK);
    const now = clock.monotonic();
    const kept = known.get(peer);
    if (kept !== undefined && kept.until > now) return kept.answer;
    known.delete(peer);
    makeRoom(known, now);
    const answer = inTime(lookUp(resolver, peer), clock);
    const entry = { answer, until: now + TIME + KEEP };
    known.set(peer, entry);
    void answer.then((name) => {
      entry.until = clock.monotonic() + KEEP;
      // Trouble is not worth keeping: the next connection asks anew.
      if (name.state === 'temporary' && known.get(peer) === entry) known.delete(peer);
    });
    return answer;
  };
}

async function lookUp(resolver: Resolver, address: string): Promise<PeerName> {
  const answer = await resolver.reverse(address);
  if (answer.kind === 'temporary') return LATE;
  if (answer.kind === 'none') return { state: 'none', name: undefined };
  const name = answer.names[0] as string;
  const forward = await resolver.addresses(name);
  if (forward.kind === 'temporary') return { state: 'temporary', name };
  const isOwn = forward.kind === 'found' && forward.addresses.some((each) => canonical(each) === canonical(address));
  return { state: isOwn ? 'ok' : 'forged', name };
}

/** One spelling for each IPv6 address, so that two can be compared. */
function canonical(address: string): string {
  return address.includes(':') ? (URL.parse(`http://[${address}]`)?.hostname ?? address.toLowerCase()) : address;
}

function inTime(answer: Promise<PeerName>, clock: Clock): Promise<PeerName> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(TIME, () => resolve(LATE));
    answer.finally(cancel).then(resolve, reject);
  });
}

/** Drops what is out of date, and then the oldest, when the table is full. */
function makeRoom(known: Map<string, { until: Ms }>, now: Ms): void {
  if (known.size < CACHE_LIMIT) return;
  for (const [address, { until }] of known) if (until <= now) known.delete(address);
  for (const address of known.keys()) {
    if (known.size < CACHE_LIMIT) return;
    known.delete(address);
  }
}
