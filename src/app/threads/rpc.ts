/**
 * Calls between threads over a MessagePort. One side has the real thing and calls `serve`, the other has a stand-in
 * made by `remote`; both import the same table of methods. All calls of one turn of the event loop travel as one
 * message, and so do the answers: waking a thread costs more than a call. Buffers are transferred, not copied.
 * It decides nothing, and knows nothing of what it carries.
 */
import type { MessagePort } from 'node:worker_threads';
import { asFault, Fault } from '../../base/fault.ts';
import { statuses, type StatusKey } from '../../base/status.ts';

/** Buffers that travel with a message, each once. */
export type Transfers = Set<ArrayBuffer>;

/** How one method crosses. */
export interface Method<A extends readonly unknown[], R> {
  /** `tell`: nobody waits for an answer, and none is sent. */
  readonly kind: 'call' | 'tell';
  /** Adds the buffers of the arguments that the caller gives away, by `transfer`. */
  readonly give?: (args: A, transfers: Transfers) => void;
  /** Adds the buffers of the result that the callee gives away. */
  readonly giveBack?: (result: R, transfers: Transfers) => void;
}

/** All methods of T; the order is part of what both sides must share. */
export type Methods<T> = {
  readonly [K in keyof T & string]: T[K] extends (...args: infer A) => infer R ? Method<A, Awaited<R>> : never;
};

/** `number` is undefined for a call that wants no answer; `method` is a place in the table. */
interface Call {
  readonly number: number | undefined;
  readonly method: number;
  readonly args: readonly unknown[];
}

type Answer =
  | { readonly number: number; readonly value: unknown }
  | { readonly number: number; readonly fault: WireFault };

/** A Fault without its cause, which may not be clonable. */
export interface WireFault {
  readonly status: StatusKey;
  readonly detail: string;
}

type AnyMethod = Method<readonly unknown[], unknown>;

/** Adds the buffer of these bytes when they are all of it; else they are copied, since others may own the rest. */
export function transfer(bytes: Uint8Array, transfers: Transfers): void {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength && buffer.byteLength > 0)
    transfers.add(buffer);
}

/** A Fault as it crosses. */
export function toWire(thrown: unknown): WireFault {
  const { status, detail } = asFault(thrown);
  return { status: status.key as StatusKey, detail };
}

/** A Fault as it came. */
export function fromWire({ status, detail }: WireFault): Fault {
  return new Fault(statuses[status], detail);
}

/** Answers the calls that come on the port, until it closes. */
export function serve<T>(port: MessagePort, target: T, methods: Methods<T>): void {
  const served = new Served(
    port,
    target as Record<string, (...args: readonly unknown[]) => unknown>,
    methods as unknown as Record<string, AnyMethod>,
  );
  port.on('message', (calls: readonly Call[]) => served.run(calls));
}

/**
 * The stand-in: calls on it are calls on what the other side serves. A rejection there is a Fault here; when the port
 * closes, what is open is rejected. It keeps the thread alive only while a call is open.
 */
export function remote<T>(port: MessagePort, methods: Methods<T>): T {
  const stub = new Stub(port, methods as unknown as Record<string, AnyMethod>);
  const entries = Object.entries<AnyMethod>(methods as unknown as Record<string, AnyMethod>).map(
    ([name, { kind }], method) => [
      name,
      kind === 'call'
        ? (...args: readonly unknown[]) => stub.call(method, args)
        : (...args: readonly unknown[]) => stub.tell(method, args),
    ],
  );
  return Object.fromEntries(entries) as T;
}

class Stub {
  readonly #port: MessagePort;
  readonly #methods: readonly AnyMethod[];
  readonly #open = new Map<number, PromiseWithResolvers<unknown>>();
  #calls: Call[] = [];
  #number = 0;
  #closed = false;

  constructor(port: MessagePort, methods: Record<string, AnyMethod>) {
    this.#port = port;
    this.#methods = Object.values(methods);
    port.on('message', (answers: readonly Answer[]) => this.#answered(answers));
    port.on('close', () => this.#close());
    port.unref();
  }

  call(method: number, args: readonly unknown[]): Promise<unknown> {
    const open = Promise.withResolvers<unknown>();
    if (this.#closed) {
      open.reject(gone());
      return open.promise;
    }
    const number = ++this.#number;
    if (this.#open.size === 0) this.#port.ref();
    this.#open.set(number, open);
    this.#push({ number, method, args });
    return open.promise;
  }

  tell(method: number, args: readonly unknown[]): void {
    if (!this.#closed) this.#push({ number: undefined, method, args });
  }

  #push(call: Call): void {
    if (this.#calls.push(call) === 1) setImmediate(() => this.#send());
  }

  #send(): void {
    const calls = this.#calls;
    this.#calls = [];
    if (this.#closed) return;
    try {
      this.#post(calls);
    } catch {
      for (const call of calls) this.#sendAlone(call); // one that cannot be cloned must not stop the others
    }
  }

  #sendAlone(call: Call): void {
    try {
      this.#post([call]);
    } catch (error) {
      if (call.number === undefined) throw error; // nobody waits, so it is the thread's own fault
      this.#take(call.number)?.reject(asFault(error));
    }
  }

  #post(calls: readonly Call[]): void {
    const transfers: Transfers = new Set();
    for (const { method, args } of calls) this.#methods[method]?.give?.(args, transfers);
    this.#port.postMessage(calls, [...transfers]);
  }

  #answered(answers: readonly Answer[]): void {
    for (const answer of answers) {
      const open = this.#take(answer.number);
      if ('fault' in answer) open?.reject(fromWire(answer.fault));
      else open?.resolve(answer.value);
    }
  }

  #take(number: number): PromiseWithResolvers<unknown> | undefined {
    const open = this.#open.get(number);
    this.#open.delete(number);
    if (this.#open.size === 0) this.#port.unref();
    return open;
  }

  #close(): void {
    this.#closed = true;
    for (const open of this.#open.values()) open.reject(gone());
    this.#open.clear();
  }
}

class Served {
  readonly #port: MessagePort;
  readonly #target: Record<string, (...args: readonly unknown[]) => unknown>;
  readonly #names: readonly string[];
  readonly #methods: readonly AnyMethod[];
  #answers: Answer[] = [];
  #transfers: Transfers = new Set();

  constructor(
    port: MessagePort,
    target: Record<string, (...args: readonly unknown[]) => unknown>,
    methods: Record<string, AnyMethod>,
  ) {
    this.#port = port;
    this.#target = target;
    this.#names = Object.keys(methods);
    this.#methods = Object.values(methods);
  }

  run(calls: readonly Call[]): void {
    for (const call of calls) void this.#run(call);
  }

  /** What goes wrong in a call is its answer; in a tell it is this thread's own trouble, and rejects unhandled. */
  async #run({ number, method, args }: Call): Promise<void> {
    const name = this.#names[method] ?? '';
    if (number === undefined) {
      this.#target[name]?.(...args);
      return;
    }
    try {
      const value = await this.#target[name]?.(...args);
      this.#methods[method]?.giveBack?.(value, this.#transfers);
      this.#answer({ number, value });
    } catch (error) {
      this.#answer({ number, fault: toWire(error) });
    }
  }

  #answer(answer: Answer): void {
    if (this.#answers.push(answer) === 1) setImmediate(() => this.#send());
  }

  #send(): void {
    const answers = this.#answers;
    const transfers = this.#transfers;
    this.#answers = [];
    this.#transfers = new Set();
    try {
      this.#port.postMessage(answers, [...transfers]);
    } catch {
      for (const answer of answers) this.#sendAlone(answer);
    }
  }

  #sendAlone(answer: Answer): void {
    try {
      this.#port.postMessage([answer]);
    } catch (error) {
      this.#port.postMessage([{ number: answer.number, fault: toWire(error) }]);
    }
  }
}

function gone(): Fault {
  return new Fault(statuses['local-error'], 'the thread that answers is gone');
}
