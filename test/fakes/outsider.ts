/** CAs from outside, good and hostile, made in this process: any name, any key, any extension. */
import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { concat } from '../../src/base/bytes.ts';
import { boolean, explicit, enumerated, octetString, time, bitString } from '../../src/protocol/pki/der-write.ts';
import { element, integer, oid, sequence, setOf, tags } from '../../src/protocol/pki/der.ts';
import { encodePem } from '../../src/protocol/pki/pem.ts';
import type { PeerCertificate } from '../../src/relay/connection/connection.ts';

const ECDSA_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));
const DAY = 86_400_000;
/** When all of them are valid, a year to both sides. */
export const NOON: number = Date.UTC(2026, 5, 1, 12);

/** The name of this CA or person, and its key. */
export interface Outsider {
  readonly name: Uint8Array;
  readonly key: KeyObject;
  readonly spki: Uint8Array;
  readonly der: Uint8Array;
  readonly pem: string;
  readonly serial: number;
}

export interface OutsiderWish {
  readonly commonName?: string;
  /** DER of the whole Name, instead. */
  readonly name?: Uint8Array;
  readonly ca?: boolean;
  readonly keyUsage?: readonly number[];
  /** Tag of GeneralName and its octets. */
  readonly names?: readonly (readonly [tag: number, text: string])[];
  readonly key?: KeyObject;
  readonly spki?: Uint8Array;
  readonly serial?: number;
  readonly notAfter?: number;
}

export function nameOf(commonName: string): Uint8Array {
  return sequence(setOf(sequence(oid('2.5.4.3'), element(tags.utf8String, Buffer.from(commonName)))));
}

/** A certificate signed by `issuer`, or by itself. */
export function outsider(issuer: Outsider | undefined, wish: OutsiderWish): Outsider {
  const pair = wish.key === undefined ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : undefined;
  const key = wish.key ?? (pair as NonNullable<typeof pair>).privateKey;
  const spki = wish.spki ?? (pair as NonNullable<typeof pair>).publicKey.export({ format: 'der', type: 'spki' });
  const name = wish.name ?? nameOf(wish.commonName ?? 'someone');
  const serial = wish.serial ?? 1000 + Math.floor(Math.random() * 1e6);
  const ca = wish.ca ?? false;
  const bits = wish.keyUsage ?? (ca ? [5, 6] : [0]);
  const octet = bits.reduce((sum, bit) => sum | (0x80 >> bit), 0);
  const extension = (id: string, value: Uint8Array): Uint8Array => sequence(oid(id), boolean(true), octetString(value));
  const extensions = [
    ...(ca ? [extension('2.5.29.19', sequence(boolean(true)))] : []),
    ...(octet === 0
      ? []
      : [extension('2.5.29.15', element(tags.bitString, Uint8Array.of(31 - Math.clz32(octet & -octet), octet)))]),
    ...(wish.names === undefined
      ? []
      : [
          extension(
            '2.5.29.17',
            sequence(...wish.names.map(([tag, text]) => element(0x80 | tag, Buffer.from(text, 'latin1')))),
          ),
        ]),
  ];
  const signed = sequence(
    explicit(0, integer(2)),
    integer(serial),
    ECDSA_SHA256,
    issuer?.name ?? name,
    sequence(time(NOON - 365 * DAY), time(wish.notAfter ?? NOON + 365 * DAY)),
    name,
    spki,
    ...(extensions.length === 0 ? [] : [explicit(3, sequence(...extensions))]),
  );
  const der = sequence(signed, ECDSA_SHA256, bitString(sign('sha256', signed, issuer?.key ?? key)));
  return { name, key, spki, der, pem: encodePem('CERTIFICATE', der), serial };
}

export interface ListWish {
  readonly number?: number;
  readonly thisUpdate?: number;
  /** Undefined: none in the list. */
  readonly nextUpdate?: number | null;
  /** Serial number, and reason. */
  readonly revoked?: readonly (readonly [serial: number, reason?: number])[];
  /** More extensions, DER. */
  readonly extensions?: readonly Uint8Array[];
  readonly entryExtensions?: readonly Uint8Array[];
  readonly name?: Uint8Array;
}

/** A CRL of this CA, DER. */
export function listOf(ca: Pick<Outsider, 'name' | 'key'>, wish: ListWish = {}): Uint8Array {
  const next = wish.nextUpdate === undefined ? NOON + 7 * DAY : wish.nextUpdate;
  const entries = (wish.revoked ?? []).map(([serial, reason = 0]) => {
    const more = [
      ...(reason === 0 ? [] : [sequence(oid('2.5.29.21'), octetString(enumerated(reason)))]),
      ...(wish.entryExtensions ?? []),
    ];
    return sequence(integer(serial), time(NOON - DAY), ...(more.length === 0 ? [] : [sequence(...more)]));
  });
  const signed = sequence(
    integer(1),
    ECDSA_SHA256,
    wish.name ?? ca.name,
    time(wish.thisUpdate ?? NOON - DAY),
    ...(next === null ? [] : [time(next)]),
    ...(entries.length === 0 ? [] : [element(tags.sequence, concat(entries))]),
    explicit(
      0,
      sequence(sequence(oid('2.5.29.20'), octetString(integer(wish.number ?? 1))), ...(wish.extensions ?? [])),
    ),
  );
  return sequence(signed, ECDSA_SHA256, bitString(sign('sha256', signed, ca.key)));
}

/** As TLS shows it. */
export function shown(leaf: Outsider, ...issuers: readonly Outsider[]): PeerCertificate {
  const fingerprint = createHash('sha256').update(leaf.der).digest('hex');
  return { der: leaf.der, fingerprint, issuers: issuers.map(({ der }) => der) };
}
