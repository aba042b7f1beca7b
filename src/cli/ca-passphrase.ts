/** Where the passphrases of the CA's keys come from: a file descriptor, or the terminal. Never the command line or the environment. */
import type { AskPassphrase } from '../admin/custody.ts';
import type { CliContext } from './context.ts';
import { CliError } from './exit.ts';
import { readPassphrase } from './files.ts';
import { fill } from './messages/choose.ts';
import type { Messages } from './messages/en.ts';
import { askNewSecret, askSecret } from './prompt.ts';

/** Wrong answers on a terminal before a command gives up. */
const TRIES = 3;

/** Asks on the terminal; undefined when there is none, and after some wrong answers. */
export function askCaPassphrase(messages: Messages): AskPassphrase {
  return async (what, wrongBefore) => {
    if (wrongBefore >= TRIES) return undefined;
    const question = fill(messages, what === 'keys' ? 'ca.ask.keys' : 'ca.ask.export', {});
    try {
      return await askSecret(
        { messages },
        wrongBefore === 0 ? question : `${fill(messages, 'ca.ask.wrong', {})} ${question}`,
      );
    } catch (error) {
      if (error instanceof CliError && wrongBefore === 0 && error.cause !== undefined) return undefined; // no terminal
      throw error;
    }
  };
}

/** The passphrase of a key that is there: by the descriptor, once; else asked for. */
export function givenOrAsked(context: CliContext, descriptor: number | undefined): AskPassphrase {
  if (descriptor === undefined) return askCaPassphrase(context.messages);
  let given: string | undefined = readPassphrase(context, descriptor);
  return (_what, wrongBefore) => {
    const now = wrongBefore === 0 ? given : undefined;
    if (wrongBefore > 0) given = undefined;
    return Promise.resolve(now);
  };
}

/** A new passphrase: by the descriptor, else asked for twice. Rejects with a CliError when it is too short. */
export async function newPassphrase(context: CliContext, descriptor: number | undefined): Promise<string> {
  const passphrase =
    descriptor === undefined
      ? await askNewSecret(context, context.messages['ca.ask.new'], context.messages['ca.ask.again'])
      : readPassphrase(context, descriptor);
  if (passphrase.length < SHORTEST || /[^\x20-\x7e]/.test(passphrase))
    throw new CliError('usage', fill(context.messages, 'error.caPassphrase', { least: SHORTEST }));
  return passphrase;
}

/** Whoever has the file can try for as long as they like. */
const SHORTEST = 12;
