import type { Ms } from '../../base/clock.ts';
import type { NoticeBook, OpenNotice } from '../../ca/notice-book.ts';

/** A notice book for tests: as lasting as the process. */
export function memoryNoticeBook(): NoticeBook {
  const rows = new Map<string, { readonly entry: number; readonly at: Ms; readonly open: boolean }>();
  return {
    known: (names) => new Set(names.filter((name) => rows.has(name))),
    begin(notices, at) {
      for (const { names, entry } of notices)
        for (const name of names) if (!rows.has(name)) rows.set(name, { entry, at, open: true });
    },
    end(entries) {
      for (const [name, row] of rows) if (entries.includes(row.entry)) rows.set(name, { ...row, open: false });
    },
    cancel(entries) {
      for (const [name, row] of rows) if (row.open && entries.includes(row.entry)) rows.delete(name);
    },
    open() {
      const byEntry = new Map<number, string[]>();
      for (const [name, row] of rows) if (row.open) byEntry.set(row.entry, [...(byEntry.get(row.entry) ?? []), name]);
      return [...byEntry].map(([entry, names]): OpenNotice => ({ entry, names }));
    },
    forget(before) {
      for (const [name, row] of rows) if (!row.open && row.at < before) rows.delete(name);
    },
    close() {},
  };
}
