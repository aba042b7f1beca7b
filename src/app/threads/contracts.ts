/** What the main thread and the threads it starts say to each other. Types and method tables only: no thread's code. */
import type { MessagePort } from 'node:worker_threads';
import type { Ms } from '../../base/clock.ts';
import type { RelayEvent } from '../../base/event.ts';
import type { Id } from '../../base/id.ts';
import type { Config } from '../../config/schema.ts';
import type { RenewedContexts } from '../../platform/net/client-contexts.ts';
import type { TlsMaterial } from '../../platform/net/tls-contexts.ts';
import type { ListenerSettings } from '../../relay/connection/connection.ts';
import type { DeliverySettings } from '../../relay/delivery/settings.ts';
import type { ForeignSnapshot } from '../../relay/identity/foreign.ts';
import type { HolderChange } from '../../relay/identity/holders.ts';
import type { PolicySource } from '../policy.ts';
import type { Methods } from './rpc.ts';

const call = { kind: 'call' } as const;

/** An event and when it happened. */
export type TimedEvent = readonly [at: Ms, event: RelayEvent];

/** Where threads send events, many at a time. */
export interface EventDesk {
  tell(events: readonly TimedEvent[]): void;
}

export const eventMethods: Methods<EventDesk> = { tell: { kind: 'tell' } };

/** What a front thread starts with. */
export interface FrontStart {
  /** Its number among those who mint ids, 0 to 31. */
  readonly writer: number;
  readonly firstId: Id;
  readonly config: Config;
  readonly directory: string;
  readonly contents: string;
  readonly counts: SharedArrayBuffer;
  /** Wrong passwords, likewise over all front threads. */
  readonly guesses: SharedArrayBuffer;
  readonly material: TlsMaterial;
  /** The database, for looking up holders. */
  readonly database: string;
  /** Names of our own issuing CAs. */
  readonly issuers: readonly string[];
  readonly foreign: ForeignSnapshot;
  readonly policy: PolicySource;
  /** A way to the spool thread. */
  readonly spool: MessagePort;
  /** Where the main thread calls FrontControl. */
  readonly control: MessagePort;
  /** Where events go. */
  readonly events: MessagePort;
}

export interface Listening {
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

/** What the main thread asks of a front thread. */
export interface FrontControl {
  listen(listeners: readonly ListenerSettings[]): Promise<readonly Listening[]>;
  /**
   * Resolves when every session here knows, and those whose certificate counts no more are ended; gives their number.
   * `material`: with new ticket keys, when something was withdrawn.
   */
  holders(change: HolderChange, material: TlsMaterial | undefined): Promise<number>;
  /** Passwords changed: those sessions whose login counts no more are ended. */
  passwords(): Promise<number>;
  material(material: TlsMaterial): Promise<void>;
  /** Resolves when every session here knows, and those whose CA counts no more are ended. */
  foreign(snapshot: ForeignSnapshot, material: TlsMaterial): Promise<number>;
  policy(source: PolicySource): Promise<void>;
  config(config: Config): Promise<void>;
  /** Sessions that are open here. */
  sessions(): Promise<number>;
  /** Accepts no more; resolves when the last session has ended, or was ended after `grace` ms. */
  drain(grace: number): Promise<void>;
}

export const frontMethods: Methods<FrontControl> = {
  listen: call,
  holders: call,
  passwords: call,
  material: call,
  foreign: call,
  policy: call,
  config: call,
  sessions: call,
  drain: call,
};

/** What the delivery thread starts with. */
export interface DeliveryStart {
  readonly writer: number;
  readonly firstId: Id;
  readonly config: Config;
  readonly directory: string;
  readonly contents: string;
  /** Where our own listeners are, so that mail is not sent to ourselves. */
  readonly ownAddresses: DeliverySettings['ownAddresses'];
  /** The access map has something to say of next hops too. */
  readonly policy: PolicySource;
  readonly spool: MessagePort;
  readonly ring: MessagePort;
  readonly control: MessagePort;
  readonly events: MessagePort;
}

export interface DeliveryControl {
  start(): Promise<void>;
  /** Starts nothing more, waits up to `grace` ms for what is under way, gives up the lanes. */
  stop(grace: number): Promise<void>;
  /** Destinations that did not answer may be tried again at once. */
  retry(): Promise<void>;
  /** Makes changed certificate files of routes count for new connections. */
  renewContexts(): Promise<RenewedContexts>;
  policy(source: PolicySource): Promise<void>;
}

export const deliveryMethods: Methods<DeliveryControl> = {
  start: call,
  stop: call,
  retry: call,
  renewContexts: call,
  policy: call,
};
