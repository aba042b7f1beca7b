/**
 * How the signer process and its client talk: frames of a 4-octet length, most significant octet first, and in
 * each a second length, so much JSON, and the octets to which `{ "octets": [at, length] }` in it points. JSON and not V8's own format: the signer must be safe from whoever
 * writes to it.
 */
import { concat, fromUtf8, utf8, type Bytes } from '../base/bytes.ts';
import type {
  AuthorityTerms,
  CrlRequest,
  IssuedCertificate,
  IssueRequest,
  KeyState,
  SignedCrl,
} from '../ca/authority.ts';

export type SignerCall =
  /** The first frame. Which files are opened is not the client's to say. */
  | { readonly kind: 'open'; readonly terms: AuthorityTerms }
  | { readonly kind: 'issue'; readonly number: number; readonly request: IssueRequest }
  | { readonly kind: 'crl'; readonly number: number; readonly request: CrlRequest }
  /** The passphrase, sealed (signer-seal.ts). */
  | { readonly kind: 'unlock'; readonly number: number; readonly sealed: Uint8Array }
  /** Certificates or terms are others: reads the files again, but for a key that was unlocked. */
  | { readonly kind: 'reload'; readonly number: number; readonly terms: AuthorityTerms };

export type SignerAnswer =
  | { readonly kind: 'opened'; readonly state: KeyState; readonly sealTo: Bytes }
  | { readonly kind: 'state'; readonly number: number; readonly state: KeyState }
  | { readonly kind: 'issued'; readonly number: number; readonly issued: IssuedCertificate }
  | { readonly kind: 'crl'; readonly number: number; readonly signed: SignedCrl }
  /** `number` 0 is about opening. `section` is set when the request was refused, and not when the signer failed. */
  | {
      readonly kind: 'error';
      readonly number: number;
      readonly message: string;
      readonly section: string | undefined;
      readonly locked: boolean;
    };

/** A CRL of half a million entries fits. */
const MAX_FRAME = 64 * 1024 * 1024;

/** One frame. */
export function encodeFrame(value: SignerCall | SignerAnswer): Bytes {
  const octets: Uint8Array[] = [];
  let length = 0;
  const text = utf8(
    JSON.stringify(packed(value), function (this: Readonly<Record<string, unknown>>, key, part: unknown) {
      // As it stood: a Buffer has been made something else of by now.
      const whole = this[key];
      if (!(whole instanceof Uint8Array)) return part;
      octets.push(whole);
      length += whole.length;
      return { octets: [length - whole.length, whole.length] };
    }),
  );
  const lengths = new Uint8Array(8);
  new DataView(lengths.buffer).setUint32(0, 4 + text.length + length);
  new DataView(lengths.buffer).setUint32(4, text.length);
  return concat([lengths, text, ...octets]);
}

/**
 * The entries of a CRL as one text, a line each: a hundred thousand objects would keep the thread that asks busy for a
 * good part of a second.
 */
function packed(value: SignerCall | SignerAnswer): unknown {
  if (value.kind !== 'crl' || !('request' in value)) return value;
  let text = '';
  for (const { serial, at, reason } of value.request.revoked) text += `${serial} ${at} ${reason}\n`;
  return { ...value, request: { ...value.request, revoked: utf8(text) } };
}

/** Cuts a stream into frames and reads each. */
export class FrameReader {
  #parts: Uint8Array[] = [];
  #length = 0;

  /** Values of all frames that are whole now. Throws when what came is no frame; then the stream is of no more use. */
  push(bytes: Uint8Array): unknown[] {
    this.#parts.push(bytes);
    this.#length += bytes.length;
    const values: unknown[] = [];
    for (;;) {
      const size = this.#nextSize();
      if (size === undefined || this.#length < size) return values;
      const whole = Buffer.concat(this.#parts, this.#length);
      values.push(readValue(whole.subarray(4, size)));
      this.#parts = [whole.subarray(size)];
      this.#length -= size;
    }
  }

  #nextSize(): number | undefined {
    if (this.#length < 4) return undefined;
    if ((this.#parts[0]?.length ?? 0) < 4) this.#parts = [Buffer.concat(this.#parts, this.#length)];
    const first = this.#parts[0] as Uint8Array;
    const size = 4 + new DataView(first.buffer, first.byteOffset).getUint32(0);
    if (size > MAX_FRAME) throw new Error(`a frame of ${size} octets is more than ${MAX_FRAME}`);
    return size;
  }
}

function readValue(bytes: Uint8Array): unknown {
  if (bytes.length < 4) throw new Error('a frame is cut short');
  const end = 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  if (end > bytes.length) throw new Error('a frame is cut short');
  const text = fromUtf8(bytes.subarray(4, end));
  if (text === undefined) throw new Error('a frame is not UTF-8');
  const octets = bytes.subarray(end);
  return JSON.parse(text, (_key, part: unknown) => {
    if (typeof part !== 'object' || part === null || !('octets' in part) || !Array.isArray(part.octets)) return part;
    const [at, length] = part.octets as unknown[];
    if (!isWithin(at, octets.length) || !isWithin(length, octets.length - at))
      throw new Error('a frame points outside of itself');
    // No copy: what points at the same octets a million times costs no more for it.
    return new Uint8Array(octets.buffer, octets.byteOffset + at, length);
  });
}

function isWithin(value: unknown, end: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= end;
}
