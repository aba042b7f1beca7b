/**
 * The server's half of an SMTP conversation: bytes in, events and bytes out; no socket, clock or promise. It decides
 * what is a command, whether it may come now and where content ends, and answers on its own whatever is wrong with
 * these. It never decides who may send what. Before it: `relay/connection` gives bytes. After it: `relay/session`, its
 * only caller, asks policy and storage, and answers.
 */
import { Fault } from '../../base/fault.ts';
import { statuses, type StatusKey } from '../../base/status.ts';
import { ByteQueue } from './byte-queue.ts';
import { formatCapability } from './capability.ts';
import {
  firstWord,
  lineText,
  parseCommand,
  verbs,
  type Command,
  type MailCommand,
  type RecipientCommand,
  type Verb,
} from './command.ts';
import type { Announcement } from './extensions/extension.ts';
import { extensions } from './extensions/registry.ts';
import { skipLine, takeLine } from './line.ts';
import { replyText, type Reply } from './reply.ts';
import { readAuthLine } from './server-auth.ts';
import type { ServerEvent } from './server-event.ts';
import { plainManner, type ServerManner } from './server-manner.ts';
import { isHarmless, moveOf } from './server-moves.ts';
import { ServerTransaction } from './server-transaction.ts';
import { ServerVoice } from './server-voice.ts';

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
  /** `off`: this peer, or this port, has none. `unavailable`: it would be there, if certificate and key were. */
  readonly starttls: 'offered' | 'off' | 'unavailable';
  /** AUTH mechanisms, empty: no AUTH keyword. */
  readonly auth: readonly string[];
  /** There would be mechanisms for other peers: AUTH is known, even when nothing is offered to this one. */
  readonly authKnown?: boolean | undefined;
  /** AUTH mechanisms that there will be under TLS. */
  readonly authUnderTls?: readonly string[] | undefined;
  /** Whether EXPN tells this peer anything; undefined: as the manner has it. */
  readonly expn?: boolean | undefined;
  /** Keywords that this peer is not to have, in place of those that the manner withholds. */
  readonly withheld?: ReadonlySet<string> | undefined;
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
  /** The same later on: from now on all but harmless commands are answered with this, as when TLS is not what it must be. */
  cripple(refusal: Reply): void;
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
export function serverEngine(hostname: string, limits: ServerLimits, manner: ServerManner = plainManner): ServerEngine {
  return new Engine(hostname, limits, manner);
}

type Question = Extract<
  ServerEvent,
  {
    kind:
      | 'hello'
      | 'starttls'
      | 'auth'
      | 'auth-response'
      | 'verify'
      | 'mail'
      | 'recipient'
      | 'content-start'
      | 'content-end';
  }
>;

class Engine implements ServerEngine {
  readonly #hostname: string;
  readonly #limits: ServerLimits;
  readonly #manner: ServerManner;
  readonly #queue = new ByteQueue();
  readonly #voice: ServerVoice;
  readonly #transaction: ServerTransaction;
  #phase: Phase = 'greeting';
  #question: Question | undefined;
  #offer: ServerOffer = { starttls: 'off', auth: [] };
  #secured = false;
  #authenticated = false;
  #ended = false;
  /** The refusal in or behind the greeting: what all but harmless commands are answered with. */
  #banner: Reply | undefined;
  // What the peer has used up, beside the errors
  #messages = 0;
  #idle = 0;

  constructor(hostname: string, limits: ServerLimits, manner: ServerManner) {
    this.#hostname = hostname;
    this.#limits = limits;
    this.#manner = manner;
    this.#voice = new ServerVoice(manner.statuses);
    this.#transaction = new ServerTransaction(this.#voice, limits.messageSize);
  }

  get patience(): number {
    return this.#question === undefined ? patience[this.#phase] : OUR_TURN;
  }

  get buffered(): number {
    return this.#queue.length;
  }

  greet(reply: Reply, refusal: Reply | undefined = reply.code >= 400 ? reply : undefined): void {
    if (this.#phase !== 'greeting') return;
    this.#voice.say(reply);
    if (reply.code === 421) return this.#shut('told', reply);
    this.#banner = refusal;
    this.#phase = 'command';
  }

  cripple(refusal: Reply): void {
    this.#banner = refusal;
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
    const { events } = this.#voice;
    while (events.length === 0 && this.#question === undefined && this.#advance());
    const event = events.shift();
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
    // RFC 5321 §3.8: 421 announces that the connection is closed, whatever it answers. Sendmail's rules may say it of an
    // address, and it goes on.
    const goesOn = this.#manner.dialect === 'sendmail' && (question.kind === 'mail' || question.kind === 'recipient');
    if (reply.code === 421 && !goesOn) return this.close(reply);
    this.#voice.count(reply);
    this.#answered(question, reply, reply.code >= 200 && reply.code < 300);
  }

  secured(_facts: SecuredFacts): void {
    if (this.#phase === 'closed') return;
    // RFC 3207 §4.2: nothing of what was said in clear counts, on either side.
    if (this.#phase === 'handshake') {
      this.#phase = 'command';
      this.#voice.take();
    }
    this.#queue.clear();
    this.#voice.events.length = 0;
    this.#question = undefined;
    // The transaction is none in any case: STARTTLS does not come in one.
    if (!this.#manner.keepHello || this.#transaction.position !== 'ready') this.#transaction.end('start');
    this.#authenticated = false;
    this.#secured = true;
  }

  close(reply: Reply): void {
    if (this.#phase === 'closed') return;
    this.#voice.say(reply);
    this.#shut('told', reply);
  }

  ended(): void {
    this.#ended = true;
  }

  output(): Uint8Array {
    return this.#voice.take();
  }

  /** One step: a line, or a piece of content. False when there is nothing to do before more bytes come. */
  #advance(): boolean {
    if (this.#read()) return true;
    if (!this.#ended || this.#phase === 'closed') return false;
    this.#shut('peer-closed', undefined);
    return true;
  }

  #read(): boolean {
    const waiting = this.#queue.length > 0;
    switch (this.#phase) {
      case 'command':
        return waiting && this.#readCommand();
      case 'auth':
        return waiting && this.#readAuth();
      case 'data':
        return waiting && this.#readContent();
      case 'chunk':
        return this.#readContent() || waiting;
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
      this.#voice.refuse(text, line.kind === 'long' ? 'line-too-long' : 'bare-line-end', { limit });
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
    const result = parseCommand(text, {
      utf8: this.#transaction.mail?.parameters.smtputf8 === true,
      dialect: this.#manner.dialect,
      withheld: this.#withheld(),
    });
    const refused = result.kind === 'refused';
    if (refused && result.verb === undefined && this.#isNoise(firstWord(text)))
      return this.#end('protocol-noise', 'fault');
    const verb = refused ? result.verb : result.command.verb;
    if (this.#wornOut(verb)) return;
    const known = verb !== undefined ? !isHarmless(verb, this.#manner) : refused && result.status !== 'unknown-command';
    const banner = known ? this.#banner : undefined;
    const voice = this.#voice;
    const early = refused ? this.#earlyMove(verb) : 'go';
    if (banner === undefined && early !== 'go') return voice.refuse(text, early);
    if (refused)
      return banner === undefined ? voice.refuse(text, result.status, result.values) : voice.refuseWith(text, banner);
    const { command } = result;
    const move = this.#move(command);
    if (command.verb === 'BDAT')
      return this.#beginChunk(
        command.size,
        command.last,
        banner ?? (move === 'go' ? undefined : voice.reply(move, { command: 'BDAT' })),
      );
    if (banner !== undefined) return voice.refuseWith(text, banner);
    if (move !== 'go') return voice.refuse(text, move, { mechanism: command.verb === 'AUTH' ? command.mechanism : '' });
    this.#go(command, text);
  }

  /** The first word of an HTTP request; Sendmail looks for it on the first line alone. */
  #isNoise(word: string): boolean {
    return httpMethods.has(word) && (this.#manner.dialect === 'sealpost' || this.#idle === 1);
  }

  /** Sendmail looks whether MAIL and RCPT may come before it looks at the rest of their lines. */
  #earlyMove(verb: Verb | undefined): 'go' | StatusKey {
    const looks = this.#manner.dialect === 'sendmail' && (verb === 'MAIL' || verb === 'RCPT');
    return looks ? moveOf(verb, this.#transaction.position, this.#manner) : 'go';
  }

  /** `go`, or why the command cannot come now. */
  #move(command: Command): 'go' | StatusKey {
    const { verb } = command;
    const { auth, authKnown, authUnderTls, starttls } = this.#offer;
    if (verb === 'STARTTLS' && starttls === 'off' && !this.#secured) return 'starttls-not-offered';
    if (verb === 'STARTTLS' && starttls === 'unavailable') return 'starttls-unavailable';
    if (verb === 'STARTTLS' && this.#secured) return 'starttls-again';
    if (verb === 'AUTH' && !this.#secured && authUnderTls?.includes(command.mechanism) === true)
      return 'auth-needs-tls';
    if (verb === 'AUTH' && auth.length === 0 && authKnown !== true && !this.#authenticated) return 'auth-not-offered';
    if (verb === 'AUTH' && this.#authenticated) return 'auth-again';
    const move = moveOf(verb, this.#transaction.position, this.#manner);
    if (verb === 'AUTH' && move === 'go' && !auth.includes(command.mechanism)) return 'auth-mechanism';
    return move;
  }

  /** Closes on a peer that has used up its errors or commands, in place of a reply. QUIT is always welcome. */
  #wornOut(verb: Verb | undefined): boolean {
    if (verb === 'QUIT') return false;
    if (this.#voice.errors >= this.#limits.errors) this.#end('too-many-errors', 'fault');
    else if (this.#idle > this.#limits.idleCommands) this.#end('too-many-commands', 'fault');
    else return false;
    return true;
  }

  /** A command of good syntax, at a place where it may come. */
  #go(command: Exclude<Command, { verb: 'BDAT' }>, text: string): void {
    const voice = this.#voice;
    switch (command.verb) {
      case 'HELO':
      case 'EHLO':
        return this.#ask({ kind: 'hello', verb: command.verb, client: command.client });
      case 'MAIL':
        return this.#goMail(command, text);
      case 'RCPT':
        return this.#goRecipient(command, text);
      case 'DATA':
        if (this.#transaction.mail?.parameters.body === 'BINARYMIME') return voice.refuse(text, 'binary-needs-bdat');
        return this.#ask({ kind: 'content-start', verb: 'DATA' });
      case 'STARTTLS':
        return this.#ask({ kind: 'starttls' });
      case 'AUTH':
        return this.#ask({ kind: 'auth', mechanism: command.mechanism, initial: command.initial });
      case 'RSET':
        this.#transaction.reset();
        return voice.say(voice.reply('reset'));
      case 'NOOP':
        return voice.say(voice.reply('ok'));
      case 'VRFY':
      case 'EXPN':
        return this.#goVerify(command.verb, command.text, text);
      case 'HELP':
        return voice.say(voice.reply('help', { commands: verbs.join(' '), version: this.#manner.version }));
      case 'QUIT':
        return this.#end('bye', 'quit');
    }
  }

  #goMail(command: MailCommand, text: string): void {
    const { messageSize, messagesPerSession } = this.#limits;
    if (this.#messages >= messagesPerSession)
      return this.#voice.refuse(text, 'too-many-messages', { limit: messagesPerSession });
    // RFC 1870 §6.1: better refused now than after all of it was sent.
    if ((command.parameters.size ?? 0) > messageSize)
      return this.#voice.refuse(text, 'message-too-big', { limit: messageSize });
    this.#transaction.mail = command;
    const { address, typed, unread = false, parameters } = command;
    this.#ask({ kind: 'mail', address, typed, ...(unread ? { unread } : {}), parameters });
  }

  #goRecipient({ address, typed, unread = false, parameters }: RecipientCommand, text: string): void {
    const limit = this.#limits.recipients;
    if (this.#transaction.recipients >= limit) return this.#voice.refuse(text, 'too-many-recipients', { limit });
    // As many RCPT as a message may have are no idle commands.
    if (++this.#transaction.recipientsAsked <= limit) this.#idle--;
    this.#ask({ kind: 'recipient', address, typed, ...(unread ? { unread } : {}), parameters });
  }

  #goVerify(verb: 'VRFY' | 'EXPN', named: string, text: string): void {
    if (verb === 'VRFY' && !this.#manner.shows.vrfy) return this.#voice.say(this.#voice.reply('cannot-verify'));
    if (verb === 'EXPN' && !this.#expands) return this.#voice.refuse(text, 'no-expand');
    if (named === '') return this.#voice.refuse(text, 'argument-required');
    this.#ask({ kind: 'verify', verb, text: named });
  }

  #readAuth(): boolean {
    const line = readAuthLine(this.#queue, this.#limits.authLine);
    if (line === undefined) return false;
    this.#idle++;
    this.#phase = line.whole ? 'command' : 'skip';
    if (line.response !== undefined) this.#ask({ kind: 'auth-response', response: line.response });
    else {
      this.#voice.events.push({ kind: 'auth-ended' });
      this.#voice.refuse('AUTH', line.refusal);
    }
    return true;
  }

  // Content

  #beginChunk(size: number, last: boolean, unwanted: Reply | undefined): void {
    this.#phase = 'chunk';
    if (unwanted === undefined && size > 0) this.#idle--;
    if (this.#transaction.beginChunk(size, last, unwanted)) this.#ask({ kind: 'content-start', verb: 'BDAT' });
  }

  /** False when the content goes on. */
  #readContent(): boolean {
    const transaction = this.#transaction;
    const read = this.#phase === 'data' ? transaction.readData(this.#queue) : transaction.readChunk(this.#queue);
    if (read === 'more') return this.#phase === 'data';
    this.#phase = 'command';
    if (read === 'ask') this.#ask({ kind: 'content-end', size: transaction.size });
    return true;
  }

  // Answers

  #answered(question: Question, reply: Reply, succeeded: boolean): void {
    const transaction = this.#transaction;
    switch (question.kind) {
      case 'hello':
        if (!succeeded) break;
        // RFC 5321 §4.1.4: a new hello is also a RSET.
        transaction.reset();
        transaction.position = 'ready';
        if (question.verb === 'EHLO')
          return this.#voice.say({ ...reply, lines: [...reply.lines, ...this.#capabilities()] });
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
      case 'verify':
        break;
      case 'mail':
        if (succeeded) {
          this.#messages++;
          transaction.position = 'mail';
        } else transaction.mail = undefined;
        break;
      case 'recipient':
        if (!succeeded) break;
        transaction.recipients++;
        transaction.position = 'recipients';
        break;
      case 'content-start':
        return this.#startContent(question.verb, reply);
      case 'content-end':
        transaction.end('ready');
        if (!succeeded) break;
        this.#voice.errors = 0;
        this.#idle = 0;
        break;
    }
    this.#voice.say(reply);
  }

  #startContent(verb: 'DATA' | 'BDAT', reply: Reply): void {
    const goes = reply.code === 354;
    if (verb === 'BDAT') return this.#transaction.chunksStarted(reply, goes);
    this.#voice.say(reply);
    if (!goes) return;
    this.#transaction.startData();
    this.#phase = 'data';
  }

  /** The keywords of the reply to EHLO. */
  #capabilities(): string[] {
    // As Sendmail does when it refuses a peer: nothing is offered that it could use.
    if (this.#banner !== undefined) return ['ENHANCEDSTATUSCODES'];
    const facts: Announcement = {
      messageSize: this.#limits.messageSize,
      recipients: this.#limits.recipients,
      messages: this.#limits.messagesPerSession,
      starttls: this.#offer.starttls === 'offered' && !this.#secured,
      auth: this.#authenticated ? [] : this.#offer.auth,
      expn: this.#expands,
    };
    const withheld = this.#withheld();
    return extensions.flatMap((extension) => {
      const { keyword } = extension;
      const value = withheld.has(keyword) ? undefined : extension.announce(facts);
      return value === undefined ? [] : [formatCapability({ keyword, value })];
    });
  }

  get #expands(): boolean {
    return this.#offer.expn ?? this.#manner.shows.expn;
  }

  /** Keywords that are not offered to this peer. */
  #withheld(): ReadonlySet<string> {
    return this.#offer.withheld ?? this.#manner.withheld;
  }

  // What comes out

  #ask(question: Question): void {
    this.#question = question;
    this.#voice.events.push(question);
  }

  /** Says a last reply of our own. */
  #end(status: StatusKey, reason: 'quit' | 'fault'): void {
    const reply = this.#voice.reply(status, { hostname: this.#hostname });
    this.#voice.say(reply);
    this.#shut(reason, reply);
  }

  #shut(reason: 'quit' | 'fault' | 'peer-closed' | 'told', reply: Reply | undefined): void {
    this.#phase = 'closed';
    this.#question = undefined;
    this.#queue.clear();
    this.#voice.events.length = 0;
    this.#transaction.end('start');
    this.#voice.events.push({ kind: 'close', reason, reply: reply === undefined ? '' : replyText(reply) });
  }
}
