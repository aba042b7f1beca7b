/**
 * Files that others change while the relay runs: certificates renewed by a tool, secrets that Kubernetes mounts, the access
 * map. They are looked at by polling, which sees every way of changing them (a write in place, a rename over it, a
 * symlink that leads elsewhere) on every file system; what was in force stays so until what is there is whole and good.
 */
import { asFault } from '../base/fault.ts';
import type { Clock, Ms } from '../base/clock.ts';
import type { EventSink } from '../base/event.ts';
import { fileStamp } from './stamp.ts';

export interface WatchedParts {
  /** For the log: `TLS files`. */
  readonly what: string;
  /** As they are named now; one that is not there is watched too. */
  files(): readonly string[];
  /**
   * Reads the files and puts them in force; false when nothing in them is new. Rejects, and leaves what is in force,
   * when they are no good. `again`: they look as at the last time, and are read once more to be sure.
   */
  take(again: boolean): Promise<boolean>;
  /** How long they may be no good before that is a fault; undefined: as long as a pair of files may take to be written. */
  readonly patience?: Ms;
  readonly events: EventSink;
  readonly clock: Pick<Clock, 'monotonic'>;
}

/** Certificate and key are two files, and who renews them writes one after the other: only what lasts longer is a fault. */
const PATIENCE: Ms = 5_000;

export class WatchedFiles {
  readonly #parts: WatchedParts;
  /** What was taken last, or tried to. */
  #stamp: string;
  /** Taken, and then found to be the same at the next look. */
  #settled = true;
  /** When they began to be no good. */
  #badSince: Ms | undefined;
  #told: string | undefined;

  /** What is in the files now counts as taken. */
  constructor(parts: WatchedParts) {
    this.#parts = parts;
    this.#stamp = fileStamp(parts.files());
  }

  /** Takes the files when they have changed since, or were no good. A fault is told when it lasts, and once. */
  async look(): Promise<void> {
    const stamp = fileStamp(this.#parts.files());
    if (stamp === this.#stamp && this.#settled && this.#badSince === undefined) return;
    // Two changes may fall into one tick of the file system's clock: once seen, a change is looked at a second time.
    const again = stamp === this.#stamp;
    this.#settled = again;
    await this.#take(stamp, this.#parts.patience ?? PATIENCE, again && this.#badSince === undefined);
  }

  /** Takes the files however they look; a fault is told at once. */
  async takeNow(): Promise<void> {
    this.#told = undefined;
    await this.#take(fileStamp(this.#parts.files()), 0, false);
  }

  async #take(stamp: string, patience: Ms, again: boolean): Promise<void> {
    const { what, events, clock } = this.#parts;
    // Before they are read: a change meanwhile is seen at the next look.
    this.#stamp = stamp;
    try {
      const isNew = await this.#parts.take(again);
      this.#badSince = undefined;
      this.#told = undefined;
      if (isNew) events.tell({ kind: 'reloaded', what });
    } catch (error) {
      const now = clock.monotonic();
      this.#badSince ??= now;
      const { detail } = asFault(error);
      if (now - this.#badSince < patience || detail === this.#told) return;
      this.#told = detail;
      events.tell({ kind: 'trouble', where: `reload of ${what}`, detail });
    }
  }
}
