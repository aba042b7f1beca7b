import type { DatabaseSync } from 'node:sqlite';
import type { Ms } from '../../base/clock.ts';
import type { NoticeBook, OpenNotice } from '../../ca/notice-book.ts';
import { openDatabase } from './database.ts';
import { storageFault } from './fault.ts';

/** The notice book in the database at `path`, over a connection of its own, which `close` closes. Methods throw a Fault. */
export function openNoticeBook(path: string): NoticeBook {
  return new SqliteNoticeBook(openDatabase(path));
}

class SqliteNoticeBook implements NoticeBook {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  known(names: readonly string[]): ReadonlySet<string> {
    const rows = this.#run('known', () =>
      this.#db
        .prepare('SELECT name FROM notice WHERE name IN (SELECT value FROM json_each(?))')
        .all(JSON.stringify(names)),
    );
    return new Set(rows.map((row) => row['name'] as string));
  }

  begin(notices: readonly OpenNotice[], at: Ms): void {
    const rows = notices.flatMap(({ names, entry }) => names.map((name) => [name, entry]));
    this.#run('begin', () =>
      this.#db
        .prepare(
          `INSERT INTO notice (name, entry, at, open)
             SELECT value ->> 0, value ->> 1, ?, 1 FROM json_each(?) WHERE true ON CONFLICT (name) DO NOTHING`,
        )
        .run(at, JSON.stringify(rows)),
    );
  }

  end(entries: readonly number[]): void {
    this.#run('end', () =>
      this.#db
        .prepare('UPDATE notice SET open = 0 WHERE open = 1 AND entry IN (SELECT value FROM json_each(?))')
        .run(JSON.stringify(entries)),
    );
  }

  cancel(entries: readonly number[]): void {
    this.#run('cancel', () =>
      this.#db
        .prepare('DELETE FROM notice WHERE open = 1 AND entry IN (SELECT value FROM json_each(?))')
        .run(JSON.stringify(entries)),
    );
  }

  open(): OpenNotice[] {
    return this.#run('open', () =>
      this.#db
        .prepare('SELECT entry, json_group_array(name) AS names FROM notice WHERE open = 1 GROUP BY entry')
        .all()
        .map((row) => ({ entry: row['entry'] as number, names: JSON.parse(row['names'] as string) as string[] })),
    );
  }

  forget(before: Ms): void {
    this.#run('forget', () => this.#db.prepare('DELETE FROM notice WHERE open = 0 AND at < ?').run(before));
  }

  close(): void {
    this.#db.close();
  }

  #run<T>(doing: string, act: () => T): T {
    try {
      return act();
    } catch (error) {
      throw storageFault(error, `notices: ${doing}`);
    }
  }
}
