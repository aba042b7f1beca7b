/**
 * Writes events: one line each, words for people or JSON for programs. It decides only what is loud enough to be told.
 * `relay` and `ca` come before it, by the EventSink port; nothing comes after it.
 */
import { mkdirSync, openSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { type DestinationStream, pino } from 'pino';
import type { Ms } from '../../base/clock.ts';
import { type EventLevel, type EventSink, type RelayEvent, eventLevel, isLoud } from '../../base/event.ts';
import { eventRecord } from './record.ts';
import { sendmailLines } from './sendmail-lines.ts';
import { eventWords } from './words.ts';

export interface LogSettings {
  readonly format: 'auto' | 'text' | 'json' | 'sendmail';
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

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;
/** Octets that are collected within one turn before they are written. */
const COLLECTED = 16_000;
const COLOURS: Readonly<Record<EventLevel, string>> = { debug: '2', info: '32', warn: '33', error: '1;31' };

/** Throws when the file cannot be opened. A disk that fills up later is told to stderr once, and never stops the relay. */
export function logSink(settings: LogSettings): LogSink {
  const file = settings.destination === 'stderr' ? undefined : settings.destination;
  const terminal = file === undefined && settings.isTerminal;
  const text = settings.format === 'text' || (settings.format === 'auto' && terminal);
  const out = openDestination(file);
  const now = settings.now ?? Date.now;
  const write = writer(out, text ? 'text' : settings.format, terminal && settings.colour !== false);
  let waiting = false;
  const flush = (): void => {
    waiting = false;
    out.flushSync();
  };
  return {
    tell(event, at) {
      const level = eventLevel(event);
      if (!isLoud(level, settings.level)) return;
      write(level, event, at ?? now());
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

type Writer = (level: EventLevel, event: RelayEvent, at: Ms) => void;

function writer(out: Destination, format: LogSettings['format'], colour: boolean): Writer {
  if (format === 'sendmail') return sendmailWriter(out);
  return format === 'text' ? textWriter(out, colour) : jsonWriter(out);
}

/** Lines as syslog has them in a file (RFC 3164 §4.1), in local time, under the name that readers look for. */
function sendmailWriter(out: Destination): Writer {
  const lines = sendmailLines();
  const host = hostname().split('.', 1)[0] ?? 'localhost';
  return (_, event, at) => {
    const time = new Date(at);
    const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) => String(part).padStart(2, '0'));
    const day = `${MONTHS[time.getMonth()]} ${String(time.getDate()).padStart(2, ' ')}`;
    const entry = lines(event);
    const head = `${day} ${clock.join(':')} ${host} ${entry.program}[${process.pid}]: `;
    for (const line of entry.lines) out.write(`${head}${line}\n`);
  };
}

function textWriter(out: Destination, colour: boolean): Writer {
  return (level, event, at) => {
    const label = level.toUpperCase().padEnd(5);
    const time = new Date(at).toISOString();
    const head = colour ? `\x1b[2m${time}\x1b[0m \x1b[${COLOURS[level]}m${label}\x1b[0m` : `${time} ${label}`;
    out.write(`${head} ${eventWords(event)}\n`);
  };
}

function jsonWriter(out: Destination): Writer {
  let time = 0;
  const logger = pino(
    {
      level: 'debug',
      base: null,
      timestamp: () => `,"time":"${new Date(time).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    out as DestinationStream,
  );
  return (level, event, at) => {
    time = at;
    logger[level](eventRecord(event));
  };
}
