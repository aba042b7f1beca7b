import type { Ms } from '../../base/clock.ts';
import type { Id } from '../../base/id.ts';
import type { Due } from '../../relay/spool/spool.ts';

type Notify = NonNullable<Due['notify']>;
type BodyType = Due['envelope']['body'];

/** NOTIFY as its column has it: `NEVER`, or the words with commas as in SMTP; NULL when not given. */
export function notifyText(notify: Notify | undefined): string | null {
  if (notify === undefined) return null;
  return notify === 'never' ? 'NEVER' : notify.join(',').toUpperCase();
}

/** The column as NOTIFY. */
export function notifyOf(text: string | null): Notify | undefined {
  if (text === null) return undefined;
  return text === 'NEVER' ? 'never' : (text.toLowerCase().split(',') as Exclude<Notify, 'never'>);
}

/** Columns of a row that `due` reads, in the order of DUE_COLUMNS. */
export type DueRow = readonly [
  id: Id,
  entry: Id,
  lane: number,
  dest: string,
  recipient: string,
  notify: string | null,
  orcpt: string | null,
  due: Ms,
  attempts: number,
  delayNotified: Ms,
  at: Ms,
  reversePath: string,
  body: BodyType,
  smtputf8: number,
  ret: 'FULL' | 'HDRS' | null,
  envid: string | null,
  holder: string | null,
  serial: string | null,
  size: number,
  contentRef: string | null,
];

export const DUE_COLUMNS: string =
  'd.id, d.entry, d.lane, d.dest, d.recipient, d.notify, d.orcpt, d.due, d.attempts, d.delay_notified, ' +
  'm.at, m.reverse_path, m.body_type, m.smtputf8, m.ret, m.envid, m.holder, m.serial, m.size, m.content_ref';

/** A row as the scheduler gets it. */
export function dueOf(row: DueRow): Due {
  return {
    id: row[0],
    entry: row[1],
    lane: row[2],
    dest: row[3],
    recipient: row[4],
    notify: notifyOf(row[5]),
    orcpt: row[6] ?? undefined,
    due: row[7],
    attempts: row[8],
    delayNotified: row[9],
    at: row[10],
    envelope: {
      reversePath: row[11],
      body: row[12],
      smtputf8: row[13] !== 0,
      ret: row[14] ?? undefined,
      envid: row[15] ?? undefined,
    },
    origin: { holder: row[16] ?? undefined, serial: row[17] ?? undefined },
    size: row[18],
    contentRef: row[19] ?? undefined,
  };
}
