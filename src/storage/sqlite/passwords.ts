import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import type { Ms } from '../../base/clock.ts';
import type { LoginNeed, PasswordLookup, PasswordRecord, PasswordStore } from '../../relay/credential/store.ts';
import { openDatabase } from './database.ts';
import { storageFault } from './fault.ts';

/** Passwords in the database at `path`, over a connection of its own, which `close` closes. Methods throw a Fault. */
export function openPasswords(path: string): PasswordStore {
  return new SqlitePasswords(openDatabase(path));
}

/** The same for reading, of a database that another thread has opened; waits for no writer. */
export function openPasswordLookup(path: string): PasswordLookup {
  try {
    return new SqlitePasswords(new DatabaseSync(path, { readOnly: true }));
  } catch (error) {
    throw storageFault(error, `passwords: open ${path}`);
  }
}

type Row = Readonly<Record<string, SQLOutputValue>>;

const USABLE = 'withdrawn_at IS NULL AND (expires IS NULL OR expires > ?)';

class SqlitePasswords implements PasswordStore {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #secret: Uint8Array | undefined;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  inUse(now: Ms): boolean {
    return this.#all(`SELECT 1 FROM password WHERE ${USABLE} LIMIT 1`, now).length > 0;
  }

  usable(holder: string, now: Ms): PasswordRecord[] {
    const rows = this.#all(
      `SELECT * FROM password WHERE holder = ? AND ${USABLE} ORDER BY created_at DESC, id`,
      holder,
      now,
    );
    return rows.map(readRow);
  }

  isUsable(id: string, now: Ms): boolean {
    return this.#all(`SELECT 1 FROM password WHERE id = ? AND ${USABLE}`, id, now).length > 0;
  }

  need(holder: string): LoginNeed {
    const [row] = this.#all('SELECT need FROM login_need WHERE holder = ?', holder);
    return (row?.['need'] as LoginNeed | undefined) ?? 'any';
  }

  secret(): Uint8Array {
    return (this.#secret ??= this.#all('SELECT secret FROM password_secret')[0]?.['secret'] as Uint8Array);
  }

  add(record: PasswordRecord): void {
    this.#all(
      'INSERT INTO password VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      record.id,
      record.holder,
      record.label,
      record.kind,
      record.createdAt,
      record.by,
      record.expires ?? null,
      record.usedAt ?? null,
      record.withdrawnAt ?? null,
      record.argon2id,
      record.scram ?? null,
    );
  }

  list({ holder, limit }: { readonly holder?: string | undefined; readonly limit: number }): PasswordRecord[] {
    const order = 'ORDER BY holder, created_at, id LIMIT ?';
    const rows =
      holder === undefined
        ? this.#all(`SELECT * FROM password ${order}`, limit)
        : this.#all(`SELECT * FROM password WHERE holder = ? ${order}`, holder, limit);
    return rows.map(readRow);
  }

  get(id: string): PasswordRecord | undefined {
    return this.#all('SELECT * FROM password WHERE id = ?', id).map(readRow)[0];
  }

  withdraw(id: string, at: Ms): boolean {
    const changed = 'UPDATE password SET withdrawn_at = ? WHERE id = ? AND withdrawn_at IS NULL RETURNING id';
    return this.#all(changed, at, id).length > 0;
  }

  used(id: string, at: Ms): void {
    this.#all('UPDATE password SET used_at = ? WHERE id = ?', at, id);
  }

  setNeed(holder: string, need: LoginNeed): void {
    this.#all(
      'INSERT INTO login_need VALUES (?, ?) ON CONFLICT (holder) DO UPDATE SET need = excluded.need',
      holder,
      need,
    );
  }

  close(): void {
    this.#db.close();
  }

  #all(sql: string, ...values: SQLInputValue[]): Row[] {
    try {
      let statement = this.#statements.get(sql);
      if (statement === undefined) this.#statements.set(sql, (statement = this.#db.prepare(sql)));
      return statement.all(...values);
    } catch (error) {
      throw storageFault(error, 'passwords');
    }
  }
}

/** The columns are what `add` let in. */
function readRow(row: Row): PasswordRecord {
  return {
    id: row['id'] as string,
    holder: row['holder'] as string,
    label: row['label'] as string,
    kind: row['kind'] as PasswordRecord['kind'],
    createdAt: row['created_at'] as number,
    by: row['created_by'] as string,
    expires: (row['expires'] as number | null) ?? undefined,
    usedAt: (row['used_at'] as number | null) ?? undefined,
    withdrawnAt: (row['withdrawn_at'] as number | null) ?? undefined,
    argon2id: row['argon2id'] as string,
    scram: (row['scram'] as string | null) ?? undefined,
  };
}
