/**
 * The Postfix that is installed, run as an instance of its own: queue and configuration below a directory of the
 * caller, on loopback ports. It must run as root, as Postfix does.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { missing, rootMissing } from './program.ts';

/** A port that Postfix listens on, with the settings (`-o name=value`) that differ there. */
export interface PostfixService {
  readonly port: number;
  /** Processes at once; undefined: 50. */
  readonly processes?: number;
  readonly settings?: Readonly<Record<string, string>>;
}

export interface PostfixOptions {
  /** Empty or missing; every directory above it must be open to the user `postfix`. */
  readonly directory: string;
  /** Lines of main.cf beyond `mainCf` below, which they overrule. */
  readonly main: Readonly<Record<string, string>>;
  readonly services: readonly PostfixService[];
  /** Ways out beside `smtp`, by name, with their settings; transport_maps leads to them. */
  readonly clients?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export interface Postfix {
  /** Of its master. */
  readonly pid: number;
  /** Sessions are cut off wherever they are. Nothing happens when it is stopped already. */
  stop(): void;
  /** After `stop`, with the same queue. */
  start(): void;
  /** The queue files of mail on hold, as they are: records, with each header line in one piece. */
  held(): string[];
  /** One message on hold whose queue file has all of these, as postcat prints it: envelope records, header and body. */
  heldWith(...texts: readonly string[]): string | undefined;
}

/** For `skip` of a test: why Postfix cannot be started here. */
export function postfixMissing(): string | false {
  return missing('postfix', 'postconf') || rootMissing();
}

/** Configures and starts an instance. Throws with what it said when it does not start. */
export function startPostfix({ directory, main, services, clients = {} }: PostfixOptions): Postfix {
  const configuration = join(directory, 'conf');
  for (const part of ['conf', 'spool', 'data']) mkdirSync(join(directory, part), { recursive: true });
  execFileSync('chown', ['postfix', join(directory, 'data')]);
  const settings = { ...mainCf(directory), ...main };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
  writeFileSync(join(configuration, 'main.cf'), lines.join(''));
  writeFileSync(join(configuration, 'master.cf'), masterCf(services, clients));

  const start = (): number => {
    command(configuration, 'start');
    return Number(readFileSync(join(directory, 'spool/pid/master.pid'), 'latin1'));
  };
  let pid = start();
  let isRunning = true;
  const path = (id: string): string => join(directory, 'spool/hold', id);
  const raw = (id: string): string => readFileSync(path(id), 'latin1');
  // A queue file becomes executable when it is whole; until then it may be taken back.
  const held = (): string[] =>
    readdirSync(path('')).filter((id) => ((statSync(path(id), { throwIfNoEntry: false })?.mode ?? 0) & 0o100) !== 0);
  return {
    get pid() {
      return pid;
    },
    stop() {
      if (isRunning) command(configuration, 'stop');
      isRunning = false;
    },
    start() {
      pid = start();
      isRunning = true;
    },
    held: () => held().map(raw),
    heldWith(...texts) {
      const id = held().find((name) => {
        const file = raw(name);
        return texts.every((text) => file.includes(text));
      });
      return id && execFileSync('postcat', ['-c', configuration, '-q', id], { encoding: 'latin1' });
    },
  };
}

function command(configuration: string, verb: 'start' | 'stop'): void {
  const { status, stderr } = spawnSync('postfix', ['-c', configuration, verb], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`postfix ${verb}: ${stderr}`);
}

/** An instance that has no domains of its own and asks no name service. */
function mainCf(directory: string): Record<string, string> {
  return {
    compatibility_level: '3.6',
    queue_directory: join(directory, 'spool'),
    data_directory: join(directory, 'data'),
    mydestination: '',
    inet_interfaces: '127.0.0.1',
    inet_protocols: 'ipv4',
    mynetworks: '127.0.0.0/8',
    alias_maps: '',
    alias_database: '',
    local_recipient_maps: '',
    biff: 'no',
    smtpd_recipient_restrictions: '',
    smtp_host_lookup: 'native',
    disable_dns_lookups: 'yes',
    smtp_tls_security_level: 'none',
  };
}

function masterCf(services: readonly PostfixService[], clients: NonNullable<PostfixOptions['clients']>): string {
  const options = (settings: Readonly<Record<string, string>>): string =>
    Object.entries(settings)
      .map(([name, value]) => `  -o { ${name} = ${value} }\n`)
      .join('');
  const listening = services.map(
    ({ port, processes = 50, settings = {} }) =>
      `127.0.0.1:${port} inet n - n - ${processes} smtpd\n${options(settings)}`,
  );
  const sending = Object.entries(clients).map(
    ([name, settings]) => `${name} unix - - n - - smtp\n${options(settings)}`,
  );
  return `${listening.join('')}${sending.join('')}${inner}`;
}

const inner = `
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
`;
