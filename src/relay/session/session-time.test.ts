import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CONTENT, ENVELOPE, send, stage } from '../../../test/fakes/inbound.ts';

describe('session: time', () => {
  it('ends a silent session by 421, and not one that speaks', async () => {
    const at = stage();
    const connection = await at.secured();
    for (let i = 0; i < 4; i++) {
      await at.clock.advance(299_000);
      connection.say('NOOP\r\n');
      assert.equal(connection.heard(), '250 2.0.0 OK\r\n');
    }
    await at.clock.advance(299_999);
    assert.equal(connection.heard(), '');
    await at.clock.advance(1);
    assert.equal(
      connection.heard(),
      '421 4.4.2 relay.example.net closing connection: timed out waiting for a command\r\n',
    );
    assert.equal(connection.state, 'ending');
    await at.clock.advance(10_000);
    assert.equal(connection.state, 'destroyed');
    assert.equal(at.clock.pending(), 0);
    assert.match(at.told('disconnected')[0]?.reason ?? '', /^421 4\.4\.2 /);
  });

  it('is less patient in the middle of content', async () => {
    const at = stage();
    const connection = await at.secured();
    connection.say(ENVELOPE);
    await at.clock.settle();
    connection.say(CONTENT);
    connection.heard();
    await at.clock.advance(179_999);
    assert.equal(connection.heard(), '');
    await at.clock.advance(1);
    assert.match(connection.heard(), /^421 4\.4\.2 .*timed out waiting for content\r\n$/);
    await at.clock.advance(10_000);
    assert.equal(at.entries.length, 0);
  });

  it('does not count the time it takes itself', async () => {
    const durable = Promise.withResolvers<number>();
    const at = stage({ accept: () => durable.promise });
    const connection = await at.secured();
    await send(at, connection);
    await at.clock.advance(1_200_000);
    assert.equal(connection.heard(), '');
    durable.resolve(1);
    await at.clock.settle();
    assert.match(connection.heard(), /accepted for delivery\r\n$/);
    await at.clock.advance(299_999);
    assert.equal(connection.state, 'open');
    await at.clock.advance(1);
    assert.equal(connection.state, 'ending');
  });

  it('ends a session that lasts too long, whatever it does', async () => {
    const at = stage({ limits: { sessionTime: 500_000, idleCommands: 1000 } });
    const connection = await at.secured();
    for (let i = 0; i < 49; i++) {
      await at.clock.advance(10_000);
      connection.say('NOOP\r\n');
    }
    connection.heard();
    await at.clock.advance(9_999);
    assert.equal(connection.heard(), '');
    await at.clock.advance(1);
    assert.match(connection.heard(), /^421 4\.7\.0 .*session lasts too long\r\n$/);
  });

  it('gives a handshake its time', async () => {
    const at = stage();
    const { connection } = at.start();
    await at.clock.settle();
    connection.say('STARTTLS\r\n');
    await at.clock.advance(19_999);
    assert.equal(connection.state, 'handshake');
    await at.clock.advance(1);
    assert.equal(connection.state, 'destroyed');
    assert.match(at.told('handshake-failed')[0]?.detail ?? '', /too long/);
    assert.equal(at.told('disconnected').length, 1);
  });

  it('tells of a handshake that failed', async () => {
    const at = stage();
    const { connection } = at.start({ tls: 'implicit' });
    connection.breakOff('tlsv1 alert unknown ca');
    assert.equal(at.told('handshake-failed')[0]?.detail, 'tlsv1 alert unknown ca');
  });

  it('sets few timers', async () => {
    const at = stage();
    let timers = 0;
    const after = at.clock.after.bind(at.clock);
    at.clock.after = (span, action) => {
      timers += 1;
      return after(span, action);
    };
    const connection = await at.secured();
    for (let i = 0; i < 20; i++) {
      await at.clock.advance(100);
      await send(at, connection);
    }
    assert.equal(at.entries.length, 20);
    assert.ok(timers <= 4, `${timers} timers`);
  });
});

describe('session: shutting down', () => {
  it('ends idle sessions at once, and those with a message after it', async () => {
    const at = stage();
    const idle = await at.secured();
    const busy = await at.secured();
    busy.say(ENVELOPE);
    await at.clock.settle();
    busy.heard();
    let drained = false;
    void at.sessions.drain().then(() => (drained = true));
    assert.equal(idle.heard(), '421 4.3.2 relay.example.net is shutting down; try again soon\r\n');
    assert.equal(busy.heard(), '');
    busy.say(`${CONTENT}.\r\n`);
    await at.clock.settle();
    assert.match(busy.heard(), /^250 2\.0\.0 .*accepted for delivery\r\n421 4\.3\.2 .*shutting down.*\r\n$/);
    assert.equal(drained, false);
    idle.hangUp();
    busy.hangUp();
    await at.clock.settle();
    assert.equal(drained, true);
  });

  it('closes what remains when told so', async () => {
    const at = stage();
    const connection = await at.secured();
    at.sessions.abort();
    await at.clock.settle();
    assert.equal(connection.state, 'destroyed');
    assert.equal(at.told('disconnected')[0]?.reason, 'the server was stopped');
  });
});
