/**
 * A message must not hold another one: what looks like the end of the content to careless servers must not be one for
 * us, nor leave here towards them. Raw octets go in; at the next hop exactly one message arrives, or the sender is told
 * that there is none.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { LOCAL_DOMAIN, Relay } from './relay.ts';
import { Sink, type SunkMessage } from './sink.ts';
import { Talk } from './talk.ts';

const INSIDE = `carol@${LOCAL_DOMAIN}`;
const MAIL = `MAIL FROM:<alice@example.net>\r\nRCPT TO:<${INSIDE}>\r\n`;

/** What somebody somewhere takes for the end of the content, and RFC 5321 §4.1.1.4 does not. */
const falseEnds = [
  '\n.\n',
  '\n.\r\n',
  '\r\n.\n',
  '\r.\r',
  '\r.\r\n',
  '\r\n.\r',
  '\n\n.\n\n',
  '\r\r\n.\r\r\n',
  '\r\n.\r\r\n',
  '\n\r.\n\r',
  '\r\n\0.\r\n',
  '\r\n.\0\r\n',
  '\r\n. \r\n',
  '\r\n\t.\r\n',
];

describe('smuggling', () => {
  let sink: Sink;
  let relay: Relay;

  before(async () => {
    sink = await Sink.open();
    relay = await Relay.start(sink.port);
  });
  after(async () => {
    await relay?.[Symbol.asyncDispose]();
    await sink?.[Symbol.asyncDispose]();
  });

  async function session(): Promise<Talk> {
    const talk = await Talk.open(relay.port('server'));
    await talk.greet();
    return talk;
  }

  /** A message as it must arrive: the content as it was sent, behind our trace header. */
  function contentOf({ content }: SunkMessage): string {
    const text = content.toString('latin1');
    const trace = /^Received: .*\r\n(?:\t.*\r\n)+/.exec(text)?.[0];
    assert.ok(trace !== undefined, text);
    return text.slice(trace.length);
  }

  it('two messages sent in one piece are two', async () => {
    using talk = await session();
    const message = (marker: string): string => `${MAIL}DATA\r\nSubject: ${marker}\r\n\r\nhello\r\n.\r\n`;
    talk.send(message('honest-1-end') + message('honest-2-end'));
    const replies: string[] = [];
    for (let left = 8; left > 0; left--) replies.push((await talk.reply()).slice(0, 3));
    assert.deepEqual(replies, ['250', '250', '354', '250', '250', '250', '354', '250']);
    await sink.message('honest-1-end');
    await sink.message('honest-2-end');
    assert.equal(sink.messages.length, 2);
  });

  for (const [number, end] of falseEnds.entries())
    it(`${JSON.stringify(end)} ends nothing`, async () => {
      const [outer, inner] = [`outer-${number}-end`, `inner-${number}-end`];
      using talk = await session();
      talk.send(`${MAIL}DATA\r\n`);
      for (const code of ['250', '250', '354']) assert.equal((await talk.reply()).slice(0, 3), code);
      const content = `Subject: ${outer}\r\n\r\nhello${end}${MAIL}DATA\r\nSubject: ${inner}\r\n\r\nevil\r\n`;
      talk.send(`${content}.\r\n`);
      const said = await talk.reply();
      // There was one reply to all of it.
      assert.match(await talk.ask('QUIT'), /^221 /);
      await relay.idle();
      if (said.startsWith('250')) {
        const [message, ...more] = sink.with(outer);
        assert.ok(message !== undefined);
        assert.deepEqual(more, []);
        assert.deepEqual(message.recipients, [INSIDE]);
        // Both belong to it; the dots were undone on our side and on that of the sink.
        assert.deepEqual(sink.with(inner), [message]);
        assert.equal(contentOf(message), content.replaceAll(/^\./gm, ''));
      } else {
        assert.match(said, /^550 5\.6\.0 Bare CR or LF/);
        assert.deepEqual(sink.with(outer), []);
        assert.deepEqual(sink.with(inner), []);
      }
    });

  it('lines of dots arrive as they were', async () => {
    using talk = await session();
    const content = 'Subject: dots-end\r\n\r\n.\r\n..\r\n...\r\n.a\r\n\r\n.\r\n\r\n';
    talk.send(`${MAIL}DATA\r\n${content.replaceAll(/^\./gm, '..')}.\r\n`);
    for (const code of ['250', '250', '354', '250']) assert.equal((await talk.reply()).slice(0, 3), code);
    assert.equal(contentOf(await sink.message('dots-end')), content);
  });

  it('a chunk may hold the end of content, and it is none', async () => {
    using talk = await session();
    const content = `Subject: chunk-end\r\n\r\nhello\r\n.\r\n${MAIL}DATA\r\nSubject: evil\r\n\r\nevil\r\n.\r\n`;
    talk.send(`${MAIL}BDAT 30\r\n${content.slice(0, 30)}BDAT ${content.length - 30} LAST\r\n${content.slice(30)}`);
    for (const code of ['250', '250', '250', '250']) assert.equal((await talk.reply()).slice(0, 3), code);
    const message = await sink.message('chunk-end');
    assert.equal(contentOf(message), content);
    await relay.idle();
    assert.equal(sink.with('Subject: evil').length, 1);
  });

  it('a chunk with bare line ends is refused, unless it is declared binary', async () => {
    using talk = await session();
    const content = `Subject: binary-end\r\n\r\nhello\n.\n${MAIL}DATA\n\0\r.\r`;
    talk.send(`${MAIL}BDAT ${content.length} LAST\r\n${content}`);
    for (const code of ['250', '250', '550']) assert.equal((await talk.reply()).slice(0, 3), code);
    const binary = MAIL.replace('>\r\n', '> BODY=BINARYMIME\r\n');
    talk.send(`${binary}BDAT ${content.length} LAST\r\n${content}`);
    for (const code of ['250', '250', '250']) assert.equal((await talk.reply()).slice(0, 3), code);
    const message = await sink.message('binary-end');
    assert.equal(message.parameters.body, 'BINARYMIME');
    assert.equal(contentOf(message), content);
    assert.equal(sink.with('binary-end').length, 1);
  });

  it('no bare CR or LF ever left for the next hop in what is sent by lines', () => {
    assert.ok(sink.wires.length > 0);
    for (const wire of sink.wires) {
      const text = Buffer.concat(wire).toString('latin1');
      if (text.includes('BINARYMIME')) continue;
      assert.doesNotMatch(text, /(?<!\r)\n|\r(?!\n)/);
    }
  });
});
