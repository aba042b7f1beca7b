/**
 * The server's half of an SMTP conversation: bytes in, events and bytes out; no socket, clock or promise. It decides
 * what is a command, whether it may come now and where content ends, and answers on its own whatever is wrong with
 * these. It never decides who may send what. Before it: `relay/connection` gives bytes. After it: `relay/session`, its
 * only caller, asks policy and storage, and answers.
 */
import { utf8 } from '../../base/bytes.ts';
import { Fault } from '../../base/fault.ts';
import { statuses, type StatusKey } from '../../base/status.ts';
import { decodeBase64 } from './base64.ts';
import { ByteQueue } from './byte-queue.ts';
import { formatCapability } from './capability.ts';
import {
  firstWord,
  lineText,
  parseCommand,
  shownWord,
  verbs,
  type Command,
  type MailCommand,
  type Verb,
} from './command.ts';
import type { Announcement } from './extensions/extension.ts';
import { extensions } from './extensions/registry.ts';
import { skipLine, takeLine } from './line.ts';
import { formatReply, replyOf, replyText, type Reply } from './reply.ts';
import type { ServerEvent } from './server-event.ts';
import { Transfer } from './transfer.ts';

/**
 * Where the session stands (RFC 5321 §4.1.4). `start`: nothing is known of the client. `ready`: it said hello. `mail`,
 * `recipients`: a transaction is open. `chunks`: some of its content came by BDAT. `failed`: a chunk was refused, and
 * the transaction can only be given up (RFC 3030 §2).
 */
type Position = 'start' | 'ready' | 'mail' | 'recipients' | 'chunks' | 'failed';

/** `go`, or the status that a verb is refused with. */
type Move = 'go' | StatusKey;

/** The legal moves: what each verb may do at each position. */
// oxfmt-ignore
const moves: Readonly<Record<Verb, Readonly<Record<Position, Move>>>> = {
  //             start         ready                    mail                       recipients                 chunks                     failed
  HELO:     row('go',         'go',                    'go',                      'go',                      'go',                      'go'),
  EHLO:     row('go',         'go',                    'go',                      'go',                      'go',                      'go'),
  MAIL:     row('need-hello', 'go',                    'nested-mail',             'nested-mail',             'nested-mail',             'nested-mail'),
  RCPT:     row('need-hello', 'need-mail-before-rcpt', 'go',                      'go',                      'rcpt-after-bdat',         'rcpt-after-bdat'),
  DATA:     row('need-hello', 'need-mail',             'need-rcpt',               'go',                      'mixed-data-bdat',         'mixed-data-bdat'),
  BDAT:     row('need-hello', 'need-mail',             'need-rcpt',               'go',                      'go',                      'go'),
  STARTTLS: row('go',         'go',                    'starttls-in-transaction', 'starttls-in-transaction', 'starttls-in-transaction', 'starttls-in-transaction'),
  AUTH:     row('need-hello', 'go',                    'auth-in-transaction',     'auth-in-transaction',     'auth-in-transaction',     'auth-in-transaction'),
  RSET:     row('go',         'go',                    'go',                      'go',                      'go',                      'go'),
  NOOP:     row('go',         'go',                    'go',                      'go',                      'go',                      'go'),
  VRFY:     row('go',         'go',                    'go',                      'go',                      'go',                      'go'),
  EXPN:     row('go',         'go',                    'go',                      'go',                      'go',                      'go'),
  HELP:     row('go',         'go',                    'go',                      'go',                      'go',                      'go'),
  QUIT:     row('go',         'go',                    'go',                      'go',                      'go',                      'go'),
};

/**
 * What the next bytes are: nothing yet, a command line, a line of an AUTH exchange, content of DATA, a chunk of BDAT,
 * the rest of a bad line, a TLS handshake that is none of ours, nothing any more. With the milliseconds that the peer
 * may be silent then: RFC 5321 §4.5.3.2.7 for commands, §4.5.3.2.5 for content. Who sends half a line, or is to close,
 * has nothing to wait for.
 */
const patience = {
  greeting: 300_000,
  command: 300_000,
  auth: 300_000,
  data: 180_000,
  chunk: 180_000,
  skip: 30_000,
  handshake: 60_000,
  closed: 10_000,
} as const;

type Phase = keyof typeof patience;

/** While a question is open it is we who are awaited: RFC 5321 §4.5.3.2.6 has the client wait that long. */
const OUR_TURN = 600_000;

/** The verbs that are left to a peer whose greeting was a refusal (RFC 5321 §3.1). */
const harmless: ReadonlySet<Verb> = new Set<Verb>(['HELO', 'EHLO', 'RSET', 'NOOP', 'HELP', 'QUIT']);

/** First words of HTTP requests: a browser, or what somebody made of one, that speaks to the wrong port. */
const httpMethods: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  'PATCH',
  'PRI',
]);

/** How a TLS record with a ClientHello begins (RFC 8446 §5.1). */
const TLS_HANDSHAKE = 0x16;
const TLS_MAJOR = 0x03;

/** By how much the parameters of extensions lengthen a line (RFC 5321 §4.5.3.1.4). */
const MAIL_OCTETS = extensions.reduce((sum, extension) => sum + (extension.mailOctets ?? 0), 0);
const RECIPIENT_OCTETS = extensions.reduce((sum, extension) => sum + (extension.recipientOctets ?? 0), 0);

const NOTHING = new Uint8Array();

/** What the engine may take and say; octets and counts. From the configuration, by listener. */
export interface ServerLimits {
  /** Command line with CRLF; parameters of extensions extend it as their RFCs say (RFC 5321 §4.5.3.1.4: 512). */
  readonly commandLine: number;
  /** One line of an AUTH exchange (RFC 4954 §4: 12,288). */
  readonly authLine: number;
  /** Content of one message, as SIZE tells it (RFC 1870). */
  readonly messageSize: number;
  readonly recipients: number;
  readonly messagesPerSession: number;
  /** Refused commands before 421. */
  readonly errors: number;
  /** Commands between two messages before 421. */
  readonly idleCommands: number;
  /** Bytes buffered while a question is open, before 421. */
  readonly buffer: number;
}

/** What EHLO offers now; the session changes it with what it knows (TLS, verdict, mechanisms). */
export interface ServerOffer {
  readonly starttls: boolean;
  /** AUTH mechanisms, empty: no AUTH keyword. */
  readonly auth: readonly string[];
}

/** What is said about TLS when it is up. */
export interface SecuredFacts {
  readonly version: string;
}

/**
 * The server's half of an SMTP conversation: bytes in, events and bytes out; no socket, clock or promise.
 * The session (`relay/session/session.ts`) is the only caller. See ARCHITECTURE §4 for its seven properties.
 */
export interface ServerEngine {
  /**
   * Queues the greeting (220, or a 4xx/5xx that ends or cripples the session, RFC 5321 §3.1). Call first. `refusal`
   * cripples it behind a friendly greeting, as Sendmail does: all but harmless commands are answered with it.
   */
  greet(reply: Reply, refusal?: Reply): void;
  /** Bytes from the peer, cut anywhere. The engine may keep a view until the next call. */
  receive(bytes: Uint8Array): void;
  /** The next event, or undefined: nothing more, or a question is open. */
  next(): ServerEvent | undefined;
  /** The decision on the one open question. Throws only when no question is open (a bug of the caller). */
  answer(reply: Reply): void;
  /** What EHLO offers from now on. */
  offer(offer: ServerOffer): void;
  /** TLS is up; all that came before it, the peer's EHLO included, is forgotten (RFC 3207 §4.2). With TLS from the start: before or after greet(). */
  secured(facts: SecuredFacts): void;
  /** Ends the session from our side with this reply (421). */
  close(reply: Reply): void;
  /** The peer closed its side. */
  ended(): void;
  /** What to send now; empty when nothing. */
  output(): Uint8Array;
  /** Milliseconds the peer may now stay silent (RFC 5321 §4.5.3.2). */
  readonly patience: number;
  /** Octets that came and were not used yet. At most a line, or while a question is open what came meanwhile. */
  readonly buffered: number;
}

/** A new engine; `hostname` is how it calls itself. */
export function serverEngine(hostname: string, limits: ServerLimits): ServerEngine {
  return new Engine(hostname, limits);
}

type Question = Extract<
  ServerEvent,
  { kind: 'hello' | 'starttls' | 'auth' | 'auth-response' | 'mail' | 'recipient' | 'content-start' | 'content-end' }
>;

class Engine implements ServerEngine {
  readonly #hostname: string;
  readonly #limits: ServerLimits;
  readonly #queue = new ByteQueue();
  /** Events that wait for next(). While there are any, no more is read. */
  readonly #events: ServerEvent[] = [];
  #out = '';
  #phase: Phase = 'greeting';
  #position: Position = 'start';
  #question: Question | undefined;
  #offer: ServerOffer = { starttls: false, auth: [] };
  #secured = false;
  #authenticated = false;
  #ended = false;
  /** The refusal in or behind the greeting: what all but harmless commands are answered with. */
  #banner: Reply | undefined;

  // The transaction
  #mail: MailCommand | undefined;
  #recipients = 0;
  #recipientsAsked = 0;
  #transfer: Transfer | undefined;
  /** The session refused a chunk, and its reply waits for the last octet. */
  #answerWaits = false;
  readonly #give: (content: Uint8Array) => void;

  // What the peer has used up
  #messages = 0;
  #errors = 0;
  #idle = 0;

  constructor(hostname: string, limits: ServerLimits) {
    this.#hostname = hostname;
    this.#limits = limits;
    this.#give = (bytes) => this.#events.push({ kind: 'content', bytes });
  }

  get patience(): number {
    return this.#question === undefined ? patience[this.#phase] : OUR_TURN;
  }

  get buffered(): number {
    return this.#queue.length;
  }

  greet(reply: Reply, refusal: Reply | undefined = reply.code >= 400 ? reply : undefined): void {
    if (this.#phase !== 'greeting') return;
    this.#say(reply);
    if (reply.code === 421) return this.#shut('told', reply);
    this.#banner = refusal;
    this.#phase = 'command';
  }

  offer(offer: ServerOffer): void {
    this.#offer = offer;
  }

  receive(bytes: Uint8Array): void {
    // Bytes between STARTTLS and the handshake were put there by somebody in the middle (RFC 3207 §4.2).
    if (this.#phase === 'closed' || this.#phase === 'handshake') return;
    const waits = this.#question !== undefined || this.#phase === 'greeting';
    if (waits && this.#queue.length + bytes.length > this.#limits.buffer) return this.#end('input-overrun', 'fault');
    this.#queue.push(bytes);
  }

  next(): ServerEvent | undefined {
    while (this.#events.length === 0 && this.#question === undefined && this.#advance());
    const event = this.#events.shift();
    // The caller may now take back the memory that receive() was given.
    if (event === undefined || this.#question !== undefined) this.#queue.keep();
    return event;
  }

  answer(reply: Reply): void {
    const question = this.#question;
    if (question === undefined) {
      if (this.#phase === 'closed') return; // it was closed while somebody made up their mind
      throw new Fault(statuses['local-error'], 'answer() without an open question');
    }
    this.#question = undefined;
    // RFC 5321 §3.8: 421 announces that the connection is closed, whatever it answers.
    if (reply.code === 421) return this.close(reply);
    if (reply.code >= 500) this.#errors++;
    this.#answered(question, reply, reply.code >= 200 && reply.code < 300);
  }

  secured(_facts: SecuredFacts): void {
    if (this.#phase === 'closed') return;
    // RFC 3207 §4.2: nothing of what was said in clear counts, on either side.
    if (this.#phase === 'handshake') {
      this.#phase = 'command';
      this.#out = '';
    }
    this.#queue.clear();
    this.#events.length = 0;
    this.#question = undefined;
    this.#endTransaction('start');
    this.#authenticated = false;
    this.#secured = true;
  }

  close(reply: Reply): void {
    if (this.#phase === 'closed') return;
    this.#say(reply);
    this.#shut('told', reply);
  }

  ended(): void {
    this.#ended = true;
  }

  output(): Uint8Array {
    if (this.#out === '') return NOTHING;
    const bytes = utf8(this.#out);
    this.#out = '';
    return bytes;
  }

  /** One step: a line, or a piece of content. False when there is nothing to do before more bytes come. */
  #advance(): boolean {
    if (this.#read()) return true;
    if (!this.#ended || this.#phase === 'closed') return false;
    this.#shut('peer-closed', undefined);
    return true;
  }

  #read(): boolean {
    switch (this.#phase) {
      case 'command':
        return this.#queue.length > 0 && this.#readCommand();
      case 'auth':
        return this.#queue.length > 0 && this.#readAuth();
      case 'data':
        return this.#queue.length > 0 && this.#readData();
      case 'chunk':
        return this.#readChunk();
      case 'skip':
        if (!skipLine(this.#queue)) return false;
        this.#phase = 'command';
        return true;
      default:
        return false;
    }
  }

  // Commands

  #readCommand(): boolean {
    const queue = this.#queue;
    const first = queue.bytes[queue.start]!;
    if (first === TLS_HANDSHAKE && !this.#secured && queue.length > 1 && queue.bytes[queue.start + 1] === TLS_MAJOR) {
      this.#end('protocol-noise', 'fault');
      return true;
    }
    const limit = this.#lineLimit(first, queue.bytes[queue.start + 1]);
    const line = takeLine(queue, limit);
    if (line === undefined) return false;
    this.#idle++;
    const text = lineText(line.bytes);
    if (line.kind === 'line') this.#command(text);
    else if (!this.#wornOut(undefined)) {
      this.#phase = 'skip';
      this.#refuse(text, line.kind === 'long' ? 'line-too-long' : 'bare-line-end', { limit });
    }
    return true;
  }

  /** By the verb's first letters, which are there long before any limit is reached. */
  #lineLimit(first: number, second: number | undefined): number {
    const { commandLine, authLine } = this.#limits;
    switch (((first << 8) | (second ?? 0)) & 0xdfdf) {
      case 0x4d41: // MA
        return commandLine + MAIL_OCTETS;
      case 0x5243: // RC
        return commandLine + RECIPIENT_OCTETS;
      case 0x4155: // AU: clients send long initial responses, though RFC 4954 §4 would have them wait
        return Math.max(commandLine, authLine);
      default:
        return commandLine;
    }
  }

  #command(text: string): void {
    const result = parseCommand(text, this.#mail?.parameters.smtputf8 === true);
    const refused = result.kind === 'refused';
    if (refused && result.verb === undefined && httpMethods.has(firstWord(text)))
      return this.#end('protocol-noise', 'fault');
    const verb = refused ? result.verb : result.command.verb;
    if (this.#wornOut(verb)) return;
    const banner = verb !== undefined && !harmless.has(verb) ? this.#banner : undefined;
    if (refused)
      return banner === undefined ? this.#refuse(text, result.status, result.values) : this.#refuseWith(text, banner);
    const { command } = result;
    const move = moves[command.verb][this.#position];
    if (command.verb === 'BDAT')
      return this.#beginChunk(
        command.size,
        command.last,
        banner ?? (move === 'go' ? undefined : replyOf(statuses[move])),
      );
    if (banner !== undefined) return this.#refuseWith(text, banner);
    if (move !== 'go') return this.#refuse(text, move);
    this.#go(command, text);
  }

  /** Closes on a peer that has used up its errors or commands, in place of a reply. QUIT is always welcome. */
  #wornOut(verb: Verb | undefined): boolean {
    if (verb === 'QUIT') return false;
    if (this.#errors >= this.#limits.errors) this.#end('too-many-errors', 'fault');
    else if (this.#idle > this.#limits.idleCommands) this.#end('too-many-commands', 'fault');
    else return false;
    return true;
  }

  /** A command of good syntax, at a place where it may come. */
  #go(command: Exclude<Command, { verb: 'BDAT' }>, text: string): void {
    switch (command.verb) {
      case 'HELO':
      case 'EHLO':
        return this.#ask({ kind: 'hello', verb: command.verb, client: command.client });
      case 'MAIL':
        return this.#goMail(command, text);
      case 'RCPT':
        if (this.#recipients >= this.#limits.recipients)
          return this.#refuse(text, 'too-many-recipients', { limit: this.#limits.recipients });
        // As many RCPT as a message may have are no idle commands.
        if (++this.#recipientsAsked <= this.#limits.recipients) this.#idle--;
        return this.#ask({
          kind: 'recipient',
          address: command.address,
          typed: command.typed,
          parameters: command.parameters,
        });
      case 'DATA':
        if (this.#mail?.parameters.body === 'BINARYMIME') return this.#refuse(text, 'binary-needs-bdat');
        return this.#ask({ kind: 'content-start', verb: 'DATA' });
      case 'STARTTLS':
        if (this.#secured) return this.#refuse(text, 'starttls-again');
        if (!this.#offer.starttls) return this.#refuse(text, 'starttls-not-offered');
        return this.#ask({ kind: 'starttls' });
      case 'AUTH':
        if (this.#authenticated) return this.#refuse(text, 'auth-again');
        if (this.#offer.auth.length === 0) return this.#refuse(text, 'not-implemented', { command: command.verb });
        if (!this.#offer.auth.includes(command.mechanism)) return this.#refuse(text, 'auth-mechanism');
        return this.#ask({ kind: 'auth', mechanism: command.mechanism, initial: command.initial });
      case 'RSET':
        this.#reset();
        return this.#say(replyOf(statuses.reset));
      case 'NOOP':
        return this.#say(replyOf(statuses.ok));
      case 'VRFY':
        return this.#say(replyOf(statuses['cannot-verify']));
      case 'EXPN':
        return this.#refuse(text, 'no-expand');
      case 'HELP':
        return this.#say(replyOf(statuses.help, { commands: verbs.join(' ') }));
      case 'QUIT':
        return this.#end('bye', 'quit');
    }
  }

  #goMail(command: MailCommand, text: string): void {
    const { messageSize, messagesPerSession } = this.#limits;
    if (this.#messages >= messagesPerSession)
      return this.#refuse(text, 'too-many-messages', { limit: messagesPerSession });
    // RFC 1870 §6.1: better refused now than after all of it was sent.
    if ((command.parameters.size ?? 0) > messageSize)
      return this.#refuse(text, 'message-too-big', { limit: messageSize });
    this.#mail = command;
    this.#ask({ kind: 'mail', address: command.address, typed: command.typed, parameters: command.parameters });
  }

  /** A line of an AUTH exchange (RFC 4954 §4). */
  #readAuth(): boolean {
    const line = takeLine(this.#queue, this.#limits.authLine);
    if (line === undefined) return false;
    this.#idle++;
    this.#phase = line.kind === 'line' ? 'command' : 'skip';
    const text = line.kind === 'line' ? lineText(line.bytes) : '';
    const response = line.kind === 'line' ? decodeBase64(text) : undefined;
    if (response !== undefined) this.#ask({ kind: 'auth-response', response });
    else {
      this.#events.push({ kind: 'auth-ended' });
      if (line.kind === 'line') this.#refuse('AUTH', text === '*' ? 'auth-cancelled' : 'auth-bad-base64');
      else this.#refuse('AUTH', line.kind === 'long' ? 'auth-too-long' : 'bare-line-end');
    }
    return true;
  }

  // Content

  #readData(): boolean {
    const transfer = this.#transfer!;
    if (!transfer.readData(this.#queue, this.#give)) return true;
    this.#phase = 'command';
    if (transfer.refusal === undefined) this.#ask({ kind: 'content-end', size: transfer.size });
    else {
      this.#endTransaction('ready');
      this.#refuseContent(transfer.refusal);
    }
    return true;
  }

  /** A chunk follows (RFC 3030 §2), wanted or not: it is read in any case, and answered behind its last octet. */
  #beginChunk(size: number, last: boolean, unwanted: Reply | undefined): void {
    this.#phase = 'chunk';
    const transfer = (this.#transfer ??= new Transfer(
      this.#limits.messageSize,
      this.#mail?.parameters.body === 'BINARYMIME',
    ));
    if (unwanted !== undefined) transfer.refusal = unwanted;
    else if (size > 0) this.#idle--;
    transfer.beginChunk(size, last);
    if (transfer.refusal === undefined && this.#position === 'recipients')
      this.#ask({ kind: 'content-start', verb: 'BDAT' });
  }

  #readChunk(): boolean {
    const transfer = this.#transfer!;
    const { length } = this.#queue;
    if (!transfer.readChunk(this.#queue, this.#give)) return length > 0;
    this.#phase = 'command';
    const { chunkSize, last, refusal } = transfer;
    if (refusal !== undefined) this.#refuseChunk(`BDAT ${chunkSize}${last ? ' LAST' : ''}`, last, refusal);
    else if (last) this.#ask({ kind: 'content-end', size: transfer.size });
    else this.#say(replyOf(statuses['chunk-ok'], { size: chunkSize }));
    return true;
  }

  #refuseChunk(command: string, last: boolean, reply: Reply): void {
    switch (this.#position) {
      case 'recipients':
      case 'chunks':
        // The first of this transaction that cannot be taken; what came before it is of no use any more.
        this.#position = 'failed';
        if (last) this.#endTransaction('ready');
        return this.#refuseContent(reply);
      case 'failed':
        if (this.#answerWaits) this.#say(reply);
        else this.#refuseWith(command, reply);
        this.#answerWaits = false;
        return last ? this.#reset() : undefined;
      default:
        // It came out of order and belongs to no transaction.
        this.#transfer = undefined;
        return this.#refuseWith(command, reply);
    }
  }

  #refuseContent(reply: Reply): void {
    if (reply.code >= 500) this.#errors++;
    this.#events.push({ kind: 'content-refused', reply: replyText(reply) });
    this.#say(reply);
  }

  // Answers

  #answered(question: Question, reply: Reply, succeeded: boolean): void {
    switch (question.kind) {
      case 'hello':
        if (!succeeded) break;
        // RFC 5321 §4.1.4: a new hello is also a RSET.
        this.#reset();
        this.#position = 'ready';
        if (question.verb === 'EHLO') return this.#say({ ...reply, lines: [...reply.lines, ...this.#capabilities()] });
        break;
      case 'starttls':
        if (!succeeded) break;
        this.#phase = 'handshake';
        this.#queue.clear();
        break;
      case 'auth':
      case 'auth-response':
        if (reply.code === 334) this.#phase = 'auth';
        else if (succeeded) this.#authenticated = true;
        break;
      case 'mail':
        if (succeeded) {
          this.#messages++;
          this.#position = 'mail';
        } else this.#mail = undefined;
        break;
      case 'recipient':
        if (!succeeded) break;
        this.#recipients++;
        this.#position = 'recipients';
        break;
      case 'content-start':
        return this.#startContent(question.verb, reply);
      case 'content-end':
        this.#endTransaction('ready');
        if (!succeeded) break;
        this.#errors = 0;
        this.#idle = 0;
        break;
    }
    this.#say(reply);
  }

  #startContent(verb: 'DATA' | 'BDAT', reply: Reply): void {
    const goes = reply.code === 354;
    if (verb === 'DATA') {
      this.#say(reply);
      if (!goes) return;
      this.#transfer = new Transfer(this.#limits.messageSize, false);
      this.#phase = 'data';
      return;
    }
    // RFC 3030 §2: nothing is said before the chunk is there.
    this.#position = goes ? 'chunks' : 'failed';
    if (goes) return;
    this.#transfer!.refusal = reply;
    this.#answerWaits = true;
  }

  /** The keywords of the reply to EHLO. */
  #capabilities(): string[] {
    // As Sendmail does when it refuses a peer: nothing is offered that it could use.
    if (this.#banner !== undefined) return ['ENHANCEDSTATUSCODES'];
    const facts: Announcement = {
      messageSize: this.#limits.messageSize,
      recipients: this.#limits.recipients,
      messages: this.#limits.messagesPerSession,
      starttls: this.#offer.starttls && !this.#secured,
      auth: this.#authenticated ? [] : this.#offer.auth,
    };
    const lines: string[] = [];
    for (const extension of extensions) {
      const value = extension.announce(facts);
      if (value !== undefined) lines.push(formatCapability({ keyword: extension.keyword, value }));
    }
    return lines;
  }

  // What comes out

  #ask(question: Question): void {
    this.#question = question;
    this.#events.push(question);
  }

  #say(reply: Reply): void {
    this.#out += formatReply(reply);
  }

  /** Refuses what stood on a line; the session hears of it. */
  #refuse(line: string, status: StatusKey, values: Readonly<Record<string, string | number>> = {}): void {
    this.#refuseWith(line, replyOf(statuses[status], values));
  }

  #refuseWith(line: string, reply: Reply): void {
    if (reply.code >= 500) this.#errors++;
    this.#events.push({ kind: 'refused', command: loggable(line), reply: replyText(reply) });
    this.#say(reply);
  }

  /** Says a last reply of our own. */
  #end(status: StatusKey, reason: 'quit' | 'fault'): void {
    const reply = replyOf(statuses[status], { hostname: this.#hostname });
    this.#say(reply);
    this.#shut(reason, reply);
  }

  #shut(reason: 'quit' | 'fault' | 'peer-closed' | 'told', reply: Reply | undefined): void {
    this.#phase = 'closed';
    this.#question = undefined;
    this.#queue.clear();
    this.#events.length = 0;
    this.#endTransaction('start');
    this.#events.push({ kind: 'close', reason, reply: reply === undefined ? '' : replyText(reply) });
  }

  /** Gives up the transaction, if there is one, and says so. */
  #reset(): void {
    if (this.#mail === undefined) return;
    this.#endTransaction('ready');
    this.#events.push({ kind: 'reset' });
  }

  #endTransaction(position: Position): void {
    this.#position = position;
    this.#mail = undefined;
    this.#recipients = 0;
    this.#recipientsAsked = 0;
    this.#transfer = undefined;
    this.#answerWaits = false;
  }
}

function row(
  start: Move,
  ready: Move,
  mail: Move,
  recipients: Move,
  chunks: Move,
  failed: Move,
): Readonly<Record<Position, Move>> {
  return { start, ready, mail, recipients, chunks, failed };
}

/**
 * A line as it may stand in a log: short and without control characters. Of AUTH only the mechanism, and nothing of
 * what begins with no verb: it may be a response to an exchange that was refused.
 */
function loggable(line: string): string {
  const word = firstWord(line);
  const verb = word.toUpperCase();
  if (!Object.hasOwn(moves, verb)) return shownWord(word);
  const text = verb === 'AUTH' ? line.split(' ').slice(0, 2).join(' ') : line;
  // oxlint-disable-next-line no-control-regex -- just these are replaced
  return text.slice(0, 200).replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');
}
