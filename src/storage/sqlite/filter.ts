import { HELD, type EntryFilter } from '../../relay/spool/spool.ts';

/** A condition in SQL with its parameters. */
export interface Where {
  readonly sql: string;
  readonly values: readonly (string | number)[];
}

/** Conditions on `message` as m, '1' when there are none. */
function onMessage(filter: EntryFilter): Where {
  const parts: string[] = [];
  const values: string[] = [];
  const add = (sql: string, value: string): void => {
    parts.push(sql);
    values.push(value);
  };
  // Only messages that wait are in the indexes; the rest are few, and read one by one.
  const addIndexed = (column: string, value: string): void => {
    parts.push(`(m.waiting = 1 AND m.${column} = ? OR m.waiting = 0 AND m.${column} = ?)`);
    values.push(value, value);
  };
  if (filter.ids !== undefined) add('m.id IN (SELECT value FROM json_each(?))', JSON.stringify(filter.ids));
  if (filter.reversePath !== undefined) add('m.reverse_path = ?', filter.reversePath);
  if (filter.holder !== undefined) addIndexed('holder', filter.holder);
  if (filter.serial !== undefined) addIndexed('serial', filter.serial);
  return { sql: parts.join(' AND ') || '1', values };
}

/** Conditions on `delivery` as d, '1' when there are none. */
function onDelivery(filter: EntryFilter): Where {
  const parts: string[] = [];
  const values: (string | number)[] = [];
  const add = (sql: string, value: string | number): void => {
    parts.push(sql);
    values.push(value);
  };
  if (filter.recipient !== undefined) add('d.recipient = ?', filter.recipient);
  if (filter.dest !== undefined) add('d.dest = ?', filter.dest);
  if (filter.held !== undefined) add(filter.held ? 'd.due = ?' : 'd.due <> ?', HELD);
  return { sql: parts.join(' AND ') || '1', values };
}

/** Entries (`message` as m) with a delivery that meets the filter. */
export function entriesWhere(filter: EntryFilter): Where {
  const message = onMessage(filter);
  const delivery = onDelivery(filter);
  if (delivery.sql === '1') return message;
  // Few entries known: probe each one's deliveries. Else read the deliveries once.
  const narrow = filter.ids !== undefined || filter.holder !== undefined || filter.serial !== undefined;
  const sql = narrow
    ? `EXISTS (SELECT 1 FROM delivery d WHERE d.entry = m.id AND ${delivery.sql})`
    : `m.id IN (SELECT d.entry FROM delivery d WHERE ${delivery.sql})`;
  return { sql: `${message.sql} AND ${sql}`, values: [...message.values, ...delivery.values] };
}

/** Deliveries (`delivery` as d) that meet the filter. */
export function deliveriesWhere(filter: EntryFilter): Where {
  const message = onMessage(filter);
  const delivery = onDelivery(filter);
  if (message.sql === '1') return delivery;
  return {
    sql: `${delivery.sql} AND d.entry IN (SELECT m.id FROM message m WHERE ${message.sql})`,
    values: [...delivery.values, ...message.values],
  };
}
