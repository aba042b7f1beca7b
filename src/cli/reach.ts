/** The way to the relay: by its control socket when it runs, else on its files. All heavy parts are loaded only here. */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname as machineName } from 'node:os';
import { join } from 'node:path';
import type { LiveRelay } from '../admin/context.ts';
import { version } from '../app/version.ts';
import { Fault } from '../base/fault.ts';
import type { Config } from '../config/schema.ts';
import type { ControlAnswer } from '../platform/process/control.ts';
import { badConfig } from './commands/config.ts';
import type { CreatedDirectory, Reach } from './context.ts';
import { CliError, asCliError, refusal } from './exit.ts';
import { detailOf } from './files.ts';
import { fill } from './messages/choose.ts';
import { hostPort, pairs } from './output.ts';
import type { MessageKey, Messages } from './messages/en.ts';

const CONFIG_FILE = 'sealpost.yaml';
/** Where the socket lies unless the configuration says otherwise: tried before the configuration is read. */
const USUAL_SOCKET = 'control.sock';

export function reach(messages: Messages, tell: (text: string) => void): Reach {
  const say = (key: MessageKey, values: Readonly<Record<string, string | number>>): string =>
    fill(messages, key, values);

  async function operate(directory: string, operation: string, input: unknown): Promise<unknown> {
    const file = join(directory, CONFIG_FILE);
    if (!existsSync(file)) throw new CliError('configuration', say('error.noDirectory', { directory }));
    const usual = join(directory, USUAL_SOCKET);
    const { callControl } = await import('../platform/process/control.ts');
    const first = await callControl(usual, operation, input);
    if (first.kind !== 'unreachable') return resultOf(first, directory);
    const config = await readConfig(file);
    const { controlSocket } = await import('../config/settings.ts');
    const socket = controlSocket(config, directory);
    if (socket !== usual) {
      const second = await callControl(socket, operation, input);
      if (second.kind !== 'unreachable') return resultOf(second, directory);
    }
    return await onFiles(directory, operation, input);
  }

  function resultOf(answer: Exclude<ControlAnswer, { kind: 'unreachable' }>, directory: string): unknown {
    switch (answer.kind) {
      case 'answered':
        return answer.result;
      case 'refused':
        throw refusal(answer.error.kind, answer.error.message, answer.error.hint);
      case 'denied':
        throw new CliError('unavailable', say('error.denied', { directory, detail: answer.detail }));
      default:
        throw new CliError('unavailable', say('error.lost', { detail: answer.detail }));
    }
  }

  async function readConfig(file: string): Promise<Config> {
    const { parseConfig } = await import('../config/load.ts');
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      throw new CliError('configuration', say('error.readFile', { path: file, detail: detailOf(error) }), error);
    }
    const { config, problems } = parseConfig(text, file);
    if (config === undefined) throw await badConfig(messages, problems);
    return config;
  }

  async function onFiles(directory: string, operation: string, input: unknown): Promise<unknown> {
    const [{ offlineContext }, { runOperation }] = await Promise.all([
      import('../app/compose.ts'),
      import('../admin/operation.ts'),
    ]);
    const context = await offlineContext(directory);
    try {
      return await runOperation(context, operation, input);
    } catch (error) {
      throw asCliError(error);
    } finally {
      await context.close();
    }
  }

  async function create(directory: string, wanted: string | undefined): Promise<CreatedDirectory> {
    const config = join(directory, CONFIG_FILE);
    if (existsSync(config)) throw new CliError('conflict', say('error.initialised', { directory }));
    const hostname = wanted ?? usualHostname();
    const [{ defaultsFile }, { parseConfig, formatProblem }] = await Promise.all([
      import('../config/defaults.ts'),
      import('../config/load.ts'),
    ]);
    const text = defaultsFile(hostname);
    const [problem] = parseConfig(text, '--hostname').problems;
    if (problem !== undefined) throw new CliError('usage', formatProblem(problem));
    const found = existsSync(directory) ? readdirSync(directory) : undefined;
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      writeFileSync(config, text, { flag: 'wx', mode: 0o600 });
    } catch (error) {
      throw new CliError('failed', say('error.writeFile', { path: config, detail: detailOf(error) }), error);
    }
    try {
      const [{ offlineContext }, { initialise }] = await Promise.all([
        import('../app/compose.ts'),
        import('../admin/certificates.ts'),
      ]);
      const context = await offlineContext(directory);
      try {
        // Clients on this machine, and those behind a tunnel, say localhost.
        await initialise(context, { hostname, names: ['localhost'] });
      } finally {
        await context.close();
      }
    } catch (error) {
      undo(directory, found);
      throw asCliError(error);
    }
    return { directory, hostname, config, rootCertificate: join(directory, 'ca', 'root.crt') };
  }

  async function serve(directory: string, mayCreate: boolean): Promise<void> {
    const file = join(directory, CONFIG_FILE);
    if (!existsSync(file)) {
      if (!mayCreate) throw new CliError('configuration', say('error.noDirectory', { directory }));
      await create(directory, undefined);
      tell(`${say('init.done', { directory })}\n`);
    }
    await readConfig(file);
    const { runDaemon } = await import('../app/daemon.ts');
    try {
      await runDaemon({
        directory,
        ready: (relay, config) => tell(banner(relay.listening(), config.hostname, directory)),
      });
    } catch (error) {
      // A port that is taken, a database of a newer version: the detail says all that helps.
      if (error instanceof Fault) throw new CliError('failed', error.detail, error);
      throw asCliError(error);
    }
  }

  /** What listens where, where the data lies, what to do next. */
  function banner(listening: ReturnType<LiveRelay['listening']>, hostname: string, directory: string): string {
    const listeners = listening.map(
      ({ name, address, port, tls }, index) =>
        [index === 0 ? say('start.listens', {}) : '', `${name} ${hostPort(address, port)} (${tls})`] as const,
    );
    return [
      `${say('start.ready', { version, hostname })}\n`,
      pairs([
        ...listeners,
        [say('start.data', {}), directory],
        [say('start.add', {}), `./sealpost add alice@example.net -d ${directory}`],
        [say('start.stop', {}), say('start.stop.how', { pid: process.pid })],
      ]),
    ].join('');
  }

  return { operate, create, serve };
}

/** Removes what a failed creation left: all that was not there before, and nothing else. */
function undo(directory: string, before: readonly string[] | undefined): void {
  if (before === undefined) return rmSync(directory, { recursive: true, force: true });
  for (const name of readdirSync(directory))
    if (!before.includes(name)) rmSync(join(directory, name), { recursive: true, force: true });
}

/** The machine's name when it is a full one: a certificate for half a name would help nobody. */
function usualHostname(): string {
  const name = machineName().toLowerCase();
  return /^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/.test(name) ? name : 'localhost';
}
