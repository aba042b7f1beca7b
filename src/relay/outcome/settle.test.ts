import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromLatin1, latin1 } from '../../base/bytes.ts';
import { Fault } from '../../base/fault.ts';
import type { Outcome } from '../../base/outcome.ts';
import { statuses } from '../../base/status.ts';
import { deferred, delivered, failed, interceptedSpool, noConnection, rig, type Rig } from '../schedule/rig.suite.ts';
import { HELD, LANES, type Due, type Lane } from '../spool/spool.ts';

const HOUR = 3_600_000;

async function lanes(it: Rig): Promise<Map<number, Lane>> {
  const claimed = await it.spool.claimLanes(1, LANES, it.clock.now(), 1_000_000_000);
  return new Map(claimed.map((lane) => [lane.lane, lane]));
}

/** All rows that are not on hold, by destination. */
async function rows(it: Rig): Promise<Due[]> {
  const all = Array.from({ length: LANES }, (_, lane) => ({ lane, after: [0, 0] as const }));
  return (await it.spool.due(all, HELD - 1, 1_000, [])).toSorted((a, b) => a.id - b.id);
}

function result(of: readonly Due[], ...outcomes: readonly Outcome[]) {
  return {
    recipients: of.map(({ id }, i) => ({ id, outcome: outcomes[i % outcomes.length] as Outcome })),
    hop: 'mx.example.org [192.0.2.25]:25',
    tls: 'TLSv1.3',
  };
}

async function notices(it: Rig): Promise<{ readonly row: Due; readonly text: string }[]> {
  const found = (await rows(it)).filter(({ envelope }) => envelope.reversePath === '');
  const contents = await it.spool.contents(found.map(({ entry }) => entry));
  return found.map((row, i) => ({ row, text: latin1(contents[i] ?? new Uint8Array()) }));
}

describe('settling', () => {
  test('delivered: the rows go, the events tell it, and the content is dropped when nobody needs it', async () => {
    const it = rig();
    const writer = it.stored.create(1);
    await writer.write(fromLatin1('A: b\r\n\r\nlarge\r\n'));
    const ref = await writer.finish();
    const epochs = await lanes(it);
    const id = await it.accept(['bob@example.org', 'carol@example.com'], { stored: ref });
    const [bob, carol] = (await rows(it)) as [Due, Due];
    assert.equal(await it.settler.settle([bob], epochs.get(bob.lane)?.epoch ?? 0, result([bob], delivered)), undefined);
    assert.deepEqual(await it.stored.refs(), [ref], 'carol needs it');
    await it.settler.settle([carol], 1, result([carol], delivered));
    await it.clock.settle();
    assert.deepEqual(await it.stored.refs(), []);
    assert.equal((await it.spool.counts()).entries, 0);
    const [told] = it.told('attempted');
    assert.deepEqual(
      { ...told },
      {
        kind: 'attempted',
        id,
        recipient: 'bob@example.org',
        hop: 'mx.example.org [192.0.2.25]:25',
        outcome: 'delivered',
        status: '2.1.5 Delivered',
        remote: '250 2.1.5 queued',
        tls: 'TLSv1.3',
        attempts: 1,
        delay: 0,
        nextAt: undefined,
        holder: 'alice@example.net',
        serial: '0a',
      },
    );
    assert.equal(it.told('settled').length, 2);
  });

  test('deferred: the earliest next time is returned and stands in the store', async () => {
    const it = rig();
    await lanes(it);
    await it.accept(['bob@example.org', 'carol@example.org']);
    const both = await rows(it);
    const due = await it.settler.settle(both, 1, result(both, deferred, delivered));
    const left = await rows(it);
    assert.deepEqual(
      left.map(({ recipient, due, attempts }) => [recipient, due, attempts]),
      [['bob@example.org', due, 1]],
    );
    const summary = await it.spool.list({}, 1);
    assert.equal(
      summary[0]?.deliveries[0]?.lastDetail,
      '4.2.1 The remote server put it off; mx.example.org said: 451 4.2.1 come back later',
    );
  });

  test('all ends that wait share the next commit, and one is under way at a time', async () => {
    let settles = 0;
    let under = 0;
    const it = rig({
      wrap: (spool) =>
        interceptedSpool(
          spool,
          async (call) => {
            if (call !== 'settle') return;
            settles++;
            assert.equal(++under, 1);
            await new Promise((resolve) => setImmediate(resolve));
          },
          (call) => void (call === 'settle' && under--),
        ),
    });
    await lanes(it);
    for (let i = 0; i < 50; i++) await it.accept([`r${i}@example.org`]);
    const all = await rows(it);
    await Promise.all(
      all.map(async (row, i) => {
        if (i >= 10) await new Promise((resolve) => queueMicrotask(() => queueMicrotask(() => resolve(0))));
        await it.settler.settle([row], 1, result([row], delivered));
      }),
    );
    assert.equal(settles, 2);
    assert.equal((await it.spool.counts()).deliveries, 0);
  });

  test('recipients that fail together share one notice, accepted with their end', async () => {
    const it = rig();
    await lanes(it);
    const id = await it.accept(['bob@example.org', 'carol@example.org', 'dan@example.org', 'eve@example.com'], {
      envelope: { envid: 'E1' },
      orcpt: 'rfc822;x@example.org',
    });
    const all = await rows(it);
    const [same, other] = [
      all.filter(({ dest }) => dest === 'example.org'),
      all.filter(({ dest }) => dest === 'example.com'),
    ];
    await Promise.all([
      it.settler.settle(same, 1, result(same, failed, delivered, failed)),
      it.settler.settle(other, 1, result(other, failed)),
    ]);
    const [notice, ...more] = await notices(it);
    assert.ok(notice !== undefined && more.length === 0);
    assert.deepEqual(
      [
        notice.row.recipient,
        notice.row.dest,
        notice.row.notify,
        notice.row.origin,
        notice.row.attempts,
        notice.row.envelope.ret,
      ],
      ['alice@example.net', 'example.net', 'never', { holder: undefined, serial: undefined }, 0, undefined],
    );
    assert.deepEqual(
      [...notice.text.matchAll(/^Final-Recipient: (.*)\r$/gm)].map((match) => match[1]),
      ['rfc822; bob@example.org', 'rfc822; dan@example.org', 'rfc822; eve@example.com'],
    );
    assert.match(notice.text, /^Original-Envelope-Id: E1\r$/m);
    assert.match(notice.text, new RegExp(`^In-Reply-To: <m${id}@example\\.net>\r$`, 'm'));
    assert.match(notice.text, new RegExp(`^body of ${id}\r$`, 'm'), 'the message comes back');
    assert.equal(notice.row.size, notice.text.length);
    assert.deepEqual(it.told('notified'), [
      { kind: 'notified', id: notice.row.entry, about: id, to: 'alice@example.net', action: 'failed' },
    ]);
    assert.deepEqual((await rows(it)).length, 1);
  });

  test('RET=HDRS and large messages return the header alone, from the row or from the store', async () => {
    const it = rig({ returnLimit: 2_000 });
    await lanes(it);
    const large = `Subject: large\r\n\r\n${'secret text\r\n'.repeat(300)}`;
    const writer = it.stored.create(1);
    await writer.write(fromLatin1(large));
    const ref = await writer.finish();
    await it.accept(['a@example.org'], { content: 'Subject: small\r\n\r\nsecret text\r\n', envelope: { ret: 'HDRS' } });
    await it.accept(['b@example.org'], { content: large, envelope: { ret: 'FULL' } });
    await it.accept(['c@example.org'], { stored: ref, size: large.length, envelope: { ret: 'FULL' } });
    await it.accept(['d@example.org'], { stored: 'nowhere' });
    await it.accept(['e@example.org'], { content: `X: ${'y'.repeat(3_000)}\r\nZ: z\r\n\r\n` });
    await Promise.all((await rows(it)).map((row) => it.settler.settle([row], 1, result([row], failed))));
    const made = await notices(it);
    assert.equal(made.length, 5);
    for (const { text } of made) {
      assert.doesNotMatch(text, /secret text/);
      assert.match(text, /^Content-Type: text\/rfc822-headers\r$/m);
      assert.ok(text.length < 4_000);
    }
    assert.match(made[4]?.text ?? '', /^Content-Type: text\/rfc822-headers\r\n\r\n\r\n--dsn-/m);
    assert.match(made[0]?.text ?? '', /^Subject: small\r$/m);
    assert.match(made[1]?.text ?? '', /^Subject: large\r$/m);
    assert.match(made[2]?.text ?? '', /^Subject: large\r$/m);
    assert.ok(it.told('trouble').some(({ detail }) => detail.includes('nowhere')));
    assert.deepEqual(await it.stored.refs(), []);
  });

  test('a stored content that fits comes back whole', async () => {
    const it = rig();
    await lanes(it);
    const writer = it.stored.create(1);
    await writer.write(fromLatin1('Subject: stored\r\n\r\ncaf\u00e9\r\n'));
    await it.accept(['a@example.org'], { stored: await writer.finish(), size: 25 });
    const [row] = (await rows(it)) as [Due];
    await it.settler.settle([row], 1, result([row], failed));
    const [notice] = await notices(it);
    assert.match(notice?.text ?? '', /^caf\u00e9\r$/m);
    assert.equal(notice?.row.envelope.body, '8BITMIME');
  });

  test('a delay is told once and recorded', async () => {
    const it = rig({ settings: { jitter: 0 } });
    await lanes(it);
    await it.accept(['bob@example.org']);
    await it.clock.advance(4 * HOUR);
    const [row] = (await rows(it)) as [Due];
    await it.settler.settle([row], 1, result([row], noConnection()));
    const [notice] = await notices(it);
    assert.match(notice?.text ?? '', /^Action: delayed\r$/m);
    assert.match(notice?.text ?? '', /^Will-Retry-Until: Sun, 29 Nov 2026 02:21:48 \+0000\r$/m);
    await it.clock.advance(HOUR);
    const [late] = (await rows(it)).filter(({ envelope }) => envelope.reversePath !== '') as [Due];
    assert.ok(late.delayNotified > 0);
    await it.settler.settle([late], 1, result([late], noConnection()));
    assert.equal(it.told('notified').length, 1);
  });

  test('success is told where it was asked for and the next server does not', async () => {
    const it = rig();
    await lanes(it);
    await it.accept(['bob@example.org', 'carol@example.org'], { notify: ['success'] });
    const both = await rows(it);
    await it.settler.settle(both, 1, result(both, delivered, { ...delivered, dsnRelayed: true } as Outcome));
    const [notice] = await notices(it);
    assert.match(notice?.text ?? '', /^Action: relayed\r$/m);
    assert.match(notice?.text ?? '', /bob@example\.org/);
    assert.doesNotMatch(notice?.text ?? '', /Final-Recipient: rfc822; carol/);
    assert.equal(it.told('notified')[0]?.action, 'relayed');
  });

  test('a notice that fails makes no notice, but the operator is told', async () => {
    const it = rig();
    await lanes(it);
    await it.accept(['alice@example.net'], { reversePath: '' });
    await it.accept(['carol@example.org'], { reversePath: 'postmaster' });
    const [bounce, local] = (await rows(it)) as [Due, Due];
    await it.settler.settle([bounce], 1, result([bounce], failed));
    await it.settler.settle([local], 1, result([local], failed));
    assert.equal((await it.spool.counts()).entries, 0);
    assert.deepEqual(it.told('notified'), []);
    assert.match(it.told('trouble')[0]?.detail ?? '', /null reverse-path.*550 5\.1\.1 no such user/);
    assert.match(it.told('trouble')[1]?.detail ?? '', /<postmaster>, which has no domain/);
  });

  test('a refused commit is repeated, with its notices, and everything is there once', async () => {
    let refusals = 3;
    const it = rig({
      wrap: (spool) =>
        interceptedSpool(
          spool,
          (call) => {
            if (call === 'settle' && refusals-- > 1) throw new Fault(statuses['storage-full'], 'no space');
          },
          (call) => {
            if (call === 'settle' && refusals === 0) throw new Fault(statuses['storage-failed'], 'the answer was lost');
          },
        ),
    });
    await lanes(it);
    await it.accept(['bob@example.org']);
    await it.accept(['carol@example.org']);
    const [bob, carol] = (await rows(it)) as [Due, Due];
    let done = 0;
    void it.settler.settle([bob], 1, result([bob], failed)).then(() => done++);
    void it.settler.settle([carol], 1, result([carol], delivered)).then(() => done++);
    await it.clock.settle();
    assert.equal(done, 0);
    assert.equal(it.settler.failing, true);
    await it.clock.advance(2_000);
    assert.equal(done, 2);
    assert.equal(it.settler.failing, false);
    assert.equal((await notices(it)).length, 1);
    assert.equal((await rows(it)).length, 1);
    assert.equal(it.told('notified').length, 1);
    assert.ok(it.told('trouble').length >= 2);
  });

  test('an attempt that forgot a recipient loses nobody', async () => {
    const it = rig();
    await lanes(it);
    await it.accept(['bob@example.org', 'carol@example.org']);
    const [bob, carol] = (await rows(it)) as [Due, Due];
    await it.settler.settle([bob, carol], 1, result([carol], delivered));
    assert.deepEqual(
      (await rows(it)).map(({ recipient, attempts }) => [recipient, attempts]),
      [['bob@example.org', 1]],
    );
    assert.equal(it.told('trouble').length, 1);
  });
});
