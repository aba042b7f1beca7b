import type { DatabaseSync, SQLInputValue, SQLOutputValue } from 'node:sqlite';
import type { Ms } from '../../base/clock.ts';
import type { Enrolment, EnrolmentStore } from '../../ca/enrolment.ts';
import { openDatabase } from './database.ts';
import { storageFault } from './fault.ts';

/** One-time tokens in the database at `path`, over a connection of its own, which `close` closes. Methods throw a Fault. */
export function openEnrolments(path: string): EnrolmentStore {
  return new SqliteEnrolments(openDatabase(path));
}

type Row = Readonly<Record<string, SQLOutputValue>>;

class SqliteEnrolments implements EnrolmentStore {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  add(enrolment: Enrolment, hash: string): void {
    this.#all(
      'INSERT INTO enrolment VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      enrolment.id,
      hash,
      enrolment.holder,
      enrolment.profile,
      JSON.stringify(enrolment.dnsNames),
      enrolment.life ?? null,
      enrolment.createdAt,
      enrolment.expires,
      enrolment.by,
      enrolment.usedAt ?? null,
      enrolment.serial ?? null,
      enrolment.withdrawn ? 1 : 0,
    );
  }

  byHash(hash: string): Enrolment | undefined {
    return this.#all('SELECT * FROM enrolment WHERE hash = ?', hash).map(readRow)[0];
  }

  take(id: string, at: Ms): boolean {
    const taken = this.#all(
      'UPDATE enrolment SET used_at = ? WHERE id = ? AND used_at IS NULL AND withdrawn = 0 AND expires > ? RETURNING id',
      at,
      id,
      at,
    );
    return taken.length > 0;
  }

  giveBack(id: string): void {
    this.#all('UPDATE enrolment SET used_at = NULL WHERE id = ? AND serial IS NULL', id);
  }

  usedFor(id: string, serial: string): void {
    this.#all('UPDATE enrolment SET serial = ? WHERE id = ?', serial, id);
  }

  withdraw(id: string): boolean {
    const withdrawn = this.#all(
      'UPDATE enrolment SET withdrawn = 1 WHERE id = ? AND used_at IS NULL AND withdrawn = 0 RETURNING id',
      id,
    );
    return withdrawn.length > 0;
  }

  list(limit: number): Enrolment[] {
    return this.#all('SELECT * FROM enrolment ORDER BY created_at DESC, id LIMIT ?', limit).map(readRow);
  }

  forget(before: Ms): void {
    this.#all('DELETE FROM enrolment WHERE expires < ?', before);
  }

  close(): void {
    this.#db.close();
  }

  #all(sql: string, ...values: SQLInputValue[]): Row[] {
    try {
      return this.#db.prepare(sql).all(...values);
    } catch (error) {
      throw storageFault(error, 'enrolment tokens');
    }
  }
}

/** The columns are what `add` let in. */
function readRow(row: Row): Enrolment {
  return {
    id: row['id'] as string,
    holder: row['holder'] as string,
    profile: row['profile'] as Enrolment['profile'],
    dnsNames: JSON.parse(row['dns_names'] as string) as string[],
    life: (row['life'] as number | null) ?? undefined,
    createdAt: row['created_at'] as number,
    expires: row['expires'] as number,
    by: row['created_by'] as string,
    usedAt: (row['used_at'] as number | null) ?? undefined,
    serial: (row['serial'] as string | null) ?? undefined,
    withdrawn: row['withdrawn'] === 1,
  };
}
