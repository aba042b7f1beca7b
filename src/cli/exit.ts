import { Fault } from '../base/fault.ts';

/** Exit codes, and the one translation from errors to them. 69 and 78 are EX_UNAVAILABLE and EX_CONFIG of sysexits.h. */
export const exits = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  conflict: 4,
  unavailable: 69,
  configuration: 78,
} as const;

export type ExitName = keyof typeof exits;

/** An end that was foreseen: `message` is all that the user needs. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exit: ExitName;

  constructor(exit: ExitName, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.exit = exit;
  }
}

/** What operations call their refusals, in exit codes. */
const BY_KIND: Readonly<Record<string, ExitName>> = {
  usage: 'usage',
  'not-found': 'notFound',
  conflict: 'conflict',
  unavailable: 'unavailable',
  configuration: 'configuration',
};

/** The exit of a refusal by its kind; `failed` for all that has no code of its own. */
export function exitOfKind(kind: string): ExitName {
  return Object.hasOwn(BY_KIND, kind) ? (BY_KIND[kind] as ExitName) : 'failed';
}

/** The exit code of anything thrown by a command. */
export function exitCodeOf(thrown: unknown): number {
  return thrown instanceof CliError ? exits[thrown.exit] : exits.failed;
}

/** A refusal of an operation, in this process or told by the relay, as an end that was foreseen. */
export function refusal(kind: string, message: string, hint: string | undefined, cause?: unknown): CliError {
  return new CliError(exitOfKind(kind), hint === undefined ? message : `${message}; ${hint}`, cause);
}

/** What an operation in this process threw: a refusal as a CliError, anything else as it is. */
export function asCliError(thrown: unknown): unknown {
  // A full disk, a port that is taken, a database of a newer version: the detail says all that helps.
  if (thrown instanceof Fault) return new CliError('failed', thrown.detail, thrown);
  if (!(thrown instanceof Error) || !('kind' in thrown) || typeof thrown.kind !== 'string') return thrown;
  return refusal(
    thrown.kind,
    thrown.message,
    'hint' in thrown && typeof thrown.hint === 'string' ? thrown.hint : undefined,
    thrown,
  );
}
