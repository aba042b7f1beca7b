import type { EventSink, RelayEvent } from '../../base/event.ts';

/** Counts since the start, for `sealpost status`. */
export interface CounterTotals {
  readonly accepted: number;
  readonly refused: number;
  readonly delivered: number;
  readonly deferred: number;
  readonly failed: number;
}

export interface Counters extends EventSink {
  totals(): CounterTotals;
  /** By kind of event; attempts as `attempted.delivered` and so on. */
  byKind(): Readonly<Record<string, number>>;
}

/** An event sink that counts. */
export function eventCounters(): Counters {
  const counts = new Map<string, number>();
  const get = (key: string): number => counts.get(key) ?? 0;
  return {
    tell(event) {
      const key = keyOf(event);
      counts.set(key, get(key) + 1);
    },
    totals: () => ({
      accepted: get('accepted'),
      refused: get('refused'),
      delivered: get('attempted.delivered'),
      deferred: get('attempted.deferred'),
      failed: get('attempted.failed') + get('attempted.expired'),
    }),
    byKind: () => Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

function keyOf(event: RelayEvent): string {
  return event.kind === 'attempted' ? `attempted.${event.outcome}` : event.kind;
}
