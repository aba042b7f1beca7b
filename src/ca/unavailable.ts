/** The authority cannot sign now, whatever is asked: the key is locked, missing, unfit, or its signer is not there. */
export class AuthorityUnavailable extends Error {
  override readonly name = 'AuthorityUnavailable';
  /** As operations call it: the faces turn it into their own code. */
  readonly kind = 'unavailable';
  /** What to do about it; undefined when the message says it all. */
  readonly hint: string | undefined;
  /** Whether a passphrase is all that is missing. */
  readonly locked: boolean;

  constructor(
    message: string,
    options: { readonly hint?: string | undefined; readonly locked?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.hint = options.hint;
    this.locked = options.locked ?? false;
  }
}
