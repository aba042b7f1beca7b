/**
 * What changes while the relay runs: a certificate is revoked under an open session, the access map and the
 * configuration are edited, the program is told to stop, or is killed.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { issue, makeAuthority } from './authority.ts';
import { assertTrace, letter } from './message.ts';
import { missing } from './program.ts';
import { Relay, type Holder, type LogLine } from './relay.ts';
import { Sink } from './sink.ts';
import { Talk, tlsOptions, type Identity } from './talk.ts';

const OUTSIDE = 'bob@outside.example';

describe('while the relay runs', { skip: missing('openssl') }, () => {
  let sink: Sink;
  let relay: Relay;
  let alice: Holder;
  let carol: Holder;
  let dave: Holder;
  let stranger: Identity;

  // One relay for all: each test leaves it running, and has messages of its own.
  before(async () => {
    sink = await Sink.open();
    relay = await Relay.start(sink.port, { tls: { authorities: ['foreign/ca.crt'] } }, async (directory) => {
      const foreign = await makeAuthority(`${directory}/foreign`, '/O=Elsewhere/CN=Elsewhere Root');
      stranger = await issue(foreign, 'mallory', { subject: '/O=Elsewhere/CN=Mallory' });
    });
    const names = ['alice@example.net', 'carol@example.net', 'dave@example.net'] as const;
    [alice, carol, dave] = await Promise.all([relay.add(names[0]), relay.add(names[1]), relay.add(names[2])]);
  });
  after(async () => {
    await relay?.[Symbol.asyncDispose]();
    await sink?.[Symbol.asyncDispose]();
  });

  async function session(identity: Identity | undefined): Promise<Talk> {
    const talk = await Talk.open(relay.port('server'));
    await talk.greet();
    await talk.starttls(tlsOptions(relay.root, identity));
    await talk.ask('EHLO client.example');
    return talk;
  }

  /** MAIL and RCPT, and the reply to RCPT. */
  async function tried(identity: Identity | undefined, recipient = OUTSIDE): Promise<string> {
    using talk = await session(identity);
    await talk.ask('MAIL FROM:<alice@example.net>');
    return await talk.ask(`RCPT TO:<${recipient}>`);
  }

  /** DATA, and the beginning of a message that is not at its end. */
  async function halfSent(talk: Talk, marker: string): Promise<void> {
    await talk.ask('MAIL FROM:<alice@example.net>');
    await talk.ask(`RCPT TO:<${OUTSIDE}>`);
    assert.match(await talk.ask('DATA'), /^354 /);
    talk.send(`Subject: ${marker}\r\n\r\nThe first half,\r\n`);
  }

  describe('a certificate is revoked', () => {
    it('and its open sessions end, idle or in the content; others go on', async () => {
      using idle = await session(alice);
      using sending = await session(alice);
      using other = await session(carol);
      assert.match(await idle.message(letter('before-end'), OUTSIDE), /^250 /);
      await sink.message('before-end');
      await halfSent(sending, 'half-end');
      await halfSent(other, 'other-end');
      await relay.revoke(alice);

      assert.match(await idle.reply(), /^421 4\.7\.0 .*your certificate has been withdrawn$/);
      await idle.closed();
      assert.match(await sending.reply(), /^421 4\.7\.0 .*your certificate has been withdrawn$/);
      await sending.closed();

      other.send('and the second.\r\n.\r\n');
      assert.match(await other.reply(), /^250 2\.0\.0 /);
      assertTrace(await sink.message('other-end'), { protocol: 'ESMTPS', verify: 'OK', recipient: OUTSIDE });
      assert.match(await tried(alice), /^550 5\.7\.1 .* the client certificate has been revoked$/);
      await relay.idle();
      assert.deepEqual(sink.with('half-end'), []);
    });

    it('and nothing that was sent on behind it is taken', async () => {
      using talk = await session(carol);
      await halfSent(talk, 'raced-end');
      const revoked = relay.revoke(carol);
      const gone = relay.event(({ event, serial }) => event === 'revoked' && serial === carol.serial);
      await gone;
      // The end of the content, and a message more, meet the relay at the moment of the change.
      talk.send(`second half\r\n.\r\nMAIL FROM:<alice@example.net>\r\nRCPT TO:<${OUTSIDE}>\r\nDATA\r\n`);
      await revoked;
      const said = await talk.reply();
      await talk.closed();
      await relay.idle();
      // Either it was whole before the change was known there, and was acknowledged, or it is gone.
      assert.equal(sink.with('raced-end').length, said.startsWith('250') ? 1 : 0);
      assert.match(await tried(carol), /^550 5\.7\.1 /);
    });
  });

  describe('files are edited', () => {
    const issuer = 'CERTISSUER:/O=Elsewhere/CN=Elsewhere+20Root';
    const denied = /^550 5\.7\.1 .*Relaying denied/;

    /** Changes something, and waits for the line of the log that tells that it counts. */
    async function takes(wanted: (line: LogLine) => boolean, change: () => void): Promise<LogLine> {
      const from = relay.log.length;
      change();
      return relay.event(wanted, 10_000, from);
    }

    const reloaded =
      (what: string) =>
      (line: LogLine): boolean =>
        line.event === 'reloaded' && line['what'] === what;

    it('the access map counts within seconds', async () => {
      const map = (text: string): Promise<LogLine> =>
        takes(reloaded('access map'), () => writeFileSync(relay.path('access'), text));
      // It is trusted, and that alone gives no right.
      assert.match(await tried(stranger), denied);
      await map(`${issuer} RELAY\n`);
      {
        using talk = await session(stranger);
        assert.match(await talk.message(letter('issuer-end'), OUTSIDE), /^250 /);
        assertTrace(await sink.message('issuer-end'), { protocol: 'ESMTPS', verify: 'OK', recipient: OUTSIDE });
      }
      await map(`${issuer} SUBJECT\nCERTSUBJECT:/O=Elsewhere/CN=Somebody RELAY\n`);
      assert.match(await tried(stranger), denied);
      await map(`${issuer} SUBJECT\nCERTSUBJECT:/O=Elsewhere/CN=Mallory RELAY\n`);
      assert.match(await tried(stranger), /^250 /);
      // An edit with a line that cannot be read is told with its place, and the map before it stays in force.
      const trouble = await takes(
        ({ event }) => event === 'trouble',
        () => writeFileSync(relay.path('access'), `Connect:\n${issuer} SUBJECT\n`),
      );
      assert.match(String(trouble['detail']), /access:1:\d+: /);
      assert.match(await tried(stranger), /^250 /);
      await takes(reloaded('access map'), () => rmSync(relay.path('access')));
      assert.match(await tried(stranger), denied);
    });

    it('an open session is judged by the map as it is now', async () => {
      using talk = await session(stranger);
      await talk.ask('MAIL FROM:<alice@example.net>');
      assert.match(await talk.ask(`RCPT TO:<${OUTSIDE}>`), denied);
      await takes(reloaded('access map'), () => writeFileSync(relay.path('access'), `${issuer} RELAY\n`));
      assert.match(await talk.ask(`RCPT TO:<${OUTSIDE}>`), /^250 /);
    });

    it('SIGHUP reads the configuration; one that is wrong changes nothing', async () => {
      const later = 'dave@later.example';
      const hup = (): void => void process.kill(relay.pid, 'SIGHUP');
      assert.match(await tried(undefined, later), denied);
      relay.configure({ access: { localDomains: ['later.example'] }, tls: { authorities: [] } });
      await takes(reloaded('configuration'), hup);
      assert.match(await tried(undefined, later), /^250 /);
      assert.match(await tried(stranger), /issued by a CA that is not trusted here$/);

      writeFileSync(relay.path('sealpost.yaml'), 'hostname: relay.example.net\nacces:\n  localDomains: []\n');
      const trouble = await takes(({ event }) => event === 'trouble', hup);
      assert.match(String(trouble['detail']), /sealpost\.yaml:2:1: .*acces/);
      assert.match(await tried(undefined, later), /^250 /);
      relay.configure({ access: { localDomains: [] }, tls: { authorities: ['no-such.crt'] } });
      assert.match(String((await takes(({ event }) => event === 'trouble', hup))['detail']), /no-such\.crt/);
      assert.match(await tried(undefined, later), /^250 /);

      relay.configure();
      await takes(reloaded('configuration'), hup);
      assert.match(await tried(undefined, later), denied);
      assert.match(await tried(stranger), /^250 /);
    });
  });

  describe('it is told to end', () => {
    it('SIGTERM: idle sessions are told, a message in the middle is finished and delivered, nothing new is taken', async () => {
      using idle = await session(dave);
      using sending = await session(dave);
      await halfSent(sending, 'drained-end');
      const port = relay.port('server');
      const stopped = relay.stop('SIGTERM');
      assert.match(await idle.reply(), /^421 4\.3\.2 .* shutting down/);
      await idle.closed();
      await refusedAt(port);
      sending.send('and the second.\r\n.\r\n');
      assert.match(await sending.reply(), /^250 2\.0\.0 /);
      assert.match(await sending.reply(), /^421 4\.3\.2 /);
      await sending.closed();
      assert.equal(await stopped, 0);
      assert.equal(relay.noise, '');
      // What was not sent on before the end is sent on after the next start.
      await relay.begin();
      const message = await sink.message('drained-end');
      assertTrace(message, { protocol: 'ESMTPS', verify: 'OK', recipient: OUTSIDE });
      assert.match(message.text, /The first half,\r\nand the second\.\r\n$/);
      await relay.idle();
      assert.equal(sink.with('drained-end').length, 1);
    });

    it('SIGHUP while it ends does no harm, a second SIGTERM ends it at once', async () => {
      using sending = await session(dave);
      await halfSent(sending, 'cut-end');
      const from = relay.log.length;
      const stopped = relay.stop('SIGTERM');
      await relay.event(({ event }) => event === 'stopping', 5_000, from);
      await refusedAt(relay.port('server'));
      process.kill(relay.pid, 'SIGHUP');
      // Still there, and still listening to what is sent.
      sending.send('another line\r\n');
      await relay.status().catch(() => undefined);
      assert.doesNotThrow(() => process.kill(relay.pid, 0));
      process.kill(relay.pid, 'SIGTERM');
      assert.equal(await stopped, 1);
      await sending.closed();
      await relay.begin();
      await relay.idle();
      assert.deepEqual(sink.with('cut-end'), []);
    });

    it('SIGKILL: what was acknowledged is delivered after the next start, on the same directory', async () => {
      using talk = await session(dave);
      assert.match(await talk.message(letter('killed-end'), OUTSIDE), /^250 2\.0\.0 /);
      using half = await session(dave);
      await halfSent(half, 'lost-end');
      assert.equal(await relay.stop('SIGKILL'), 'SIGKILL');
      // The socket that it left behind answers nobody.
      await relay.begin();
      await sink.message('killed-end');
      assert.match(await tried(dave), /^250 /);
      await relay.idle();
      assert.deepEqual(sink.with('lost-end'), []);
    });

    it('a second relay on the same directory keeps off, and the first goes on', async () => {
      // What the first is receiving has no row yet: the second must not take it for a leftover.
      const receiving = relay.path('content/0152BEGUN00.part');
      writeFileSync(receiving, 'half a message');
      const { code, output } = await relay.tryCli('start');
      assert.ok(existsSync(receiving));
      rmSync(receiving);
      assert.notEqual(code, 0);
      assert.match(output, /control\.sock/);
      assert.match(await tried(dave), /^250 /);
    });
  });
});

/** Rejects unless nobody listens there any more. */
async function refusedAt(port: number): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const socket = connect(port, '127.0.0.1');
    const [event] = await Promise.race([
      once(socket, 'connect').then(() => ['connect']),
      once(socket, 'error').then(() => ['error']),
    ]).catch(() => ['error']);
    socket.destroy();
    if (event === 'error') return;
    assert.ok(attempt < 100, `port ${port} still takes connections`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
