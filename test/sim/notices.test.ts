import assert from 'node:assert/strict';
import { test } from 'node:test';
import { revokeCertificates } from '../../src/admin/certificates.ts';
import { relayNotices } from '../../src/app/notices.ts';
import { startUpkeep, tasks } from '../../src/app/upkeep.ts';
import { idMinter } from '../../src/base/id.ts';
import { issue } from '../../src/ca/issuance.ts';
import { makeKey } from '../../src/ca/keys.ts';
import { outbound } from '../../src/relay/relay.ts';
import { memoryNoticeBook } from '../../src/storage/memory/notice-book.ts';
import { administration } from '../fakes/administration.ts';
import { fakeHop } from '../fakes/hop.ts';
import { fakeNetwork } from '../fakes/network.ts';
import { seededRandom } from '../fakes/random.ts';
import { fakeResolver } from '../fakes/resolver.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Tasks that need nothing of a real machine. */
const SIMULATED = ['server certificate', 'end of overlaps', 'reminders', 'head of the issuance log'];

test('reminders over a network whose hop is down for half a day, and to a domain that is not there: no mail about mail', async () => {
  const { context, clock, events } = await administration('notices:\n  operator: [root@ops.example]\n');
  const network = fakeNetwork();
  const [org, ops] = [fakeHop(), fakeHop()];
  network.listeners.set('198.51.100.2:25', ops.listen);
  const resolver = fakeResolver({
    mx: { 'example.org': [[10, 'mx.example.org']], 'ops.example': [[10, 'mx.ops.example']] },
    addresses: { 'mx.example.org': ['198.51.100.1'], 'mx.ops.example': ['198.51.100.2'] },
  });
  const book = memoryNoticeBook();
  const notices = relayNotices({
    spool: context.spool,
    book,
    mint: idMinter(clock, 30),
    clock,
    events: context.events,
    utcOffset: () => 0,
    hostname: () => 'mail.example.net',
    routes: () => [],
  });
  const { schedule, carrier } = outbound({
    store: context.spool,
    contents: context.contents,
    resolver,
    dialer: network,
    delivery: {
      routes: [],
      hostname: 'mail.example.net',
      port: 25,
      connectTime: 30_000,
      replyTime: 300_000,
      contentTime: 600_000,
      idleTime: 1_000,
      messagesPerConnection: 10,
      ownAddresses: [],
    },
    // Looks seldom, for there are a hundred days of them.
    schedule: () => ({ ...context.config.schedule, poll: HOUR / 2, laneLease: 6 * HOUR }),
    mintId: idMinter(clock, 31),
    utcOffset: () => 0,
    clock,
    random: seededRandom(2),
    events: context.events,
    owner: 1,
  });
  const life = 100 * DAY;
  for (const holder of ['alice@example.org', 'bob@gone.example', 'carol@example.org']) {
    const { publicKey } = makeKey();
    const wish = {
      profile: 'person',
      holder,
      csr: undefined,
      publicKey,
      dnsNames: [],
      uris: [],
      subject: undefined,
      life,
    } as const;
    await issue(context, wish, 'cli:root', 'test');
  }
  await revokeCertificates(context, { holder: 'carol@example.org' });
  // The days before bring nothing.
  clock.stepWall(69 * DAY);
  await schedule.start();
  const upkeep = startUpkeep({
    tasks: tasks.filter(({ name }) => SIMULATED.includes(name)),
    context: () => ({ ...context, actor: 'relay', notices }),
    clock,
    events: context.events,
  });
  for (let hour = 69 * 24; hour < 101 * 24; hour++) {
    // Day 70, when the first reminder goes out: nobody listens at example.org until noon of it.
    if (hour === 70 * 24 + 12) network.listeners.set('198.51.100.1:25', org.listen);
    await clock.advance(HOUR);
  }
  await upkeep.stop();
  await schedule.stop(0);
  carrier.close();

  const reminders = org.messages.map(({ mail, recipients }) =>
    [mail, ...recipients].map((line) => line.replace(/ (?:SIZE|BODY|RET|NOTIFY)=.*/, '')),
  );
  assert.deepEqual(
    reminders,
    Array.from({ length: 3 }, () => ['MAIL FROM:<>', 'RCPT TO:<alice@example.org>']),
    '30, 7 and 1 days before',
  );
  const operator = ops.messages.map(({ content }) => /^Subject: (.*)\r$/m.exec(content)?.[1] ?? '');
  assert.equal(operator.filter((subject) => subject.includes('will end soon')).length, 3);
  assert.equal(
    operator.filter((subject) => subject.includes('issuance log at entry')).length,
    33,
    'one for each day that began',
  );
  assert.equal(operator.length, 36, 'and nothing else: what could not be delivered is in the log');
  const lost = events.filter((event) => event.kind === 'attempted' && event.outcome === 'failed');
  assert.equal(lost.length, 3);
  assert.ok(lost.every((event) => event.kind === 'attempted' && event.recipient === 'bob@gone.example'));
  assert.equal(events.filter(({ kind }) => kind === 'notified').length, 0);
  assert.deepEqual(await context.spool.list({}, 10), []);
  assert.deepEqual(book.open(), []);
});
