/** What operations ask of the running relay. */
import type { LiveRelay } from '../../admin/context.ts';
import type { Counters } from '../../platform/telemetry/counters.ts';
import type { Fleet } from '../fleet.ts';
import type { ForeignKeeper } from '../foreign.ts';
import type { Web } from '../web.ts';
import type { LedgerNews } from './ledger-news.ts';

export interface LiveParts {
  readonly fleet: Fleet;
  readonly web: Web;
  readonly trust: ForeignKeeper;
  readonly news: LedgerNews;
  readonly counters: Counters;
}

export function liveRelay({ fleet, web, trust, news, counters }: LiveParts): LiveRelay {
  return {
    startedAt: Date.now(),
    refresh: () => news.tell(false),
    refreshPasswords: () => fleet.passwords(),
    reloadTrust: () => trust.reload(),
    fetchCrl: (name) => trust.fetch(name),
    retryHops: () => fleet.retryHops(),
    listening: () => [
      ...fleet.listeners.map(({ name, address, port, tls }) => ({ name, address, port, tls })),
      ...web.listening,
    ],
    counts: async () => ({ sessions: await fleet.sessions(), ...counters.totals() }),
  };
}
