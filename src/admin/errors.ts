/** What kind of failure an operation met; each face turns it into its own code once (CLI exit code, HTTP status). */
export type OperationErrorKind = 'usage' | 'not-found' | 'conflict' | 'configuration' | 'failed';

/** An operation that could not be done, in words for the operator. */
export class OperationError extends Error {
  override readonly name = 'OperationError';
  readonly kind: OperationErrorKind;
  /** What to do about it; undefined when the message says it all. */
  readonly hint: string | undefined;

  constructor(kind: OperationErrorKind, message: string, hint?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
    this.hint = hint;
  }
}
