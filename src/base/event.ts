import type { Id } from './id.ts';
import type { Ms } from './clock.ts';

/** Who a peer is, in the words that events carry: holder and serial where a certificate was shown. */
export interface EventPeer {
  /** Session id: unique for the life of the process, the same in all events of one connection. */
  readonly session: string;
  readonly address: string;
  /** Name and address as a Received: line has them: `host.example.net [192.0.2.1]`; the address alone until the name is known. */
  readonly client: string;
  /** `OK`, `NO`, `NOT`, `FAIL`, or '' without TLS: Sendmail's ${verify}. */
  readonly verify: string;
  readonly holder: string | undefined;
  /** Serial number of the certificate, lower-case hexadecimal. */
  readonly serial: string | undefined;
}

/**
 * What is worth telling. Logs, metrics and live views are all made from these; `relay` and `ca` tell the world
 * nothing else. No message content and no secret is ever in one. `at` is filled in by the sink.
 */
export type RelayEvent =
  // Sessions
  | { readonly kind: 'connected'; readonly peer: EventPeer; readonly listener: string }
  | {
      readonly kind: 'secured';
      readonly peer: EventPeer;
      readonly version: string;
      readonly cipher: string;
      /** Secret bits of the cipher. */
      readonly bits: number;
      readonly resumed: boolean;
      readonly subject: string | undefined;
      readonly issuer: string | undefined;
      readonly reason: string | undefined;
    }
  | { readonly kind: 'handshake-failed'; readonly peer: EventPeer; readonly detail: string }
  | {
      readonly kind: 'authenticated';
      readonly peer: EventPeer;
      readonly mechanism: string;
      readonly identity: string;
      /** Id of the password that it was. */
      readonly password?: string | undefined;
    }
  | {
      readonly kind: 'disconnected';
      readonly peer: EventPeer;
      readonly reason: string;
      readonly messages: number;
      readonly span: Ms;
    }
  // Decisions
  | {
      readonly kind: 'refused';
      readonly peer: EventPeer;
      readonly stage: 'connect' | 'hello' | 'starttls' | 'auth' | 'mail' | 'recipient' | 'content';
      readonly reply: string;
      /** Of the message that was begun, if one was. */
      readonly id: Id | undefined;
      readonly reversePath: string | undefined;
      readonly recipient: string | undefined;
      readonly rule: string | undefined;
    }
  | {
      readonly kind: 'accepted';
      readonly peer: EventPeer;
      readonly listener: string;
      /** The word behind `with` in its Received: line. */
      readonly protocol: string;
      readonly id: Id;
      readonly reversePath: string;
      readonly recipients: readonly string[];
      readonly size: number;
      readonly messageId: string | undefined;
      readonly rule: string | undefined;
    }
  | {
      readonly kind: 'discarded';
      readonly peer: EventPeer;
      readonly listener: string;
      readonly protocol: string;
      readonly id: Id;
      readonly size: number;
      readonly reversePath: string;
      readonly recipients: readonly string[];
      readonly rule: string | undefined;
    }
  // Deliveries
  | {
      readonly kind: 'attempted';
      readonly id: Id;
      readonly recipient: string;
      readonly hop: string | undefined;
      readonly outcome: 'delivered' | 'deferred' | 'failed' | 'expired';
      readonly status: string;
      readonly remote: string | undefined;
      readonly tls: string | undefined;
      readonly attempts: number;
      readonly delay: Ms;
      readonly nextAt: Ms | undefined;
      readonly holder: string | undefined;
      readonly serial: string | undefined;
    }
  | { readonly kind: 'settled'; readonly id: Id }
  | {
      readonly kind: 'notified';
      readonly id: Id;
      readonly about: Id;
      readonly to: string;
      readonly action: 'failed' | 'delayed' | 'delivered' | 'relayed' | 'expanded';
    }
  /** Mail of our own: a reminder, a report of the CA. */
  | { readonly kind: 'announced'; readonly id: Id; readonly to: string; readonly subject: string }
  // Certificates
  | {
      readonly kind: 'issued';
      readonly serial: string;
      readonly holder: string;
      readonly profile: string;
      readonly subject: string;
      readonly notAfter: Ms;
    }
  | { readonly kind: 'revoked'; readonly serial: string; readonly holder: string; readonly reason: string }
  // The program
  | { readonly kind: 'started'; readonly listeners: readonly string[]; readonly version: string }
  | { readonly kind: 'reloaded'; readonly what: string }
  | { readonly kind: 'stopping'; readonly signal: string }
  | {
      readonly kind: 'queue-changed';
      readonly action: 'hold' | 'release' | 'retry' | 'remove';
      readonly ids: readonly Id[];
      readonly by: string;
    }
  /** Something is wrong and no peer's fault; `detail` is for the operator. */
  | { readonly kind: 'trouble'; readonly where: string; readonly detail: string };

export type EventLevel = 'debug' | 'info' | 'warn' | 'error';

/** Takes events; never throws, never waits. */
export interface EventSink {
  /** `at` is when it happened, for an event that comes from another thread; undefined: now. */
  tell(event: RelayEvent, at?: Ms): void;
}

/** How loud each kind is. */
export function eventLevel(event: RelayEvent): EventLevel {
  switch (event.kind) {
    case 'connected':
    case 'disconnected':
    case 'settled':
      return 'debug';
    case 'attempted':
      return event.outcome === 'delivered' ? 'info' : 'warn';
    case 'refused':
    case 'handshake-failed':
    case 'discarded':
      return 'warn';
    case 'trouble':
      return 'error';
    default:
      return 'info';
  }
}

const LOUDNESS: Readonly<Record<EventLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Whether events of this level are told when `least` is asked for. */
export function isLoud(level: EventLevel, least: EventLevel): boolean {
  return LOUDNESS[level] >= LOUDNESS[least];
}
