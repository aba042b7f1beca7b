/** What all parts of a running relay share: where it is, the configuration in force, and how it tells what happens. */
import type { EventSink } from '../../base/event.ts';
import { asFault } from '../../base/fault.ts';
import type { Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import { inDirectory } from '../../config/settings.ts';
import type { Config } from '../../config/schema.ts';
import { eventCounters, type Counters } from '../../platform/telemetry/counters.ts';
import { logSink, type LogSink } from '../../platform/telemetry/log.ts';

export interface Running {
  readonly directory: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
  /** Tells that something went wrong that stops nothing. */
  readonly trouble: (where: string, thrown: unknown) => void;
  /** In force; `reload.ts` alone puts another in its place. */
  config: Config;
}

/** Where events go: the log, the counts, and who else listens. */
export interface Telling extends EventSink {
  readonly log: LogSink;
  readonly counters: Counters;
  /** From now on this hears of every event, too. */
  also(listener: EventSink): void;
}

export function openTelling({ log: settings }: Config, directory: string): Telling {
  const { destination } = settings;
  const log = logSink({
    ...settings,
    destination: destination === 'stderr' ? 'stderr' : inDirectory(directory, destination),
    isTerminal: process.stderr.isTTY,
  });
  const counters = eventCounters();
  const others: EventSink[] = [];
  return {
    log,
    counters,
    also: (listener) => void others.push(listener),
    tell(event, at) {
      counters.tell(event);
      for (const other of others) other.tell(event);
      log.tell(event, at);
    },
  };
}

/** How trouble is told to a sink. */
export function troubleTeller(events: EventSink): Running['trouble'] {
  return (where, thrown) => events.tell({ kind: 'trouble', where, detail: asFault(thrown).detail });
}
