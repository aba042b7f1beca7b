/** A small client of our own, for conversations that no program would have: it sends what it is told, and reads replies. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import type { Duplex, Readable, Writable } from 'node:stream';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { Arguments } from './program.ts';

/** PEM files: a certificate with its chain, and its key. */
export interface Identity {
  readonly certificate: string;
  readonly key: string;
}

/** What waits for the next reply, or for the end. */
interface Waiting {
  readonly resolve: (reply: string) => void;
  readonly reject: (error: Error) => void;
}

const CLOSED = 'closed';

export class Talk implements Disposable {
  #in: Readable;
  #out: Writable;
  #child: ChildProcess | undefined;
  #rest = '';
  #lines: string[] = [];
  #replies: string[] = [];
  #waiting: Waiting[] = [];
  #ended = false;
  /** Why there was nothing to talk to. */
  #trouble: string | undefined;
  /** Listens to `#in` no more. */
  #deaf: () => void = () => {};
  /** All that came, and is no reply: what a program says around them. */
  heard = '';

  private constructor(input: Readable, output: Writable) {
    this.#in = input;
    this.#out = output;
    this.#listen();
  }

  /** In clear; the greeting is not read yet. */
  static async open(port: number, localAddress?: string): Promise<Talk> {
    const from = localAddress === undefined ? {} : { localAddress };
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, ...from });
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new Talk(socket, socket);
  }

  /** TLS from the first octet; the greeting is not read yet. */
  static async secure(port: number, options: ConnectionOptions): Promise<Talk> {
    const socket = connectTls({ port, host: '127.0.0.1', ...options });
    await secured(socket);
    return new Talk(socket, socket);
  }

  /** Through a program that carries SMTP over its standard input and output. */
  static through(program: string, args: Arguments): Talk {
    const child = spawn(program, args.flat(), { stdio: 'pipe', env: { ...process.env, LC_ALL: 'C' } });
    const talk = new Talk(child.stdout, child.stdin);
    talk.#child = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => (talk.heard += text));
    child.on('error', (error) => talk.#end(`${program} cannot be run: ${error.message}`));
    return talk;
  }

  /** The socket of a talk without a program. */
  get socket(): Duplex {
    return this.#out as Duplex;
  }

  get tls(): TLSSocket {
    return this.#out as TLSSocket;
  }

  /** Sends as it is. */
  send(bytes: string | Uint8Array): void {
    this.#out.write(bytes);
  }

  /** The next whole reply, its lines joined by line feeds; 'closed' when the connection ended before. */
  reply(patience = 10_000): Promise<string> {
    const there = this.#replies.shift();
    if (there !== undefined) return Promise.resolve(there);
    if (this.#trouble !== undefined) return Promise.reject(new Error(this.#trouble));
    if (this.#ended) return Promise.resolve(CLOSED);
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const timer = setTimeout(
      () =>
        reject(
          new Error(
            `no reply within ${patience} ms; the end of what was heard:\n${(this.heard + this.#rest).slice(-1_500)}`,
          ),
        ),
      patience,
    );
    const settle =
      <T>(act: (value: T) => void) =>
      (value: T): void => {
        clearTimeout(timer);
        act(value);
      };
    this.#waiting.push({ resolve: settle(resolve), reject: settle(reject) });
    return promise;
  }

  /** Waits until the program has said this, outside of replies. */
  async hears(text: string, patience = 10_000): Promise<void> {
    for (const end = Date.now() + patience; !this.heard.includes(text);) {
      if (this.#ended || Date.now() > end) throw new Error(this.#trouble ?? `"${text}" was not heard:\n${this.heard}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Sends a line and waits for the reply to it. */
  ask(line: string): Promise<string> {
    this.send(`${line}\r\n`);
    return this.reply();
  }

  /** Greeting or nothing, EHLO, and the reply to EHLO. */
  async greet(name = 'client.example'): Promise<string> {
    await this.reply();
    return this.ask(`EHLO ${name}`);
  }

  /** STARTTLS and the handshake; throws when it is refused. Say EHLO again after it. */
  async starttls(options: ConnectionOptions): Promise<void> {
    this.send('STARTTLS\r\n');
    await this.handshake(options);
  }

  /** The reply to a STARTTLS that was sent, and the handshake. */
  async handshake(options: ConnectionOptions): Promise<void> {
    const said = await this.reply();
    if (!said.startsWith('220')) throw new Error(`STARTTLS was refused: ${said}`);
    const raw = this.#in as Socket;
    this.#deaf();
    const socket = connectTls({ socket: raw, ...options });
    await secured(socket);
    this.#in = this.#out = socket;
    this.#rest = '';
    this.#listen();
  }

  /** A whole message: the reply that settled it, the first refusal or the one to the content. */
  async message(text: string, to: string | readonly string[], from = 'alice@example.net'): Promise<string> {
    const recipients = typeof to === 'string' ? [to] : to;
    for (const line of [`MAIL FROM:<${from}>`, ...recipients.map((one) => `RCPT TO:<${one}>`), 'DATA']) {
      const said = await this.ask(line);
      if (!/^[23]/.test(said)) return said;
    }
    return this.ask(
      `${text
        .replace(/\r?\n$/, '')
        .replaceAll(/\r?\n/g, '\r\n')
        .replaceAll(/^\./gm, '..')}\r\n.`,
    );
  }

  /** Waits for the other side to close the connection. */
  async closed(patience = 10_000): Promise<void> {
    for (;;) if ((await this.reply(patience)) === CLOSED) return;
  }

  /** QUIT, and the end of the connection; for a program, its exit code. */
  async quit(): Promise<number | undefined> {
    this.send('QUIT\r\n');
    const child = this.#child;
    const ended =
      child &&
      new Promise<number | undefined>((resolve) => {
        if (child.exitCode !== null) resolve(child.exitCode);
        else child.once('close', (code) => resolve(code ?? undefined));
      });
    await this.closed();
    if (child === undefined) this.#out.end();
    return ended;
  }

  /** Cuts it off. */
  [Symbol.dispose](): void {
    this.#child?.kill('SIGKILL');
    this.#in.destroy();
    this.#out.destroy();
  }

  #listen(): void {
    const input = this.#in;
    const heard = (bytes: Buffer): void => this.#heardBytes(bytes);
    const closed = (): void => this.#end();
    input.on('data', heard).once('close', closed);
    this.#deaf = () => input.off('data', heard).off('close', closed);
    // `close` follows an error.
    input.on('error', () => {});
    this.#out.on('error', () => {});
  }

  #heardBytes(bytes: Buffer): void {
    const lines = (this.#rest + bytes.toString('latin1')).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#heardLine(line.replace(/\r$/, ''));
  }

  #heardLine(line: string): void {
    if (!/^\d{3}(?:[ -]|$)/.test(line)) {
      this.heard += `${line}\n`;
      return;
    }
    this.#lines.push(line);
    if (line[3] === '-') return;
    const reply = this.#lines.join('\n');
    this.#lines = [];
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#replies.push(reply);
    else waiting.resolve(reply);
  }

  #end(trouble?: string): void {
    this.#ended = true;
    this.#trouble ??= trouble;
    for (const { resolve, reject } of this.#waiting.splice(0))
      if (trouble === undefined) resolve(CLOSED);
      else reject(new Error(trouble));
  }
}

/** What a TLS client of Node needs to show this certificate and to trust this root. */
export function tlsOptions(root: string, identity?: Identity, more: ConnectionOptions = {}): ConnectionOptions {
  return {
    ca: readFileSync(root),
    servername: 'relay.example.net',
    ...(identity && { cert: readFileSync(identity.certificate), key: readFileSync(identity.key) }),
    ...more,
  };
}

async function secured(socket: TLSSocket): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    // Rejecting what has been resolved does nothing.
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed in the handshake')));
  });
}
