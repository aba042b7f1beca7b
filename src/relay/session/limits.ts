import type { Ms } from '../../base/clock.ts';
import type { ServerLimits } from '../../protocol/smtp/server.ts';

/** Limits of sessions, by listener role; all from the configuration. */
export interface SessionLimits extends ServerLimits {
  /** Header section of a message, octets. */
  readonly header: number;
  /** Received: lines before a message counts as looping (RFC 5321 §6.3: at least 100). */
  readonly hops: number;
  /** A session's whole life. */
  readonly sessionTime: Ms;
  /** Connections at once, in this thread. */
  readonly connections: number;
  /** Connections at once from one address (IPv6: from one /64), over all front threads. */
  readonly connectionsByAddress: number;
  /** The TLS handshake, from 220 (or accept) to done. */
  readonly handshakeTime: Ms;
  /** Content up to this size travels and is stored in the row; larger goes to a file. Octets. */
  readonly inlineContent: number;
}
