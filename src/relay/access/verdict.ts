import type { Reply } from '../../protocol/smtp/reply.ts';
import type { StatusKey } from '../../base/status.ts';

/** One look-up or test on the way to a verdict. */
export interface TrailStep {
  /** What was asked, as an operator would write it: `CERTISSUER:/C=JP/…`, `class w: example.net`, `holder alice`. */
  readonly asked: string;
  /** `file:line` that answered, or the configuration key; undefined when nothing answered. */
  readonly source: string | undefined;
  /** The answer; undefined: no entry. */
  readonly answer: string | undefined;
}

export type Trail = readonly TrailStep[];

/**
 * What policy says. `accept` with `relay` true may go anywhere, false is mail for our own domains (or, at connect
 * and MAIL, "go on"). `reject` carries the reply whole. `quarantine` is accepted and put on hold.
 */
export type Verdict =
  | { readonly kind: 'accept'; readonly relay: boolean; readonly trail: Trail }
  | { readonly kind: 'reject'; readonly status: StatusKey; readonly reply: Reply; readonly trail: Trail }
  | { readonly kind: 'discard'; readonly trail: Trail }
  | { readonly kind: 'quarantine'; readonly reason: string; readonly trail: Trail };

export type Rejection = Extract<Verdict, { kind: 'reject' }>;
