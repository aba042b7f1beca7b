import type { DatabaseSync } from 'node:sqlite';
import { Fault } from '../../base/fault.ts';
import { statuses } from '../../base/status.ts';
import { storageFault } from './fault.ts';
import type { Migration } from './schema.ts';

/**
 * Brings the database up to the last migration, each in a transaction of its own; `user_version` counts them.
 * Two processes that open at once are in order: the version is read again under the write lock.
 * Throws a Fault when the database is newer than this program.
 */
export function migrate(db: DatabaseSync, migrations: readonly Migration[]): void {
  for (;;) {
    const found = version(db);
    if (found > migrations.length) {
      throw new Fault(
        statuses['storage-failed'],
        `the database has schema ${found}, this program knows schemas up to ${migrations.length}: it was written by a newer version; run that version, or restore the backup made before the upgrade`,
      );
    }
    const next = migrations[found];
    if (next === undefined) return;
    db.exec('BEGIN IMMEDIATE');
    try {
      if (version(db) === found) {
        db.exec(next.sql);
        next.fill?.(db, Date.now());
        db.exec(`PRAGMA user_version = ${found + 1}`);
      }
      db.exec('COMMIT');
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      throw storageFault(error, `migration ${found + 1} (${next.name})`);
    }
  }
}

function version(db: DatabaseSync): number {
  return db.prepare('PRAGMA user_version').get()?.['user_version'] as number;
}
