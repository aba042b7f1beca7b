/** A filter of the ledger as SQL: each condition in the form that an index serves. */
import type { SQLInputValue } from 'node:sqlite';
import type { LedgerFilter } from '../../ca/ledger.ts';

export interface SqlPart {
  readonly sql: string;
  readonly values: readonly SQLInputValue[];
}

export function whereOf(filter: LedgerFilter): SqlPart {
  const { holder, serial, serialBegins, state, endsAfter, endsBefore, overlapEndsBefore, current } = filter;
  const conditions: string[] = [];
  const values: SQLInputValue[] = [];
  const must = (condition: string, ...given: readonly SQLInputValue[]): void => {
    conditions.push(condition);
    values.push(...given);
  };
  if (holder !== undefined) must('holder = ?', holder);
  if (serial !== undefined) must('serial = ?', serial);
  // `g` comes after all hexadecimal digits.
  if (serialBegins !== undefined) must('serial >= ? AND serial < ?', serialBegins, `${serialBegins}g`);
  if (state !== undefined) {
    const states = typeof state === 'string' ? [state] : state;
    must(`state IN (${states.map(() => '?').join(', ')})`, ...states);
  }
  if (endsAfter !== undefined) must('not_after > ?', endsAfter);
  if (endsBefore !== undefined) must('not_after < ?', endsBefore);
  if (current) must('replaced_by IS NULL');
  // In the words of the partial index `certificate_overlap`.
  if (overlapEndsBefore !== undefined)
    must("overlap_ends < ? AND overlap_ends < not_after AND state <> 'revoked'", overlapEndsBefore);
  return { sql: conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`, values };
}

/** What comes after the last record of the page before. */
export function pageOf({ after, order }: LedgerFilter, first: boolean): SqlPart {
  if (after === undefined) return { sql: '', values: [] };
  const column = order === 'ending' ? 'not_after' : 'issued_at';
  const at = order === 'ending' ? after.notAfter : after.issuedAt;
  return { sql: `${first ? 'WHERE' : 'AND'} (${column}, serial) > (?, ?)`, values: [at, after.serial] };
}

export function orderOf({ order }: LedgerFilter): string {
  return order === 'ending' ? 'not_after, serial' : 'issued_at, serial';
}
