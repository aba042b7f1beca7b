/** Runs one command line: the edge between the process and the commands. */
import { proposeCompletions, run } from '@stricli/core';
import { PROPOSE } from './commands/completion.ts';
import { type CliContext, type CliStream, type Reach, hasColour } from './context.ts';
import { exits } from './exit.ts';
import { messagesFor } from './messages/choose.ts';
import type { Messages } from './messages/en.ts';
import { sealpost } from './program.ts';

/** The part of the process that commands see. */
export interface CliProcess {
  readonly stdout: CliStream;
  readonly stderr: CliStream;
  readonly env: Readonly<Partial<Record<string, string>>>;
  readonly root: boolean;
  readonly workingDirectory: string;
  /** Made when the language is known. */
  reach(messages: Messages): Reach;
}

/** Gives the exit code. Never rejects. */
export async function runCli(argv: readonly string[], machine: CliProcess): Promise<number> {
  const messages = messagesFor(machine.env);
  const { directory, inputs } = leadingDirectory(argv);
  const streams: { stdout: CliStream; stderr: CliStream; env: CliProcess['env']; exitCode?: number | string | null } = {
    stdout: machine.stdout,
    stderr: machine.stderr,
    env: machine.env,
  };
  const context: CliContext = {
    process: streams,
    messages,
    directory,
    root: machine.root,
    workingDirectory: machine.workingDirectory,
    reach: machine.reach(messages),
  };
  const colour = hasColour(machine.stdout, machine.env) && hasColour(machine.stderr, machine.env);
  const program = sealpost(messages, { root: machine.root, colour });
  if (inputs[0] === PROPOSE) {
    const proposals = await proposeCompletions(program, inputs.slice(1), context);
    machine.stdout.write(proposals.map(({ completion, brief }) => `${completion}\t${brief}\n`).join(''));
    return exits.ok;
  }
  await run(program, inputs, context);
  return exitCode(streams.exitCode);
}

/** stricli's own codes are below zero; all of them but two are about the command line. */
function exitCode(code: number | string | null | undefined): number {
  const number = Number(code ?? 0);
  if (number >= 0) return number;
  return number === -4 || number === -5 ? exits.usage : exits.failed;
}

/** -d may stand before the command, too. */
function leadingDirectory(argv: readonly string[]): {
  readonly directory: string | undefined;
  readonly inputs: readonly string[];
} {
  const [first, second] = argv;
  if ((first === '-d' || first === '--directory') && second !== undefined)
    return { directory: second, inputs: argv.slice(2) };
  if (first?.startsWith('--directory='))
    return { directory: first.slice('--directory='.length), inputs: argv.slice(1) };
  return { directory: undefined, inputs: argv };
}
