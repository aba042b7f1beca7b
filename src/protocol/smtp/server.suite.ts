/** A whole conversation with a server engine, for property tests and fuzzing: what was said, and what must hold of it. */
import assert from 'node:assert/strict';
import { latin1 } from '../../base/bytes.ts';
import { statuses } from '../../base/status.ts';
import { ReplyParser } from './reply-parser.ts';
import { replyOf, type Reply } from './reply.ts';
import type { ServerEvent } from './server-event.ts';
import { serverEngine, type ServerEngine, type ServerLimits } from './server.ts';

/** Small, so that streams of some hundred octets reach them. */
export const tightLimits: ServerLimits = {
  commandLine: 64,
  authLine: 96,
  messageSize: 64,
  recipients: 3,
  messagesPerSession: 4,
  errors: 12,
  idleCommands: 20,
  buffer: 4096,
};

/** Wide enough that none is reached. */
export const wideLimits: ServerLimits = {
  commandLine: 512,
  authLine: 12_288,
  messageSize: 1_000_000,
  recipients: 1000,
  messagesPerSession: 1000,
  errors: 100_000,
  idleCommands: 100_000,
  buffer: 1_000_000,
};

export interface Conversation {
  /** Each event as text, adjacent content joined. */
  readonly events: readonly string[];
  readonly output: string;
}

/** Greets, and gives the parts to the engine, each after all that the one before led to. */
export function converse(limits: ServerLimits, parts: readonly Uint8Array[]): Conversation {
  const talk = new Talk(limits);
  for (const part of parts) talk.give(part);
  return talk.told();
}

/** A conversation that can be led step by step. Checks as it goes that no more is held than may be (property 1). */
export class Talk {
  readonly engine: ServerEngine;
  readonly #limits: ServerLimits;
  readonly #events: string[] = [];
  #content = false;
  #output: string;

  constructor(limits: ServerLimits) {
    this.#limits = limits;
    this.engine = serverEngine('mx.example', limits);
    this.engine.greet(replyOf(statuses.greeting, { hostname: 'mx.example' }));
    this.engine.offer({ starttls: 'offered', auth: ['EXTERNAL'] });
    this.#output = latin1(this.engine.output());
  }

  give(part: Uint8Array): void {
    const bytes = part.slice();
    this.engine.receive(bytes);
    // No event takes less than an octet or two, so that an engine that is stuck is found out.
    let left = 2 * this.engine.buffered + 16;
    for (let event = this.engine.next(); event !== undefined; event = this.engine.next()) {
      assert.ok(left-- > 0, 'the engine gives events without end');
      this.#note(event);
      const reply = decide(event);
      if (reply !== undefined) this.engine.answer(reply);
    }
    bytes.fill(0x55); // the caller has its memory back
    this.#output += latin1(this.engine.output());
    const { commandLine, authLine } = this.#limits;
    assert.ok(
      this.engine.buffered <= Math.max(commandLine + 1500, authLine),
      `${this.engine.buffered} octets are held without need`,
    );
  }

  told(): Conversation {
    return { events: this.#events, output: this.#output };
  }

  #note(event: ServerEvent): void {
    const last = this.#events.length - 1;
    if (event.kind !== 'content')
      this.#events.push(
        JSON.stringify(event, (_, value: unknown) => (value instanceof Uint8Array ? latin1(value) : value)),
      );
    else if (this.#content) this.#events[last] += latin1(event.bytes);
    else this.#events.push(`content ${latin1(event.bytes)}`);
    this.#content = event.kind === 'content';
  }
}

/** Some of everything, always the same for the same event. */
function decide(event: ServerEvent): Reply | undefined {
  switch (event.kind) {
    case 'hello':
      return replyOf(statuses[event.client.includes('bad') ? 'syntax-hello' : 'hello'], {
        hostname: 'mx.example',
        client: event.client,
      });
    case 'starttls':
      return replyOf(statuses['start-tls']);
    case 'auth':
      return replyOf(
        statuses[
          event.initial === undefined ? 'auth-continue' : event.initial.length === 0 ? 'auth-succeeded' : 'auth-failed'
        ],
      );
    case 'auth-response':
      return replyOf(
        statuses[
          event.response.length === 1 ? 'auth-continue' : event.response.length === 0 ? 'auth-succeeded' : 'auth-failed'
        ],
      );
    case 'mail':
      return replyOf(statuses[event.address?.local === 'bad' ? 'access-denied' : 'sender-ok'], {
        address: event.typed,
      });
    case 'recipient':
      return replyOf(statuses[event.address.local === 'bad' ? 'relaying-denied' : 'recipient-ok'], {
        address: event.typed,
      });
    case 'content-start':
      return replyOf(statuses['start-mail']);
    case 'content-end':
      return replyOf(statuses[event.size % 5 === 4 ? 'storage-full' : 'accepted'], { id: String(event.size) });
    default:
      return undefined;
  }
}

/**
 * Checks that each command in the stream has one reply, in order (property 3). It reads the stream again, by lines, and
 * learns from the replies alone what comes next: content, a line of AUTH, or nothing any more.
 */
export function assertOneReplyEach(stream: Uint8Array, conversation: Conversation): void {
  const parser = new ReplyParser();
  parser.receive(Buffer.from(conversation.output, 'latin1'));
  let text = latin1(stream);
  assert.equal(parser.next()?.code, 220);
  let inAuth = false;
  while (text !== '') {
    if (!inAuth && text.startsWith('\u0016\u0003')) {
      assert.equal(parser.next()?.code, 421);
      break;
    }
    const end = text.indexOf('\r\n');
    const bare = /\r[^\n]|(?<!\r)\n/.exec(text)?.index ?? Infinity;
    if (end < 0) {
      // a line that is not whole: a reply only if it is bad already
      assert.ok((parser.next()?.code ?? 500) >= 421);
      break;
    }
    const line = text.slice(0, end);
    text = text.slice(end + 2);
    const reply = parser.next();
    const chunk = bare > end && !inAuth ? /^BDAT +(\d{1,15})( +LAST)? *$/i.exec(line) : null;
    // A line that is too long (500) announces nothing.
    if (chunk !== null && reply?.code !== 500) {
      if (Number(chunk[1]) > text.length) {
        assert.ok(reply === undefined || reply.code === 421, 'a reply before the end of a chunk');
        break;
      }
      text = text.slice(Number(chunk[1]));
    }
    assert.ok(reply !== undefined, `no reply to ${JSON.stringify(line)}`);
    if (reply.code === 421 || reply.code === 221 || (reply.code === 220 && /^STARTTLS *$/i.test(line))) break;
    inAuth = reply.code === 334;
    if (reply.code !== 354) continue;
    const dot = `\r\n${text}`.indexOf('\r\n.\r\n');
    if (dot < 0) break;
    text = text.slice(dot + 3);
    assert.ok(parser.next() !== undefined, 'no reply to the end of content');
  }
  assert.equal(parser.next(), undefined, 'a reply too many');
  assert.equal(parser.fault, undefined);
  assert.equal(parser.pending, 0);
}
