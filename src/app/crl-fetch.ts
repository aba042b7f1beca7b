/**
 * Fetches CRLs of CAs from outside, in the main thread: from the address that was given and nowhere else, within bounds
 * of time and size, and again when it is time. A list takes its place in the file only after it was verified.
 */
import { join } from 'node:path';
import { trustPaths } from '../admin/trust-check.ts';
import type { Clock, Ms } from '../base/clock.ts';
import type { EventSink } from '../base/event.ts';
import { writeFileSafely } from '../platform/files/write-file.ts';

export interface CrlFetcherParts {
  readonly directory: string;
  readonly clock: Clock;
  readonly events: EventSink;
  /** Why a list may not take the place of the one in force; undefined: it may. */
  accept(name: string, crl: Uint8Array): string | undefined;
  /** A file was written. */
  changed(): Promise<void>;
}

export interface WantedCrl {
  readonly name: string;
  readonly url: string;
  /** When the list in force runs out; undefined: there is none. */
  readonly until: Ms | undefined;
}

interface Progress {
  readonly url: string;
  /** As the server told them. */
  readonly etag: string | null;
  readonly modified: string | null;
  /** By the monotonic clock. */
  readonly triedAt: Ms;
  /** In a row. */
  readonly failures: number;
}

const MINUTE: Ms = 60_000;
const HOUR: Ms = 60 * MINUTE;
const PATIENCE: Ms = 30_000;
const LARGEST = 64 * 1024 * 1024;

export class CrlFetcher {
  readonly #parts: CrlFetcherParts;
  readonly #progress = new Map<string, Progress>();
  readonly #running = new Map<string, Promise<string | undefined>>();
  readonly #stopped = new AbortController();

  constructor(parts: CrlFetcherParts) {
    this.#parts = parts;
  }

  /** Begins what is due. */
  begin(wanted: readonly WantedCrl[]): void {
    for (const one of wanted) if (this.#isDue(one)) void this.fetch(one.name, one.url);
    const names = new Set(wanted.map(({ name }) => name));
    for (const name of this.#progress.keys()) if (!names.has(name)) this.#progress.delete(name);
  }

  /** Fetches now, or joins what is under way. Why it failed, or undefined; a failure is told once in a row. */
  fetch(name: string, url: string): Promise<string | undefined> {
    let running = this.#running.get(name);
    if (running === undefined) {
      running = this.#run(name, url).finally(() => this.#running.delete(name));
      this.#running.set(name, running);
    }
    return running;
  }

  stop(): void {
    this.#stopped.abort();
  }

  #isDue({ name, url, until }: WantedCrl): boolean {
    const progress = this.#progress.get(name);
    if (progress === undefined || progress.url !== url) return true;
    const since = this.#parts.clock.monotonic() - progress.triedAt;
    if (progress.failures > 0) return since >= Math.min(HOUR, MINUTE * 2 ** (progress.failures - 1));
    // Lists of an hour are asked for every quarter of it, those of a week every hour.
    const left = until === undefined ? 0 : until - this.#parts.clock.now();
    return since >= Math.min(HOUR, Math.max(MINUTE, left / 4));
  }

  async #run(name: string, url: string): Promise<string | undefined> {
    const known = this.#progress.get(name);
    const before = known?.url === url ? known : undefined;
    const triedAt = this.#parts.clock.monotonic();
    let fault: string | undefined;
    try {
      const answer = await this.#ask(url, before);
      if (answer !== undefined) {
        fault = this.#parts.accept(name, answer.body);
        if (fault === undefined) {
          await writeFileSafely(join(this.#parts.directory, trustPaths(name).crl), answer.body, 'public');
          await this.#parts.changed();
        }
      }
      if (fault === undefined) {
        const { etag = null, modified = null } = answer ?? before ?? {};
        this.#progress.set(name, { url, etag, modified, triedAt, failures: 0 });
        return undefined;
      }
    } catch (error) {
      fault = reasonOf(error);
    }
    const failures = (before?.failures ?? 0) + 1;
    this.#progress.set(name, { url, etag: null, modified: null, triedAt, failures });
    const detail = `trust ${name}: the CRL at ${url} was not taken: ${fault}; what was there before stays in force`;
    if (failures === 1 && !this.#stopped.signal.aborted)
      this.#parts.events.tell({ kind: 'trouble', where: 'trusted CAs', detail });
    return detail;
  }

  /** Undefined: nothing new since. */
  async #ask(
    url: string,
    before: Progress | undefined,
  ): Promise<
    { readonly body: Uint8Array; readonly etag: string | null; readonly modified: string | null } | undefined
  > {
    const headers: Record<string, string> = { accept: 'application/pkix-crl, */*' };
    const { etag = null, modified = null } = before ?? {};
    if (etag !== null) headers['if-none-match'] = etag;
    if (modified !== null) headers['if-modified-since'] = modified;
    const response = await fetch(url, {
      headers,
      // Who serves the list must not send us anywhere else.
      redirect: 'error',
      signal: AbortSignal.any([AbortSignal.timeout(PATIENCE), this.#stopped.signal]),
    });
    if (response.status === 304 && before !== undefined) {
      await response.body?.cancel();
      return undefined;
    }
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new Error(`the server answered ${response.status} ${response.statusText}`);
    }
    return {
      body: await bodyOf(response),
      etag: response.headers.get('etag'),
      modified: response.headers.get('last-modified'),
    };
  }
}

async function bodyOf(response: Response): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of response.body ?? []) {
    pieces.push(piece);
    size += piece.length;
    if (size > LARGEST) throw new Error(`it is larger than ${LARGEST} octets`);
  }
  return Buffer.concat(pieces);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // fetch says "fetch failed", and in its cause why.
  return error.cause instanceof Error ? error.cause.message : error.message;
}
