import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { CONTENT, ENVELOPE, ISSUER, WITH_CERTIFICATE, send, stage, text } from '../../../test/fakes/inbound.ts';
import { Fault } from '../../base/fault.ts';
import { statuses } from '../../base/status.ts';
import { memoryContentStore } from '../../storage/memory/content-store.ts';
import type { PeerName } from '../access/facts.ts';
import type { AccessPolicy } from '../access/policy.ts';
import { HELD } from '../spool/spool.ts';

describe('session: the way of a message', () => {
  it('relays by certificate alone', async () => {
    const at = stage();
    const connection = await at.secured();
    const replies = await send(at, connection);
    assert.match(
      replies,
      /^250 2\.1\.0 <alice@example\.net>\.\.\. Sender ok\r\n250 2\.1\.5 <bob@example\.com>\.\.\. Recipient ok\r\n354 .*\r\n250 2\.0\.0 [0-9A-Z]{11} Message accepted for delivery\r\n$/,
    );
    const [entry] = at.entries;
    const id = replies.slice(-45).match(/[0-9A-Z]{11}/)?.[0];
    assert.equal(
      text(entry),
      'Received: from laptop.example.org (client.example.org [192.0.2.7])\r\n' +
        `\tby relay.example.net (Sealpost/0.1.0) with ESMTPS id ${id}\r\n` +
        '\t(version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 bits=256 verify=OK)\r\n' +
        '\tfor <bob@example.com>; Tue, 24 Nov 2026 02:21:48 +0000\r\n' +
        CONTENT,
    );
    assert.deepEqual(entry?.origin, { holder: 'alice@example.net', serial: '0a1b' });
    assert.equal(entry.envelope.reversePath, 'alice@example.net');
    assert.equal(entry.messageId, '<1@laptop>');
    assert.equal(entry.size, text(entry).length);
    assert.deepEqual(
      entry.deliveries.map(({ lane, dest, recipient, due }) => ({ lane, dest, recipient, due })),
      [{ lane: 7, dest: 'example.com', recipient: 'bob@example.com', due: entry.at }],
    );
    const [accepted] = at.told('accepted');
    assert.equal(accepted?.id, entry.id);
    assert.equal(accepted.peer.holder, 'alice@example.net');
    assert.equal(accepted.peer.serial, '0a1b');
    assert.equal(accepted.rule, 'holder alice@example.net: RELAY (ledger)');
    assert.deepEqual(accepted.recipients, ['bob@example.com']);
    assert.equal(at.told('secured')[0]?.peer.verify, 'OK');
  });

  it('takes one message after the other, pipelined, each behind its durable 250', async () => {
    const waiting: PromiseWithResolvers<number>[] = [];
    const at = stage({
      accept: () => {
        const one = Promise.withResolvers<number>();
        waiting.push(one);
        return one.promise;
      },
    });
    const connection = await at.secured();
    connection.say(ENVELOPE);
    await at.clock.settle();
    connection.heard();
    // The next envelope comes before the reply: it waits, and reading stops.
    connection.say(`${CONTENT}.\r\n${ENVELOPE}`);
    connection.say('x\r\n.\r\n');
    connection.say('QUIT\r\n');
    await at.clock.settle();
    assert.equal(connection.heard(), '');
    assert.equal(waiting.length, 1);
    assert.equal(connection.reading, false);
    waiting[0]?.resolve(1);
    await at.clock.settle();
    assert.match(connection.heard(), /^250 2\.0\.0 .*\r\n250 2\.1\.0 .*\r\n250 2\.1\.5 .*\r\n354 .*\r\n$/);
    assert.equal(waiting.length, 2);
    waiting[1]?.resolve(1);
    await at.clock.settle();
    assert.match(connection.heard(), /^250 2\.0\.0 .*\r\n221 2\.0\.0 .*\r\n$/);
    assert.equal(connection.state, 'ending');
    assert.equal(at.told('accepted').length, 2);
  });

  it('says the same however the bytes are cut', async () => {
    const dialogue = `NOOP\r\n${ENVELOPE}${CONTENT}.\r\nMAIL FROM:<alice@example.net>\r\nRCPT TO:<bob@example.com>\r\nBDAT 7\r\nX: y\r\n\rBDAT 5 LAST\r\n\nabcdNOPE\r\nQUIT\r\n`;
    const run = async (cuts: readonly number[]): Promise<string> => {
      const at = stage();
      const connection = await at.secured();
      let from = 0;
      for (const cut of [...cuts].sort((a, b) => a - b)) {
        connection.say(dialogue.slice(from, cut));
        from = cut;
        if (cut % 3 === 0) await at.clock.settle();
      }
      connection.say(dialogue.slice(from));
      await at.clock.settle();
      assert.equal(connection.state, 'ending');
      assert.equal(at.entries.length, 2);
      return connection.heard() + at.entries.map(text).join('');
    };
    const whole = await run([]);
    assert.match(whole, /^250 2\.0\.0 OK\r\n(250 .*\r\n){2}354 .*\r\n(250 .*\r\n){5}500 .*\r\n221 /);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(dialogue.length), { maxLength: 12 }), async (cuts) =>
        assert.equal(await run(cuts), whole),
      ),
      { numRuns: 50 },
    );
  });

  it('answers pipelined commands in one piece', async () => {
    const at = stage();
    const connection = await at.secured();
    const before = connection.sends;
    connection.say(
      'MAIL FROM:<alice@example.net>\r\nRCPT TO:<bob@example.com>\r\nRCPT TO:<carol@example.com>\r\nRSET\r\nNOOP\r\n',
    );
    assert.equal(connection.sends - before, 1);
    assert.equal(connection.heard().split('\r\n').length, 6);
  });

  it('names no recipient in the trace when there are several, and routes each', async () => {
    const at = stage();
    const connection = await at.secured();
    await send(
      at,
      connection,
      'MAIL FROM:<> BODY=8BITMIME RET=HDRS ENVID=x\r\nRCPT TO:<bob@example.com> NOTIFY=NEVER\r\nRCPT TO:<Carol@Example.ORG> ORCPT=rfc822;c@example.org\r\nDATA\r\n',
    );
    const [entry] = at.entries;
    assert.doesNotMatch(text(entry), /for </);
    assert.deepEqual(entry?.envelope, { reversePath: '', body: '8BITMIME', smtputf8: false, ret: 'HDRS', envid: 'x' });
    assert.deepEqual(
      entry.deliveries.map(({ dest, recipient, notify, orcpt }) => ({ dest, recipient, notify, orcpt })),
      [
        { dest: 'example.com', recipient: 'bob@example.com', notify: 'never', orcpt: undefined },
        { dest: 'example.org', recipient: 'Carol@example.org', notify: undefined, orcpt: 'rfc822;c@example.org' },
      ],
    );
  });

  it('takes content by BDAT', async () => {
    const at = stage();
    const connection = await at.secured();
    connection.say('MAIL FROM:<alice@example.net>\r\nRCPT TO:<bob@example.com>\r\n');
    connection.say(`BDAT ${CONTENT.length}\r\n${CONTENT}BDAT 5 LAST\r\nmore!`);
    await at.clock.settle();
    assert.match(connection.heard(), /250 2\.0\.0 \d+ octets received\r\n250 2\.0\.0 [0-9A-Z]{11} Message accepted/);
    assert.ok(text(at.entries[0]).endsWith(`\r\n${CONTENT}more!`));
  });

  it('completes a message on submission and leaves it alone on relay', async () => {
    const at = stage();
    const bare = 'Subject: x\r\nBcc: secret@example.org\r\n\r\nhello\r\n';
    const submission = await at.secured();
    await send(at, submission, ENVELOPE, `${bare}.\r\n`);
    const relay = await at.secured(WITH_CERTIFICATE, { role: 'relay', port: 25 });
    await send(at, relay, ENVELOPE, `${bare}.\r\n`);
    const [submitted, relayed] = at.entries;
    const id = /id ([0-9A-Z]{11})/.exec(text(submitted))?.[1];
    assert.ok(
      text(submitted).endsWith(
        `+0000\r\nSubject: x\r\nDate: Tue, 24 Nov 2026 02:21:48 +0000\r\nMessage-ID: <${id}@relay.example.net>\r\n\r\nhello\r\n`,
      ),
    );
    assert.ok(text(relayed).endsWith(`+0000\r\n${bare}`));
    assert.equal(at.told('accepted')[0]?.messageId, `<${id}@relay.example.net>`);
    assert.equal(at.told('accepted')[1]?.messageId, undefined);
  });

  it('sends large content to the content store', async () => {
    const at = stage();
    const connection = await at.secured();
    const body = 'line of some length, and many of them\r\n'.repeat(5000);
    connection.say(ENVELOPE);
    await at.clock.settle();
    connection.say(CONTENT);
    for (let i = 0; i < body.length; i += 60_000) connection.say(body.slice(i, i + 60_000));
    connection.say('.\r\n');
    await at.clock.settle();
    assert.match(connection.heard(), /250 2\.0\.0 [0-9A-Z]{11} Message accepted for delivery\r\n$/);
    const [entry] = at.entries;
    assert.ok(entry?.content.kind === 'stored');
    const pieces: Uint8Array[] = [];
    for await (const piece of at.contents.read(entry.content.ref)) pieces.push(piece);
    const stored = Buffer.concat(pieces).toString('latin1');
    assert.ok(stored.startsWith('Received: from laptop.example.org '));
    assert.ok(stored.endsWith(CONTENT + body));
    assert.equal(stored.length, entry.size);
  });

  it('stops reading while the content store is slow', async () => {
    const gate = Promise.withResolvers<void>();
    const store = memoryContentStore();
    const at = stage({
      contents: {
        ...store,
        create: (id) => {
          const writer = store.create(id);
          return {
            write: (bytes) => gate.promise.then(() => writer.write(bytes)),
            finish: () => writer.finish(),
            abandon: () => writer.abandon(),
          };
        },
      },
    });
    const connection = await at.secured();
    connection.say(ENVELOPE);
    await at.clock.settle();
    connection.say(`${CONTENT}${'x'.repeat(70)}\r\n`.repeat(300));
    connection.say('more\r\n');
    connection.say('.\r\n');
    assert.equal(connection.reading, false);
    gate.resolve();
    await at.clock.settle();
    assert.equal(connection.reading, true);
    assert.match(connection.heard(), /250 2\.0\.0 [0-9A-Z]{11} Message accepted/);
  });

  it('holds what policy quarantines, and drops what it discards, without a word to the peer', async () => {
    const at = stage({
      map: `CERTISSUER:${ISSUER} RELAY\nFrom:held@example.net QUARANTINE:look\nFrom:gone@example.net DISCARD\n`,
    });
    const connection = await at.secured();
    const held = await send(at, connection, ENVELOPE.replace('alice', 'held'));
    const gone = await send(at, connection, ENVELOPE.replace('alice', 'gone'));
    assert.match(held, /250 2\.0\.0 [0-9A-Z]{11} Message accepted for delivery\r\n$/);
    assert.match(gone, /250 2\.0\.0 [0-9A-Z]{11} Message accepted for delivery\r\n$/);
    assert.equal(at.entries.length, 1);
    assert.equal(at.entries[0]?.deliveries[0]?.due, HELD);
    assert.equal(at.told('discarded')[0]?.reversePath, 'gone@example.net');
    assert.match(at.told('discarded')[0]?.rule ?? '', /holder alice/);
  });

  it('accepts mail for its own domains from anyone on a relay port', async () => {
    const at = stage();
    const { connection } = at.start({ role: 'relay', port: 25 });
    connection.say('EHLO client\r\n');
    await at.clock.settle();
    const replies = await send(
      at,
      connection,
      'MAIL FROM:<x@example.org>\r\nRCPT TO:<bob@example.net>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\n',
    );
    assert.match(
      replies,
      /250 2\.1\.5 <bob@example\.net>\.\.\. Recipient ok\r\n550 5\.7\.1 <bob@example\.com>\.\.\. Relaying denied: no client certificate was shown.*\r\n354/,
    );
    assert.equal(at.entries[0]?.deliveries.length, 1);
    assert.match(text(at.entries[0]), /with ESMTP id .*\r\n\tfor <bob@example\.net>; /);
    assert.deepEqual(at.entries[0]?.origin, { holder: undefined, serial: undefined });
    const [refused] = at.told('refused');
    assert.equal(refused?.stage, 'recipient');
    assert.equal(refused.recipient, 'bob@example.com');
    assert.equal(refused.rule, undefined, 'no rule had an opinion');
    assert.equal(refused.reversePath, 'x@example.org');
    assert.match(refused.reply, /^550 5\.7\.1 /);
  });
});

describe('session: what goes wrong', () => {
  for (const [key, reply] of [
    ['storage-full', /^452 4\.3\.1 /],
    ['storage-failed', /^451 4\.3\.0 /],
  ] as const) {
    it(`accepts nothing when the spool says ${key}`, async () => {
      const at = stage({ accept: () => Promise.reject(new Fault(statuses[key], 'the disk')) });
      const connection = await at.secured();
      const replies = await send(at, connection);
      assert.match(replies.split('\r\n').at(-2) ?? '', reply);
      assert.equal(at.told('accepted').length, 0);
      assert.match(at.told('trouble')[0]?.detail ?? '', /the disk/);
      assert.doesNotMatch(replies, /the disk/);
      assert.match(await send(at, connection), /\r\n45[12] /, 'the session goes on');
    });
  }

  it('drops stored content that the spool did not take', async () => {
    const at = stage({ accept: () => Promise.reject(new Error('boom')) });
    const connection = await at.secured();
    connection.say(ENVELOPE);
    await at.clock.settle();
    connection.say(`${CONTENT}${'x\r\n'.repeat(20_000)}.\r\n`);
    await at.clock.settle();
    assert.match(connection.heard(), /451 4\.3\.0 Local error; try again later\r\n$/);
    assert.deepEqual(await at.contents.refs(), []);
  });

  it('says so when an id was there already, instead of losing the message', async () => {
    const at = stage({ accept: () => Promise.resolve(0) });
    assert.match(await send(at, await at.secured()), /451 4\.3\.0 Local error/);
    assert.match(at.told('trouble')[0]?.detail ?? '', /already/);
  });

  it('answers 452 when the content store is full, and swallows the rest', async () => {
    let abandoned = 0;
    const writer = {
      write: () => Promise.reject(new Fault(statuses['storage-full'], 'full')),
      finish: () => Promise.reject(new Error('finished')),
      abandon: () => Promise.resolve(void abandoned++),
    };
    const at = stage({ contents: { ...memoryContentStore(), create: () => writer } });
    const connection = await at.secured();
    connection.say(ENVELOPE);
    await at.clock.settle();
    connection.heard();
    for (let i = 0; i < 10; i++) connection.say('x'.repeat(70).concat('\r\n').repeat(500));
    connection.say('.\r\n');
    await at.clock.settle();
    assert.equal(connection.heard(), '452 4.3.1 Insufficient storage; try again later\r\n');
    assert.equal(abandoned, 1);
  });

  it('refuses loops and long headers at the end of content', async () => {
    const at = stage({ limits: { hops: 2, header: 300 } });
    const connection = await at.secured();
    assert.match(
      await send(at, connection, ENVELOPE, `${'Received: x\r\n'.repeat(2)}\r\n.\r\n`),
      /554 5\.4\.6 Too many hops \(2\): mail loop\r\n$/,
    );
    assert.match(
      await send(at, connection, ENVELOPE, `X: ${'y'.repeat(300)}\r\n\r\n.\r\n`),
      /552 5\.6\.0 Header section exceeds 300 octets\r\n$/,
    );
    assert.equal(at.entries.length, 0);
    assert.deepEqual(
      at.told('refused').map((event) => event.stage),
      ['content', 'content'],
    );
  });

  it('throws away content whose end is refused, and begins anew after a reset', async () => {
    const at = stage();
    const connection = await at.secured();
    assert.match(await send(at, connection, ENVELOPE, 'bare\nline\r\n.\r\n'), /550 5\.6\.0 Bare CR or LF/);
    assert.equal(at.told('refused')[0]?.stage, 'content');
    connection.say('MAIL FROM:<alice@example.net>\r\nRSET\r\n');
    connection.heard();
    assert.match(await send(at, connection), /Message accepted/);
    assert.equal(at.entries.length, 1);
  });

  it('undoes what is half done when the connection breaks', async () => {
    const at = stage();
    const connection = await at.secured();
    connection.say(ENVELOPE);
    await at.clock.settle();
    connection.say(CONTENT + 'x\r\n'.repeat(20_000));
    await at.clock.settle();
    connection.breakOff('ECONNRESET');
    await at.clock.settle();
    assert.deepEqual(await at.contents.refs(), []);
    const [gone] = at.told('disconnected');
    assert.equal(gone?.reason, 'ECONNRESET');
    assert.equal(gone.messages, 0);
    assert.equal(at.sessions.size, 0);
    assert.equal(at.admission.connections, 0);
    assert.equal(at.clock.pending(), 0);
  });

  it('accepts an entry whose client left while it was made durable', async () => {
    const durable = Promise.withResolvers<number>();
    const at = stage({ accept: () => durable.promise });
    const connection = await at.secured();
    await send(at, connection);
    connection.breakOff();
    durable.resolve(1);
    await at.clock.settle();
    assert.equal(at.told('accepted').length, 1);
  });

  it('survives an error of its own by ending this session alone', async () => {
    const at = stage();
    const connection = await at.secured();
    (at.services as { policy: () => AccessPolicy }).policy = () => {
      throw new Error('a bug');
    };
    connection.say('MAIL FROM:<alice@example.net>\r\n');
    await at.clock.settle();
    assert.equal(connection.state, 'destroyed');
    assert.equal(at.told('trouble')[0]?.detail, 'a bug');
    assert.equal(at.sessions.size, 0);
  });

  it('stops reading while the peer takes no replies', async () => {
    const at = stage();
    const connection = await at.secured();
    connection.block();
    connection.say('NOOP\r\n');
    assert.equal(connection.reading, false);
    connection.say('NOOP\r\nNOOP\r\n');
    connection.drain();
    await at.clock.settle();
    assert.equal(connection.reading, true);
    assert.equal(connection.heard(), '250 2.0.0 OK\r\n'.repeat(3));
  });

  it('answers all that came before the peer closed its side', async () => {
    const at = stage();
    const connection = await at.secured();
    connection.say(ENVELOPE);
    await at.clock.settle();
    connection.say(`${CONTENT}.\r\n`);
    connection.say('NOOP\r\n');
    connection.hangUp();
    await at.clock.settle();
    assert.match(connection.heard(), /accepted for delivery\r\n250 2\.0\.0 OK\r\n$/);
    await at.clock.settle();
    assert.equal(at.told('disconnected')[0]?.reason, 'the peer closed the connection');
    assert.equal(at.told('disconnected')[0]?.messages, 1);
  });
});

describe('session: connect', () => {
  it('greets, and tells who is there', async () => {
    const at = stage();
    const { connection, session } = at.start();
    assert.equal(connection.heard(), '220 relay.example.net ESMTP Sealpost\r\n');
    await at.clock.settle();
    connection.say('EHLO laptop\r\n');
    assert.match(
      connection.heard(),
      /^250-relay\.example\.net Hello client\.example\.org \[192\.0\.2\.7\], pleased to meet you\r\n/,
    );
    const [connected] = at.told('connected');
    assert.equal(connected?.peer.session, session.id);
    assert.equal(connected.peer.address, '192.0.2.7');
    assert.equal(connected.listener, 'submission');
  });

  it('turns away what is too much by 421, before any handshake', async () => {
    const at = stage();
    for (let i = 0; i < 3; i++) at.start();
    const { connection } = at.start();
    assert.equal(connection.heard(), '421 4.7.0 relay.example.net too many connections from your address\r\n');
    assert.equal(connection.state, 'ending');
    assert.equal(at.start({ tls: 'implicit' }).connection.state, 'destroyed');
    for (let i = 0; i < 5; i++) at.start({}, `198.51.100.${i}`);
    const late = at.start({}, '198.51.100.99');
    assert.equal(late.connection.heard(), '421 4.3.2 relay.example.net too many connections; try again later\r\n');
    connection.destroy();
    await at.clock.settle();
    assert.equal(at.admission.connections, 9);
    assert.equal(at.told('refused').length, 3);
  });

  it('greets the refused by 220 and refuses everything that matters', async () => {
    const at = stage({ map: 'Connect:192.0.2.7 REJECT\n' });
    const { connection } = at.start();
    await at.clock.settle();
    connection.say(
      'EHLO x\r\nNOOP\r\nRSET\r\nSTARTTLS\r\nAUTH EXTERNAL =\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.net>\r\nHELO x\r\nMAIL FROM:<a@example.net>\r\nQUIT\r\n',
    );
    const replies = connection.heard();
    assert.match(replies, /^220 relay/);
    assert.match(replies, /\r\n250-relay\.example\.net Hello .*\r\n250 ENHANCEDSTATUSCODES\r\n250 2/);
    assert.equal(replies.match(/550 5\.7\.1 Access denied/g)?.length, 5);
    assert.match(replies, /250 2\.0\.0 OK\r\n250 2\.0\.0 Reset state\r\n/);
    assert.match(replies, /221 /);
    assert.equal(at.told('refused')[0]?.stage, 'connect');
    assert.match(at.told('refused')[0]?.rule ?? '', /access:1/);
  });

  it('says a 421 of the map in place of the greeting', async () => {
    const at = stage({ map: 'Connect:client.example.org ERROR:421 4.7.1 come back later\n' });
    const { connection } = at.start();
    assert.equal(connection.heard(), '', 'the map is asked by name first');
    await at.clock.settle();
    assert.match(connection.heard(), /^421 .*come back later\r\n$/);
    assert.equal(connection.state, 'ending');
  });

  it('waits for the name before the greeting only with a map, before RCPT only for strangers', async () => {
    const name = Promise.withResolvers<PeerName>();
    const at = stage({ name: name.promise });
    const stranger = at.start({ role: 'relay' }).connection;
    const holder = await at.secured();
    assert.match(stranger.heard(), /^220 /);
    const envelope = 'MAIL FROM:<alice@example.net>\r\nRCPT TO:<bob@example.net>\r\n';
    stranger.say(`EHLO x\r\n${envelope}`);
    assert.match(stranger.heard(), /Sender ok\r\n$/);
    holder.say(`${envelope}DATA\r\n`);
    assert.match(holder.heard(), /Recipient ok\r\n$/);
    name.resolve({ state: 'forged', name: 'x.example' });
    await at.clock.settle();
    assert.match(stranger.heard(), /^250 .*Recipient ok\r\n$/);
    assert.match(holder.heard(), /^354 /);
    holder.say(`${CONTENT}.\r\n`);
    await at.clock.settle();
    assert.match(
      text(at.entries[0]),
      /^Received: from laptop\.example\.org \(x\.example \[192\.0\.2\.7\] \(may be forged\)\)\r\n/,
    );
  });

  it('serves a peer that said all and closed its side before its name was known', async () => {
    const name = Promise.withResolvers<PeerName>();
    const at = stage({ name: name.promise, map: 'Connect:1.2.3.4 REJECT\n' });
    const { connection } = at.start();
    connection.say('EHLO x\r\nQUIT\r\n');
    connection.hangUp();
    name.resolve({ state: 'none', name: undefined });
    await at.clock.settle();
    assert.match(connection.heard(), /^220 .*[^]*221 2\.0\.0 .*\r\n$/);
  });

  it('goes away quietly when the peer left before its name was known', async () => {
    const name = Promise.withResolvers<PeerName>();
    const at = stage({ name: name.promise, map: 'Connect:1.2.3.4 REJECT\n' });
    const { connection } = at.start();
    connection.breakOff();
    name.resolve({ state: 'none', name: undefined });
    await at.clock.settle();
    assert.equal(connection.heard(), '');
    assert.equal(at.told('trouble').length, 0);
  });
});
