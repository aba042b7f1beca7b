import type { Cancel, Clock, Ms } from '../../base/clock.ts';
import type { Channel } from './channel.ts';

export interface PoolSettings {
  /** How long an idle connection is kept. */
  readonly idleTime: Ms;
  /** Transactions over one connection. */
  readonly messagesPerConnection: number;
}

/** Idle connections over all destinations; the one that waits longest makes room. */
const IDLE_LIMIT = 500;

/**
 * Connections kept for the next message. A key stands for host, port, TLS requirement and identity: what differs in
 * any of them never shares a connection. The latest one is taken first, so that a few stay warm and the rest expire.
 */
export class ConnectionPool {
  readonly #clock: Clock;
  readonly #settings: PoolSettings;
  readonly #byKey = new Map<string, Channel[]>();
  /** In the order in which they became idle, which is the order in which they expire. */
  readonly #idle = new Set<Channel>();
  #cancelSweep: Cancel | undefined;

  constructor(clock: Clock, settings: PoolSettings) {
    this.#clock = clock;
    this.#settings = settings;
  }

  get size(): number {
    return this.#idle.size;
  }

  /** An idle connection, which is the caller's from now on. */
  take(key: string): Channel | undefined {
    const channel = this.#byKey.get(key)?.at(-1);
    if (channel !== undefined) this.#remove(channel);
    return channel;
  }

  /** Takes a connection back: keeps it, or ends it when it has done enough. */
  put(channel: Channel): void {
    if (!channel.usable || channel.transactions >= this.#settings.messagesPerConnection || this.#settings.idleTime <= 0)
      return channel.quit();
    channel.idleSince = this.#clock.monotonic();
    channel.onGone = (gone) => this.#remove(gone);
    this.#idle.add(channel);
    const { key } = channel.target;
    const same = this.#byKey.get(key);
    if (same === undefined) this.#byKey.set(key, [channel]);
    else same.push(channel);
    if (this.#idle.size > IDLE_LIMIT) this.#oldest()?.quit();
    this.#cancelSweep ??= this.#clock.after(this.#settings.idleTime, () => this.#sweep());
  }

  /** Ends all idle connections. */
  close(): void {
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
    for (const channel of this.#idle) channel.quit();
  }

  #sweep(): void {
    this.#cancelSweep = undefined;
    const { idleTime } = this.#settings;
    const now = this.#clock.monotonic();
    for (let oldest = this.#oldest(); oldest !== undefined; oldest = this.#oldest()) {
      const left = oldest.idleSince + idleTime - now;
      if (left > 0) {
        this.#cancelSweep = this.#clock.after(left, () => this.#sweep());
        return;
      }
      oldest.quit();
    }
  }

  #oldest(): Channel | undefined {
    for (const channel of this.#idle) return channel;
    return undefined;
  }

  #remove(channel: Channel): void {
    channel.onGone = undefined;
    this.#idle.delete(channel);
    const { key } = channel.target;
    const same = this.#byKey.get(key);
    if (same === undefined) return;
    const at = same.lastIndexOf(channel);
    if (at >= 0) same.splice(at, 1);
    if (same.length === 0) this.#byKey.delete(key);
  }
}
