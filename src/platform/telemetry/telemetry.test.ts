import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { EventPeer, RelayEvent } from '../../base/event.ts';
import { eventCounters } from './counters.ts';
import { type LogSettings, logSink } from './log.ts';
import { eventRecord } from './record.ts';
import { eventWords } from './words.ts';

const peer: EventPeer = {
  session: 's1',
  address: '192.0.2.7',
  client: 'laptop.example.net [192.0.2.7]',
  verify: 'OK',
  holder: 'alice@example.net',
  serial: '4a1f',
};
const stranger: EventPeer = {
  session: 's2',
  address: '2001:db8::1',
  client: '[IPv6:2001:db8::1]',
  verify: '',
  holder: undefined,
  serial: undefined,
};
const id = 71_000_000_000_000;
const queue = '00P60Y6U1A8';

const accepted: RelayEvent = {
  kind: 'accepted',
  peer,
  listener: 'relay',
  protocol: 'ESMTPS',
  id,
  reversePath: 'alice@example.net',
  recipients: ['bob@example.com', 'c@example.com', 'd@example.com', 'e@example.com'],
  size: 4_200,
  messageId: '<1@example.net>',
  rule: 'holder',
};
const refused: RelayEvent = {
  kind: 'refused',
  peer: stranger,
  stage: 'recipient',
  reply: '550 5.7.1 Relaying denied',
  id: undefined,
  reversePath: 'x@example.org',
  recipient: 'bob@example.com',
  rule: undefined,
};
const attempted: RelayEvent = {
  kind: 'attempted',
  id,
  recipient: 'bob@example.com',
  hop: 'mx.example.com',
  outcome: 'deferred',
  status: '450 4.0.0',
  remote: '450 later',
  tls: 'TLSv1.3',
  attempts: 2,
  delay: 61_000,
  nextAt: 1_795_486_908_000,
  holder: 'alice@example.net',
  serial: '4a1f',
};

describe('words', () => {
  test('accepted, with queue id, holder and serial', () => {
    assert.equal(
      eventWords(accepted),
      `accepted ${queue} from <alice@example.net> to <bob@example.com> <c@example.com> <d@example.com> and 1 more, 4.1 KB, message-id <1@example.net>, by holder, holder alice@example.net serial 4a1f [s1 192.0.2.7]`,
    );
  });
  test('refused and attempted', () => {
    assert.equal(
      eventWords(refused),
      'refused at recipient from <x@example.org> to <bob@example.com>: 550 5.7.1 Relaying denied [s2 2001:db8::1]',
    );
    assert.equal(
      eventWords(attempted),
      `deferred ${queue} to <bob@example.com> by mx.example.com (TLSv1.3): 450 4.0.0, it said: 450 later, after 1 min, attempt 2, again at 2026-11-24T02:21:48.000Z, holder alice@example.net serial 4a1f`,
    );
  });
  test('no peer can forge a line or steer a terminal', () => {
    const line = eventWords({ ...refused, reversePath: 'a\r\nINFO accepted\u001b[31m\u0085\u2028b' });
    assert.match(line, /<a\\x0D\\x0AINFO accepted\\x1B\[31m\\x85\\u2028b>/);
  });
});

test('a record is flat, with printed queue ids and without undefined', () => {
  const record = JSON.parse(JSON.stringify(eventRecord(attempted))) as Record<string, unknown>;
  assert.equal(record['event'], 'attempted');
  assert.equal(record['queue'], queue);
  assert.ok(!('id' in record) && !('kind' in record));
  const other = JSON.parse(JSON.stringify(eventRecord(refused))) as Record<string, unknown>;
  assert.equal(other['session'], 's2');
  assert.ok(!('holder' in other) && !('peer' in other) && !('rule' in other));
  assert.deepEqual(eventRecord({ kind: 'queue-changed', action: 'hold', ids: [id], by: 'operator' }), {
    event: 'queue-changed',
    action: 'hold',
    by: 'operator',
    queues: [queue],
  });
});

test('counters', () => {
  const counters = eventCounters();
  for (const event of [
    accepted,
    refused,
    attempted,
    { ...attempted, outcome: 'expired' },
    { ...attempted, outcome: 'delivered' },
  ] as const)
    counters.tell(event);
  for (let open = 0; open < 3; open++) counters.tell({ kind: 'connected', peer, listener: 'relay' });
  counters.tell({ kind: 'disconnected', peer, reason: 'quit', messages: 1, span: 5 });
  assert.deepEqual(counters.totals(), { accepted: 1, refused: 1, delivered: 1, deferred: 1, failed: 1 });
  assert.equal(counters.byKind()['attempted.expired'], 1);
});

describe('log file', () => {
  const settings = (file: string, over: Partial<LogSettings> = {}): LogSettings => ({
    format: 'auto',
    level: 'info',
    destination: file,
    isTerminal: true,
    now: () => 1_795_486_908_000,
    ...over,
  });

  async function inDirectory(act: (directory: string) => void | Promise<void>): Promise<void> {
    const directory = mkdtempSync(join(tmpdir(), 'log-'));
    try {
      await act(directory);
    } finally {
      rmSync(directory, { recursive: true });
    }
  }

  test('JSON lines, only what is loud enough, readable by owner and group', () =>
    inDirectory((directory) => {
      const file = join(directory, 'deep', 'relay.log');
      const log = logSink(settings(file));
      log.tell({ kind: 'settled', id });
      log.tell(refused);
      log.flush();
      const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
      assert.equal(lines.length, 1);
      const line = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
      assert.deepEqual([line['level'], line['time'], line['event']], ['warn', '2026-11-24T02:21:48.000Z', 'refused']);
      assert.equal(statSync(file).mode & 0o007, 0);
    }));

  test('text when it is asked for, without colours in a file', () =>
    inDirectory((directory) => {
      const file = join(directory, 'relay.log');
      const log = logSink(settings(file, { format: 'text', level: 'debug' }));
      log.tell({ kind: 'settled', id });
      log.flush();
      assert.equal(readFileSync(file, 'utf8'), `2026-11-24T02:21:48.000Z DEBUG settled ${queue}\n`);
    }));

  test('a rotated file is opened anew', () =>
    inDirectory(async (directory) => {
      const file = join(directory, 'relay.log');
      const log = logSink(settings(file));
      log.tell(refused);
      log.flush();
      renameSync(file, `${file}.1`);
      log.reopen();
      log.tell(accepted);
      log.flush();
      assert.match(contentOf(file), /"event":"accepted"/);
      assert.doesNotMatch(contentOf(file), /"event":"refused"/);
    }));

  test('what is told is written without a flush, once the turn is over', () =>
    inDirectory(async (directory) => {
      const file = join(directory, 'relay.log');
      const log = logSink(settings(file));
      for (let count = 0; count < 3; count++) log.tell(refused);
      assert.equal(contentOf(file), '');
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(contentOf(file).trimEnd().split('\n').length, 3);
    }));

  test('a path that cannot be written is an error at once', () =>
    inDirectory((directory) => {
      assert.throws(() => logSink(settings(directory)), /EISDIR/);
    }));
});

function contentOf(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}
