/**
 * The next hop of the tests: takes everything, and keeps it as it came. Our own server engine on a plain socket, so it
 * refuses what RFC 5321 forbids, as a real server would, and answers 250 only for what is whole and kept. The octets of
 * each connection are kept beside the messages, for a look that does not go by the engine's opinion.
 */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { statuses } from '../../src/base/status.ts';
import { formatAddress } from '../../src/protocol/smtp/address.ts';
import { replyOf, type Reply } from '../../src/protocol/smtp/reply.ts';
import { serverEngine, type ServerEngine, type ServerLimits } from '../../src/protocol/smtp/server.ts';
import type { MailParameters, ServerEvent } from '../../src/protocol/smtp/server-event.ts';

export interface SunkMessage {
  /** `local@domain`, '' for the null reverse-path. */
  readonly reversePath: string;
  readonly recipients: readonly string[];
  readonly parameters: MailParameters;
  /** Dots undone. */
  readonly content: Buffer;
  /** The content read as UTF-8. */
  readonly text: string;
}

interface Wanted {
  readonly marker: string;
  readonly found: (message: SunkMessage) => void;
}

export interface SinkOptions {
  /** Undefined: one that the kernel chooses. */
  readonly port?: number;
  /** Is given each message, and then nothing is kept here: for loads. What it saw when it returns is answered 250. */
  readonly take?: (message: SunkMessage) => void;
}

const LIMITS: ServerLimits = {
  commandLine: 2_048,
  authLine: 2_048,
  messageSize: 64 * 1_048_576,
  recipients: 1_000,
  messagesPerSession: 100_000,
  errors: 20,
  idleCommands: 1_000,
  buffer: 1_048_576,
};

export class Sink implements AsyncDisposable {
  readonly messages: SunkMessage[] = [];
  /** What each connection sent, in the order they came. */
  readonly wires: Buffer[][] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #take: SinkOptions['take'];
  #port = 0;
  #wanted: Wanted[] = [];

  private constructor(take: SinkOptions['take']) {
    this.#take = take;
    this.#server = createServer({ noDelay: true }, (socket) => this.#serve(socket));
  }

  static async open({ port = 0, take }: SinkOptions = {}): Promise<Sink> {
    const sink = new Sink(take);
    sink.#port = port;
    await sink.reopen();
    sink.#port = (sink.#server.address() as AddressInfo).port;
    return sink;
  }

  get port(): number {
    return this.#port;
  }

  /** As when its process is killed: every connection is reset, wherever it is, and nothing listens. */
  async kill(): Promise<void> {
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  /** On the same port as before. */
  async reopen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#port, '127.0.0.1', resolve);
    });
  }

  /** Messages whose content has the marker. */
  with(marker: string): SunkMessage[] {
    return this.messages.filter(({ content }) => content.includes(marker));
  }

  /** The first message whose content has the marker; waits for it. Rejects when none has come after `patience` ms. */
  async message(marker: string, patience = 10_000): Promise<SunkMessage> {
    const [there] = this.with(marker);
    if (there !== undefined) return there;
    const { promise, resolve, reject } = Promise.withResolvers<SunkMessage>();
    const wanted: Wanted = { marker, found: resolve };
    this.#wanted.push(wanted);
    const timer = setTimeout(() => {
      this.#wanted = this.#wanted.filter((one) => one !== wanted);
      reject(new Error(`no message with "${marker}" came within ${patience} ms; there are ${this.messages.length}`));
    }, patience);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #serve(socket: Socket): void {
    const engine = serverEngine('sink.example', LIMITS);
    const wire: Buffer[] = [];
    const reception = new Reception((message) => this.#keep(message));
    if (this.#take === undefined) this.wires.push(wire);
    this.#sockets.add(socket);
    engine.greet(replyOf(statuses.greeting, { hostname: 'sink.example' }));
    socket.write(engine.output());
    socket.on('data', (bytes: Buffer) => {
      if (this.#take === undefined) wire.push(bytes);
      engine.receive(bytes);
      pump(engine, reception, socket);
    });
    socket.on('end', () => {
      engine.ended();
      pump(engine, reception, socket);
    });
    // A relay that is killed resets its connections; what it had not finished is not kept.
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
  }

  #keep(message: SunkMessage): void {
    if (this.#take !== undefined) {
      this.#take(message);
      return;
    }
    this.messages.push(message);
    for (const { found } of this.#wanted.filter(({ marker }) => message.content.includes(marker))) found(message);
    this.#wanted = this.#wanted.filter(({ marker }) => !message.content.includes(marker));
  }
}

function pump(engine: ServerEngine, reception: Reception, socket: Socket): void {
  for (let event = engine.next(); event !== undefined; event = engine.next()) {
    if (event.kind === 'close') {
      socket.end(engine.output());
      return;
    }
    const answer = reception.answer(event);
    if (answer !== undefined) engine.answer(answer);
  }
  const out = engine.output();
  if (out.length > 0) socket.write(out);
}

/** One connection's transaction. */
class Reception {
  readonly #keep: (message: SunkMessage) => void;
  #mail: { reversePath: string; parameters: MailParameters } | undefined;
  #recipients: string[] = [];
  #content: Buffer[] = [];

  constructor(keep: (message: SunkMessage) => void) {
    this.#keep = keep;
  }

  answer(event: Exclude<ServerEvent, { kind: 'close' }>): Reply | undefined {
    switch (event.kind) {
      case 'hello':
        this.#clear();
        return replyOf(statuses.hello, { hostname: 'sink.example', client: event.client });
      case 'starttls':
        return replyOf(statuses['starttls-not-offered']);
      case 'auth':
      case 'auth-response':
        return replyOf(statuses['auth-mechanism']);
      case 'mail':
        this.#mail = {
          reversePath: event.address === undefined ? '' : formatAddress(event.address),
          parameters: event.parameters,
        };
        return replyOf(statuses['sender-ok'], { address: event.typed });
      case 'recipient':
        this.#recipients.push(formatAddress(event.address));
        return replyOf(statuses['recipient-ok'], { address: event.typed });
      case 'content-start':
        this.#content = [];
        return replyOf(statuses['start-mail']);
      case 'content':
        this.#content.push(Buffer.from(event.bytes));
        return undefined;
      case 'content-end':
        return this.#end();
      case 'content-refused':
      case 'reset':
        this.#clear();
        return undefined;
      default:
        return undefined;
    }
  }

  #end(): Reply {
    if (this.#mail === undefined) return replyOf(statuses['need-mail']);
    const content = Buffer.concat(this.#content);
    this.#keep({
      ...this.#mail,
      recipients: this.#recipients,
      content,
      get text() {
        return content.toString();
      },
    });
    this.#clear();
    return replyOf(statuses.accepted, { id: 'kept' });
  }

  #clear(): void {
    this.#mail = undefined;
    this.#recipients = [];
    this.#content = [];
  }
}
