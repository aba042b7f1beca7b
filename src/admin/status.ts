/** How the relay is doing, as one value. */
import type { Ms } from '../base/clock.ts';
import type { SpoolCounts } from '../relay/spool/spool.ts';
import type { AdminContext, LiveRelay } from './context.ts';

const SOON: Ms = 30 * 86_400_000;

export interface StatusReport {
  readonly running: boolean;
  readonly directory: string;
  readonly hostname: string;
  /** Null when it is stopped. */
  readonly startedAt: Ms | null;
  readonly now: Ms;
  readonly listeners: ReturnType<LiveRelay['listening']>;
  /** Since the start; null when it is stopped. */
  readonly counts: Awaited<ReturnType<LiveRelay['counts']>> | null;
  readonly queue: SpoolCounts;
  readonly certificates: {
    readonly active: number;
    readonly suspended: number;
    readonly revoked: number;
    /** Active ones that end within 30 days, soonest first. */
    readonly ending: readonly { readonly holder: string; readonly serial: string; readonly notAfter: Ms }[];
  };
}

export async function status(context: AdminContext): Promise<StatusReport> {
  const now = context.clock.now();
  const records = context.ledger.find({});
  const active = records.filter((record) => record.state === 'active' && record.notAfter > now);
  const ending = active.filter((record) => record.notAfter - now < SOON).sort((a, b) => a.notAfter - b.notAfter);
  return {
    running: context.live !== undefined,
    directory: context.directory,
    hostname: context.config.hostname,
    startedAt: context.live?.startedAt ?? null,
    now,
    listeners: context.live?.listening() ?? [],
    counts: (await context.live?.counts()) ?? null,
    queue: await context.spool.counts(),
    certificates: {
      active: active.length,
      suspended: records.filter((record) => record.state === 'suspended').length,
      revoked: records.filter((record) => record.state === 'revoked').length,
      ending: ending.map(({ holder, serial, notAfter }) => ({ holder, serial, notAfter })),
    },
  };
}
