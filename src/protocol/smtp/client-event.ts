import type { RemoteReply } from '../../base/outcome.ts';
import type { StatusKey } from '../../base/status.ts';
import type { BodyType, Notify } from './server-event.ts';

/** One recipient of a transaction we start. */
export interface ClientRecipient {
  /** `local@domain`, quoted where needed; without angle brackets. */
  readonly address: string;
  readonly notify: Notify | undefined;
  /** `type;address`, xtext encoded, as it came. */
  readonly orcpt: string | undefined;
}

/** What MAIL and RCPT say. Parameters are sent where the server offers them. */
export interface ClientTransaction {
  /** '' is the null reverse-path. */
  readonly reversePath: string;
  readonly recipients: readonly ClientRecipient[];
  readonly body: BodyType;
  readonly smtputf8: boolean;
  readonly ret: 'FULL' | 'HDRS' | undefined;
  /** Not encoded. */
  readonly envid: string | undefined;
  /** Octets of the content, dots not doubled. */
  readonly size: number;
}

/** What became of one recipient. */
export type RecipientResult =
  /** The server took responsibility: its reply to the end of content. */
  | { readonly kind: 'delivered'; readonly reply: RemoteReply }
  /** A 4xx or 5xx reply, at whatever stage (`reply.command`). */
  | { readonly kind: 'refused'; readonly reply: RemoteReply }
  /** Never offered to the server: it lacks what the message needs, or the address cannot be written down. */
  | { readonly kind: 'unsupported'; readonly status: StatusKey }
  /** The connection ended first. `ambiguous`: all content was sent, so the server may have taken it. */
  | { readonly kind: 'lost'; readonly status: StatusKey; readonly detail: string; readonly ambiguous: boolean };

export type ClientEvent =
  /** EHLO (or HELO) was accepted: `capabilities` are there, a transaction may start. Comes again after secured(). */
  | { readonly kind: 'ready' }
  /** STARTTLS was accepted. Once next() has no more: do the handshake, then secured(). */
  | { readonly kind: 'secure' }
  /** The server asks for the next response of AUTH: give it by authRespond(). Undefined: what it sent is no base64. */
  | { readonly kind: 'auth-challenge'; readonly challenge: Uint8Array | undefined }
  | { readonly kind: 'authenticated'; readonly reply: RemoteReply }
  /** The server refuses this step; after `starttls` and `auth` the conversation may go on in clear or unauthenticated, else only quit() is left. */
  | {
      readonly kind: 'refused';
      readonly stage: 'greeting' | 'hello' | 'starttls' | 'auth';
      readonly reply: RemoteReply;
    }
  /** Hand over content by content(). Comes again after each piece when the server takes one chunk at a time. */
  | { readonly kind: 'content-wanted' }
  /**
   * The transaction is over; one result for each recipient, in their order. `answered` false: the connection ended
   * before MAIL was answered, so that nothing was lost but the connection.
   */
  | { readonly kind: 'done'; readonly results: readonly RecipientResult[]; readonly answered: boolean }
  /** The last event: the connection is of no more use. `reply` is what ended it, if a reply did: a 421, or a refusal amid content. */
  | {
      readonly kind: 'closed';
      readonly status: StatusKey;
      readonly reply: RemoteReply | undefined;
      readonly detail: string;
    };
