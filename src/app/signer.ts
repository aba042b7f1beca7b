/**
 * The signer: a process that holds the issuing key and does nothing but look at requests, and sign. It is started by
 * signer-client.ts with Node's permission model on: it reads its own code and the authority's files, writes nothing,
 * starts nothing and opens no socket. It loads no package from outside. It speaks on its standard input and output,
 * and ends when its input does.
 *
 * It must never write anything but frames to its output, nor a key or a request to its error output.
 */
import process from 'node:process';
import type { SigningDoor } from '../ca/authority.ts';
import { localDoor } from '../ca/authority-local.ts';
import { RequestRefused } from '../ca/refusal.ts';
import { readCall } from './signer-call.ts';
import { encodeFrame, FrameReader, type SignerAnswer, type SignerCall } from './signer-frame.ts';
import { loadAuthority } from './signer-keys.ts';

let door: SigningDoor | undefined;
const frames = new FrameReader();

process.stdin.on('data', (bytes: Buffer) => {
  for (const value of pushed(bytes)) void answerTo(value);
});
process.stdin.on('end', () => process.exit(0));
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
  let number = 0;
  try {
    const call = readCall(value);
    if (call.kind !== 'open') number = call.number;
    send(await answer(call));
  } catch (error) {
    if (number === 0) fail(0, error);
    else send(failure(number, error));
  }
}

async function answer(call: SignerCall): Promise<SignerAnswer> {
  if (call.kind === 'open') {
    door = localDoor(loadAuthority(call.settings));
    return { kind: 'opened' };
  }
  if (door === undefined) throw new Error('the signer was asked before it was opened');
  if (call.kind === 'issue') return { kind: 'issued', number: call.number, issued: await door.issue(call.request) };
  return { kind: 'crl', number: call.number, crl: await door.signCrl(call.request) };
}

function failure(number: number, error: unknown): SignerAnswer {
  const message = error instanceof Error ? error.message : String(error);
  return { kind: 'error', number, message, section: error instanceof RequestRefused ? error.section : undefined };
}

/** The stream or the keys are of no use: says why and ends. */
function fail(number: number, error: unknown): never[] {
  process.stdout.write(encodeFrame(failure(number, error)), () => process.exit(1));
  process.stdin.destroy();
  return [];
}

function send(value: SignerAnswer): void {
  process.stdout.write(encodeFrame(value));
}
