import type { Address } from './address.ts';

/** DSN's NOTIFY (RFC 3461 §4.1); undefined means the parameter was not given. */
export type Notify = 'never' | readonly ('success' | 'failure' | 'delay')[];

export type BodyType = '7BIT' | '8BITMIME' | 'BINARYMIME';

/** Parameters of MAIL, each undefined when not given. */
export interface MailParameters {
  /** SIZE (RFC 1870), octets. */
  readonly size: number | undefined;
  /** BODY (RFC 6152, RFC 3030). */
  readonly body: BodyType;
  /** SMTPUTF8 (RFC 6531). */
  readonly smtputf8: boolean;
  /** RET (RFC 3461 §4.3). */
  readonly ret: 'FULL' | 'HDRS' | undefined;
  /** ENVID (RFC 3461 §4.4), xtext decoded. */
  readonly envid: string | undefined;
  /** AUTH= (RFC 4954 §5), xtext decoded; '<>' for none. */
  readonly auth: string | undefined;
}

/** Parameters of RCPT. */
export interface RecipientParameters {
  readonly notify: Notify | undefined;
  /** ORCPT (RFC 3461 §4.2) as `type;address`, still xtext encoded, as it is passed on. */
  readonly orcpt: string | undefined;
}

/**
 * What the peer did. A *question* stays open until `answer(reply)`; while one is open `next()` gives undefined.
 * Commands out of order, of bad syntax or over a limit never become events: the engine answers those itself.
 */
export type ServerEvent =
  /** Question. A 2xx answer to EHLO is completed with the keywords by the engine. */
  | { readonly kind: 'hello'; readonly verb: 'HELO' | 'EHLO'; readonly client: string }
  /** Question. After a 220 answer: flush output(), do the handshake, then secured() or failed to be closed. */
  | { readonly kind: 'starttls' }
  /** Question. Answer 334 to go on, 235 for success, anything else ends the exchange. `initial` undefined: none was sent; length 0: "=" was sent. */
  | { readonly kind: 'auth'; readonly mechanism: string; readonly initial: Uint8Array | undefined }
  /** Question. The peer's next line of an AUTH exchange, decoded. ("*" and bad base64 the engine answers itself, and tells by 'auth-ended'.) */
  | { readonly kind: 'auth-response'; readonly response: Uint8Array }
  /** Note. The AUTH exchange ended without a decision. */
  | { readonly kind: 'auth-ended' }
  /** Question. What VRFY or EXPN asks for, as typed; only where the manner shows it. */
  | { readonly kind: 'verify'; readonly verb: 'VRFY' | 'EXPN'; readonly text: string }
  /** Question. `address` undefined is the null reverse-path. `typed` is what stood between `MAIL FROM:` and the parameters, angle brackets included. */
  | {
      readonly kind: 'mail';
      readonly address: Address | undefined;
      readonly typed: string;
      /** In Sendmail's dialect: `typed` is no path of our grammar, and `address` none of its meaning. */
      readonly unread?: boolean;
      readonly parameters: MailParameters;
    }
  /** Question. `address.domain` is '' for `<postmaster>`. */
  | {
      readonly kind: 'recipient';
      readonly address: Address;
      readonly typed: string;
      readonly unread?: boolean;
      readonly parameters: RecipientParameters;
    }
  /** Question, before any content: answer 354 for DATA (BDAT has no such reply: answer `start-mail` and nothing is sent), or refuse. A refused BDAT chunk is swallowed and the refusal sent after it. */
  | { readonly kind: 'content-start'; readonly verb: 'DATA' | 'BDAT' }
  /** Note. Bytes of content, dots removed; a view that is valid until the next receive(): copy to keep. */
  | { readonly kind: 'content'; readonly bytes: Uint8Array }
  /** Question. All content is there; `size` octets. */
  | { readonly kind: 'content-end'; readonly size: number }
  /** Note. Content, or a chunk of it, was refused by the engine (bare line end, too big): the message is off, throw away what came. The reply is queued. May come without `content-start`. */
  | { readonly kind: 'content-refused'; readonly reply: string }
  /** Note. The transaction is over without content: RSET, a new EHLO. */
  | { readonly kind: 'reset' }
  /** Note. A command that the engine refused on its own (syntax, order, limit); for the log. */
  | { readonly kind: 'refused'; readonly command: string; readonly reply: string }
  /** Note, the last event. The engine wants the connection closed after output() is flushed. */
  | { readonly kind: 'close'; readonly reason: 'quit' | 'fault' | 'peer-closed' | 'told'; readonly reply: string };
