import type { Reply } from './reply.ts';
import type { ServerEvent } from './server-event.ts';

/** What the engine may take and say; octets and counts. From the configuration, by listener. */
export interface ServerLimits {
  /** Command line with CRLF; parameters of extensions extend it as their RFCs say (RFC 5321 §4.5.3.1.4: 512). */
  readonly commandLine: number;
  /** One line of an AUTH exchange (RFC 4954 §4: 12,288). */
  readonly authLine: number;
  /** Content of one message, as SIZE tells it (RFC 1870). */
  readonly messageSize: number;
  readonly recipients: number;
  readonly messagesPerSession: number;
  /** Refused commands before 421. */
  readonly errors: number;
  /** Commands between two messages before 421. */
  readonly idleCommands: number;
  /** Bytes buffered while a question is open, before 421. */
  readonly buffer: number;
}

/** What EHLO offers now; the session changes it with what it knows (TLS, verdict, mechanisms). */
export interface ServerOffer {
  readonly starttls: boolean;
  /** AUTH mechanisms, empty: no AUTH keyword. */
  readonly auth: readonly string[];
}

/** What is said about TLS when it is up. */
export interface SecuredFacts {
  readonly version: string;
}

/**
 * The server's half of an SMTP conversation: bytes in, events and bytes out; no socket, clock or promise.
 * The session (`relay/session/session.ts`) is the only caller. See ARCHITECTURE §4 for its seven properties.
 */
export interface ServerEngine {
  /** Queues the greeting (220, or a 4xx/5xx that ends or cripples the session, RFC 5321 §3.1). Call first. */
  greet(reply: Reply): void;
  /** Bytes from the peer, cut anywhere. The engine may keep a view until the next call. */
  receive(bytes: Uint8Array): void;
  /** The next event, or undefined: nothing more, or a question is open. */
  next(): ServerEvent | undefined;
  /** The decision on the one open question. Throws only when no question is open (a bug of the caller). */
  answer(reply: Reply): void;
  /** What EHLO offers from now on. */
  offer(offer: ServerOffer): void;
  /** TLS is up; all that came before it, the peer's EHLO included, is forgotten (RFC 3207 §4.2). */
  secured(facts: SecuredFacts): void;
  /** Ends the session from our side with this reply (421). */
  close(reply: Reply): void;
  /** The peer closed its side. */
  ended(): void;
  /** What to send now; empty when nothing. */
  output(): Uint8Array;
  /** Milliseconds the peer may now stay silent (RFC 5321 §4.5.3.2). */
  readonly patience: number;
}
