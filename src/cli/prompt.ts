/** Questions whose answers nobody may see: asked on the terminal itself, whatever the streams are. */
import { openSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { ReadStream } from 'node:tty';
import type { Messages } from './messages/en.ts';
import { CliError } from './exit.ts';
import { fill } from './messages/choose.ts';

/** One line, not echoed. Throws CliError `usage` when there is no terminal, or the user gave up (Ctrl-C, Ctrl-D). */
export async function askSecret(context: { readonly messages: Messages }, question: string): Promise<string> {
  let descriptor: number;
  try {
    descriptor = openSync('/dev/tty', 'r+');
  } catch (error) {
    throw new CliError('usage', fill(context.messages, 'error.noTerminal', {}), error);
  }
  const terminal = new ReadStream(descriptor);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: terminal, output: silent, terminal: true, historySize: 0 });
  // The terminal echoes no more: only now is the question there to be answered.
  writeSync(descriptor, `${question}: `);
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  lines.once('line', resolve);
  lines.once('SIGINT', () => resolve(undefined));
  lines.once('close', () => resolve(undefined));
  const answer = await promise;
  lines.close();
  writeSync(descriptor, '\n');
  terminal.destroy();
  if (answer === undefined) throw new CliError('usage', fill(context.messages, 'error.gaveUp', {}));
  return answer;
}

/** The same, twice: what cannot be seen is mistyped easily. */
export async function askNewSecret(
  context: { readonly messages: Messages },
  question: string,
  again: string,
): Promise<string> {
  const first = await askSecret(context, question);
  if (first === (await askSecret(context, again))) return first;
  throw new CliError('usage', fill(context.messages, 'error.notAlike', {}));
}
