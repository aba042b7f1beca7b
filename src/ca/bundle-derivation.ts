/** Key derivation of PKCS#12 (RFC 7292 §B): for the MAC, and for encryption of the old kind. */
import { hash } from 'node:crypto';
import { concat, type Bytes } from '../base/bytes.ts';
import { utf16be } from '../protocol/pki/der-write.ts';

export interface Derivation {
  readonly digest: 'sha1' | 'sha256';
  readonly passphrase: string;
  readonly salt: Uint8Array;
  readonly iterations: number;
  /** RFC 7292 §B.3. */
  readonly purpose: 'key' | 'iv' | 'mac';
  /** Octets wanted. */
  readonly length: number;
}

const PURPOSES = { key: 1, iv: 2, mac: 3 } as const;
/** Octets that SHA-1 and SHA-256 take at a time: `v` of RFC 7292 §B.2. */
const BLOCK = 64;

/** RFC 7292 §B.2. It does not wait, and a thousand iterations take 1 to 3 ms: not for a thread that serves. */
export function derive({ digest, passphrase, salt, iterations, purpose, length }: Derivation): Bytes {
  const diversifier = new Uint8Array(BLOCK).fill(PURPOSES[purpose]);
  // RFC 7292 §B.1: the passphrase is UTF-16 with a closing zero.
  const input = concat([filled(salt), filled(utf16be(`${passphrase}\0`))]);
  const made: Uint8Array[] = [];
  for (let octets = 0; octets < length;) {
    let chained: Uint8Array = concat([diversifier, input]);
    for (let i = 0; i < iterations; i++) chained = hash(digest, chained, 'buffer');
    made.push(chained);
    octets += chained.length;
    const addend = filled(chained.subarray(0, BLOCK));
    for (let at = 0; at < input.length; at += BLOCK) addOne(input.subarray(at, at + BLOCK), addend);
  }
  return concat(made).slice(0, length);
}

/** block = block + addend + 1, as big-endian numbers, without what overflows. */
function addOne(block: Uint8Array, addend: Uint8Array): void {
  let carry = 1;
  for (let i = BLOCK - 1; i >= 0; i--) {
    carry += (block[i] ?? 0) + (addend[i] ?? 0);
    block[i] = carry & 0xff;
    carry >>= 8;
  }
}

/** The octets over and over, to a whole number of blocks. */
function filled(octets: Uint8Array): Bytes {
  const whole = new Uint8Array(Math.ceil(octets.length / BLOCK) * BLOCK);
  for (let i = 0; i < whole.length; i++) whole[i] = octets[i % octets.length] ?? 0;
  return whole;
}
