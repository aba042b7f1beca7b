/** The next hop, a real Postfix, is down for a while or restarted in the middle: every message arrives. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { freePort } from './port.ts';
import { postfixMissing, startPostfix, type Postfix } from './postfix.ts';
import { Relay, until } from './relay.ts';
import { Talk } from './talk.ts';

const MESSAGES = 300;
const SENDERS = 10;

describe('Postfix is restarted', { skip: postfixMissing() }, () => {
  const lab = mkdtempSync(join(tmpdir(), 'sealpost-restart-'));
  let port: number;
  let postfix: Postfix;

  before(async () => {
    chmodSync(lab, 0o755);
    port = await freePort();
    postfix = startPostfix({
      directory: join(lab, 'postfix'),
      main: { myhostname: 'postfix.example.org', smtpd_sender_restrictions: 'check_sender_access static:HOLD' },
      services: [{ port }],
    });
    postfix.stop();
  });

  after(() => {
    postfix?.stop();
    rmSync(lab, { recursive: true, force: true });
  });

  function relayWith(retry: string): Promise<Relay> {
    return Relay.start(port, {
      access: { trustedNetworks: ['127.0.0.1/32'] },
      schedule: { firstRetry: retry, longestRetry: retry },
    });
  }

  /** Gives the messages' markers. */
  async function sendAll(relay: Relay, name: string): Promise<string[]> {
    const markers = Array.from({ length: MESSAGES }, (_, i) => `${name}-${i}-`);
    const parts = Array.from({ length: SENDERS }, (_, i) => markers.filter((_, at) => at % SENDERS === i));
    await Promise.all(parts.map((part) => sendSome(relay, part)));
    return markers;
  }

  async function sendSome(relay: Relay, markers: readonly string[]): Promise<void> {
    using talk = await Talk.open(relay.port('server'));
    await talk.greet();
    for (const marker of markers)
      assert.match(
        await talk.message(
          `Message-ID: <${marker}@example.net>\n\n${'A line of text.\n'.repeat(200)}`,
          'bob@example.org',
        ),
        /^250/,
      );
    await talk.quit();
  }

  /** How often Postfix has each of these. */
  function copies(name: string): Map<string, number> {
    const count = new Map<string, number>();
    for (const file of postfix.held()) {
      const marker = /Message-ID: <([^@]+)@/.exec(file)?.[1] ?? '';
      if (marker.startsWith(name)) count.set(marker, (count.get(marker) ?? 0) + 1);
    }
    return count;
  }

  test('what waited while it was down goes out when an operator says so', { timeout: 60_000 }, async (t) => {
    await using relay = await relayWith('1h');
    const markers = await sendAll(relay, 'down');
    assert.equal((await relay.status()).queue.entries, MESSAGES);
    postfix.start();
    const began = performance.now();
    const { ids } = JSON.parse(await relay.cli('queue', 'retry', '--all', '--json')) as { ids: string[] };
    assert.equal(ids.length, MESSAGES);
    await until('everything went out', async () => (await relay.status()).queue.entries === 0, 30_000);
    t.diagnostic(`${MESSAGES} arrived ${((performance.now() - began) / 1_000).toFixed(1)} s after the retry`);
    assert.deepEqual(copies('down'), new Map(markers.map((marker) => [marker, 1])));
    postfix.stop();
  });

  test('stopped in the middle, it gets the rest by schedule', { timeout: 60_000 }, async (t) => {
    await using relay = await relayWith('1s');
    const markers = await sendAll(relay, 'middle');
    postfix.start();
    await until('some have arrived', () => copies('middle').size >= 20, 20_000);
    postfix.stop();
    const arrived = copies('middle').size;
    assert.ok(arrived < MESSAGES, 'it was too fast');
    postfix.start();
    await until('everything went out', async () => (await relay.status()).queue.entries === 0, 30_000);
    const count = copies('middle');
    const lost = markers.filter((marker) => !count.has(marker));
    const twice = [...count].filter(([, copies]) => copies > 1).map(([marker]) => marker);
    t.diagnostic(`${arrived} of ${MESSAGES} had arrived; lost=${lost.length}, duplicates ${twice.length}`);
    assert.deepEqual(lost, []);
    // Only what was cut off while its last dot was on the way may come twice.
    const cut = relay.log.filter(({ event, status }) => event === 'attempted' && String(status).startsWith('4.4.2'));
    assert.ok(twice.length <= cut.length, JSON.stringify(twice));
  });
});
