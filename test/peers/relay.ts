/**
 * A real relay in a directory of its own under the temporary directory: made by `sealpost init`, run by
 * `sealpost start`, on ports that the kernel chose. All its mail goes to one next hop.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { callControl } from '../../src/platform/process/control.ts';
import { mustRun, run, type Ran } from './program.ts';
import type { Identity } from './talk.ts';

export const SEALPOST: string = fileURLToPath(new URL('../../sealpost', import.meta.url));

/** Name of the relay; its certificate names localhost as well. */
export const HOSTNAME = 'relay.example.net';

/** A domain whose mail the relay takes from anyone, and sends on to the next hop like all other. */
export const LOCAL_DOMAIN = 'local.example';

/** Names of the listeners that a relay of the tests has. */
type ListenerName = 'submission' | 'submissions' | 'strict' | 'server' | 'servers' | 'silent' | 'http' | 'https';

const LISTENERS: readonly object[] = [
  { name: 'submission', role: 'submission', tls: 'starttls', certificates: 'ask' },
  { name: 'submissions', role: 'submission', tls: 'implicit', certificates: 'ask' },
  { name: 'strict', role: 'relay', tls: 'starttls', certificates: 'require' },
  { name: 'server', role: 'relay', tls: 'starttls', certificates: 'ask' },
  { name: 'servers', role: 'relay', tls: 'implicit', certificates: 'ask' },
  { name: 'silent', role: 'relay', tls: 'starttls', certificates: 'no' },
].map((listener) => ({ ...listener, address: '127.0.0.1', port: 0 }));

/** A line of the log, which is JSON here. */
export interface LogLine {
  readonly event: string;
  readonly [key: string]: unknown;
}

/** A certificate as `sealpost add` gives it, and the files it came in. */
export interface Holder extends Identity {
  readonly name: string;
  readonly serial: string;
  /** The certificate alone, without those of the CA. */
  readonly leaf: string;
  readonly p12: string;
  readonly passphrase: string;
}

export interface RelayStatus {
  readonly listeners: readonly { readonly name: ListenerName; readonly port: number }[];
  readonly counts: { readonly accepted: number; readonly refused: number };
  readonly queue: { readonly entries: number; readonly deliveries: number };
}

interface Watcher {
  readonly wanted: (line: LogLine) => boolean;
  readonly found: (line: LogLine) => void;
}

/** What differs from the usual configuration; sections are merged key by key. */
export type Settings = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export interface StartOptions {
  /** It runs as this user, and as the group of the same number. */
  readonly uid?: number;
  /** Of the issuing key. */
  readonly passphrase?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export class Relay implements AsyncDisposable {
  readonly directory: string;
  readonly log: LogLine[] = [];
  /** What it wrote to the log and that is no JSON: crashes of Node, warnings. */
  noise = '';
  #ports: ReadonlyMap<ListenerName, number> = new Map();
  #child: ChildProcess | undefined;
  #exit: Promise<number | string> = Promise.resolve(0);
  #watchers: Watcher[] = [];
  readonly #hop: number;
  readonly #settings: Settings;

  private constructor(hop: number, settings: Settings) {
    this.directory = mkdtempSync(join(tmpdir(), 'sealpost-peer-'));
    this.#hop = hop;
    this.#settings = settings;
  }

  /** A relay that is ready; all its mail goes to port `hop` on loopback. `prepare` is called before it starts. */
  static async start(
    hop: number,
    settings: Settings = {},
    prepare?: (directory: string) => Promise<void> | void,
    options: StartOptions = {},
  ): Promise<Relay> {
    const relay = new Relay(hop, settings);
    try {
      await relay.cli('init', '--hostname', HOSTNAME);
      relay.configure();
      await prepare?.(relay.directory);
      await relay.begin(options);
      return relay;
    } catch (error) {
      await relay[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A relay on a directory that `create` makes with a CA of its own. */
  static async takeOver(hop: number, create: (directory: string) => Promise<unknown>): Promise<Relay> {
    const relay = new Relay(hop, {});
    try {
      await create(relay.directory);
      relay.configure();
      await relay.begin();
      return relay;
    } catch (error) {
      await relay[Symbol.asyncDispose]();
      throw error;
    }
  }

  get pid(): number {
    assert.ok(this.#child?.pid !== undefined, 'the relay is not running');
    return this.#child.pid;
  }

  port(name: ListenerName): number {
    const port = this.#ports.get(name);
    assert.ok(port !== undefined, `no listener ${name}`);
    return port;
  }

  /** The root certificate, as clients are given it. */
  get root(): string {
    return join(this.directory, 'ca', 'root.crt');
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** Writes the configuration; `settings` come on top of those the relay was made with. */
  configure(settings: Settings = {}): void {
    const config: Record<string, unknown> = {
      hostname: HOSTNAME,
      listeners: LISTENERS,
      access: { localDomains: [LOCAL_DOMAIN] },
      delivery: { routes: [{ domains: ['*'], to: `127.0.0.1:${this.#hop}`, tls: 'none' }] },
      log: { format: 'json', level: 'debug' },
      web: { http: { port: 0 }, https: { port: 0 } },
    };
    for (const [section, values] of [...Object.entries(this.#settings), ...Object.entries(settings)])
      config[section] = { ...(config[section] as object | undefined), ...values };
    // JSON is YAML.
    writeFileSync(this.path('sealpost.yaml'), JSON.stringify(config, undefined, 2));
  }

  /** Starts the program and waits until it answers on the control socket with its listeners. */
  async begin({ uid, passphrase, env = {} }: StartOptions = {}): Promise<void> {
    const words = passphrase === undefined ? [] : ['--ca-passphrase-fd', '3'];
    const child = spawn(SEALPOST, ['start', '-d', this.directory, ...words], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      ...(uid === undefined ? {} : { uid, gid: uid }),
      env: { ...process.env, ...env },
    });
    (child.stdio[3] as Writable).end(passphrase === undefined ? '' : `${passphrase}\n`);
    this.#child = child;
    this.#exit = new Promise((resolve) => {
      // `close` comes when the log has been read to its end.
      child.once('close', (code, signal) => {
        this.#child = undefined;
        resolve(code ?? signal ?? 'lost');
      });
      child.once('error', (error) => resolve(error.message));
    });
    let rest = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#heard(line);
    });
    const answers = (): Promise<boolean> =>
      this.status().then(
        ({ listeners }) => listeners.some(({ name }) => name === 'server'),
        () => false,
      );
    // A log that is no JSON, or goes elsewhere, cannot be waited for.
    const { format = 'json', destination = 'stderr' } = this.#settings['log'] ?? {};
    const started =
      format === 'json' && destination === 'stderr'
        ? this.event(({ event }) => event === 'started', 20_000, this.log.length)
        : until('the relay answers', answers, 20_000);
    const gone = this.#exit.then((code) => {
      throw new Error(`the relay did not start (${code}): ${this.noise}${JSON.stringify(this.log.slice(-5))}`);
    });
    await Promise.race([started, gone]);
    this.#ports = new Map((await this.status()).listeners.map(({ name, port }) => [name, port]));
  }

  /** Sends a signal and waits for the end: exit code, or the signal that ended it. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string> {
    process.kill(this.pid, signal);
    return this.#exit;
  }

  /** As the relay itself says it. */
  async status(): Promise<RelayStatus> {
    const answer = await callControl(this.path('control.sock'), 'status', {});
    assert.equal(answer.kind, 'answered', JSON.stringify(answer));
    return answer.result as RelayStatus;
  }

  /** Resolves when nothing waits in the queue. Whatever is refused or lost would never have come later. */
  async idle(): Promise<void> {
    await until('the queue is empty', async () => (await this.status()).queue.entries === 0);
  }

  /** `./sealpost` on this directory; rejects when it fails. Gives what it printed. */
  cli(...args: readonly string[]): Promise<string> {
    return mustRun(SEALPOST, [...args, '-d', this.directory], { cwd: this.directory });
  }

  /** The same, when it may fail. */
  tryCli(...args: readonly string[]): Promise<Ran> {
    return run(SEALPOST, [...args, '-d', this.directory], { cwd: this.directory });
  }

  /** A new holder, with a key made by the relay. */
  async add(name: string, ...options: readonly string[]): Promise<Holder> {
    const [p12, pem] = [this.path(`${name}.p12`), this.path(`${name}.pem`)];
    const printed = await this.cli('add', name, '--json', '--p12', p12, '--pem', pem, ...options);
    const { certificate, passphrase } = JSON.parse(printed) as { certificate: { serial: string }; passphrase: string };
    const blocks = readFileSync(pem, 'utf8').match(/-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----\n/g) ?? [];
    const chain = blocks.filter((block) => block.includes('BEGIN CERTIFICATE'));
    const paths = {
      certificate: this.path(`${name}.crt`),
      key: this.path(`${name}.key`),
      leaf: this.path(`${name}.leaf`),
    };
    writeFileSync(paths.certificate, chain.join(''));
    writeFileSync(paths.key, blocks.filter((block) => block.includes('PRIVATE KEY')).join(''), { mode: 0o600 });
    writeFileSync(paths.leaf, chain[0] ?? '');
    return { name, serial: certificate.serial, ...paths, p12, passphrase };
  }

  async revoke(holder: Holder): Promise<void> {
    await this.cli('revoke', holder.serial);
  }

  /** The first line of the log that is wanted, from line `from` on; waits for it, up to `patience` ms. */
  async event(wanted: (line: LogLine) => boolean, patience = 10_000, from = 0): Promise<LogLine> {
    const there = this.log.slice(from).find(wanted);
    if (there !== undefined) return there;
    const { promise, resolve, reject } = Promise.withResolvers<LogLine>();
    const watcher: Watcher = { wanted, found: resolve };
    this.#watchers.push(watcher);
    const timer = setTimeout(
      () => reject(new Error(`nothing in the log is ${wanted.toString()}; its end:\n${this.logEnd()}`)),
      patience,
    );
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#watchers = this.#watchers.filter((one) => one !== watcher);
    }
  }

  logEnd(): string {
    return this.log
      .slice(-12)
      .map((line) => JSON.stringify(line))
      .join('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child !== undefined) await this.stop('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }

  #heard(line: string): void {
    if (!line.startsWith('{')) {
      this.noise += `${line}\n`;
      return;
    }
    const entry = JSON.parse(line) as LogLine;
    this.log.push(entry);
    for (const { wanted, found } of this.#watchers) if (wanted(entry)) found(entry);
  }
}

/** Asks again and again until it is so; rejects after `patience` ms. */
export async function until(what: string, so: () => Promise<boolean> | boolean, patience = 10_000): Promise<void> {
  const end = Date.now() + patience;
  while (!(await so())) {
    if (Date.now() > end) throw new Error(`not within ${patience} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
