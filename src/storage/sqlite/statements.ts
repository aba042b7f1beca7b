import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { HELD } from '../../relay/spool/spool.ts';
import { DUE_BUCKET } from './schema.ts';

/** The spool's statements, prepared once. */
export interface Statements {
  readonly addMessage: StatementSync;
  readonly addBody: StatementSync;
  readonly addDelivery: StatementSync;
  readonly addEvent: StatementSync;
  readonly epoch: StatementSync;
  readonly finish: StatementSync;
  readonly defer: StatementSync;
  /** Deletes the message when no more than `n` deliveries of it were open. */
  readonly endMessage: StatementSync;
  readonly lessOpen: StatementSync;
  /** Marks a message as one with a deferral behind it. */
  readonly wait: StatementSync;
  readonly dropBody: StatementSync;
  readonly removeMessage: StatementSync;
  readonly removeDeliveries: StatementSync;
  readonly hold: StatementSync;
  readonly release: StatementSync;
  readonly retry: StatementSync;
  readonly claim: StatementSync;
  readonly renew: StatementSync;
  readonly giveBack: StatementSync;
  readonly body: StatementSync;
  readonly history: StatementSync;
  readonly historyCut: StatementSync;
  readonly forget: StatementSync;
  readonly refs: StatementSync;
  readonly lastId: StatementSync;
  readonly counts: StatementSync;
}

/** Prepares them on a database that has the schema. */
export function prepareStatements(db: DatabaseSync): Statements {
  const write = (sql: string): StatementSync => db.prepare(sql);
  const read = (sql: string): StatementSync => db.prepare(sql, { returnArrays: true });
  return {
    addMessage: write(
      'INSERT INTO message (id, at, open, waiting, size, reverse_path, holder, serial, body_type, smtputf8, ret, envid, message_id, peer, content_ref)' +
        ' VALUES (?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING',
    ),
    addBody: write('INSERT INTO body (id, data) VALUES (?, ?)'),
    addDelivery: write(
      'INSERT INTO delivery (id, entry, lane, due, attempts, delay_notified, dest, recipient, notify, orcpt, detail)' +
        " VALUES (?, ?, ?, ?, 0, 0, ?, ?, ?, ?, '')",
    ),
    addEvent: write(
      'INSERT INTO event (entry, at, seq, delivery, dest, kind, detail) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
    ),
    epoch: read('SELECT epoch FROM lane WHERE id = ?'),
    finish: read('DELETE FROM delivery WHERE id = ? AND entry = ? RETURNING dest'),
    defer: read(
      `UPDATE delivery SET due = CASE due WHEN ${HELD} THEN due ELSE ? END, attempts = attempts + 1, delay_notified = ?, detail = ?` +
        ' WHERE id = ? AND entry = ? RETURNING dest',
    ),
    endMessage: read('DELETE FROM message WHERE id = ? AND open <= ? RETURNING content_ref'),
    lessOpen: write('UPDATE message SET open = open - ?2 WHERE id = ?1'),
    wait: write('UPDATE message SET waiting = 1 WHERE id = ? AND waiting = 0'),
    dropBody: write('DELETE FROM body WHERE id = ?'),
    removeMessage: read('DELETE FROM message WHERE id = ? RETURNING content_ref'),
    removeDeliveries: write('DELETE FROM delivery WHERE entry = ?'),
    hold: read(`UPDATE delivery SET due = ${HELD} WHERE id = ?1 AND due <> ${HELD} RETURNING entry, lane, dest`),
    release: read(`UPDATE delivery SET due = ?2 WHERE id = ?1 AND due = ${HELD} RETURNING entry, lane, dest`),
    retry: read(`UPDATE delivery SET due = min(due, ?2) WHERE id = ?1 AND due <> ${HELD} RETURNING entry, lane, dest`),
    claim: read(
      'UPDATE lane SET owner = ?1, epoch = epoch + 1, until = ?2' +
        ' WHERE id IN (SELECT id FROM lane WHERE owner IS NULL OR until <= ?3 ORDER BY id LIMIT ?4) RETURNING id, epoch, until',
    ),
    renew: read('UPDATE lane SET until = ?2 WHERE owner = ?1 RETURNING id, epoch, until'),
    giveBack: write('UPDATE lane SET owner = NULL, until = 0 WHERE owner = ? AND id = ?'),
    body: read('SELECT data FROM body WHERE id = ?'),
    history: read('SELECT at, entry, delivery, dest, kind, detail FROM event WHERE entry = ? ORDER BY at, seq'),
    historyCut: read('SELECT entry FROM event WHERE entry >= ?1 AND entry < ?2 ORDER BY entry LIMIT 1 OFFSET 1000'),
    forget: write('DELETE FROM event WHERE entry >= ?1 AND entry < ?2 AND at < ?3'),
    refs: read('SELECT content_ref FROM message WHERE content_ref IS NOT NULL'),
    lastId: read(
      'SELECT max(coalesce((SELECT max(id) FROM message), 0), coalesce((SELECT max(id) FROM delivery), 0), coalesce((SELECT max(entry) FROM event), 0))',
    ),
    counts: read(
      'SELECT (SELECT count(*) FROM message), (SELECT count(*) FROM delivery),' +
        ` (SELECT count(*) FROM delivery WHERE (due >> ${DUE_BUCKET}) = ${HELD} >> ${DUE_BUCKET} AND due = ${HELD}),` +
        ' (SELECT at FROM message ORDER BY id LIMIT 1)',
    ),
  };
}
