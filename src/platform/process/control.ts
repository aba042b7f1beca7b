/**
 * The control socket: how commands reach the running relay. A Unix socket that only its user may open; whoever can
 * open it may do all that an operator can. The server asks `handle`; it knows no operation itself.
 */
import { chmodSync, lstatSync, rmSync } from 'node:fs';
import { type Server, type Socket, connect, createServer } from 'node:net';
import { systemActor } from './actor.ts';
import {
  type ControlError,
  type ControlRequest,
  type ControlResponse,
  LONGEST_LINE,
  LineCutter,
  decodeLine,
  encodeLine,
} from './control-wire.ts';

/** The longest path that a Unix socket may have on Linux, octets. */
const LONGEST_PATH = 107;
const CONNECTIONS = 16;
/** Silence after which a connection that asks nothing is closed, ms. */
const IDLE = 60_000;

/** Carries out an operation. What it throws is told to the caller: its `kind` when it has one, and its message. */
export type ControlHandler = (operation: string, input: unknown, by: string) => Promise<unknown>;

export interface ControlServer {
  /** Takes no more requests, lets those under way finish, and removes the socket. */
  close(): Promise<void>;
}

/** Another process answers on the socket, or it cannot be made; the message says what to do. */
export class ControlUnavailable extends Error {
  override readonly name = 'ControlUnavailable';
  /** As operations call it. */
  readonly kind = 'conflict';
}

/** Listens on `path`. A socket that a killed process left behind is removed; one that answers is an error. */
export async function serveControl(path: string, handle: ControlHandler): Promise<ControlServer> {
  if (Buffer.byteLength(path) > LONGEST_PATH) {
    throw new ControlUnavailable(
      `${path} is longer than the ${LONGEST_PATH} octets that a socket's path may have; set control.socket to a shorter one`,
    );
  }
  const state = await probe(path);
  if (state === 'answers')
    throw new ControlUnavailable(`another Sealpost runs on this directory (${path} answers); stop it first`);
  if (state === 'stale') rmSync(path, { force: true });
  const server = createServer({ allowHalfOpen: true }); // a caller may end its side and still read the answer
  server.maxConnections = CONNECTIONS;
  const open = new Set<Session>();
  server.on('connection', (socket) => {
    const session = new Session(socket, handle, () => open.delete(session));
    open.add(session);
  });
  await listen(server, path);
  return {
    async close() {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      for (const session of open) session.finish();
      await closed;
      rmSync(path, { force: true });
    },
  };
}

async function listen(server: Server, path: string): Promise<void> {
  // The mask makes the socket 0600 from its first moment; bind happens inside listen().
  const mask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) =>
        reject(new ControlUnavailable(`cannot listen on ${path}: ${error.message}`, { cause: error })),
      );
      server.listen(path, resolve);
      process.umask(mask);
    });
  } finally {
    process.umask(mask);
  }
  chmodSync(path, 0o600);
}

/** One connection: requests are answered in order, one at a time. */
class Session {
  readonly #socket: Socket;
  readonly #handle: ControlHandler;
  readonly #lines = new LineCutter();
  readonly #waiting: string[] = [];
  #busy = false;
  #finishing = false;

  constructor(socket: Socket, handle: ControlHandler, gone: () => void) {
    this.#socket = socket;
    this.#handle = handle;
    socket.setTimeout(IDLE, () => {
      if (!this.#busy) socket.destroy();
    });
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    socket.on('end', () => this.finish());
    socket.on('error', () => socket.destroy()); // the caller went away: nobody is left to be told
    socket.on('close', gone);
  }

  /** Answers what was asked, then closes. */
  finish(): void {
    this.#finishing = true;
    if (!this.#busy) this.#socket.end();
  }

  #received(chunk: Buffer): void {
    const lines = this.#lines.take(chunk);
    if (lines === undefined) {
      this.#send({ id: 0, error: { kind: 'usage', message: `a request is longer than ${LONGEST_LINE} octets` } });
      this.#socket.end();
      return;
    }
    this.#waiting.push(...lines);
    if (!this.#busy) void this.#work();
  }

  async #work(): Promise<void> {
    this.#busy = true;
    for (let line = this.#waiting.shift(); line !== undefined; line = this.#waiting.shift()) {
      this.#send(await answer(line, this.#handle));
    }
    this.#busy = false;
    if (this.#finishing) this.#socket.end();
  }

  #send(response: ControlResponse): void {
    if (this.#socket.writable) this.#socket.write(encodeLine(response));
  }
}

/** Never rejects. */
async function answer(line: string, handle: ControlHandler): Promise<ControlResponse> {
  let id = 0;
  try {
    const request = asRequest(decodeLine(line));
    id = request.id;
    return { id, result: (await handle(request.operation, request.input, callerOf(request.by))) ?? null };
  } catch (thrown) {
    return { id, error: controlError(thrown) };
  }
}

function asRequest(value: unknown): ControlRequest {
  if (
    typeof value === 'object' &&
    value !== null &&
    'id' in value &&
    typeof value.id === 'number' &&
    'operation' in value &&
    typeof value.operation === 'string'
  ) {
    return {
      id: value.id,
      operation: value.operation,
      input: 'input' in value ? value.input : undefined,
      by: 'by' in value && typeof value.by === 'string' ? value.by : undefined,
    };
  }
  throw Object.assign(new Error('a request is {"id": number, "operation": text, "input": value}'), { kind: 'usage' });
}

/**
 * Who asks, by the caller's own word: whoever can open the socket may do all, so there is nobody to be told apart, but
 * nobody who asks here is the relay, EST or ACME.
 */
function callerOf(by: string | undefined): string {
  return by !== undefined && /^cli:[\p{L}\p{N}._@$-]{1,64}$/u.test(by) ? by : 'cli:unknown';
}

/** What was thrown, as it is told to the caller. */
export function controlError(thrown: unknown): ControlError {
  if (thrown instanceof SyntaxError)
    return { kind: 'usage', message: `a request is one line of JSON: ${thrown.message}` };
  const text = (key: 'kind' | 'hint'): string | undefined => {
    const value: unknown = typeof thrown === 'object' && thrown !== null ? Reflect.get(thrown, key) : undefined;
    return typeof value === 'string' ? value : undefined;
  };
  const hint = text('hint');
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return { kind: text('kind') ?? 'internal', message, ...(hint === undefined ? {} : { hint }) };
}

/** What came of a call. `unreachable`: no relay runs there; `lost`: it went away before it answered, so the operation may have happened. */
export type ControlAnswer =
  | { readonly kind: 'answered'; readonly result: unknown }
  | { readonly kind: 'refused'; readonly error: ControlError }
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'denied'; readonly detail: string }
  | { readonly kind: 'lost'; readonly detail: string };

/** Asks the relay that listens on `path`; `patience` in ms. */
export function callControl(
  path: string,
  operation: string,
  input: unknown,
  patience = 120_000,
): Promise<ControlAnswer> {
  return new Promise((resolve) => {
    if (Buffer.byteLength(path) > LONGEST_PATH) return resolve({ kind: 'unreachable' });
    const socket = connect(path);
    const lines = new LineCutter();
    let connected = false;
    const end = (result: ControlAnswer): void => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(patience, () =>
      end({ kind: 'lost', detail: `no answer within ${Math.round(patience / 1_000)} seconds` }),
    );
    socket.on('connect', () => {
      connected = true;
      socket.write(encodeLine({ id: 1, operation, input, by: systemActor() }));
    });
    socket.on('data', (chunk: Buffer) => {
      const [line] = lines.take(chunk) ?? [''];
      if (line !== undefined) end(asAnswer(line));
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (connected) end({ kind: 'lost', detail: error.message });
      else if (error.code === 'EACCES' || error.code === 'EPERM') end({ kind: 'denied', detail: error.message });
      else end({ kind: 'unreachable' });
    });
    socket.on('close', () => end({ kind: 'lost', detail: 'the relay closed the connection' }));
  });
}

function asAnswer(line: string): ControlAnswer {
  let value: unknown;
  try {
    value = decodeLine(line);
  } catch (error) {
    return { kind: 'lost', detail: `the answer is no JSON: ${String(error)}` };
  }
  if (typeof value === 'object' && value !== null) {
    if ('error' in value) return { kind: 'refused', error: value.error as ControlError };
    if ('result' in value) return { kind: 'answered', result: value.result };
  }
  return { kind: 'lost', detail: 'the answer has neither result nor error' };
}

/** Whether something answers on the socket. */
function probe(path: string): Promise<'answers' | 'stale' | 'none'> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve('answers');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') resolve('none');
      else if (error.code === 'ECONNREFUSED' && lstatSync(path).isSocket()) resolve('stale');
      else
        reject(
          new ControlUnavailable(
            `cannot use ${path}: ${error.message}; set control.socket to a path that this user may write`,
            { cause: error },
          ),
        );
    });
  });
}
