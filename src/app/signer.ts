/**
 * The signer: a process that holds the issuing key and does nothing but look at requests, and sign. It is started by
 * signer-link.ts, or by systemd for a connection to its socket, with Node's permission model on: it reads its own code
 * and the authority's files, writes nothing, starts nothing and opens no socket. It loads no package from outside. It
 * speaks on its standard input and output, and ends when its input does.
 *
 * Arguments: the data directory, and a file with the passphrase of the key (a credential of systemd) or nothing. What
 * is opened is never for the other side to say.
 *
 * It must never write anything but frames to its output, nor a key, a passphrase or a request to its error output.
 */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { RequestRefused } from '../ca/refusal.ts';
import { AuthorityUnavailable } from '../ca/unavailable.ts';
import { numberOf, readCall } from './signer-call.ts';
import { SignerDesk } from './signer-desk.ts';
import { encodeFrame, FrameReader, type SignerAnswer } from './signer-frame.ts';
import { firstLine } from './signer-passphrase.ts';

const [directory = '', passphraseFile] = process.argv.slice(2);
const desk = new SignerDesk(
  directory,
  () => Date.now(),
  passphraseFile === undefined ? undefined : () => firstLine(readFileSync(passphraseFile)),
);
const frames = new FrameReader();

process.stdin.on('data', (bytes: Buffer) => {
  for (const value of pushed(bytes)) void answerTo(value);
});
process.stdin.on('end', () => process.exit(0));
process.stdin.on('error', () => process.exit(0)); // the other side was killed
// A terminal's Ctrl-C goes to all processes of its group; the relay still needs its signer while it drains.
process.on('SIGINT', () => {});

function pushed(bytes: Uint8Array): unknown[] {
  try {
    return frames.push(bytes);
  } catch (error) {
    return fail(0, error);
  }
}

async function answerTo(value: unknown): Promise<void> {
  const number = numberOf(value);
  try {
    send(await desk.answer(readCall(value)));
  } catch (error) {
    if (number === 0) fail(0, error);
    else send(failure(number, error));
  }
}

function failure(number: number, error: unknown): SignerAnswer {
  return {
    kind: 'error',
    number,
    message: error instanceof Error ? error.message : String(error),
    section: error instanceof RequestRefused ? error.section : undefined,
    locked: error instanceof AuthorityUnavailable && error.locked,
  };
}

/** The stream or the files are of no use: says why and ends. */
function fail(number: number, error: unknown): never[] {
  process.stdout.write(encodeFrame(failure(number, error)), () => process.exit(1));
  process.stdin.pause();
  return [];
}

function send(value: SignerAnswer): void {
  process.stdout.write(encodeFrame(value));
}
