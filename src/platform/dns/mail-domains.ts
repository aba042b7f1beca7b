import type { Clock, Ms } from '../../base/clock.ts';
import type { DomainState } from '../../relay/access/facts.ts';
import type { Resolver } from '../../relay/delivery/resolver.ts';
import type { MailDomains } from '../../relay/session/services.ts';

const KEEP: Ms = 60_000;
const TIME: Ms = 10_000;
const CACHE_LIMIT = 2_000;

/**
 * What policy asks of mail domains. Answers are kept for a minute, questions for one domain are asked once, and after ten
 * seconds the answer is `temporary`, which is not kept.
 */
export function mailDomains(resolver: Resolver, clock: Clock): MailDomains {
  return {
    state: remembered(clock, (domain) => stateOf(resolver, domain)),
    exchangers: remembered(clock, (domain) => exchangersOf(resolver, domain)),
  };
}

async function stateOf(resolver: Resolver, domain: string): Promise<DomainState> {
  const literal = /^\[(?:ipv6:)?([0-9a-f.:]+)\]$/i.exec(domain)?.[1];
  if (domain.startsWith('[')) return literal === undefined ? 'missing' : told(await resolver.reverse(literal));
  const addresses = await resolver.addresses(domain);
  if (addresses.kind === 'found') return 'exists';
  const mx = await resolver.mx(domain);
  if (mx.kind === 'found') return 'exists';
  return mx.kind === 'temporary' || addresses.kind === 'temporary' ? 'temporary' : 'missing';
}

function told({ kind }: { readonly kind: string }): DomainState {
  return kind === 'found' ? 'exists' : kind === 'temporary' ? 'temporary' : 'missing';
}

async function exchangersOf(resolver: Resolver, domain: string): Promise<readonly string[] | 'temporary'> {
  const mx = await resolver.mx(domain);
  if (mx.kind === 'temporary') return 'temporary';
  return mx.kind === 'found' ? mx.records.map(({ exchange }) => exchange) : [];
}

function remembered<T>(
  clock: Clock,
  ask: (domain: string) => Promise<T | 'temporary'>,
): (domain: string) => Promise<T | 'temporary'> {
  const known = new Map<string, { readonly answer: Promise<T | 'temporary'>; readonly until: Ms }>();
  return (domain) => {
    const now = clock.monotonic();
    const kept = known.get(domain);
    if (kept !== undefined && kept.until > now) return kept.answer;
    // The oldest is first.
    if (known.size >= CACHE_LIMIT) known.delete(known.keys().next().value as string);
    known.delete(domain);
    const answer = inTime(ask(domain), clock);
    known.set(domain, { answer, until: now + TIME + KEEP });
    void answer.then((said) => {
      if (said === 'temporary' && known.get(domain)?.answer === answer) known.delete(domain);
    });
    return answer;
  };
}

function inTime<T>(answer: Promise<T | 'temporary'>, clock: Clock): Promise<T | 'temporary'> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(TIME, () => resolve('temporary'));
    answer.finally(cancel).then(resolve, reject);
  });
}
