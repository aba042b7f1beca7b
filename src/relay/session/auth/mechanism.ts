/** What an AUTH mechanism (RFC 4954) is. The session carries the exchange, the engine the lines. */
import type { StatusKey } from '../../../base/status.ts';
import type { ChannelBinding } from '../../connection/connection.ts';
import type { Principal } from '../../identity/principal.ts';
import type { PasswordLogins } from './password.ts';

/** What a mechanism may know of the peer. */
export interface AuthFacts {
  readonly principal: Principal;
  /** TLS is up. */
  readonly secured: boolean;
  readonly address: string;
  /** In Sendmail's place clients may name themselves as they like; nothing is decided by it. */
  readonly anyIdentity?: boolean;
  /** Whether the configuration lets this mechanism be offered. */
  configured?(mechanism: string): boolean;
  /** Undefined where passwords are not taken. */
  readonly passwords?: PasswordLogins | undefined;
  /** Of this TLS session; computed when asked. Undefined without TLS, or where it has none of this kind. */
  binding?(type: ChannelBinding): Uint8Array | undefined;
}

/** The next step of an exchange. `reason` is for the peer, `detail` for the log; neither has a secret in it. */
export type AuthStep =
  | { readonly kind: 'challenge'; readonly challenge: Uint8Array }
  | {
      readonly kind: 'success';
      readonly identity: string;
      /** Undefined: nobody on record with us. */
      readonly holder: string | undefined;
      /** Id of the password that it was; undefined: it was none. */
      readonly password?: string | undefined;
    }
  | { readonly kind: 'failure'; readonly status: StatusKey; readonly reason: string; readonly detail?: string };

/** One exchange under way. */
export interface AuthExchange {
  /** The peer's next response, decoded. */
  respond(response: Uint8Array): AuthStep | Promise<AuthStep>;
}

export interface Mechanism {
  /** As in EHLO, upper case. */
  readonly name: string;
  /** It proves a password: offered once there is any, and under TLS. */
  readonly password: boolean;
  /** Whether it is worth offering to this peer now, apart from what the configuration says. */
  offered(facts: AuthFacts): boolean;
  /** Starts an exchange; `first` is its first step: to the initial response if there was one, else the first challenge. */
  start(
    facts: AuthFacts,
    initial: Uint8Array | undefined,
  ): { readonly exchange: AuthExchange; readonly first: AuthStep | Promise<AuthStep> };
}

/** What a response that is none of its mechanism's leads to. */
export const malformed: AuthStep = { kind: 'failure', status: 'auth-malformed', reason: '' };

export const nothing: Uint8Array = new Uint8Array(0);
