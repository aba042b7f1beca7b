/** The way to a signer: a child process with Node's permission model on, or a socket behind which systemd starts one. */
import { spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { authorityFiles } from '../ca/setup.ts';

/** One connection to one signer process. */
export interface SignerLink {
  /** Undefined when it is not our child. */
  readonly pid: number | undefined;
  write(bytes: Uint8Array): void;
  /** Lets the signer finish what it was given; it ends with its input. */
  end(): void;
  /** Ends it at once. */
  kill(): void;
}

export interface LinkListener {
  heard(bytes: Uint8Array): void;
  /** Nothing comes after it. `why` is for the operator. */
  over(why: string): void;
}

/** How to start the signer: Node's options, the program, and its own arguments. Code and files it may read are in it: nothing else of the disk is open to it. */
export function signerArguments(directory: string, passphraseFile?: string): string[] {
  const entry = fileURLToPath(
    new URL(import.meta.url.endsWith('.ts') ? './signer.ts' : './signer.js', import.meta.url),
  );
  const code = dirname(dirname(realpathSync(entry)));
  const readable = [
    ...['app', 'base', 'ca', 'protocol'].map((folder) => join(code, folder, '*')),
    ...[authorityFiles.rootCertificate, authorityFiles.issuingCertificate, authorityFiles.issuingKey].map((path) =>
      join(directory, path),
    ),
    ...(passphraseFile === undefined ? [] : [passphraseFile]),
  ];
  return [
    '--permission',
    ...readable.map((path) => `--allow-fs-read=${path}`),
    '--disable-warning=SecurityWarning',
    realpathSync(entry),
    directory,
    ...(passphraseFile === undefined ? [] : [passphraseFile]),
  ];
}

/** A signer of our own. */
export function spawnSigner(directory: string, listener: LinkListener): SignerLink {
  // The environment stays behind: NODE_OPTIONS and the like could open what the permissions close.
  const child = spawn(process.execPath, signerArguments(directory), {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {},
    cwd: '/',
  });
  let errorText = '';
  child.stdout.on('data', (bytes: Buffer) => listener.heard(bytes));
  child.stderr.on('data', (bytes: Buffer) => {
    errorText = (errorText + bytes.toString('latin1')).slice(-2000);
  });
  child.stdin.on('error', () => {}); // 'close' tells the same, with the reason
  child.on('error', (error) => listener.over(`the signer cannot be started: ${error.message}`));
  child.on('close', (code, signal) =>
    listener.over(`the signer ended (${signal ?? `exit code ${code}`}) ${errorText.trim()}`.trim()),
  );
  return {
    pid: child.pid,
    write: (bytes) => void child.stdin.write(bytes),
    end: () => void child.stdin.end(),
    kill: () => void child.kill('SIGKILL'),
  };
}

/** A signer behind a Unix socket that somebody else holds: another user's, whose files we cannot read. */
export function connectSigner(path: string, listener: LinkListener): SignerLink {
  const socket = connect(path);
  let connected = false;
  let detail: string | undefined;
  socket.on('connect', () => (connected = true));
  socket.on('data', (bytes: Buffer) => listener.heard(bytes));
  socket.on('error', (error) => (detail = error.message));
  socket.on('close', () =>
    listener.over(
      connected
        ? `the signer behind ${path} ended; its own log says why`
        : `the signer cannot be reached at ${path} (ca.signer): ${detail ?? 'no connection'}`,
    ),
  );
  return {
    pid: undefined,
    write: (bytes) => void socket.write(bytes),
    end: () => void socket.end(),
    kill: () => void socket.destroy(),
  };
}
