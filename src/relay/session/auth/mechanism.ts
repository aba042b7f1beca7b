/** What an AUTH mechanism (RFC 4954) is: data and pure functions. The session carries the exchange, the engine the lines. */
import type { StatusKey } from '../../../base/status.ts';
import type { Principal } from '../../identity/principal.ts';

/** What a mechanism may know of the peer. */
export interface AuthFacts {
  readonly principal: Principal;
  /** TLS is up. */
  readonly secured: boolean;
}

/** The next step of an exchange. */
export type AuthStep =
  | { readonly kind: 'challenge'; readonly challenge: Uint8Array }
  | { readonly kind: 'success'; readonly identity: string }
  | { readonly kind: 'failure'; readonly status: StatusKey; readonly reason: string };

/** One exchange under way. */
export interface AuthExchange {
  /** The peer's next response, decoded. */
  respond(response: Uint8Array): AuthStep;
}

export interface Mechanism {
  /** As in EHLO, upper case. */
  readonly name: string;
  /** Whether it is worth offering to this peer now. */
  offered(facts: AuthFacts): boolean;
  /** Starts an exchange; `first` is its first step: to the initial response if there was one, else the first challenge. */
  start(
    facts: AuthFacts,
    initial: Uint8Array | undefined,
  ): { readonly exchange: AuthExchange; readonly first: AuthStep };
}
