/**
 * The client's half of an SMTP conversation: bytes in, events and bytes out; no socket, clock or promise, the mirror
 * of server.ts. It decides what to say next and what each reply means for each recipient, and never where mail goes,
 * whether TLS is good enough, or when to try again. `relay/delivery/channel.ts` is its only caller.
 *
 *   phase      what we may call                      what the server may say
 *   waiting    -                                     the reply to awaited[0]
 *   ready      startTls auth transaction quit        421 only
 *   asked      authRespond                           nothing: we think about its challenge
 *   securing   secured                               nothing: whatever comes in clear is an attack (RFC 3207 §6)
 *   content    content                               a refusal, after which the connection is given up
 *   refused    quit                                  421 only
 *   closed     -                                     -
 *
 * With PIPELINING (RFC 2920) MAIL, all RCPT and DATA leave in one flight. Replies are read one at a time by next(),
 * so that cutting the same bytes elsewhere changes nothing.
 */
import type { Ms } from '../../base/clock.ts';
import type { RemoteReply } from '../../base/outcome.ts';
import type { StatusKey } from '../../base/status.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { parseCapabilities } from './capability.ts';
import { mailCommand, recipientCommand, unsupported, unsupportedRecipient } from './client-command.ts';
import { DotStuffer } from './client-content.ts';
import type { ClientEvent, ClientTransaction, RecipientResult } from './client-event.ts';
import { ReplyParser } from './reply-parser.ts';
import type { Reply } from './reply.ts';

/** Characters of a reply that are remembered: it goes to the log, the history and notices, once for each recipient. */
const REMEMBERED = 2_000;

export interface ClientLimits {
  /** Patience for a reply; less where RFC 5321 §4.5.3.2 says less. */
  readonly replyTime: Ms;
  /** Patience for the reply to the end of content (RFC 5321 §4.5.3.2.6: 10 minutes). */
  readonly contentTime: Ms;
}

export interface ClientOptions {
  /** What we say in EHLO: our name, or an address literal. */
  readonly hostname: string;
  readonly limits: ClientLimits;
}

export interface ClientEngine {
  /** Bytes from the server, cut anywhere. The engine may keep a view until next() gives undefined. */
  receive(bytes: Uint8Array): void;
  /** The next event, or undefined: nothing more for now. */
  next(): ClientEvent | undefined;
  /** What to send now; empty when nothing. The caller must not change the bytes of content it handed over before they are sent. */
  output(): Uint8Array;
  startTls(): void;
  /** TLS is up: all that was known of the server is forgotten, and EHLO is said again (RFC 3207 §4.2). */
  secured(): void;
  /** Starts AUTH by this mechanism (RFC 4954 §4); `initial` undefined: it has no initial response. */
  authenticate(mechanism: string, initial: Uint8Array | undefined): void;
  /** The answer to an `auth-challenge`; undefined ends the exchange. */
  authRespond(response: Uint8Array | undefined): void;
  /** Starts a transaction; after one that did not end clean, RSET goes first. */
  transaction(transaction: ClientTransaction): void;
  /** A piece of content; `last` ends it. Ignored when the server refused in the meantime. */
  content(bytes: Uint8Array, last: boolean): void;
  /** Says QUIT; only between transactions, else it does nothing. */
  quit(): void;
  /** The connection is gone. */
  ended(status: StatusKey, detail: string): void;
  /** Keywords of EHLO in upper case, with their parameters; empty after HELO. */
  readonly capabilities: ReadonlyMap<string, string>;
  /** Replies read so far; a server that sends bytes and no replies does not renew our patience. */
  readonly replies: number;
  /** Whether a transaction may start. */
  readonly ready: boolean;
  /** Whether content() would be heard. */
  readonly wantsContent: boolean;
  /** Milliseconds the server may now stay silent (RFC 5321 §4.5.3.2); undefined: nothing is awaited. */
  readonly patience: Ms | undefined;
}

type Phase = 'waiting' | 'ready' | 'asked' | 'securing' | 'content' | 'refused' | 'closed';

/** What a reply is awaited for, with its name for a reader. */
const names = {
  greeting: 'greeting',
  ehlo: 'EHLO',
  helo: 'HELO',
  starttls: 'STARTTLS',
  auth: 'AUTH',
  rset: 'RSET',
  mail: 'MAIL FROM',
  rcpt: 'RCPT TO',
  data: 'DATA',
  chunk: 'BDAT',
  end: 'end of DATA',
  'lone-dot': 'end of DATA',
  quit: 'QUIT',
} as const;
type Awaited = keyof typeof names;

/** Octets of an AUTH command without its verb and line end (RFC 5321 §4.5.3.1.4: 512 in all). */
const COMMAND = 500;
/** RFC 5321 §4.5.3.2.4 and .5: the reply to DATA, and a block of content. */
const DATA_TIME: Ms = 120_000;
const BLOCK_TIME: Ms = 180_000;

const NOTHING = new Uint8Array(0);
const NO_CAPABILITIES: ReadonlyMap<string, string> = new Map();

/** A new engine that waits for the greeting. */
export function clientEngine(options: ClientOptions): ClientEngine {
  return new Engine(options);
}

class Engine implements ClientEngine {
  readonly #options: ClientOptions;
  readonly #parser = new ReplyParser();
  #phase: Phase = 'waiting';
  #awaited: Awaited[] = ['greeting'];
  #events: ClientEvent[] = [];
  #out: Uint8Array[] = [];
  #capabilities = NO_CAPABILITIES;
  /** The last transaction left something behind that RSET must clear. */
  #dirty = false;
  /** An initial response too long for the command: the answer to the first challenge. */
  #authLater: Uint8Array | undefined;
  #replies = 0;

  // The transaction under way; `#results` has one place for each recipient, filled when its fate is known.
  #transaction: ClientTransaction | undefined;
  #results: (RecipientResult | undefined)[] = [];
  #asked: number[] = [];
  #nextRcpt = 0;
  #accepted = 0;
  #answered = false;
  #mailRefusal: RemoteReply | undefined;
  #chunked = false;
  #pipelined = false;
  #allSent = false;
  #chunkRefusal: RemoteReply | undefined;
  #stuffer = new DotStuffer();

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  get replies(): number {
    return this.#replies;
  }

  get capabilities(): ReadonlyMap<string, string> {
    return this.#capabilities;
  }

  get ready(): boolean {
    return this.#phase === 'ready';
  }

  get wantsContent(): boolean {
    return this.#phase === 'content';
  }

  get patience(): Ms | undefined {
    if (this.#phase === 'content') return BLOCK_TIME;
    if (this.#phase !== 'waiting') return undefined;
    const { replyTime, contentTime } = this.#options.limits;
    const awaited = this.#awaited[0];
    if (awaited === 'end' || awaited === 'chunk' || awaited === 'lone-dot') return contentTime;
    return awaited === 'data' ? Math.min(replyTime, DATA_TIME) : replyTime;
  }

  // What the caller does

  receive(bytes: Uint8Array): void {
    if (this.#phase !== 'closed') this.#parser.receive(bytes);
  }

  output(): Uint8Array {
    const out = this.#out;
    if (out.length === 0) return NOTHING;
    this.#out = [];
    return out.length === 1 ? (out[0] as Uint8Array) : Buffer.concat(out);
  }

  startTls(): void {
    this.#expectPhase('ready', 'startTls');
    this.#say('STARTTLS\r\n', 'starttls');
  }

  secured(): void {
    if (this.#phase === 'closed') return;
    this.#expectPhase('securing', 'secured');
    if (this.#parser.pending > 0) return this.#injected();
    this.#capabilities = NO_CAPABILITIES;
    this.#dirty = false;
    this.#hello('ehlo');
  }

  authenticate(mechanism: string, initial: Uint8Array | undefined): void {
    this.#expectPhase('ready', 'authenticate');
    // RFC 4954 §4: an empty initial response is "="; as an answer to 334 it is an empty line.
    const text = initial && (initial.length === 0 ? '=' : encodeBase64(initial));
    // The command is held to the usual length of lines, its continuation is not.
    const fits = text === undefined || text.length <= COMMAND - mechanism.length;
    this.#authLater = fits ? undefined : initial;
    this.#say(fits && text !== undefined ? `AUTH ${mechanism} ${text}\r\n` : `AUTH ${mechanism}\r\n`, 'auth');
  }

  authRespond(response: Uint8Array | undefined): void {
    if (this.#phase === 'closed') return;
    this.#expectPhase('asked', 'authRespond');
    this.#say(`${response === undefined ? '*' : encodeBase64(response)}\r\n`, 'auth');
  }

  transaction(transaction: ClientTransaction): void {
    this.#expectPhase('ready', 'transaction');
    const { recipients, smtputf8 } = transaction;
    this.#transaction = transaction;
    this.#results = [];
    this.#asked = [];
    this.#nextRcpt = 0;
    this.#accepted = 0;
    this.#answered = false;
    this.#mailRefusal = undefined;
    this.#chunkRefusal = undefined;
    this.#allSent = false;
    const whole = unsupported(transaction, this.#capabilities);
    for (let i = 0; i < recipients.length; i++) {
      const status = whole ?? unsupportedRecipient(recipients[i] as ClientTransaction['recipients'][number], smtputf8);
      this.#results.push(status === undefined ? undefined : { kind: 'unsupported', status });
      if (status === undefined) this.#asked.push(i);
    }
    if (this.#asked.length === 0) {
      this.#answered = true;
      return this.#finish();
    }
    this.#chunked = transaction.body === 'BINARYMIME';
    this.#pipelined = this.#capabilities.has('PIPELINING');
    this.#stuffer = new DotStuffer();
    this.#phase = 'waiting';
    if (this.#pipelined) this.#sendFlight(transaction);
    else if (this.#dirty) this.#say('RSET\r\n', 'rset');
    else this.#sendMail(transaction);
  }

  content(bytes: Uint8Array, last: boolean): void {
    if (this.#phase !== 'content') return;
    this.#allSent = last;
    if (this.#chunked) return this.#sendChunk(bytes, last);
    const stuffed = this.#stuffer.write(bytes);
    if (stuffed.length > 0) this.#out.push(stuffed);
    if (last) this.#say(this.#stuffer.end(), 'end');
  }

  quit(): void {
    if (this.#phase !== 'ready' && this.#phase !== 'refused') return;
    this.#say('QUIT\r\n', 'quit');
  }

  ended(status: StatusKey, detail: string): void {
    if (this.#phase === 'closed') return;
    const awaited = this.#awaited[0];
    if (awaited === 'quit') return this.#close(status, 'closed after QUIT');
    const waitingFor =
      this.#phase === 'content'
        ? 'content was being sent'
        : awaited === undefined
          ? undefined
          : `waiting for the reply to ${names[awaited]}`;
    this.#close(status, waitingFor === undefined ? detail : `${detail} while ${waitingFor}`);
  }

  next(): ClientEvent | undefined {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined || this.#phase === 'closed') return event;
      if (this.#phase === 'securing') {
        if (this.#parser.pending === 0) return undefined;
        this.#injected();
        continue;
      }
      const reply = this.#parser.next();
      const fault = this.#parser.fault;
      if (reply !== undefined) this.#replied(reply);
      else if (fault === undefined) return undefined;
      else
        this.#close(
          'remote-protocol',
          `no SMTP reply (${fault.kind}) where ${this.#awaitedName()} was to be answered: ${fault.detail}`,
        );
    }
  }

  // What replies mean

  #replied(wire: Reply): void {
    this.#replies++;
    const reply: RemoteReply = {
      code: wire.code,
      enhanced: wire.enhanced,
      text: remembered(wire.lines),
      command: this.#awaitedName(),
    };
    // RFC 5321 §3.8, §4.2.2: 421 may come at any time and announces the end.
    if (wire.code === 421) return this.#close('remote-deferred', 'the server is closing the connection', reply);
    const kind = Math.floor(wire.code / 100);
    const awaited = this.#awaited.shift();
    if (awaited === undefined) return this.#unasked(kind, reply);
    if (kind !== 2 && kind !== 4 && kind !== 5 && !((awaited === 'data' || awaited === 'auth') && kind === 3))
      return this.#unfit(reply);
    switch (awaited) {
      case 'greeting':
        if (wire.code === 220) return this.#hello('ehlo');
        return kind === 2 ? this.#unfit(reply) : this.#refuse('greeting', reply);
      case 'ehlo':
        // RFC 5321 §3.2, §4.1.4: a server that does not know EHLO is greeted with HELO.
        if (kind === 5) return this.#hello('helo');
        if (kind === 2) this.#capabilities = parseCapabilities(wire.lines);
        return kind === 2 ? this.#becomeReady({ kind: 'ready' }) : this.#refuse('hello', reply);
      case 'helo':
        return kind === 2 ? this.#becomeReady({ kind: 'ready' }) : this.#refuse('hello', reply);
      case 'starttls':
        if (kind !== 2) return this.#becomeReady({ kind: 'refused', stage: 'starttls', reply });
        this.#phase = 'securing';
        this.#events.push({ kind: 'secure' });
        return;
      case 'auth':
        return this.#authReplied(kind, reply);
      case 'rset':
        // Whatever it says: if the state is not clear, MAIL will be refused.
        this.#dirty = false;
        if (!this.#pipelined) this.#sendMail(this.#transaction as ClientTransaction);
        return;
      case 'mail':
        return this.#mailReplied(kind, reply);
      case 'rcpt':
        return this.#recipientReplied(kind, reply);
      case 'data':
        return this.#dataReplied(kind, reply);
      case 'chunk':
        return this.#chunkReplied(kind, reply);
      case 'end':
        if (this.#chunkRefusal !== undefined) return this.#chunkDrained();
        this.#dirty = this.#chunked && kind !== 2;
        return this.#settle(kind === 2 ? { kind: 'delivered', reply } : { kind: 'refused', reply });
      case 'lone-dot':
        this.#dirty = false;
        return this.#finish();
      case 'quit':
        return this.#close('connection-lost', 'closed after QUIT');
    }
  }

  /** A reply with nothing open: only in the middle of content does it say something about our mail. */
  #unasked(kind: number, reply: RemoteReply): void {
    // A server that gives up on the content answers before its end; what it expects next is unknown (RFC 5321 §4.1.1.4).
    if (this.#phase === 'content' && (kind === 4 || kind === 5))
      return this.#close('remote-deferred', 'refused before the content was complete', reply);
    this.#close('remote-protocol', `a reply that nobody asked for: ${reply.code} ${reply.text}`);
  }

  #unfit(reply: RemoteReply): void {
    this.#close('remote-protocol', `${reply.code} is no answer to ${reply.command}: ${reply.text}`);
  }

  #injected(): void {
    this.#close('remote-protocol', 'bytes in clear after the reply to STARTTLS'); // RFC 3207 §6
  }

  #refuse(stage: 'greeting' | 'hello', reply: RemoteReply): void {
    this.#phase = 'refused';
    this.#events.push({ kind: 'refused', stage, reply });
  }

  #becomeReady(event: ClientEvent): void {
    this.#phase = 'ready';
    this.#events.push(event);
  }

  #authReplied(kind: number, reply: RemoteReply): void {
    if (kind === 2) return this.#becomeReady({ kind: 'authenticated', reply });
    if (kind !== 3) return this.#becomeReady({ kind: 'refused', stage: 'auth', reply });
    this.#phase = 'asked';
    const later = this.#authLater;
    this.#authLater = undefined;
    if (later !== undefined) return this.authRespond(later);
    this.#events.push({ kind: 'auth-challenge', challenge: decodeBase64(reply.text) });
  }

  #mailReplied(kind: number, reply: RemoteReply): void {
    this.#answered = true;
    if (kind !== 2) {
      this.#mailRefusal = reply;
      if (!this.#pipelined) this.#settle({ kind: 'refused', reply });
      return;
    }
    this.#dirty = true;
    if (!this.#pipelined) this.#sendRecipient();
  }

  #recipientReplied(kind: number, reply: RemoteReply): void {
    const index = this.#asked[this.#nextRcpt++] as number;
    if (this.#mailRefusal === undefined) {
      if (kind === 2) this.#accepted++;
      else this.#results[index] = { kind: 'refused', reply };
    }
    if (this.#nextRcpt < this.#asked.length) {
      if (!this.#pipelined) this.#sendRecipient();
      return;
    }
    if (this.#chunked) {
      if (this.#mailRefusal !== undefined) this.#settle({ kind: 'refused', reply: this.#mailRefusal });
      else if (this.#accepted > 0) this.#wantContent();
      else this.#finish();
    } else if (!this.#pipelined) {
      if (this.#accepted > 0) this.#say('DATA\r\n', 'data');
      else this.#finish();
    }
  }

  #dataReplied(kind: number, reply: RemoteReply): void {
    const refusal = this.#mailRefusal;
    if (kind === 2) return this.#unfit(reply);
    if (kind === 3 && this.#accepted > 0) return this.#wantContent();
    if (refusal !== undefined) this.#fill({ kind: 'refused', reply: refusal });
    // RFC 2920 §3.1: DATA was accepted although nobody is left to get the content: end it at once.
    if (kind === 3) return this.#say('.\r\n', 'lone-dot');
    this.#settle({ kind: 'refused', reply });
  }

  #chunkReplied(kind: number, reply: RemoteReply): void {
    if (kind !== 2) this.#chunkRefusal ??= reply;
    if (this.#chunkRefusal !== undefined) return this.#chunkDrained();
    if (!this.#pipelined) this.#wantContent();
  }

  /** RFC 3030 §2: after a refused chunk the rest is in vain; replies to what is under way are still to come. */
  #chunkDrained(): void {
    this.#phase = 'waiting';
    if (this.#awaited.length > 0) return;
    this.#dirty = true;
    this.#settle({ kind: 'refused', reply: this.#chunkRefusal as RemoteReply });
  }

  // What we send

  #hello(verb: 'ehlo' | 'helo'): void {
    this.#say(`${names[verb]} ${this.#options.hostname}\r\n`, verb);
  }

  #sendFlight(transaction: ClientTransaction): void {
    let text = '';
    if (this.#dirty) {
      text = 'RSET\r\n';
      this.#awaited.push('rset');
    }
    text += mailCommand(transaction, this.#capabilities);
    this.#awaited.push('mail');
    for (const index of this.#asked) {
      text += recipientCommand(
        transaction.recipients[index] as ClientTransaction['recipients'][number],
        this.#capabilities,
      );
      this.#awaited.push('rcpt');
    }
    if (!this.#chunked) {
      text += 'DATA\r\n';
      this.#awaited.push('data');
    }
    this.#out.push(Buffer.from(text, 'utf8'));
  }

  #sendMail(transaction: ClientTransaction): void {
    this.#say(mailCommand(transaction, this.#capabilities), 'mail');
  }

  #sendRecipient(): void {
    const recipient = this.#transaction?.recipients[this.#asked[this.#nextRcpt] as number];
    if (recipient !== undefined) this.#say(recipientCommand(recipient, this.#capabilities), 'rcpt');
  }

  #sendChunk(bytes: Uint8Array, last: boolean): void {
    if (bytes.length === 0 && !last) return this.#wantContent();
    this.#say(`BDAT ${bytes.length}${last ? ' LAST' : ''}\r\n`, last ? 'end' : 'chunk');
    if (bytes.length > 0) this.#out.push(bytes);
    if (!last && this.#pipelined) this.#wantContent();
  }

  #say(text: string, awaited: Awaited): void {
    this.#out.push(Buffer.from(text, 'utf8'));
    this.#awaited.push(awaited);
    this.#phase = 'waiting';
  }

  #wantContent(): void {
    this.#phase = 'content';
    this.#events.push({ kind: 'content-wanted' });
  }

  // How things end

  #fill(result: RecipientResult): void {
    for (let i = 0; i < this.#results.length; i++) this.#results[i] ??= result;
  }

  #settle(result: RecipientResult): void {
    this.#fill(result);
    this.#finish();
  }

  #finish(): void {
    const results = this.#results as RecipientResult[];
    this.#transaction = undefined;
    this.#results = [];
    this.#phase = 'ready';
    this.#events.push({ kind: 'done', results, answered: this.#answered });
  }

  #close(status: StatusKey, detail: string, reply?: RemoteReply): void {
    if (this.#transaction !== undefined) {
      const refusal = this.#mailRefusal ?? this.#chunkRefusal;
      if (refusal !== undefined) this.#fill({ kind: 'refused', reply: refusal });
      this.#fill(
        reply === undefined ? { kind: 'lost', status, detail, ambiguous: this.#allSent } : { kind: 'refused', reply },
      );
      this.#finish();
    }
    this.#phase = 'closed';
    this.#awaited = [];
    this.#out = [];
    this.#events.push({ kind: 'closed', status, reply, detail });
  }

  #awaitedName(): string {
    const awaited = this.#awaited[0];
    if (awaited === undefined) return this.#phase === 'content' ? 'content' : 'nothing';
    return awaited === 'end' && this.#chunked ? 'BDAT' : names[awaited];
  }

  #expectPhase(phase: Phase, call: string): void {
    if (this.#phase !== phase) throw new Error(`client engine: ${call}() in phase ${this.#phase}`);
  }
}

function remembered(lines: readonly string[]): string {
  const text = lines.join(' ');
  return text.length <= REMEMBERED ? text : `${text.slice(0, REMEMBERED).toWellFormed()} [...]`;
}
