import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { Fault } from '../../base/fault.ts';
import { statuses } from '../../base/status.ts';
import { storageFault } from './fault.ts';

/** A write that waits for the next commit. */
interface Waiting {
  /** Does the writing, inside the transaction; may run again after a rollback. */
  readonly act: () => unknown;
  readonly resolve: (result: never) => void;
  readonly reject: (fault: Fault) => void;
}

/**
 * One transaction, and so one sync, for all writes that are waiting: those that arrive while one commit runs share
 * the next. No timer: the next commit starts as soon as the event loop has handed over what has arrived.
 * If the joint transaction fails, each write gets a transaction of its own, so that a bad one fails alone.
 */
export class GroupCommit {
  readonly #db: DatabaseSync;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  /** Called after each commit, before the answers. */
  readonly #committed: () => void;
  #waiting: Waiting[] = [];
  #closed = false;

  constructor(db: DatabaseSync, committed: () => void) {
    this.#db = db;
    this.#begin = db.prepare('BEGIN IMMEDIATE');
    this.#commit = db.prepare('COMMIT');
    this.#committed = committed;
  }

  /** Resolves with what `act` returned, once it is durable. `act` must be synchronous. Rejects with a Fault. */
  run<T>(act: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#closed) return reject(new Fault(statuses['storage-failed'], 'the spool is closed'));
      if (this.#waiting.push({ act, resolve, reject }) === 1) setImmediate(() => this.flush());
    });
  }

  /** Commits what is waiting, now. */
  flush(): void {
    const batch = this.#waiting;
    if (batch.length === 0) return;
    this.#waiting = [];
    if (this.#transact(batch) === undefined) return;
    for (const one of batch) {
      const fault = this.#transact([one]);
      if (fault !== undefined) one.reject(fault);
    }
  }

  /** Commits what is waiting and takes no more. */
  close(): void {
    this.flush();
    this.#closed = true;
  }

  /** All in one transaction, then the answers; what went wrong if it was rolled back. */
  #transact(batch: readonly Waiting[]): Fault | undefined {
    const results: unknown[] = [];
    try {
      this.#begin.run();
      for (const { act } of batch) results.push(act());
      this.#commit.run();
    } catch (error) {
      return this.#rollBack(storageFault(error, 'commit'));
    }
    this.#committed();
    for (const [index, { resolve }] of batch.entries()) resolve(results[index] as never);
    return undefined;
  }

  #rollBack(fault: Fault): Fault {
    try {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK'); // SQLite itself rolls back on some errors
      return fault;
    } catch (error) {
      return new Fault(fault.status, `${fault.detail}; rollback: ${storageFault(error, 'rollback').detail}`, fault);
    }
  }
}
