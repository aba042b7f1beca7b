/** Other people's programs, run as a user would run them. */
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const required = process.env['SEALPOST_PEERS'] === 'required';

/**
 * For `skip` of a test: which of these programs is not here. With SEALPOST_PEERS=required nothing is skipped, and the
 * test fails when it wants to run what is missing.
 */
export function missing(...programs: readonly string[]): string | false {
  const absent = programs.filter((program) => findProgram(program) === undefined);
  return absent.length === 0 || required ? false : `${absent.join(', ')} not installed`;
}

/** For `skip` of a test that only root can run. */
export function rootMissing(): string | false {
  return required || process.getuid?.() === 0 ? false : 'only root can do this';
}

/** The same for a module of Perl. */
export function missingPerlModule(name: string): string | false {
  if (required || spawnSync('perl', [`-M${name}`, '-e', '1']).status === 0) return false;
  return `Perl's ${name} not installed`;
}

export function findProgram(program: string): string | undefined {
  const paths = (process.env['PATH'] ?? '').split(delimiter).map((directory) => join(directory, program));
  return paths.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export interface Ran {
  /** Exit code; undefined when a signal ended it. */
  readonly code: number | undefined;
  /** What it said, standard output and error as they came. */
  readonly output: string;
}

export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** It is ended after so many ms, which is a failure. */
  readonly patience?: number;
}

/** Arguments; those of one option may stand together. */
export type Arguments = readonly (string | readonly string[])[];

/** Runs a program to its end. Rejects when it cannot be run, or does not end in time. */
export function run(program: string, args: Arguments, options: RunOptions = {}): Promise<Ran> {
  const { promise, resolve, reject } = Promise.withResolvers<Ran>();
  const child = spawn(program, args.flat(), {
    stdio: 'pipe',
    cwd: options.cwd,
    env: { ...process.env, LC_ALL: 'C', ...options.env },
  });
  let output = '';
  const patience = options.patience ?? 20_000;
  const timer = setTimeout(() => {
    child.kill('SIGKILL');
    reject(new Error(`${program} did not end within ${patience} ms; it said:\n${output}`));
  }, patience);
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.on('error', (error) => {
    clearTimeout(timer);
    reject(new Error(`${program} cannot be run: ${error.message}`));
  });
  child.on('close', (code) => {
    clearTimeout(timer);
    resolve({ code: code ?? undefined, output });
  });
  // A program that ends before it has read everything.
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  return promise;
}

/** Like `run`, for what must succeed: rejects with all it said when it does not. Gives what it said. */
export async function mustRun(program: string, args: Arguments, options: RunOptions = {}): Promise<string> {
  const { code, output } = await run(program, args, options);
  if (code !== 0) throw new Error(`${program} ${args.flat().join(' ')}: exit code ${code ?? 'none'}\n${output}`);
  return output;
}
