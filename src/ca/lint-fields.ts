/** Rules on the fields of a certificate outside of its names and extensions (RFC 5280 §4.1). */
import { sameBytes } from '../base/bytes.ts';
import { oids } from '../protocol/pki/oid.ts';
import { readPublicKeyKind } from '../protocol/pki/request.ts';
import { acceptPublicKey } from './keys.ts';
import type { LintFacts, LintKind } from './lint-facts.ts';
import type { Rule } from './lint.ts';
import { lifeOf, SHORT_LIFE } from './profile.ts';
import { RequestRefused } from './refusal.ts';

export function isCaKind(kind: LintKind): kind is 'root' | 'issuing' {
  return kind === 'root' || kind === 'issuing';
}

/** Algorithms that sign certificates here, and whether their parameters are NULL (RFC 4055 §5) or absent. */
const algorithms: Readonly<Record<string, { readonly parameters: 'null' | 'absent'; readonly key: string }>> = {
  [oids.ecdsaWithSha256]: { parameters: 'absent', key: oids.ecPublicKey },
  [oids.ecdsaWithSha384]: { parameters: 'absent', key: oids.ecPublicKey },
  [oids.ecdsaWithSha512]: { parameters: 'absent', key: oids.ecPublicKey },
  [oids.sha256WithRsa]: { parameters: 'null', key: oids.rsaEncryption },
  [oids.sha384WithRsa]: { parameters: 'null', key: oids.rsaEncryption },
  [oids.sha512WithRsa]: { parameters: 'null', key: oids.rsaEncryption },
  [oids.ed25519]: { parameters: 'absent', key: oids.ed25519 },
  [oids.mlDsa65]: { parameters: 'absent', key: oids.mlDsa65 },
};
const broken: ReadonlySet<string> = new Set([
  oids.md2WithRsa,
  oids.md5WithRsa,
  oids.sha1WithRsa,
  oids.ecdsaWithSha1,
  oids.dsaWithSha1,
]);

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Midnight on 1 January 2050 UTC: from there on times are written as GeneralizedTime. */
const YEAR_2050 = 2_524_608_000_000;

const isWeak = ({ algorithm }: LintFacts): boolean => broken.has(algorithm);

export const fieldRules: readonly Rule[] = [
  ['RFC 5280 §4.1.2.1', ({ version }) => version !== 2 && `version is ${version + 1}, not 3`],
  [
    'RFC 5280 §4.1.2.2',
    ({ serial }) =>
      ((serial[0] ?? 0x80) >= 0x80 || serial.every((octet) => octet === 0)) && 'serial number is not positive',
  ],
  [
    'RFC 5280 §4.1.2.2',
    ({ serial }) => serial.length > 20 && `serial number has ${serial.length} octets, more than 20`,
  ],
  [
    'RFC 5280 §8',
    ({ serial }) =>
      serial.length < 8 && `serial number has ${serial.length} octets, fewer than 8: it could be guessed or repeated`,
  ],
  ['RFC 6194 §3', (facts) => isWeak(facts) && `signature algorithm ${facts.algorithm} is broken`],
  [
    'RFC 5280 §4.1.1.2',
    (facts) =>
      !isWeak(facts) &&
      algorithms[facts.algorithm] === undefined &&
      `signature algorithm ${facts.algorithm} is none that this CA uses`,
  ],
  [
    'RFC 5280 §4.1.1.2',
    ({ algorithm, issuer }) => {
      const known = algorithms[algorithm];
      return (
        known !== undefined &&
        readPublicKeyKind(issuer.publicKey)?.algorithm !== known.key &&
        `signature algorithm ${algorithm} does not fit the key of the CA`
      );
    },
  ],
  [
    'RFC 4055 §5',
    ({ algorithm, parameters }) => {
      const wanted = algorithms[algorithm]?.parameters;
      return (
        wanted !== undefined &&
        (wanted === 'null'
          ? parameters === undefined || !sameBytes(parameters, Uint8Array.of(5, 0))
          : parameters !== undefined) &&
        `parameters of the signature algorithm are not ${wanted}`
      );
    },
  ],
  [
    'RFC 5280 §4.1.2.4',
    ({ certificate, issuer }) =>
      !sameBytes(certificate.issuer, issuer.name) && 'issuer is not the name of the CA that signs',
  ],
  [
    'RFC 5280 §4.1.2.5',
    ({ certificate }) => certificate.notBefore >= certificate.notAfter && 'notAfter is not later than notBefore',
  ],
  [
    'RFC 5280 §4.1.2.5',
    ({ certificate: { notBefore, notAfter }, generalized }) =>
      (generalized[0] !== notBefore >= YEAR_2050 || generalized[1] !== notAfter >= YEAR_2050) &&
      'a time is not UTCTime up to 2049 and GeneralizedTime from 2050',
  ],
  [
    'RFC 5280 §4.1.2.5',
    ({ certificate, issuer }) => certificate.notBefore < issuer.notBefore && 'begins before its issuer does',
  ],
  ['RFC 5280 §4.1.2.5', ({ certificate, issuer }) => certificate.notAfter > issuer.notAfter && 'outlives its issuer'],
  [
    'RFC 5280 §4.1.2.5',
    ({ certificate, kind, issuer }) => {
      if (isCaKind(kind)) return undefined;
      const most = lifeOf(kind, issuer.lifetimes ?? {});
      if (certificate.notAfter - certificate.notBefore <= most) return undefined;
      const words = most % DAY === 0 ? `${most / DAY} days` : `${most / HOUR} hours`;
      return `lives longer than profile ${kind} allows: at most ${words}`;
    },
  ],
  ['RFC 5280 §4.1.2.7', ({ certificate }) => keyFault(certificate.publicKey)],
  [
    'RFC 5280 §4.1.2.7',
    ({ certificate, kind, issuer }) =>
      !isCaKind(kind) && sameBytes(certificate.publicKey, issuer.publicKey) && 'certifies the key of the CA',
  ],
  ['RFC 5280 §4.1.2.8', ({ uniqueIds }) => uniqueIds && 'has a unique identifier'],
];

/** Whether nobody need ask for the state of the certificate. */
export function isShortLived({ certificate }: LintFacts): boolean {
  return certificate.notAfter - certificate.notBefore <= SHORT_LIFE;
}

/** What is wrong with the key by itself. */
function keyFault(publicKey: Uint8Array): string | undefined {
  try {
    acceptPublicKey(publicKey);
    return undefined;
  } catch (error) {
    if (error instanceof RequestRefused) return error.message;
    throw error;
  }
}
