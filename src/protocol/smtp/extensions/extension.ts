import type { MailParameters, RecipientParameters } from '../server-event.ts';

/** What a server knows when it answers EHLO. */
export interface Announcement {
  /** Octets, counts: the server's limits. */
  readonly messageSize: number;
  readonly recipients: number;
  readonly messages: number;
  /** TLS can be started now. */
  readonly starttls: boolean;
  /** AUTH mechanisms that can be used now. */
  readonly auth: readonly string[];
  /** EXPN tells something. */
  readonly expn: boolean;
}

/** Parameters while they are read. */
export type Draft<P> = { -readonly [K in keyof P]: P[K] };

/** A parameter of MAIL or RCPT (RFC 5321 §4.1.1.11). */
export interface ParameterRule<P> {
  /** Upper case. */
  readonly keyword: string;
  /** Puts what stands behind `=` (undefined: no `=`) into the draft; false when it is no good value. */
  read(value: string | undefined, draft: Draft<P>): boolean;
  /** What to write behind `=`; '' for the keyword alone, undefined for no parameter at all. */
  write(parameters: P): string | undefined;
}

/** A service extension (RFC 5321 §2.2). Its verbs are in `command.ts` and its doings in the engines; this is what it says and reads. */
export interface Extension {
  readonly keyword: string;
  /** What stands behind the keyword in the reply to EHLO, '' for nothing; undefined: not offered now. */
  announce(facts: Announcement): string | undefined;
  readonly mail?: readonly ParameterRule<MailParameters>[];
  readonly recipient?: readonly ParameterRule<RecipientParameters>[];
  /** Octets by which its parameters lengthen the MAIL and RCPT lines (RFC 5321 §4.5.3.1.4). */
  readonly mailOctets?: number;
  readonly recipientOctets?: number;
}
