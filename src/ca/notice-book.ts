import type { Ms } from '../base/clock.ts';

/** A message of ours that was about to be put into the spool. */
export interface OpenNotice {
  readonly names: readonly string[];
  /** Its id in the spool. */
  readonly entry: number;
}

/**
 * What holders and operator were told by mail, kept over restarts so that nothing is told twice. A notice is written
 * down before its message goes into the spool, and again after: what is between the two when the program dies is found
 * open, and the spool says whether the message is there. Implemented by `storage/sqlite/notice-book.ts` and
 * `storage/memory/notice-book.ts`. All writes are durable when they return.
 */
export interface NoticeBook {
  /** Those of the names that are written down. */
  known(names: readonly string[]): ReadonlySet<string>;
  /** Writes down what is about to be sent; what is written down already stays as it is. */
  begin(notices: readonly OpenNotice[], at: Ms): void;
  /** The messages of these ids are in the spool. */
  end(entries: readonly number[]): void;
  /** They are not, and their names are as if never written down. */
  cancel(entries: readonly number[]): void;
  /** Begun, and neither ended nor cancelled. */
  open(): OpenNotice[];
  /** Forgets what was ended and written down before this. */
  forget(before: Ms): void;
  close(): void;
}
