/** Mail clients of the demo: nodemailer as users have it, and an open session to see it being cut. */
import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { createTransport, type SendMailOptions } from 'nodemailer';

/** What a client knows of the relay, and the identity it shows. */
export interface ClientSettings {
  readonly port: number;
  readonly servername: string;
  /** CA, and certificate with key: `pfx` and `passphrase`, or `cert` and `key`. */
  readonly tls: ConnectionOptions;
}

export interface Sent {
  /** The reply that ended it. */
  readonly reply: string;
  readonly accepted: boolean;
  /** `C:` and `S:` lines, TLS in between. */
  readonly dialogue: readonly string[];
}

/** Sends a mail by nodemailer with STARTTLS; gives the dialogue, refused or not. Rejects when there was no dialogue. */
export async function send(settings: ClientSettings, message: SendMailOptions): Promise<Sent> {
  const lines: string[] = [];
  const note = (entry: { readonly tnx?: string }, text?: unknown): void => {
    if (entry.tnx === 'client' || entry.tnx === 'server') lines.push(...marked(entry.tnx, String(text)));
  };
  const quiet = (): void => {};
  const transport = createTransport({
    host: '127.0.0.1',
    port: settings.port,
    secure: false,
    requireTLS: true,
    name: 'laptop.example.net',
    tls: { servername: settings.servername, ...settings.tls },
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 10_000,
    debug: true,
    logger: { level: quiet, trace: quiet, debug: note, info: quiet, warn: quiet, error: quiet, fatal: quiet },
  });
  try {
    const { response } = await transport.sendMail(message);
    return { reply: response, accepted: true, dialogue: lines };
  } catch (error) {
    if (!(error instanceof Error) || !('response' in error) || typeof error.response !== 'string') throw error;
    return { reply: error.response.trim(), accepted: false, dialogue: lines };
  } finally {
    transport.close();
  }
}

function marked(side: 'client' | 'server', text: string): string[] {
  return text
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => `${side === 'client' ? 'C' : 'S'}: ${line}`);
}

/** An SMTP session by hand, which stays open. */
export class OpenSession {
  #socket: Socket;
  #buffered = '';
  #closed = false;
  #wake: (() => void) | undefined;

  /** Connects, says STARTTLS, and shows the certificate. */
  static async open({ port, servername, tls }: ClientSettings): Promise<OpenSession> {
    const plain = connectPlain(port, '127.0.0.1');
    const session = new OpenSession(plain);
    await session.reply(); // the greeting
    await session.command('EHLO laptop.example.net');
    await session.command('STARTTLS');
    plain.removeAllListeners();
    const secured = connectTls({ ...tls, socket: plain, servername });
    await once(secured, 'secureConnect');
    session.#attach(secured);
    return session;
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#attach(socket);
  }

  #attach(socket: Socket): void {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      this.#buffered += text;
      this.#wake?.();
    });
    socket.on('error', () => socket.destroy()); // 'close' follows
    socket.on('close', () => {
      this.#closed = true;
      this.#wake?.();
    });
  }

  /** Sends a command; gives its reply. */
  async command(line: string): Promise<string> {
    this.#socket.write(`${line}\r\n`);
    return await this.reply();
  }

  /** The next reply, asked for or not. Rejects when the connection closes before. */
  async reply(): Promise<string> {
    for (;;) {
      const match = /^(?:\d{3}-.*\r\n)*\d{3} .*\r\n/.exec(this.#buffered);
      if (match !== null) {
        this.#buffered = this.#buffered.slice(match[0].length);
        return match[0].trimEnd();
      }
      if (this.#closed) throw new Error('the connection was closed without a reply');
      await this.#news();
    }
  }

  /** Resolves when the relay has closed the connection. */
  async ended(): Promise<void> {
    while (!this.#closed) await this.#news();
  }

  close(): void {
    this.#socket.destroy();
  }

  async #news(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    await promise;
  }
}
