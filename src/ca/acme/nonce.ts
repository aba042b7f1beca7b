/**
 * Nonces (RFC 8555 §6.5): each good for one request. One that was handed out costs no memory: it carries its time and
 * a MAC, so asking for millions pushes nobody's out. Only spent ones are remembered, and those only come with a request whose
 * signature was good. When too many are, the oldest are forgotten and everything as old as they is refused: a nonce is never taken twice.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock, Ms } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import { decodeBase64url, encodeBase64url } from '../../protocol/acme/base64url.ts';

const LIFE: Ms = 3_600_000;
const SPENT = 100_000;
const TIME_OCTETS = 6;
const RANDOM_OCTETS = 10;
const MAC_OCTETS = 16;

export interface Nonces {
  make(): string;
  /** True once for each nonce that was made here and is not too old. */
  spend(nonce: string): boolean;
}

/** With a key of this process alone: after a restart all are refused, and clients try again with a new one. */
export function nonces(clock: Clock, random: Random, most: number = SPENT): Nonces {
  const key = random.bytes(32);
  /** In order of being spent; the value is when it was made. */
  const spent = new Map<string, Ms>();
  /** What was made then or before is refused. */
  let floor = 0;

  const mac = (head: Uint8Array): Buffer => createHmac('sha256', key).update(head).digest().subarray(0, MAC_OCTETS);

  function forget(now: Ms): void {
    for (const [nonce, madeAt] of spent) {
      if (spent.size <= most && now - madeAt <= LIFE) return;
      if (spent.size > most) floor = Math.max(floor, madeAt);
      spent.delete(nonce);
    }
  }

  return {
    make() {
      const head = Buffer.alloc(TIME_OCTETS + RANDOM_OCTETS);
      head.writeUIntBE(clock.monotonic(), 0, TIME_OCTETS);
      head.set(random.bytes(RANDOM_OCTETS), TIME_OCTETS);
      return encodeBase64url(Buffer.concat([head, mac(head)]));
    },
    spend(nonce) {
      const octets = decodeBase64url(nonce);
      if (octets?.length !== TIME_OCTETS + RANDOM_OCTETS + MAC_OCTETS) return false;
      const head = Buffer.from(octets.buffer, 0, TIME_OCTETS + RANDOM_OCTETS);
      if (!timingSafeEqual(mac(head), octets.subarray(TIME_OCTETS + RANDOM_OCTETS))) return false;
      const [madeAt, now] = [head.readUIntBE(0, TIME_OCTETS), clock.monotonic()];
      if (madeAt <= floor || now - madeAt > LIFE || spent.has(nonce)) return false;
      spent.set(nonce, madeAt);
      forget(now);
      return true;
    },
  };
}
