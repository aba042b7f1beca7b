import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import type { Outcome } from '../../base/outcome.ts';
import { statuses } from '../../base/status.ts';
import type { Notify } from '../../protocol/smtp/server-event.ts';
import { deferred, delivered, failed, noConnection } from '../schedule/rig.suite.ts';
import { HELD, type Due } from '../spool/spool.ts';
import { conclude, enhancedOf, statusText } from './conclude.ts';
import { noticeOf, returnsFull } from './notify.ts';

const HOUR = 3_600_000;
const settings = { expiry: 120 * HOUR, delayNotice: 4 * HOUR };

function row(over: Partial<Due> = {}, reversePath = 'alice@example.net'): Due {
  return {
    id: 2,
    entry: 1,
    lane: 3,
    dest: 'example.org',
    recipient: 'bob@example.org',
    notify: undefined,
    orcpt: undefined,
    due: 0,
    attempts: 0,
    delayNotified: 0,
    at: 0,
    envelope: { reversePath, body: '8BITMIME', smtputf8: false, ret: undefined, envid: undefined },
    origin: { holder: undefined, serial: undefined },
    size: 100,
    contentRef: undefined,
    ...over,
  };
}

const inAnHour = (_: number, now: number): number => now + HOUR;

describe('conclusions', () => {
  test('held: neither tried again nor given up, however old, and nobody is told', () => {
    for (const age of [0, 5 * HOUR, 500 * HOUR]) {
      const { result, notice, outcome } = conclude(
        row(),
        { ...(deferred as Extract<Outcome, { kind: 'deferred' }>), held: true },
        age,
        settings,
        inAnHour,
      );
      assert.deepEqual(result, { kind: 'deferred', due: HELD, delayNotified: 0 });
      assert.deepEqual([notice, outcome.kind], [undefined, 'deferred']);
    }
  });

  test('deferred: tried again, told once when late, given up when its time is over', () => {
    assert.deepEqual(conclude(row(), deferred, HOUR, settings, inAnHour).result, {
      kind: 'deferred',
      due: 2 * HOUR,
      delayNotified: 0,
    });
    const late = conclude(row(), deferred, 4 * HOUR, settings, inAnHour);
    assert.equal(late.notice, 'delayed');
    assert.deepEqual(late.result, { kind: 'deferred', due: 5 * HOUR, delayNotified: 4 * HOUR });
    const again = conclude(row({ delayNotified: 4 * HOUR }), deferred, 9 * HOUR, settings, inAnHour);
    assert.equal(again.notice, undefined);
    assert.deepEqual(again.result, { kind: 'deferred', due: 10 * HOUR, delayNotified: 4 * HOUR });
    const over = conclude(row(), deferred, 120 * HOUR, settings, inAnHour);
    assert.equal(over.outcome.kind, 'expired');
    assert.equal(over.outcome.status.key, 'expired');
    assert.equal(over.outcome.remote?.text, 'come back later', 'the last words are kept');
    assert.equal(over.notice, 'failed');
    assert.equal(conclude(row(), deferred, 5 * HOUR, { ...settings, delayNotice: 0 }, inAnHour).notice, undefined);
  });

  test('the last attempt comes when the time is over', () => {
    const { result } = conclude(row(), deferred, 119 * HOUR + 1, settings, inAnHour);
    assert.equal(result.kind === 'deferred' && result.due, 120 * HOUR);
  });

  test('attempts are counted with the one just made', () => {
    const seen: number[] = [];
    conclude(row({ attempts: 4 }), deferred, 1, settings, (attempts, now) => {
      seen.push(attempts);
      return now + 1;
    });
    assert.deepEqual(seen, [5]);
  });

  test('NOTIFY decides who is told of what', () => {
    const taken: Outcome = { ...delivered, dsnRelayed: true } as Outcome;
    const table: readonly (readonly [
      Notify | undefined,
      string | undefined,
      string | undefined,
      string | undefined,
    ])[] = [
      // NOTIFY, told of failure, of delay, of success
      [undefined, 'failed', 'delayed', undefined],
      ['never', undefined, undefined, undefined],
      [['success'], undefined, undefined, 'relayed'],
      [['failure'], 'failed', undefined, undefined],
      [['delay'], undefined, 'delayed', undefined],
      [['success', 'failure', 'delay'], 'failed', 'delayed', 'relayed'],
    ];
    for (const [notify, failure, delay, success] of table) {
      const it = row(notify === undefined ? {} : { notify });
      assert.equal(noticeOf(it, failed, false), failure);
      assert.equal(noticeOf(it, deferred, true), delay);
      assert.equal(noticeOf(it, deferred, false), undefined);
      assert.equal(noticeOf(it, delivered, false), success);
      assert.equal(noticeOf(it, taken, false), undefined, 'the next server took over the duty');
    }
  });

  test('RET, the kind of notice, size and content decide what is returned', () => {
    const envelope = row().envelope;
    assert.equal(returnsFull(row(), 'failed', 100), true);
    assert.equal(returnsFull(row(), 'failed', 99), false);
    assert.equal(returnsFull(row({ envelope: { ...envelope, ret: 'FULL' } }), 'failed', 100), true);
    assert.equal(returnsFull(row({ envelope: { ...envelope, ret: 'HDRS' } }), 'failed', 100), false);
    assert.equal(returnsFull(row({ envelope: { ...envelope, ret: 'FULL' } }), 'delayed', 100), false);
    assert.equal(returnsFull(row({ envelope: { ...envelope, body: 'BINARYMIME' } }), 'failed', 100), false);
  });

  test('codes are of the class of the outcome, whatever the server said', () => {
    assert.equal(enhancedOf(failed), '5.1.1');
    assert.equal(enhancedOf(delivered), '2.1.5');
    assert.equal(enhancedOf(noConnection()), '4.4.1');
    const strange: Outcome = { ...failed, remote: { code: 550, enhanced: '4.2.2', text: 'x', command: 'RCPT TO' } };
    assert.equal(enhancedOf(strange), '5.0.0');
    assert.equal(enhancedOf({ ...deferred, kind: 'expired', status: statuses.expired } as Outcome), '5.4.7');
    assert.equal(statusText(noConnection()), '4.4.1 No answer from the remote server: connect ECONNREFUSED');
  });

  test('property: the null reverse-path is never told anything, and due is always later', () => {
    const outcomes = fc.constantFrom<Outcome>(delivered, deferred, failed, noConnection());
    const notify = fc.constantFrom<Notify | undefined>(
      undefined,
      'never',
      ['success'],
      ['failure', 'delay'],
      ['success', 'failure', 'delay'],
    );
    fc.assert(
      fc.property(
        outcomes,
        notify,
        fc.nat(200 * HOUR),
        fc.boolean(),
        fc.integer({ min: -HOUR, max: HOUR }),
        (outcome, notify, now, isNull, wait) => {
          const it = row(notify === undefined ? {} : { notify }, isNull ? '' : 'alice@example.net');
          const { result, notice, outcome: end } = conclude(it, outcome, now, settings, () => now + wait);
          if (isNull || notify === 'never') assert.equal(notice, undefined);
          if (result.kind === 'deferred') assert.ok(result.due > now);
          else assert.equal(result.kind, end.kind);
          assert.equal(end.kind === 'delivered' ? '2' : end.kind === 'deferred' ? '4' : '5', enhancedOf(end)[0]);
        },
      ),
    );
  });
});
