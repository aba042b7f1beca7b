/**
 * Writes events: one line each, words for people or JSON for programs. It decides only what is loud enough to be told.
 * `relay` and `ca` come before it, by the EventSink port; nothing comes after it.
 */
import { mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { type DestinationStream, pino } from 'pino';
import { type EventLevel, type EventSink, type RelayEvent, eventLevel } from '../../base/event.ts';
import { eventRecord } from './record.ts';
import { eventWords } from './words.ts';

export interface LogSettings {
  readonly format: 'auto' | 'text' | 'json';
  readonly level: EventLevel;
  /** `stderr` or an absolute path. */
  readonly destination: string;
  /** Whether stderr is a terminal. */
  readonly isTerminal: boolean;
  /** Whether colours are welcome there; without it, `isTerminal`. */
  readonly colour?: boolean;
  /** Wall-clock time in ms; the machine's unless a test gives another. */
  readonly now?: () => number;
}

export interface LogSink extends EventSink {
  /** Writes out all that waits. Call it before the process ends. */
  flush(): void;
  /** Opens the file anew, after it was rotated away. */
  reopen(): void;
}

/** Octets that are collected within one turn before they are written. */
const COLLECTED = 16_000;
const LOUDNESS: Readonly<Record<EventLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };
const COLOURS: Readonly<Record<EventLevel, string>> = { debug: '2', info: '32', warn: '33', error: '1;31' };

/** Throws when the file cannot be opened. A disk that fills up later is told to stderr once, and never stops the relay. */
export function logSink(settings: LogSettings): LogSink {
  const file = settings.destination === 'stderr' ? undefined : settings.destination;
  const terminal = file === undefined && settings.isTerminal;
  const text = settings.format === 'text' || (settings.format === 'auto' && terminal);
  const out = openDestination(file);
  const now = settings.now ?? Date.now;
  const write = text ? textWriter(out, now, terminal && settings.colour !== false) : jsonWriter(out, now);
  const least = LOUDNESS[settings.level];
  let waiting = false;
  const flush = (): void => {
    waiting = false;
    out.flushSync();
  };
  return {
    tell(event) {
      const level = eventLevel(event);
      if (LOUDNESS[level] < least) return;
      write(level, event);
      if (waiting) return;
      waiting = true;
      setImmediate(flush);
    },
    flush,
    reopen() {
      flush();
      if (file !== undefined) out.reopen(file);
    },
  };
}

type Destination = ReturnType<typeof pino.destination>;

function openDestination(file: string | undefined): Destination {
  if (file !== undefined) mkdirSync(dirname(file), { recursive: true, mode: 0o750 });
  const fd = file === undefined ? 2 : openSync(file, 'a', 0o640);
  // Synchronous, for then flush() means what it says; lines of one turn are collected, so a turn costs one write.
  const out = pino.destination({ fd, sync: true, minLength: COLLECTED, mode: 0o640 });
  // Opened above so that a wrong path is an error at once; sonic-boom wants to know the path too, to open it anew.
  if (file !== undefined) Object.assign(out, { file });
  let told = false;
  out.on('error', (error: Error) => {
    if (told || file === undefined) return; // without stderr there is nobody to tell
    told = true;
    process.stderr.write(`sealpost: the log cannot be written: ${error.message}\n`);
  });
  return out;
}

function textWriter(
  out: Destination,
  now: () => number,
  colour: boolean,
): (level: EventLevel, event: RelayEvent) => void {
  return (level, event) => {
    const label = level.toUpperCase().padEnd(5);
    const time = new Date(now()).toISOString();
    const head = colour ? `\x1b[2m${time}\x1b[0m \x1b[${COLOURS[level]}m${label}\x1b[0m` : `${time} ${label}`;
    out.write(`${head} ${eventWords(event)}\n`);
  };
}

function jsonWriter(out: Destination, now: () => number): (level: EventLevel, event: RelayEvent) => void {
  const logger = pino(
    {
      level: 'debug',
      base: null,
      timestamp: () => `,"time":"${new Date(now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    out as DestinationStream,
  );
  return (level, event) => {
    logger[level](eventRecord(event));
  };
}
