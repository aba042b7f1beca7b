import type { Cancel, Ms } from '../../src/base/clock.ts';
import { fromLatin1 } from '../../src/base/bytes.ts';
import type { Random } from '../../src/base/random.ts';
import { clientEngine, type ClientEngine } from '../../src/protocol/smtp/client.ts';
import type { ClientEvent, RecipientResult } from '../../src/protocol/smtp/client-event.ts';
import type { BodyType, Notify } from '../../src/protocol/smtp/server-event.ts';
import type { ListenerRole, TlsFacts } from '../../src/relay/connection/connection.ts';
import type { FakeClock } from '../fakes/clock.ts';
import type { FakeConnection } from '../fakes/connection.ts';
import type { Answer, Submission, Witness } from './witness.ts';

/** A recipient that a client writes to; the address gets the name of the submission in its local part. */
export interface RecipientPlan {
  /** `nobody` is refused by every hop. */
  readonly local: string;
  readonly domain: string;
  readonly notify?: Notify;
}

export interface MessagePlan {
  /** Not before this time since the start. */
  readonly at: Ms;
  readonly reversePath: string;
  readonly recipients: readonly RecipientPlan[];
  /** Octets of the body, about. */
  readonly size: number;
  readonly body?: BodyType;
  readonly ret?: 'FULL' | 'HDRS';
  readonly envid?: string;
  /** How the first try ends by the client's own fault. */
  readonly breaks?: 'in-content' | 'before-reply';
}

export interface ClientPlan {
  readonly name: string;
  readonly address: string;
  readonly role: ListenerRole;
  /** What the relay finds out in the handshake; undefined: the client does not say STARTTLS. */
  readonly tls: TlsFacts | undefined;
  readonly messages: readonly MessagePlan[];
  /** How long it takes to read a reply, while which it takes no other; undefined: no time at all. */
  readonly sluggish?: Ms;
  /** How often a message is tried until it is given up. */
  readonly tries: number;
}

/** What clients see of the world. */
export interface ClientWorld {
  readonly clock: FakeClock;
  readonly random: Random;
  readonly witness: Witness;
  /** Undefined: nobody listens. */
  connect(role: ListenerRole, address: string): FakeConnection | undefined;
  log(line: string): void;
}

interface Pending {
  readonly plan: MessagePlan;
  readonly number: number;
  readonly recipients: readonly RecipientPlan[];
  readonly tries: number;
  readonly at: Ms;
}

const LIMITS = { replyTime: 300_000, contentTime: 600_000 };
/** A connection is kept open for a message that is due as soon as this. */
const LINGER: Ms = 20_000;
const SLICE = 16 * 1024;
const FIRST: Ms = 100;

/** Submits messages over its own client engine, and again when it was put off or lost the connection. */
export class SimClient {
  readonly plan: ClientPlan;
  readonly #world: ClientWorld;
  readonly #start: Ms;
  #waiting: Pending[];
  #connection: FakeConnection | undefined;
  #engine: ClientEngine | undefined;
  #current: { readonly pending: Pending; readonly submission: Submission; sent: number } | undefined;
  #submissions = 0;
  #secureNext = false;
  #repliesSeen = -1;
  #cancelPatience: Cancel | undefined;

  constructor(plan: ClientPlan, world: ClientWorld) {
    this.plan = plan;
    this.#world = world;
    // The relay is up by then.
    this.#start = world.clock.monotonic() + FIRST;
    this.#waiting = plan.messages.map((message, index) => ({
      plan: message,
      number: index + 1,
      recipients: message.recipients,
      tries: 0,
      at: this.#start + message.at,
    }));
    this.#connectLater(0);
  }

  /** Nothing is under way or to be submitted any more. */
  get done(): boolean {
    return this.#waiting.length === 0 && this.#current === undefined;
  }

  /** The relay is gone, with no word: what it said before is still heard. */
  severed(connection: FakeConnection): void {
    if (connection !== this.#connection) return;
    this.#pump();
    this.#lost('the connection was reset');
  }

  // Connections

  #connectLater(atLeast: Ms): void {
    const next = this.#next();
    if (next === undefined) return;
    const { clock } = this.#world;
    clock.after(Math.max(atLeast, next.at - clock.monotonic()), () => this.#connect());
  }

  #connect(): void {
    const connection = this.#world.connect(this.plan.role, this.plan.address);
    if (connection === undefined) return this.#connectLater(5_000);
    this.#connection = connection;
    this.#engine = clientEngine({ hostname: `${this.plan.name}.client.example`, limits: LIMITS });
    this.#repliesSeen = -1;
    connection.stirred = () => this.#stirred(connection);
    this.#stirred(connection);
  }

  #stirred(connection: FakeConnection): void {
    const { sluggish } = this.plan;
    if (sluggish === undefined) return this.#pump();
    connection.block();
    this.#world.clock.after(sluggish, () => {
      if (connection !== this.#connection) return;
      this.#pump();
      if (connection === this.#connection) connection.drain();
    });
  }

  /** Moves bytes both ways and acts on what the engine says. */
  #pump(): void {
    const connection = this.#connection;
    const engine = this.#engine;
    if (connection === undefined || engine === undefined) return;
    const heard = connection.heard();
    if (heard !== '') engine.receive(fromLatin1(heard));
    for (let event = engine.next(); event !== undefined; event = engine.next()) this.#heard(event, engine);
    if (connection !== this.#connection) return;
    this.#send(connection, engine.output());
    if (this.#secureNext) {
      this.#secureNext = false;
      if (this.plan.tls !== undefined) connection.secure(this.plan.tls);
      engine.secured();
      this.#send(connection, engine.output());
    }
    if (connection.state === 'ending' || connection.state === 'destroyed') return this.#lost('the server closed');
    this.#renewPatience(engine);
  }

  #send(connection: FakeConnection, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += SLICE) connection.say(bytes.subarray(at, at + SLICE));
  }

  #renewPatience(engine: ClientEngine): void {
    if (engine.replies === this.#repliesSeen) return;
    this.#repliesSeen = engine.replies;
    this.#cancelPatience?.();
    const { patience } = engine;
    if (patience === undefined) return;
    this.#cancelPatience = this.#world.clock.after(patience, () => this.#lost('the server took too long'));
  }

  /** The connection is of no more use: whatever is open ends, and a new one is made when there is something to send. */
  #lost(detail: string): void {
    const connection = this.#connection;
    const engine = this.#engine;
    if (connection === undefined || engine === undefined) return;
    this.#connection = undefined;
    this.#engine = undefined;
    this.#cancelPatience?.();
    connection.stirred = undefined;
    engine.ended('connection-lost', detail);
    for (let event = engine.next(); event !== undefined; event = engine.next()) this.#heard(event, engine);
    if (connection.state !== 'destroyed') connection.hangUp();
    this.#connectLater(1_000 + Math.floor(this.#world.random.fraction() * 9_000));
  }

  // What the engine says

  #heard(event: ClientEvent, engine: ClientEngine): void {
    switch (event.kind) {
      case 'ready':
        if (this.plan.tls !== undefined && this.#connection?.tls === undefined) engine.startTls();
        else this.#submitNext(engine);
        break;
      case 'secure':
        this.#secureNext = true;
        break;
      case 'content-wanted':
        this.#sendContent(engine);
        break;
      case 'done':
        this.#ended(event.results);
        this.#submitNext(engine);
        break;
      case 'refused':
      case 'closed':
        this.#lost('refused');
        break;
      case 'authenticated':
      case 'auth-challenge':
        break;
    }
  }

  #next(): Pending | undefined {
    let next: Pending | undefined;
    for (const pending of this.#waiting) if (next === undefined || pending.at < next.at) next = pending;
    return next;
  }

  #submitNext(engine: ClientEngine): void {
    const { clock } = this.#world;
    const next = this.#next();
    if (!engine.ready || engine !== this.#engine) return;
    const wait = next === undefined ? Number.POSITIVE_INFINITY : next.at - clock.monotonic();
    if (next === undefined || wait > LINGER) return engine.quit();
    if (wait > 0) {
      clock.after(wait, () => {
        this.#submitNext(engine);
        this.#pump();
      });
      return;
    }
    this.#waiting = this.#waiting.filter((pending) => pending !== next);
    this.#submit(next, engine);
  }

  #submit(pending: Pending, engine: ClientEngine): void {
    const { plan } = pending;
    const name = `${this.plan.name}${pending.number}.${++this.#submissions}`;
    const submission: Submission = {
      messageId: `<${name}@client.example>`,
      reversePath: plan.reversePath,
      recipients: pending.recipients.map(({ local, domain, notify }) => ({
        address: `${local}.${name}@${domain}`,
        domain,
        notify,
        answer: 'open',
      })),
      content: contentOf(name, plan),
      body: plan.body ?? '7BIT',
      at: this.#world.clock.now(),
      queueId: undefined,
    };
    this.#world.witness.submitted(submission);
    this.#current = { pending, submission, sent: 0 };
    engine.transaction({
      reversePath: plan.reversePath,
      recipients: submission.recipients.map(({ address, notify }) => ({ address, notify, orcpt: undefined })),
      body: submission.body,
      smtputf8: false,
      ret: plan.ret,
      envid: plan.envid,
      size: submission.content.length,
    });
  }

  #sendContent(engine: ClientEngine): void {
    const current = this.#current;
    const connection = this.#connection;
    if (current === undefined || connection === undefined) return;
    const bytes = Buffer.from(current.submission.content, 'latin1');
    const breaks = current.pending.tries === 0 ? current.pending.plan.breaks : undefined;
    // Binary content goes by BDAT, and is asked for piece by piece.
    const half = bytes.length >> 1;
    const isFirst = current.sent === 0 && (breaks === 'in-content' || current.submission.body === 'BINARYMIME');
    engine.content(bytes.subarray(current.sent, isFirst ? half : bytes.length), !isFirst);
    current.sent = half;
    if (breaks === undefined) return;
    this.#send(connection, engine.output());
    this.#lost('the client gave up');
  }

  #ended(results: readonly RecipientResult[]): void {
    const current = this.#current;
    this.#current = undefined;
    if (current === undefined) return;
    const { pending, submission } = current;
    const again: RecipientPlan[] = [];
    for (const [index, result] of results.entries()) {
      const recipient = submission.recipients[index];
      if (recipient === undefined) continue;
      recipient.answer = answerOf(result);
      if (result.kind === 'delivered') submission.queueId = result.reply.text.split(' ')[0];
      if (result.kind === 'lost' || (result.kind === 'refused' && result.reply.code < 500))
        again.push(pending.recipients[index] as RecipientPlan);
      this.#world.log(`client ${recipient.address}: ${wordsOf(result)}`);
    }
    const tries = pending.tries + 1;
    if (again.length === 0 || tries >= this.plan.tries) return;
    const wait = 20_000 + Math.floor(this.#world.random.fraction() * 100_000);
    this.#waiting.push({ ...pending, recipients: again, tries, at: this.#world.clock.monotonic() + wait });
  }
}

function answerOf(result: RecipientResult): Answer {
  if (result.kind === 'delivered') return 'accepted';
  return result.kind === 'lost' ? 'lost' : 'refused';
}

function wordsOf(result: RecipientResult): string {
  if (result.kind === 'delivered' || result.kind === 'refused') return `${result.reply.code} ${result.reply.text}`;
  return result.kind === 'lost' ? `lost, ${result.detail}` : `unsupported, ${result.status}`;
}

/** A whole header, a few lines that begin with dots, and as many plain ones as it takes. */
function contentOf(name: string, plan: MessagePlan): string {
  const header =
    `Date: Tue, 24 Nov 2026 02:21:48 +0000\r\nFrom: <${plan.reversePath === '' ? 'nobody@example.com' : plan.reversePath}>\r\n` +
    `To: undisclosed-recipients:;\r\nMessage-ID: <${name}@client.example>\r\nSubject: ${name}\r\n\r\n`;
  const wide = plan.body === '8BITMIME' ? '\xe9\xff\x80' : '';
  const dots = `.${name}\r\n..\r\n.\t\r\n`;
  const line = `${'x'.repeat(600)}${wide}\r\n`;
  return header + dots + line.repeat(Math.ceil(plan.size / line.length)) + dots;
}
