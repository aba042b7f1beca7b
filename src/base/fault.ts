import { statuses, type Status } from './status.ts';

/**
 * An unexpected result. The peer is told the status's plain text, the log `detail` and `cause`;
 * policy, paths and names never go to the peer. Whatever is thrown and is no Fault is `local-error`, 451 4.3.0.
 */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly status: Status;
  readonly detail: string;

  constructor(status: Status, detail: string, cause?: unknown) {
    super(`${status.key}: ${detail}`, cause === undefined ? undefined : { cause });
    this.status = status;
    this.detail = detail;
  }
}

/** Any thrown value as a Fault. */
export function asFault(thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown;
  return new Fault(statuses['local-error'], thrown instanceof Error ? thrown.message : String(thrown), thrown);
}
