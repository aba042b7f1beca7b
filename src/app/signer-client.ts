/** The near side of the door: starts the signer process when something is to be signed, and ends it when idle. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Bytes } from '../base/bytes.ts';
import type { Ms } from '../base/clock.ts';
import {
  usualTerms,
  type AuthorityTerms,
  type CrlRequest,
  type IssuedCertificate,
  type IssueRequest,
  type SigningDoor,
} from '../ca/authority.ts';
import { RequestRefused } from '../ca/refusal.ts';
import { authorityFiles } from '../ca/setup.ts';
import { encodeFrame, FrameReader, type SignerAnswer, type SignerCall, type SignerSettings } from './signer-frame.ts';

export interface DoorOptions {
  readonly terms?: AuthorityTerms;
  /** How long the process may stay without work. */
  readonly idle?: Ms;
  /** Told the process id at each start, for tests and the log. */
  readonly onStart?: (pid: number) => void;
}

const IDLE: Ms = 10_000;

/**
 * The door to the issuing key in `directory`, absolute. Starts the signer once, so that a missing, unfit or
 * unprotected key is told here: rejects with an Error that names the file and what to do. After `idle` without work
 * the process ends; the next request starts it again.
 */
export async function openDoor(directory: string, options: DoorOptions = {}): Promise<SigningDoor> {
  const door = new ProcessDoor(
    { directory, terms: options.terms ?? usualTerms },
    options.idle ?? IDLE,
    options.onStart,
  );
  await door.open();
  return door;
}

/** Code and files the signer may read: nothing else of the disk is open to it. */
export function signerArguments(directory: string): string[] {
  const entry = fileURLToPath(
    new URL(import.meta.url.endsWith('.ts') ? './signer.ts' : './signer.js', import.meta.url),
  );
  const code = dirname(dirname(realpathSync(entry)));
  const readable = [
    ...['app', 'base', 'ca', 'protocol'].map((folder) => join(code, folder, '*')),
    ...[authorityFiles.rootCertificate, authorityFiles.issuingCertificate, authorityFiles.issuingKey].map((path) =>
      join(directory, path),
    ),
  ];
  return [
    '--permission',
    ...readable.map((path) => `--allow-fs-read=${path}`),
    '--disable-warning=SecurityWarning',
    realpathSync(entry),
  ];
}

interface Waiting {
  readonly resolve: (answer: SignerAnswer) => void;
  readonly reject: (error: Error) => void;
}

class ProcessDoor implements SigningDoor {
  readonly #settings: SignerSettings;
  readonly #idle: Ms;
  readonly #onStart: ((pid: number) => void) | undefined;
  #running: RunningSigner | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(settings: SignerSettings, idle: Ms, onStart: ((pid: number) => void) | undefined) {
    this.#settings = settings;
    this.#idle = idle;
    this.#onStart = onStart;
  }

  async open(): Promise<void> {
    await this.#signer().opened;
    this.#rest();
  }

  async issue(request: IssueRequest): Promise<IssuedCertificate> {
    const answer = await this.#ask((number) => ({ kind: 'issue', number, request }));
    if (answer.kind !== 'issued')
      throw new Error(`the signer answered "${answer.kind}" to a request for a certificate`);
    return answer.issued;
  }

  async signCrl(request: CrlRequest): Promise<Bytes> {
    const answer = await this.#ask((number) => ({ kind: 'crl', number, request }));
    if (answer.kind !== 'crl') throw new Error(`the signer answered "${answer.kind}" to a request for a CRL`);
    return answer.crl;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#running?.end();
    this.#running = undefined;
  }

  async #ask(call: (number: number) => SignerCall): Promise<SignerAnswer> {
    if (this.#closed) throw new Error('the door to the issuing key is closed');
    clearTimeout(this.#timer);
    const signer = this.#signer();
    try {
      await signer.opened;
      return await signer.ask(call);
    } finally {
      this.#rest();
    }
  }

  #signer(): RunningSigner {
    if (this.#running?.ended === false) return this.#running;
    const signer = new RunningSigner(this.#settings);
    this.#running = signer;
    if (signer.pid !== undefined) this.#onStart?.(signer.pid);
    return signer;
  }

  /** Ends the process after a while, unless work is under way. */
  #rest(): void {
    clearTimeout(this.#timer);
    if (this.#closed || this.#running === undefined || this.#running.busy) return;
    const signer = this.#running;
    this.#timer = setTimeout(() => {
      if (!signer.busy) signer.end();
    }, this.#idle);
    this.#timer.unref();
  }
}

/** One process, from its start to its end. */
class RunningSigner {
  readonly opened: Promise<void>;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #frames = new FrameReader();
  readonly #waiting = new Map<number, Waiting>();
  #lastNumber = 0;
  #errorText = '';
  #ended = false;

  constructor(settings: SignerSettings) {
    // The environment stays behind: NODE_OPTIONS and the like could open what the permissions close.
    this.#child = spawn(process.execPath, signerArguments(settings.directory), {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {},
      cwd: '/',
    });
    const first = new Promise<SignerAnswer>((resolve, reject) => this.#waiting.set(0, { resolve, reject }));
    this.opened = first.then(() => undefined);
    // Those who wait see the failure; a signer that nobody waits for must not end the program.
    this.opened.catch(() => {});
    this.#child.stdout.on('data', (bytes: Buffer) => this.#hear(bytes));
    this.#child.stderr.on('data', (bytes: Buffer) => {
      this.#errorText = (this.#errorText + bytes.toString('latin1')).slice(-2000);
    });
    this.#child.stdin.on('error', () => {}); // 'close' tells the same, with the reason
    this.#child.on('error', (error) => this.#over(`the signer cannot be started: ${error.message}`));
    this.#child.on('close', (code, signal) =>
      this.#over(`the signer ended (${signal ?? `exit code ${code}`}) ${this.#errorText.trim()}`.trim()),
    );
    this.#child.stdin.write(encodeFrame({ kind: 'open', settings }));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get busy(): boolean {
    return this.#waiting.size > 0;
  }

  ask(call: (number: number) => SignerCall): Promise<SignerAnswer> {
    const number = ++this.#lastNumber;
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(new Error('the signer has ended'));
      this.#waiting.set(number, { resolve, reject });
      this.#child.stdin.write(encodeFrame(call(number)));
    });
  }

  /** Lets it finish what it was given; it ends with its input. */
  end(): void {
    this.#ended = true;
    this.#child.stdin.end();
  }

  #hear(bytes: Uint8Array): void {
    let answers: SignerAnswer[];
    try {
      // Our own code on the other side: its shape is known, and what it signed is checked by whoever uses it.
      answers = this.#frames.push(bytes) as SignerAnswer[];
    } catch (error) {
      this.#over(`the signer does not speak as it should: ${error instanceof Error ? error.message : String(error)}`);
      this.#child.kill('SIGKILL');
      return;
    }
    for (const answer of answers) this.#settle(answer);
  }

  #settle(answer: SignerAnswer): void {
    const number = answer.kind === 'opened' ? 0 : answer.number;
    const waiting = this.#waiting.get(number);
    this.#waiting.delete(number);
    if (answer.kind !== 'error') waiting?.resolve(answer);
    else
      waiting?.reject(
        answer.section === undefined ? new Error(answer.message) : refusal(answer.message, answer.section),
      );
  }

  #over(why: string): void {
    this.#ended = true;
    for (const { reject } of this.#waiting.values()) reject(new Error(why));
    this.#waiting.clear();
  }
}

/** The refusal as it was thrown on the other side, whose message ends with the section already. */
function refusal(message: string, section: string): RequestRefused {
  return new RequestRefused(
    message.endsWith(` (${section})`) ? message.slice(0, -section.length - 3) : message,
    section,
  );
}
