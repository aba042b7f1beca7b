/** The program under the demo: its commands, and the relay as a process of its own, in a directory that is removed. */
import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const LAUNCHER = fileURLToPath(new URL('../sealpost', import.meta.url));
const LOOK = 20;

/** What a command printed on both streams, and its exit code. */
export interface Ran {
  readonly code: number;
  readonly text: string;
}

export class Program {
  /** Where commands are typed; `./sealpost` is there. */
  readonly directory: string = mkdtempSync(join(tmpdir(), 'sealpost-demo-'));
  readonly #command = this.path('sealpost');
  #relay: ChildProcessByStdio<null, Readable, Readable> | undefined;
  #printed = '';

  constructor() {
    symlinkSync(LAUNCHER, this.#command);
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  read(name: string, encoding: 'utf8' | 'latin1' = 'utf8'): string {
    return readFileSync(this.path(name), encoding);
  }

  /** Runs `./sealpost …` to its end. */
  async run(args: readonly string[]): Promise<Ran> {
    const { promise, resolve } = Promise.withResolvers<Ran>();
    const options = { cwd: this.directory, timeout: 20_000, encoding: 'utf8' } as const;
    execFile(this.#command, args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      resolve({ code, text: stdout + stderr });
    });
    return await promise;
  }

  /** Starts the relay; gives what it printed once it listens. Rejects when it ends before that. */
  async start(args: readonly string[]): Promise<string> {
    const relay = spawn(this.#command, args, { cwd: this.directory, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#relay = relay;
    for (const stream of [relay.stdout, relay.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (this.#printed += text));
    // The last line names the process.
    while (!this.#printed.includes(String(relay.pid))) {
      if (relay.exitCode !== null) throw new Error(`the relay ended with ${relay.exitCode}:\n${this.#printed}`);
      await sleep(LOOK);
    }
    return this.#printed;
  }

  get relayPid(): number {
    return this.#relay?.pid ?? 0;
  }

  /** Sends SIGTERM and waits; gives the exit code. */
  async stop(): Promise<number | null> {
    const relay = this.#relay;
    if (relay === undefined || relay.exitCode !== null) throw new Error('the relay does not run');
    const ended = once(relay, 'exit');
    relay.kill('SIGTERM');
    await ended;
    return relay.exitCode;
  }

  /** What the log has from `from` on, once `pattern` is in it. */
  async log(name: string, from: number, pattern: RegExp, span = 5_000): Promise<string> {
    const end = performance.now() + span;
    for (;;) {
      const text = this.read(name).slice(from);
      if (pattern.test(text)) return text;
      if (performance.now() > end) throw new Error(`expected ${String(pattern)} in the log:\n${text}`);
      await sleep(LOOK);
    }
  }

  /** Leaves nothing: ends the relay, removes the directory. Safe to call twice, and when the process exits. */
  clear(): void {
    if (this.#relay?.exitCode === null) this.#relay.kill('SIGKILL');
    // The relay may be writing its last while it is being killed.
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}
