/**
 * Plays a transcript against the server engine. A line of it is one of
 *
 *   # comment            nothing
 *   limits name=number   engine limits, before anything else; `banner key` greets with that status
 *   sendmail FLAGS       Sendmail's dialect with these privacy flags and compatibility switches
 *   offer WORDS          `off` or `unavailable` for STARTTLS, `noauth`, `expn`; DSN, PIPELINING: withheld
 *   C: text              the client's line, CRLF added; lines that follow each other come in one segment
 *   R: text              the same without CRLF
 *   S: text              the server's next line, {text*count} repeated; before the client goes on, all its lines must have been told
 *   E: text              an event that must be among those of this segment, in order; `E: none name`: no such event
 *   TLS                  the handshake is done
 *   END                  the client closes its side
 *
 * In C, R and E: \r \n \\ \xHH are octets, and {text*count} is text repeated.
 */
import assert from 'node:assert/strict';
import { latin1, fromUtf8, utf8, concat } from '../../src/base/bytes.ts';
import { statuses, type Statuses, type StatusKey } from '../../src/base/status.ts';
import { replyOf, type Reply } from '../../src/protocol/smtp/reply.ts';
import {
  plainManner,
  serverManner,
  type PrivacyFlag,
  type ServerManner,
} from '../../src/protocol/smtp/server-manner.ts';
import {
  serverEngine,
  type ServerEngine,
  type ServerLimits,
  type ServerOffer,
} from '../../src/protocol/smtp/server.ts';
import type { ServerEvent } from '../../src/protocol/smtp/server-event.ts';

/** How a segment is cut into calls of receive(). */
export type Cut = 'whole' | 'octets';

const HOSTNAME = 'mx.example';
const DATE = 'Tue, 24 Nov 2026 02:21:48 GMT';

const usualLimits: ServerLimits = {
  commandLine: 512,
  authLine: 12_288,
  messageSize: 1000,
  recipients: 100,
  messagesPerSession: 50,
  errors: 20,
  idleCommands: 100,
  buffer: 65_536,
};

/** Plays it whole; throws an assertion that names the line. */
export function play(name: string, transcript: string, cut: Cut): void {
  const { limits, banner, manner, offer, steps } = read(name, transcript);
  const engine = serverEngine(HOSTNAME, limits, manner);
  const { statuses } = manner;
  const client = new ScriptedDecisions(engine, statuses);
  const greeting = replyOf(statuses.greeting, { hostname: HOSTNAME, version: manner.version, date: DATE });
  const refusal = banner === 'greeting' ? undefined : replyOf(statuses[banner], { hostname: HOSTNAME });
  // Sendmail greets whom it refuses.
  if (refusal !== undefined && manner.dialect === 'sendmail') engine.greet(greeting, refusal);
  else engine.greet(refusal ?? greeting);
  engine.offer(offerOf(offer, manner));

  let lines: string[] = [];
  let pending: Uint8Array[] = [];
  const flush = (at: number): void => {
    if (pending.length === 0) return;
    assert.deepEqual(lines, [], `${name}:${at}: the server said more before this`);
    client.events.length = 0;
    const segment = concat(pending);
    pending = [];
    for (const part of cut === 'whole' ? [segment] : Array.from(segment, (octet) => Uint8Array.of(octet))) {
      engine.receive(part);
      client.drain();
      part.fill(0x2a); // the caller has its memory back
    }
    lines = taken(engine);
  };
  client.drain();
  lines = taken(engine);
  for (const { at, word, text } of steps) {
    const where = `${name}:${at}`;
    switch (word) {
      case 'C':
        pending.push(octets(`${text}\\r\\n`));
        break;
      case 'R':
        pending.push(octets(text));
        break;
      case 'S':
        flush(at);
        assert.equal(lines.shift() ?? '(nothing)', repeated(text), where);
        break;
      case 'E':
        flush(at);
        client.expect(text, where);
        break;
      case 'TLS':
        flush(at);
        assert.deepEqual(lines, [], `${where}: the server said more before this`);
        engine.secured({ version: 'TLSv1.3' });
        engine.offer({ ...offerOf(offer, manner), starttls: 'off' });
        break;
      default:
        flush(at);
        engine.ended();
        client.drain();
        lines.push(...taken(engine));
    }
  }
  flush(0);
  assert.deepEqual(lines, [], `${name}: the server said more at the end`);
}

/** A stand-in for policy: what it decides can be read from the addresses. */
class ScriptedDecisions {
  /** Events of this segment as text, adjacent content joined. */
  readonly events: string[] = [];
  readonly #engine: ServerEngine;
  readonly #statuses: Statuses;
  #reversePath = '';

  constructor(engine: ServerEngine, statuses: Statuses) {
    this.#engine = engine;
    this.#statuses = statuses;
  }

  drain(): void {
    for (let event = this.#engine.next(); event !== undefined; event = this.#engine.next()) {
      this.#note(event);
      const reply = this.#decide(event);
      if (reply !== undefined) this.#engine.answer(reply);
    }
  }

  expect(text: string, where: string): void {
    if (text.startsWith('none ')) {
      const word = text.slice(5);
      assert.ok(
        !this.events.some((event) => event.startsWith(word)),
        `${where}: there is ${word} in ${JSON.stringify(this.events)}`,
      );
      return;
    }
    const wanted = latin1(octets(text));
    const found = this.events.indexOf(wanted);
    assert.notEqual(found, -1, `${where}: not among ${JSON.stringify(this.events)}`);
    this.events.splice(0, found + 1);
  }

  #note(event: ServerEvent): void {
    const text = eventText(event);
    const last = this.events.length - 1;
    if (event.kind === 'content' && this.events[last]?.startsWith('content '))
      this.events[last] += text.slice('content '.length);
    else this.events.push(text);
  }

  #decide(event: ServerEvent): Reply | undefined {
    const statuses = this.#statuses;
    switch (event.kind) {
      case 'hello':
        return replyOf(statuses.hello, { hostname: HOSTNAME, client: event.client });
      case 'starttls':
        return replyOf(statuses['start-tls']);
      case 'auth':
        return event.initial === undefined
          ? replyOf(statuses['auth-continue'], { challenge: '' })
          : authorize(event.initial, statuses);
      case 'auth-response':
        return authorize(event.response, statuses);
      case 'verify':
        return replyOf(statuses.verified, { address: `<${event.text}@${HOSTNAME}>` });
      case 'mail':
        this.#reversePath = event.typed;
        return replyOf(statuses[event.typed.includes('denied') ? 'address-access-denied' : 'sender-ok'], {
          address: event.typed,
        });
      case 'recipient':
        if (event.typed.includes('later')) return replyOf(statuses['storage-full']);
        return replyOf(statuses[event.typed.includes('denied') ? 'relaying-denied' : 'recipient-ok'], {
          address: event.typed,
        });
      case 'content-start':
        if (this.#reversePath.includes('leaving')) return replyOf(statuses['shutting-down'], { hostname: HOSTNAME });
        return replyOf(statuses[this.#reversePath.includes('full') ? 'storage-full' : 'start-mail']);
      case 'content-end':
        return replyOf(statuses[this.#reversePath.includes('loop') ? 'mail-loop' : 'accepted'], {
          id: 'ID',
          count: 101,
        });
      default:
        return undefined;
    }
  }
}

function authorize(response: Uint8Array, statuses: Statuses): Reply {
  const identity = fromUtf8(response);
  if (identity === 'mallory') return replyOf(statuses['auth-failed'], { reason: 'that is not you' });
  return replyOf(statuses['auth-succeeded'], { identity: identity === '' ? 'alice' : identity! });
}

function eventText(event: ServerEvent): string {
  switch (event.kind) {
    case 'content':
      return `content ${latin1(event.bytes)}`;
    case 'content-end':
      return `content-end ${event.size}`;
    case 'content-refused':
      return `content-refused ${event.reply}`;
    case 'refused':
      return `refused ${event.command} | ${event.reply}`;
    case 'close':
      return `close ${event.reason}`;
    case 'mail':
      return `mail ${event.address === undefined ? '<>' : `${event.address.local}@${event.address.domain}`} ${JSON.stringify(event.parameters)}`;
    case 'recipient':
      return `recipient ${event.address.local}@${event.address.domain} ${JSON.stringify(event.parameters)}`;
    case 'hello':
      return `hello ${event.verb} ${event.client}`;
    case 'auth':
      return `auth ${event.mechanism} ${event.initial === undefined ? '-' : `"${latin1(event.initial)}"`}`;
    default:
      return event.kind;
  }
}

function taken(engine: ServerEngine): string[] {
  const text = fromUtf8(engine.output()) ?? '(not UTF-8)';
  return text === '' ? [] : text.replace(/\r\n$/, '').split('\r\n');
}

interface Step {
  readonly at: number;
  readonly word: 'C' | 'R' | 'S' | 'E' | 'TLS' | 'END';
  readonly text: string;
}

interface Script {
  readonly limits: ServerLimits;
  readonly banner: StatusKey;
  readonly manner: ServerManner;
  readonly offer: readonly string[];
  readonly steps: readonly Step[];
}

function offerOf(words: readonly string[], manner: ServerManner): ServerOffer {
  const starttls = (['off', 'unavailable'] as const).find((word) => words.includes(word)) ?? 'offered';
  return {
    starttls,
    auth: words.includes('noauth') ? [] : ['EXTERNAL'],
    expn: words.includes('expn') ? true : undefined,
    withheld: new Set([...manner.withheld, ...words]),
  };
}

function read(name: string, transcript: string): Script {
  let manner = plainManner;
  let offer: readonly string[] = [];
  const limits: Record<string, number> = { ...usualLimits };
  let banner: StatusKey = 'greeting';
  const steps: Step[] = [];
  for (const [index, line] of transcript.split('\n').entries()) {
    const at = index + 1;
    if (line === '' || line.startsWith('#')) continue;
    const step = /^([CRSE]):(?: (.*))?$/.exec(line);
    const setting = /^limits (\w+)=(\d+)$/.exec(line);
    const greeting = /^banner ([\w-]+)$/.exec(line);
    if (step !== null) steps.push({ at, word: step[1] as 'C', text: step[2] ?? '' });
    else if (line === 'TLS' || line === 'END') steps.push({ at, word: line, text: '' });
    else if (line.startsWith('sendmail')) manner = sendmailManner(line.split(' ').slice(1));
    else if (line.startsWith('offer ')) offer = line.split(' ').slice(1);
    else if (setting !== null && Object.hasOwn(limits, setting[1]!)) limits[setting[1]!] = Number(setting[2]);
    else if (greeting !== null && Object.hasOwn(statuses, greeting[1]!)) banner = greeting[1] as StatusKey;
    else assert.fail(`${name}:${at}: neither C: R: S: E: TLS END limits banner sendmail nor offer: ${line}`);
  }
  return { limits: limits as unknown as ServerLimits, banner, manner, offer, steps };
}

function sendmailManner(flags: readonly string[]): ServerManner {
  const privacy = new Set(flags.filter((flag) => flag !== 'keep-hello') as PrivacyFlag[]);
  return serverManner('sendmail', privacy, '9.9', flags.includes('keep-hello'));
}

function repeated(text: string): string {
  return text.replace(/\{(.+?)\*(\d+)\}/g, (_, unit: string, count: string) => unit.repeat(Number(count)));
}

function octets(text: string): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [part] of repeated(text).matchAll(/\\(?:x[0-9a-fA-F]{2}|.)|[^\\]+/g)) {
    if (!part.startsWith('\\')) parts.push(utf8(part));
    else if (part[1] === 'x' && part.length === 4) parts.push(Uint8Array.of(Number.parseInt(part.slice(2), 16)));
    else parts.push(Uint8Array.of(part[1] === 'r' ? 0x0d : part[1] === 'n' ? 0x0a : part.charCodeAt(1)));
  }
  return concat(parts);
}
