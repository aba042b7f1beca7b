/** Looks into a process as a debugger does: for a secret in any of the forms in which it could lie there. */
import type { KeyObject } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

export type Needles = ReadonlyMap<string, Buffer>;

/** A private key on a curve: its number in the forms of a file, of a text, and of OpenSSL, which has it the other way round. */
export function formsOf(key: KeyObject): Needles {
  const { d = '' } = key.export({ format: 'jwk' });
  const scalar = Buffer.from(d, 'base64url');
  const pem = key.export({ type: 'pkcs8', format: 'pem' });
  return textForms(scalar, [
    ['PEM, second line', Buffer.from((pem.split('\n')[2] ?? '').slice(0, 24))],
    ['reversed', Buffer.from(scalar.toReversed())],
  ]);
}

/** Octets as they are, in hexadecimal, and in base64 wherever they begin within it. */
export function textForms(octets: Buffer, more: readonly (readonly [string, Buffer])[] = []): Needles {
  const forms = new Map<string, Buffer>([['octets', octets], ...more]);
  const texts: (readonly [string, string])[] = [
    ['hexadecimal', octets.toString('hex')],
    ['HEXADECIMAL', octets.toString('hex').toUpperCase()],
    ...[0, 1, 2].map((before) => [`base64 after ${before}`, base64After(octets, before)] as const),
  ];
  for (const [name, text] of texts) {
    forms.set(name, Buffer.from(text, 'latin1'));
    forms.set(`${name}, UTF-16`, Buffer.from(text, 'utf16le'));
  }
  return forms;
}

/** The characters that depend on these octets alone. */
function base64After(octets: Buffer, before: number): string {
  const whole = Buffer.concat([Buffer.alloc(before), octets]).toString('base64');
  return whole.slice(Math.ceil((before * 8) / 6), Math.floor(((before + octets.length) * 8) / 6));
}

export interface MemorySearch {
  /** Names of the forms that were found, of each secret. */
  readonly found: Readonly<Record<string, readonly string[]>>;
  /** Octets that were looked at. */
  readonly size: number;
}

const PAGE = 4_096;
const PART = 2_048 * PAGE;
/** Parts overlap, so that nothing is missed where they meet. */
const OVERLAP = PAGE;

/** All that the process may read and that is there, code and files it has mapped included. */
export async function searchMemory(pid: number, secrets: Readonly<Record<string, Needles>>): Promise<MemorySearch> {
  const found = new Map<string, Set<string>>(Object.keys(secrets).map((name) => [name, new Set()]));
  let size = 0;
  const [memory, pages] = [openSync(`/proc/${pid}/mem`, 'r'), openSync(`/proc/${pid}/pagemap`, 'r')];
  const part = Buffer.alloc(PART);
  try {
    for (const { from, to } of presentRanges(pid, pages)) {
      for (let at = from; at < to; at += PART - OVERLAP) {
        const length = readPart(memory, part.subarray(0, Math.min(PART, to - at)), at);
        size += length;
        for (const [name, needles] of Object.entries(secrets))
          for (const form of formsIn(part.subarray(0, length), needles)) found.get(name)?.add(form);
      }
      await new Promise(setImmediate);
    }
  } finally {
    closeSync(memory);
    closeSync(pages);
  }
  return { found: Object.fromEntries([...found].map(([name, forms]) => [name, [...forms]])), size };
}

/** Where pages are in memory or swapped out; the rest of what a process has reserved was never touched, and holds nothing. */
function* presentRanges(pid: number, pages: number): Generator<{ readonly from: number; readonly to: number }> {
  for (const [, first = '', last = ''] of readFileSync(`/proc/${pid}/maps`, 'utf8').matchAll(
    /^([0-9a-f]+)-([0-9a-f]+) r/gm,
  )) {
    const [begin, end] = [Number.parseInt(first, 16), Number.parseInt(last, 16)];
    const entries = Buffer.alloc(((end - begin) / PAGE) * 8);
    const length = readPart(pages, entries, (begin / PAGE) * 8);
    let from: number | undefined;
    for (let at = 0; at < length; at += 8) {
      const isThere = ((entries[at + 7] ?? 0) & 0xc0) !== 0;
      const address = begin + (at / 8) * PAGE;
      if (isThere) from ??= address;
      else if (from !== undefined) yield { from, to: address };
      if (!isThere) from = undefined;
    }
    if (from !== undefined) yield { from, to: begin + (length / 8) * PAGE };
  }
}

/** Names of the forms that are in the octets. */
export function formsIn(octets: Buffer, needles: Needles): string[] {
  return [...needles].filter(([, needle]) => octets.includes(needle)).map(([name]) => name);
}

/** Octets read; none where the kernel keeps the place to itself. */
function readPart(descriptor: number, part: Buffer, at: number): number {
  try {
    return readSync(descriptor, part, 0, part.length, at);
  } catch {
    return 0;
  }
}
