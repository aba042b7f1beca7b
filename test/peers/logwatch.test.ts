/** Debian's logwatch reads the log of a running relay as it reads Sendmail's, and counts what really happened. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parseQueueId, queueId } from '../../src/base/id.ts';
import { missing, run } from './program.ts';
import { LOCAL_DOMAIN, Relay, until, type Holder } from './relay.ts';
import { Talk } from './talk.ts';

const at = (local: string): string => `${local}@${LOCAL_DOMAIN}`;

/** A next hop that knows everybody but nobody@, and wants later@ to come again. */
function hop(): Server {
  return createServer((socket) => {
    let content = false;
    let rest = '';
    socket.on('error', () => {});
    socket.write('220 hop.example ESMTP\r\n');
    socket.setEncoding('latin1').on('data', (text: string) => {
      const lines = (rest + text).split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const reply = content ? (line === '.' ? '250 2.0.0 ok, taken' : undefined) : answer(line);
        content = content ? line !== '.' : line === 'DATA';
        if (reply !== undefined) socket.write(`${reply}\r\n`);
      }
    });
  });
}

function answer(line: string): string {
  if (line.startsWith('RCPT TO:<nobody@')) return '550 5.1.1 no such person';
  if (line.startsWith('RCPT TO:<later@')) return '450 4.2.0 greylisted';
  return line === 'DATA' ? '354 go on' : '250 2.0.0 ok';
}

describe('logwatch', { skip: missing('logwatch') }, () => {
  const logs = mkdtempSync(join(tmpdir(), 'sealpost-logwatch-'));
  const file = join(logs, 'mail.log');
  const next = hop();
  let relay: Relay;
  let holder: Holder;
  let accepted: string;
  let report = '';

  before(async () => {
    await new Promise<void>((resolve) => next.listen(0, '127.0.0.1', resolve));
    relay = await Relay.start((next.address() as AddressInfo).port, {
      log: { format: 'sendmail', destination: file, level: 'info' },
      smtp: { dialect: 'sendmail' },
    });
    holder = await relay.add('alice@example.net');
    await deliver();
    await until('all of it is in the log', () => (read().match(/, stat=/g) ?? []).length >= 6);
    const { output } = await run('logwatch', [
      '--service',
      'sendmail',
      '--logdir',
      logs,
      '--range',
      'all',
      '--detail',
      '10',
      '--output',
      'stdout',
      '--format',
      'text',
    ]);
    report = output.replace(/[ \t]+/g, ' ');
  });
  after(async () => {
    await relay?.[Symbol.asyncDispose]();
    next.close();
    rmSync(logs, { recursive: true });
  });

  const read = (): string => readFileSync(file, 'utf8');

  async function deliver(): Promise<void> {
    using stranger = await Talk.open(relay.port('server'));
    await stranger.greet();
    accepted = await stranger.message('Subject: one\r\n\r\nx\r\n', at('carol'));
    await stranger.message('Subject: two\r\n\r\nx\r\n', [at('carol'), at('dave')]);
    await stranger.message('Subject: three\r\n\r\nx\r\n', at('nobody'));
    await stranger.message('Subject: four\r\n\r\nx\r\n', at('later'));
    await stranger.message('Subject: five\r\n\r\nx\r\n', 'erin@elsewhere.example');
    await stranger.ask('BOGUS');
    using known = await Talk.open(relay.port('server'));
    await known.greet();
    await known.starttls({
      ca: readFileSync(relay.root),
      cert: readFileSync(holder.certificate),
      key: readFileSync(holder.key),
      servername: 'localhost',
    });
    await known.ask('EHLO laptop.example');
    await known.message('Subject: six\r\n\r\nx\r\n', 'frank@elsewhere.example');
  }

  it('counts messages and recipients', () => {
    assert.match(report, /Messages To Recipients: 5\n/);
    assert.match(report, /Addressed Recipients: 6\n/);
    // Those that were sent: carol twice, dave, frank, and the notice about nobody.
    assert.match(report, /esmtp 5\n/);
    assert.match(report, /carol@local\.example 2 Time/);
  });

  it('counts what was refused, what was deferred and what came back', () => {
    assert.match(report, /Mail Rejected:\n User unknown:\n <?nobody@local\.example>? 1 Time/);
    assert.match(report, /Mail Deferred:\n 450 4\.2\.0 greylisted\n To: <?later@local\.example>? 1 Time/);
    assert.match(report, /Relaying denied[^]*erin@elsewhere\.example/i);
  });

  it('counts TLS', () => {
    assert.match(report, /STARTTLS[^]*server[^]*1 Time/i);
    assert.match(report, /Cipher: TLS_AES_\d+_GCM_SHA\d+ Bits: (?:128\/128|256\/256)/);
  });

  it('understands every line', () => {
    assert.doesNotMatch(report, /Unmatched Entries/);
    for (const line of read()
      .split('\n')
      .filter((one) => one !== ''))
      assert.match(line, /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ (?:sendmail|sealpost)\[\d+\]: /);
  });

  it('the reply, the log and the command line mean one message by its id', async () => {
    const id = /^250 2\.0\.0 (\S+) Message accepted for delivery$/.exec(accepted)?.[1] ?? '';
    assert.match(read(), new RegExp(`: ${id}: from=<alice@example\\.net>, .*nrcpts=1, `));
    assert.match(read(), new RegExp(`: ${id}: to=<carol@local\\.example>, .*stat=Sent \\(ok, taken\\)`));
    const later = /: (\S+): to=<later@/.exec(read())?.[1] ?? '';
    assert.match(await relay.cli('queue', 'show', later), new RegExp(queueId(parseQueueId(later) ?? 0)));
  });
});
