/** What becomes of mail whose route goes nowhere, or to several hosts; and how addresses of our own are written on the way. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { letter } from './message.ts';
import { Relay, until } from './relay.ts';
import { Sink } from './sink.ts';
import { Talk } from './talk.ts';

describe('routes that go nowhere, or to several hosts', () => {
  let sink: Sink;
  let relay: Relay;
  const hold = { domains: ['held.example'], hold: 'no mailbox yet' };
  let others: readonly object[];

  before(async () => {
    sink = await Sink.open();
    const rest = { tls: 'none', to: '127.0.0.1:1', otherwise: [`localhost:1`, `127.0.0.1:${sink.port}`] };
    others = [
      { domains: ['gone.example'], refuse: '550 5.1.2 moved away' },
      { domains: ['later.example'], refuse: '451 4.7.1 not now' },
      { domains: ['*'], ...rest },
    ];
    relay = await Relay.start(
      1,
      {
        access: { localDomains: ['local.example', 'held.example', 'gone.example', 'later.example'] },
        delivery: { routes: [hold, ...others] },
        recipients: { aliases: ['aliases'], domains: 'domaintable' },
        senders: {
          masquerade: { as: 'outside.example', domains: ['inside.example'], exposed: ['root'] },
          envelope: false,
          qualify: true,
        },
      },
      (directory) => {
        writeFileSync(`${directory}/aliases`, 'team: x@gone.example, y@local.example\n');
        writeFileSync(`${directory}/domaintable`, 'old.example local.example\nmoved.example gone.example\n');
      },
    );
  });
  after(async () => {
    await relay?.[Symbol.asyncDispose]();
    await sink?.[Symbol.asyncDispose]();
  });

  async function send(recipient: string, content = letter('routes'), from = 'a@inside.example'): Promise<string> {
    using talk = await Talk.open(relay.port('server'));
    await talk.greet();
    return await talk.message(content, [recipient], from);
  }

  it('refuse at RCPT, with the codes and the words that they have', async () => {
    using talk = await Talk.open(relay.port('server'));
    await talk.greet();
    await talk.ask('EHLO client.example');
    await talk.ask('MAIL FROM:<a@client.example>');
    assert.match(await talk.ask('RCPT TO:<x@gone.example>'), /^550 5\.1\.2 <x@gone\.example>\.\.\. moved away/);
    assert.match(await talk.ask('RCPT TO:<x@moved.example>'), /^550 5\.1\.2 <x@moved\.example>\.\.\. moved away/);
    assert.match(await talk.ask('RCPT TO:<x@later.example>'), /^451 4\.7\.1 not now/);
    // Whoever is behind an alias is told by a report.
    assert.match(await talk.ask('RCPT TO:<team@local.example>'), /^250/);
  });

  it('try next hops one after the other', async () => {
    assert.match(await send('plain@local.example'), /^250/);
    await relay.idle();
    assert.deepEqual(sink.messages.at(-1)?.recipients, ['plain@local.example']);
    assert.match(await send('plain@old.example'), /^250/);
    await relay.idle();
    assert.deepEqual(
      sink.messages.at(-1)?.recipients,
      ['plain@local.example'],
      'the domaintable counts for who has no alias',
    );
  });

  it('write senders for the world, those of local users too', async () => {
    const head =
      'From: Joe <joe@inside.example>, root@inside.example\r\nSender: cron\r\nTo: joe@inside.example, x@old.example\r\n';
    assert.match(await send('plain@local.example', `${head}\r\nfrom joe@inside.example\r\n`), /^250/);
    await relay.idle();
    const got = sink.messages.at(-1);
    assert.equal(got?.reversePath, 'a@inside.example', 'the envelope is left alone');
    const written =
      'From: Joe <joe@outside.example>, root@inside.example\r\nSender: cron@outside.example\r\nTo: joe@inside.example, x@local.example\r\n';
    assert.ok(got?.content.toString().endsWith(`${written}\r\nfrom joe@inside.example\r\n`), got?.content.toString());
  });

  it('hold what has no mailbox: accepted, never tried, told to the operator, released when there is a route', async () => {
    assert.match(await send('joe@held.example'), /^250/);
    const list = async (): Promise<readonly { id: string; held: boolean; detail: string }[]> => {
      const { entries } = JSON.parse(await relay.cli('queue', 'list', '--json')) as {
        entries: { id: string; deliveries: { held: boolean; lastDetail: string }[] }[];
      };
      return entries.flatMap(({ id, deliveries }) =>
        deliveries.map(({ held, lastDetail }) => ({ id, held, detail: lastDetail })),
      );
    };
    await until('it is on hold', async () => (await list()).some(({ held }) => held));
    const [only] = await list();
    assert.match(only?.detail ?? '', /no mailbox yet/);
    const id = only?.id ?? '';
    await relay.cli('queue', 'release', id);
    await until('it is on hold again', async () => (await list()).every(({ held }) => held));
    const before = sink.messages.length;
    await relay.stop();
    relay.configure({ delivery: { routes: others } });
    await relay.begin();
    assert.equal((await list()).length, 1, 'a new route alone releases nothing');
    await relay.cli('queue', 'release', id);
    await relay.idle();
    assert.deepEqual(
      sink.messages.slice(before).map(({ recipients }) => recipients),
      [['joe@held.example']],
    );
  });
});
