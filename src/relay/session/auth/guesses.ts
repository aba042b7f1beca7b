/**
 * How many wrong passwords are borne: by address, and by the name that is tried, over all front threads. Each has a bucket
 * that one guess fills by one and time empties; as a time (that at which it will be empty) it is a single number, so
 * threads share it by one atomic exchange, and memory does not grow with the number of those who guess.
 *
 * A full bucket of an address ends its guesses, right or wrong. One of a name only does for addresses that guessed wrong
 * already: whoever knows the password is let in at the first try, from wherever the others come.
 */
import type { Ms } from '../../../base/clock.ts';
import { fnv1a } from '../../../base/hash.ts';

export interface GuessLimits {
  /** Wrong passwords from one address within `window`. */
  readonly byAddress: number;
  /** The same for one name, over all addresses. */
  readonly byName: number;
  readonly window: Ms;
}

/** A guess that may be made; it counts as wrong until it is said to be right. */
export interface Guess {
  /** How long the answer waits. */
  wrong(): Ms;
  right(): void;
}

/** 2^18 buckets of 4 octets, and as many octets for what is known good: 2 MiB for all threads. */
const SLOTS = 1 << 18;
const SEED = 4;
const TICK: Ms = 100;
/** The answer to the first wrong guess waits this long, to each further one twice as long, up to the most. */
const DELAY: Ms = 250;
const LONGEST: Ms = 4_000;
/** Times are counted from a year before the start: so far a clock may be set back. */
const YEAR: Ms = 365 * 86_400_000;
/** How long a name that logged in from an address is known there: its errors are then counted apart from its neighbours'. */
const KNOWN: Ms = 30 * 86_400_000;

/** Memory that all front threads share; `seed`: 16 random octets, so that nobody can choose whose bucket they fill. */
export function guessMemory(seed: Uint8Array, now: Ms): SharedArrayBuffer {
  const memory = new SharedArrayBuffer((SEED + 2 * SLOTS) * Int32Array.BYTES_PER_ELEMENT + 8);
  new Uint8Array(memory).set(seed.subarray(0, SEED * Int32Array.BYTES_PER_ELEMENT));
  new DataView(memory).setFloat64(memory.byteLength - 8, now - YEAR);
  return memory;
}

export class Guesses {
  readonly #slots: Int32Array;
  readonly #seed: string;
  readonly #start: Ms;
  readonly #now: () => Ms;
  readonly #limits: () => GuessLimits;

  constructor(memory: SharedArrayBuffer, now: () => Ms, limits: () => GuessLimits) {
    this.#slots = new Int32Array(memory, 0, SEED + 2 * SLOTS);
    this.#seed = this.#slots.subarray(0, SEED).join(' ');
    this.#start = new DataView(memory).getFloat64(memory.byteLength - 8);
    this.#now = now;
    this.#limits = limits;
  }

  /** Undefined: too many were wrong. Charged before the password is looked at, so that guesses at once count too. */
  begin(address: string, name: string): Guess | undefined {
    const { byAddress, byName, window } = this.#limits();
    const known = this.#isKnown(address, name);
    const ofAddress = this.#slot(known ? `known ${address} ${name}` : `address ${address}`);
    const ofName = this.#slot(`name ${name}`);
    const before = this.#level(ofAddress, byAddress, window);
    const level = this.#charge(ofAddress, byAddress, window);
    if (level === undefined) return undefined;
    const nameLevel = this.#charge(ofName, byName, window);
    if (nameLevel === undefined && before > 0 && !known) return undefined;
    return {
      wrong: () => Math.min(LONGEST, DELAY * 2 ** (Math.max(level, Math.floor((nameLevel ?? byName) / 4)) - 1)),
      right: () => {
        this.#refund(ofAddress, byAddress, window);
        if (nameLevel !== undefined) this.#refund(ofName, byName, window);
        Atomics.store(this.#slots, this.#knownSlot(address, name), this.#tick());
      },
    };
  }

  /** How full a bucket is, in guesses. */
  #level(slot: number, limit: number, window: Ms): number {
    return Math.ceil((Atomics.load(this.#slots, slot) - this.#tick()) / stepOf(limit, window));
  }

  /** The level after one more guess; undefined when it does not fit. */
  #charge(slot: number, limit: number, window: Ms): number | undefined {
    const step = stepOf(limit, window);
    for (;;) {
      const [empty, now] = [Atomics.load(this.#slots, slot), this.#tick()];
      const full = now + limit * step;
      // A clock that was set back must not keep anybody out for longer than the window.
      if (empty > full) Atomics.compareExchange(this.#slots, slot, empty, full);
      const next = Math.max(empty, now) + step;
      if (next > full) return undefined;
      if (Atomics.compareExchange(this.#slots, slot, empty, next) === empty) return Math.ceil((next - now) / step);
    }
  }

  #refund(slot: number, limit: number, window: Ms): void {
    Atomics.sub(this.#slots, slot, stepOf(limit, window));
  }

  #isKnown(address: string, name: string): boolean {
    const at = Atomics.load(this.#slots, this.#knownSlot(address, name));
    return at > 0 && this.#tick() - at < KNOWN / TICK;
  }

  #tick(): number {
    // Never 0, which is "nothing was ever stored".
    return Math.max(1, Math.floor((this.#now() - this.#start) / TICK));
  }

  #slot(key: string): number {
    return SEED + (fnv1a(`${this.#seed} ${key}`) % SLOTS);
  }

  #knownSlot(address: string, name: string): number {
    return SEED + SLOTS + (fnv1a(`${this.#seed} ${address} ${name}`) % SLOTS);
  }
}

/** Ticks in which one guess drains away. */
function stepOf(limit: number, window: Ms): number {
  return Math.max(1, Math.round(window / TICK / limit));
}
