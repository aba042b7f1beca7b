/** Postfix's smtp-sink as the next hop: servers that know less, are slow, refuse or hang up at each stage. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { freePorts } from './port.ts';
import { missing } from './program.ts';
import { Relay, until } from './relay.ts';
import { Talk } from './talk.ts';

const MESSAGES = 200;

/** Options of smtp-sink that take away what it knows, or make it slow; each gets a share of the messages. */
const kinds: Readonly<Record<string, readonly string[]>> = {
  usual: [],
  'without-pipelining': ['-p'],
  'helo-alone': ['-e'],
  'old-firewall': ['-P'],
  'without-extensions': ['-8', '-a', '-C', '-E', '-F', '-N'],
  // With pipelining it would take DATA before the RCPT that it delays.
  'slow-recipients': ['-p', '-W', 'RCPT:1:30'],
};

const stages = ['CONNECT', 'EHLO,HELO', 'MAIL', 'RCPT', 'DATA', '.'] as const;
/** By name, the option of smtp-sink: 4xx, 421 and the end, the end without a word. */
const troubles = { soft: '-r', closing: '-Q', silent: '-q' } as const;
/** All of them at all stages. */
const troubled = stages.flatMap((stage) =>
  Object.entries(troubles).map(([trouble, option]) => ({ name: placeOf(stage, trouble), options: [option, stage] })),
);
/** 5xx at each stage. */
const refusing = stages.map((stage) => ({ name: placeOf(stage, 'hard'), options: ['-f', stage] }));

class SmtpSink {
  readonly dump: string;
  readonly #child: ChildProcess;

  constructor(dump: string, port: number, options: readonly string[]) {
    this.dump = dump;
    const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
    this.#child = spawn('smtp-sink', [...options, ...user, '-D', dump, `127.0.0.1:${port}`, '100'], {
      stdio: 'ignore',
    });
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await gone;
  }
}

describe('smtp-sink', { skip: missing('smtp-sink') }, () => {
  const lab = mkdtempSync(join(tmpdir(), 'sealpost-sink-'));
  const sinks: SmtpSink[] = [];
  const ports = new Map<string, number>();
  let relay: Relay;

  before(async () => {
    chmodSync(lab, 0o777);
    const names = [...Object.keys(kinds), ...[...troubled, ...refusing].map(({ name }) => name)];
    for (const [i, port] of (await freePorts(names.length)).entries()) ports.set(names[i] as string, port);
    const routes = [...ports].map(([name, port]) => ({
      domains: [`${name}.test`],
      to: `127.0.0.1:${port}`,
      tls: 'none',
    }));
    relay = await Relay.start(ports.get('usual') as number, {
      access: { trustedNetworks: ['127.0.0.1/32'] },
      delivery: { routes: [...routes, { domains: ['*'], to: `127.0.0.1:${ports.get('usual')}`, tls: 'none' }] },
      schedule: { firstRetry: '1s', longestRetry: '1s' },
    });
  });

  after(async () => {
    for (const sink of sinks) await sink.end();
    await relay?.[Symbol.asyncDispose]();
    rmSync(lab, { recursive: true, force: true });
  });

  async function open(name: string, options: readonly string[], dump = name): Promise<SmtpSink> {
    const port = ports.get(name) as number;
    const sink = new SmtpSink(join(lab, dump), port, options);
    sinks.push(sink);
    await until(`smtp-sink listens for ${name}`, () => answers(port));
    return sink;
  }

  async function send(recipients: readonly string[]): Promise<void> {
    const talk = await Talk.open(relay.port('server'));
    await talk.greet();
    for (const recipient of recipients)
      assert.match(await talk.message(`Subject: for-${recipient}-\n\n.leading dot\n\nText.\n`, recipient), /^250 /);
    await talk.quit();
  }

  test(`${MESSAGES} messages arrive, whatever it does not know`, { timeout: 60_000 }, async (t) => {
    const listening = new Map<string, SmtpSink>();
    for (const [name, options] of Object.entries(kinds)) listening.set(name, await open(name, options));
    const names = Object.keys(kinds);
    const recipients = Array.from({ length: MESSAGES }, (_, i) => `r${i}@${names[i % names.length]}.test`);
    const began = performance.now();
    await send(recipients);
    await relay.idle();
    t.diagnostic(`${MESSAGES} in ${((performance.now() - began) / 1000).toFixed(1)} s`);
    for (const [name, sink] of listening) {
      const expected = recipients.filter((recipient) => recipient.endsWith(`@${name}.test`));
      const text = readFileSync(sink.dump, 'latin1');
      const arrived = [...text.matchAll(/^Subject: for-(.*)-$/gm)].map((match) => match[1] as string);
      assert.deepEqual(arrived.toSorted(), expected.toSorted(), name);
      assert.equal(text.match(/^\.leading dot$/gm)?.length, expected.length, name);
    }
  });

  test('what is put off or cut off at any stage arrives later, once', { timeout: 60_000 }, async (t) => {
    const bad = await Promise.all(troubled.map(({ name, options }) => open(name, options, `${name}.bad`)));
    await send(troubled.map(({ name }) => `alice@${name}.test`));
    for (const { name } of troubled) {
      const line = await relay.event(
        ({ event, recipient }) => event === 'attempted' && recipient === `alice@${name}.test`,
      );
      t.diagnostic(`${name}: ${String(line['outcome'])} ${String(line['status'])} <- ${String(line['remote'])}`);
      assert.equal(line['outcome'], 'deferred', name);
    }
    for (const sink of bad) await sink.end();
    const good = await Promise.all(troubled.map(({ name }) => open(name, [])));
    await relay.idle();
    for (const [i, { name }] of troubled.entries())
      assert.equal(readFileSync(good[i]?.dump as string, 'latin1').match(/^Subject: for-alice@/gm)?.length, 1, name);
  });

  test('what is refused for good is reported, at whatever stage', { timeout: 60_000 }, async (t) => {
    const names = refusing.map(({ name }) => name);
    await Promise.all(refusing.map(({ name, options }) => open(name, options)));
    await send(names.map((name) => `alice@${name}.test`));
    for (const name of names) {
      const line = await relay.event(
        ({ event, recipient }) => event === 'attempted' && recipient === `alice@${name}.test`,
      );
      t.diagnostic(`${name}: ${String(line['outcome'])} ${String(line['status'])} <- ${String(line['remote'])}`);
      assert.equal(line['outcome'], 'failed', name);
    }
    await relay.idle();
    const reports = readFileSync(join(lab, 'usual'), 'latin1');
    for (const name of names) assert.match(reports, new RegExp(`^Final-Recipient: rfc822; alice@${name}\\.test$`, 'm'));
  });
});

function placeOf(stage: string, trouble: string): string {
  return `${stage === '.' ? 'end' : stage.replace(',', '-').toLowerCase()}-${trouble}`;
}

/** Whether something listens; it is not spoken to. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
