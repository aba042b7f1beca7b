/** The way to the relay: by its control socket when it runs, else on its files. All heavy parts are loaded only here. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ImportedAuthority } from '../admin/ca-import.ts';
import type { LiveRelay } from '../admin/context.ts';
import type { Custody } from '../app/custody.ts';
import { version } from '../app/version.ts';
import type { Config } from '../config/schema.ts';
import type { ControlAnswer } from '../platform/process/control.ts';
import { badConfig } from './commands/config.ts';
import { askCaPassphrase } from './ca-passphrase.ts';
import type { Reach, ServeOptions } from './context.ts';
import { createDirectory } from './create.ts';
import { CliError, asCliError, exits, refusal, type ExitName } from './exit.ts';
import { detailOf } from './files.ts';
import { fill } from './messages/choose.ts';
import { hostPort, pairs } from './output.ts';
import type { MessageKey, Messages } from './messages/en.ts';

const CONFIG_FILE = 'sealpost.yaml';
type FollowedSite = NonNullable<ServeOptions['sendmail']>;

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
    const ask = askCaPassphrase(messages);
    const [{ offlineContext }, { runOperation }] = await Promise.all([
      import('../app/compose.ts'),
      import('../admin/operation.ts'),
    ]);
    const context = await offlineContext(directory, {
      passphrase: async (wrongBefore) => {
        const given = await ask('keys', wrongBefore);
        return given === undefined ? undefined : Buffer.from(given);
      },
    });
    try {
      return await runOperation(context, operation, input);
    } catch (error) {
      throw asCliError(error);
    } finally {
      await context.close();
    }
  }

  const create: Reach['create'] = (directory, wanted, choices = {}) => createDirectory(directory, wanted, choices, say);

  const importAuthority: Reach['importAuthority'] = async (directory, wanted, from, ask) => {
    const [{ sourceDirectory }, { importAuthority: takeOver }] = await Promise.all([
      import('../app/ca-directory.ts'),
      import('../admin/ca-import.ts'),
    ]);
    let imported: ImportedAuthority | undefined;
    let given: string | undefined;
    try {
      const source = sourceDirectory(from);
      const created = await createDirectory(directory, wanted, {}, say, {
        async act(context) {
          imported = await takeOver(context, source, async (what, wrong) => (given = await ask(what, wrong)));
        },
        // The key stays under its passphrase, and the first signatures are made right away.
        passphrase: async (wrong) => (wrong > 0 || given === undefined ? undefined : Buffer.from(given)),
      });
      if (imported === undefined) throw new Error('nothing was taken over');
      return { created, imported };
    } catch (error) {
      throw asCliError(error);
    }
  };

  const importSite: Reach['importSite'] = async (site, directory, choices) => {
    const { importSite: takeOver } = await import('../app/import-site.ts');
    try {
      return takeOver(site, directory, choices);
    } catch (error) {
      throw asCliError(error);
    }
  };

  /** In a process of its own: this one will listen to the network, and must never have had the keys in its memory. */
  function createApart(directory: string): void {
    const { status, stderr, error } = spawnSync(
      process.execPath,
      [process.argv[1] ?? '', 'init', '--json', '--directory', directory],
      { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] },
    );
    if (error !== undefined) throw error;
    const exit = (Object.keys(exits) as ExitName[]).find((name) => exits[name] === status) ?? 'failed';
    if (exit !== 'ok') throw new CliError(exit, stderr.trim().replace(/^sealpost: /, ''));
  }

  async function serve(directory: string, { create: mayCreate, passphrase, sendmail }: ServeOptions): Promise<void> {
    const file = join(directory, CONFIG_FILE);
    const prepare = sendmail && (await follower(directory, sendmail));
    if (!existsSync(file)) {
      if (!mayCreate) throw new CliError('configuration', say('error.noDirectory', { directory }));
      createApart(directory);
      tell(`${say('init.done', { directory })}\n`);
    }
    await readConfig(file);
    const { runDaemon } = await import('../app/daemon.ts');
    try {
      await runDaemon({
        directory,
        passphrase,
        prepare,
        ready: (relay, config) => tell(banner(relay.listening(), config.hostname, directory)),
      });
    } catch (error) {
      throw asCliError(error);
    }
  }

  /** Makes the directory of the site, and can do it again. */
  async function follower(directory: string, { site, ...choices }: FollowedSite): Promise<() => void> {
    const { followSite } = await import('../app/sendmail-site.ts');
    const prepare = (): void => followSite(site, directory, choices);
    try {
      prepare();
    } catch (error) {
      throw asCliError(error);
    }
    return prepare;
  }

  /** What listens where, where the data lies, what to do next. */
  function banner(listening: ReturnType<LiveRelay['listening']>, hostname: string, directory: string): string {
    const listeners = listening.map(
      ({ name, address, port, tls, fault }, index) =>
        [
          index === 0 ? say('start.listens', {}) : '',
          fault === undefined ? `${name} ${hostPort(address, port)} (${tls})` : say('status.notOpen', { name, fault }),
        ] as const,
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

  async function custody(directory: string): Promise<Custody> {
    if (!existsSync(join(directory, CONFIG_FILE)))
      throw new CliError('configuration', say('error.noDirectory', { directory }));
    const { openCustody } = await import('../app/custody.ts');
    return openCustody(directory);
  }

  async function becomeSigner(directory: string, passphraseFile: string | undefined): Promise<void> {
    const { becomeSigner: become } = await import('../app/custody.ts');
    become(directory, passphraseFile);
  }

  return { operate, create, importAuthority, importSite, serve, custody, becomeSigner };
}
