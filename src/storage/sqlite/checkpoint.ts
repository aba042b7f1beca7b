import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** Quiet time after which the WAL is moved into the database, ms. */
const QUIET = 250;

/**
 * Moves the WAL into the database when no commit came for a while, so that the next burst begins with an empty one
 * and meets the checkpoint that a commit makes at every 2,000 pages (about 15 ms) as late as can be. PASSIVE: it
 * waits for nobody.
 */
export class IdleCheckpoint {
  readonly #db: DatabaseSync;
  #checkpoint: StatementSync | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** To be called after each commit. */
  committed(): void {
    if (this.#timer === undefined) this.#timer = setTimeout(() => this.#run(), QUIET).unref();
    else this.#timer.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #run(): void {
    this.#timer = undefined;
    this.#checkpoint ??= this.#db.prepare('PRAGMA wal_checkpoint(PASSIVE)');
    try {
      this.#checkpoint.get(); // what others hold up stays for the next time
    } catch {
      // Nothing is lost: the WAL has it all. A full disk is met again, and told, by a commit.
    }
  }
}
