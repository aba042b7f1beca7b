/** What an operator does with mail that waits, while the relay runs and while it is stopped: checked with plain sqlite3. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import type { QueueChanged, QueueDetails, QueueListing } from '../../src/admin/queue.ts';
import { sqlite } from './database.ts';
import { missing } from './program.ts';
import { Relay, until, type Holder } from './relay.ts';
import { Sink } from './sink.ts';
import { Talk, tlsOptions } from './talk.ts';

const HELD = '9007199254740991';
const INLINE = 16 * 1_024;

describe('the queue in the hands of an operator', { skip: missing('sqlite3') }, () => {
  let relay: Relay;
  let sink: Sink;
  let alice: Holder;

  before(async () => {
    sink = await Sink.open();
    await sink.kill();
    relay = await Relay.start(sink.port, {
      access: { trustedNetworks: ['127.0.0.1/32'] },
      schedule: { firstRetry: '1h', longestRetry: '1h' },
      spool: { inlineContent: '16KB' },
    });
    alice = await relay.add('alice@example.net');
  });

  after(async () => {
    await relay?.[Symbol.asyncDispose]();
    await sink?.[Symbol.asyncDispose]();
  });

  /** Gives the queue id. */
  async function send(
    to: readonly string[],
    { from = 'carol@example.net', size = 100, holder = undefined as Holder | undefined } = {},
  ): Promise<string> {
    using talk = await Talk.open(relay.port('server'));
    await talk.greet();
    if (holder !== undefined) {
      await talk.starttls(tlsOptions(relay.root, holder));
      await talk.ask('EHLO client.example');
    }
    const said = await talk.message(`Subject: to-${to[0]}-\n\n${'A line of text.\n'.repeat(size / 16)}`, to, from);
    const id = /^250 2\.0\.0 (\S+) /.exec(said)?.[1];
    assert.ok(id !== undefined, said);
    return id;
  }

  async function json<T>(...args: readonly string[]): Promise<T> {
    return JSON.parse(await relay.cli('queue', ...args, '--json')) as T;
  }
  const list = (...args: readonly string[]): Promise<QueueListing> => json('list', ...args);
  const show = (id: string): Promise<QueueDetails> => json('show', id);
  const change = async (...args: readonly string[]): Promise<readonly string[]> =>
    (await json<QueueChanged>(...args)).ids;
  const ids = ({ entries }: QueueListing): string[] => entries.map(({ id }) => id);
  /** Rows of the view that is made for people with sqlite3. */
  const rows = (what: string, where: string): Promise<string> =>
    sqlite(relay, `SELECT ${what} FROM queue WHERE ${where} ORDER BY delivery`);
  const files = (): string[] => readdirSync(relay.path('content'));

  async function refused(code: number, pattern: RegExp, ...args: readonly string[]): Promise<void> {
    const ran = await relay.tryCli('queue', ...args);
    assert.equal(ran.code, code, ran.output);
    assert.match(ran.output, pattern);
  }

  /** Everything that can be done, with messages of its own: the same whether the relay runs or not. */
  async function operate(
    mark: string,
    mail: { readonly two: string; readonly large: string; readonly held: string },
  ): Promise<void> {
    const { two, large, held } = mail;
    const listing = await list();
    for (const id of Object.values(mail)) assert.ok(ids(listing).includes(id));
    assert.equal(listing.counts.entries, listing.entries.length);
    assert.equal(listing.counts.deliveries, Number(await sqlite(relay, 'SELECT count(*) FROM delivery')));
    assert.deepEqual(ids(await list('--from', `${mark}@example.net`, '--dest', `127.0.0.1:${sink.port}`)), [large]);

    const { entry, history } = await show(large);
    assert.equal(entry?.reversePath, `${mark}@example.net`);
    assert.ok((entry?.size ?? 0) > INLINE);
    assert.equal(history[0]?.kind, 'accepted');

    // A hold goes over every retry, and is ended by release alone.
    assert.deepEqual(await change('hold', held, '--reason', `asked by ${mark}`), [held]);
    assert.equal(await rows('due', `recipient = '${mark}-held@example.org'`), 'on hold');
    assert.deepEqual(await change('retry', held), []);
    assert.equal(await sqlite(relay, `SELECT due FROM delivery WHERE recipient = '${mark}-held@example.org'`), HELD);
    assert.match(
      await sqlite(relay, `SELECT kind, detail FROM event WHERE detail LIKE '%${mark}' ORDER BY at`),
      new RegExp(`^held\\|asked by ${mark}$`, 'm'),
    );
    assert.deepEqual(await change('hold', '--recipient', `${mark}-2@example.org`), [two]);
    assert.deepEqual(await change('release', two), [two]);

    const stored = files().length;
    assert.deepEqual(await change('remove', '--from', `${mark}@example.net`), [large]);
    assert.equal(files().length, stored - 1);
    assert.equal(await rows('count(*)', `reverse_path = '${mark}@example.net'`), '0');
    const gone = await show(large);
    assert.deepEqual([gone.entry, gone.history.at(-1)?.kind], [null, 'removed']);
  }

  async function mailFor(mark: string): Promise<{ two: string; large: string; held: string }> {
    return {
      two: await send([`${mark}-1@example.org`, `${mark}-2@example.org`]),
      large: await send([`${mark}-large@example.org`], { from: `${mark}@example.net`, size: 3 * INLINE }),
      held: await send([`${mark}-held@example.org`]),
    };
  }

  test('while it runs', async () => {
    const byAlice = await send(['by-alice@example.org'], { holder: alice, from: 'alice@example.net' });
    const mail = await mailFor('running');
    await operate('running', mail);
    await refused(3, /not in the queue/, 'hold', mail.large);
    await refused(3, /not in the queue/, 'show', '0012ABCDEFG');
    await refused(2, /no queue id/, 'remove', 'no-such-id');
    await refused(2, /--all/, 'remove');
    assert.equal((await list('--limit', '1')).more, true);
    assert.deepEqual(ids(await list('--holder', 'alice@example.net', '--serial', alice.serial.toUpperCase())), [
      byAlice,
    ]);
    assert.equal(
      await rows('holder, serial', `recipient = 'by-alice@example.org'`),
      `alice@example.net|${alice.serial}`,
    );
    // It is tried at once, though its destination is left alone since the first attempt: nobody listens there.
    const attempts = (): Promise<string> => rows('attempts', `recipient = 'by-alice@example.org'`);
    const made = await attempts();
    assert.deepEqual(await change('retry', '--holder', 'alice@example.net'), [byAlice]);
    await until('another attempt', async () => (await attempts()) > made);
    assert.match((await show(byAlice)).history.at(-1)?.detail ?? '', /^4\.4\.1 /);
  });

  test('while it is stopped; and what was said then counts when it runs', async () => {
    const mail = await mailFor('stopped');
    assert.equal(await relay.stop(), 0);
    await operate('stopped', mail);
    assert.ok((await change('retry', '--dest', `127.0.0.1:${sink.port}`)).length > 0);
    assert.equal(await sqlite(relay, `SELECT count(*) FROM delivery WHERE due > ${Date.now()} AND due < ${HELD}`), '0');
    assert.equal(await sqlite(relay, 'PRAGMA integrity_check'), 'ok');

    await sink.reopen();
    await relay.begin();
    for (const to of ['by-alice', 'running-1', 'stopped-1', 'stopped-2'])
      await sink.message(`to-${to.replace(/2$/, '1')}@example.org-`);
    await until('only held mail is left', async () => (await relay.status()).queue.entries === 2);
    assert.deepEqual(ids(await list('--held')), ids(await list()));
    assert.equal(sink.with('-held@').length, 0);
    assert.deepEqual(await change('release', '--all').then((changed) => changed.length), 2);
    await relay.idle();
    assert.equal(sink.with('-held@').length, 2);
    assert.equal(sink.with('-large@').length, 0);
    assert.deepEqual((await show(mail.two)).history.map(({ kind }) => kind).slice(-2), ['delivered', 'delivered']);
    assert.deepEqual(files(), []);
  });
});
