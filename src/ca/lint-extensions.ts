/** Rules on extensions (RFC 5280 §4.2, RFC 6960 §4.2.2.2, RFC 9598, RFC 9608). */
import { sameBytes } from '../base/bytes.ts';
import { DerError, DerReader } from '../protocol/pki/der.ts';
import type { GeneralName } from '../protocol/pki/general-name.ts';
import { readNameConstraints } from '../protocol/pki/name-constraint.ts';
import { oids } from '../protocol/pki/oid.ts';
import { isCaKind, isShortLived } from './lint-fields.ts';
import type { LintFacts } from './lint-facts.ts';
import type { Rule } from './lint.ts';
import { isSpiffeId, outsideConstraints, profiles } from './profile.ts';

const KEY_CERT_SIGN_AND_CRL_SIGN = 0x06;
const DIGITAL_SIGNATURE = 0x80;

/** Extensions that we write, whether they are critical, where, and by which section. */
const extensions: Readonly<
  Record<
    string,
    { readonly name: string; readonly critical: boolean; readonly in: 'all' | 'ca' | 'leaf'; readonly section: string }
  >
> = {
  [oids.basicConstraints]: { name: 'basic constraints', critical: true, in: 'ca', section: 'RFC 5280 §4.2.1.9' },
  [oids.nameConstraints]: { name: 'name constraints', critical: true, in: 'ca', section: 'RFC 5280 §4.2.1.10' },
  [oids.keyUsage]: { name: 'key usage', critical: true, in: 'all', section: 'RFC 5280 §4.2.1.3' },
  [oids.extKeyUsage]: { name: 'extended key usage', critical: false, in: 'leaf', section: 'RFC 5280 §4.2.1.12' },
  [oids.subjectAltName]: {
    name: 'subject alternative name',
    critical: false,
    in: 'leaf',
    section: 'RFC 5280 §4.2.1.6',
  },
  [oids.subjectKeyIdentifier]: {
    name: 'subject key identifier',
    critical: false,
    in: 'all',
    section: 'RFC 5280 §4.2.1.2',
  },
  [oids.authorityKeyIdentifier]: {
    name: 'authority key identifier',
    critical: false,
    in: 'all',
    section: 'RFC 5280 §4.2.1.1',
  },
  [oids.crlDistributionPoints]: {
    name: 'CRL distribution points',
    critical: false,
    in: 'leaf',
    section: 'RFC 5280 §4.2.1.13',
  },
  [oids.authorityInfoAccess]: {
    name: 'authority information access',
    critical: false,
    in: 'leaf',
    section: 'RFC 5280 §4.2.2.1',
  },
  [oids.noRevAvail]: { name: 'noRevAvail', critical: false, in: 'leaf', section: 'RFC 9608 §2' },
  [oids.ocspNoCheck]: { name: 'ocsp-nocheck', critical: false, in: 'leaf', section: 'RFC 6960 §4.2.2.2.1' },
};

const criticality: readonly Rule[] = Object.entries(extensions).map(([type, { name, critical, section }]): Rule => [
  section,
  (facts) => facts.critical.get(type) === !critical && `${name}: ${critical ? 'not critical' : 'critical'}`,
]);

/** One name of subjectAltName, looked at in order until one breaks the rule. */
function eachName(breaks: (name: GeneralName, facts: LintFacts) => string | false | undefined): Rule[1] {
  return (facts) => {
    for (const name of facts.names) {
      const what = breaks(name, facts);
      if (typeof what === 'string') return what;
    }
    return undefined;
  };
}

const nameRules: readonly Rule[] = [
  [
    'RFC 5280 §4.2.1.6',
    ({ critical, names }) =>
      critical.has(oids.subjectAltName) && names.length === 0 && 'subject alternative name has no entry',
  ],
  [
    'RFC 5280 §4.2.1.6',
    eachName(({ kind, text }) => kind !== 'other' && text === '' && 'subject alternative name has an empty entry'),
  ],
  [
    'RFC 5280 §4.2.1.6',
    eachName(({ text }) => /[\p{C}\p{Z}]/u.test(text) && 'subject alternative name has a blank or control character'),
  ],
  [
    'RFC 5280 §4.2.1.6',
    eachName(
      ({ kind, text }) =>
        kind !== 'mailbox' && /[\u0080-\u{10ffff}]/u.test(text) && 'subject alternative name is not ASCII',
    ),
  ],
  [
    'RFC 5280 §4.2.1.6',
    eachName(
      ({ kind, text }) => kind === 'email' && text !== '' && !/^[^@]+@[^@]+$/.test(text) && 'rfc822Name is no mailbox',
    ),
  ],
  [
    'RFC 9598 §3',
    eachName(
      ({ kind, text }) =>
        kind === 'mailbox' &&
        !/^(?=[^@]*[^\p{ASCII}])[^@]+@[a-z0-9.-]+$/u.test(text) &&
        'SmtpUTF8Mailbox does not have a local part beyond ASCII and a domain in A-labels',
    ),
  ],
  [
    'RFC 5280 §4.2.1.6',
    eachName(({ kind, text }) => kind === 'uri' && text !== '' && !isSpiffeId(text) && `URI is no SPIFFE ID`),
  ],
  [
    'RFC 5280 §4.2.1.6',
    ({ names }) => names.filter(({ kind }) => kind === 'uri').length > 1 && 'has more than one SPIFFE ID',
  ],
  ['RFC 5280 §4.2.1.6', namesOfProfile],
  [
    'RFC 5280 §4.2.1.10',
    eachName((name, { issuer, kind }) =>
      isCaKind(kind) || name.kind === 'mailbox' ? undefined : outsideConstraints(name, issuer.constraints)?.what,
    ),
  ],
  [
    'RFC 9598 §6',
    eachName((name, { issuer, kind }) =>
      isCaKind(kind) || name.kind !== 'mailbox' ? undefined : outsideConstraints(name, issuer.constraints)?.what,
    ),
  ],
];

/** Whether the alternative names are those of the profile, and some are there where it has any. */
function namesOfProfile({ kind, names, issuer }: LintFacts): string | undefined {
  if (isCaKind(kind)) return names.length > 0 ? 'a CA has alternative names' : undefined;
  const profile = profiles[kind];
  const fits: readonly GeneralName['kind'][] =
    profile.names === 'address' ? ['email', 'mailbox'] : profile.names === 'dns' ? ['dns', 'uri'] : [];
  if (names.some((name) => !fits.includes(name.kind)))
    return `subject alternative name has a kind that profile ${kind} does not have`;
  // A device that is called by a bare word has no name that a constrained CA could certify; its subject names it.
  const mayLack =
    profile.names === 'none' || (kind !== 'server' && profile.names === 'dns' && issuer.constraints !== undefined);
  if (names.length === 0 && !mayLack) return 'subject alternative name is missing';
  return kind === 'server' && !names.some((name) => name.kind === 'dns') ? 'a server has no DNS name' : undefined;
}

const caRules: readonly Rule[] = [
  ['RFC 5280 §4.2.1.9', ({ kind, certificate }) => isCaKind(kind) && !certificate.isCa && 'cA is not set'],
  ['RFC 5280 §4.2.1.9', ({ kind, certificate }) => !isCaKind(kind) && certificate.isCa && 'an end entity is a CA'],
  [
    'RFC 5280 §4.2.1.9',
    ({ kind, certificate, pathLength }) =>
      kind === 'issuing' && certificate.isCa && pathLength !== 0 && 'path length of an issuing CA is not 0',
  ],
  [
    'RFC 5280 §4.2.1.10',
    ({ constraints }) => {
      if (constraints === undefined) return undefined;
      try {
        const read = readNameConstraints(new DerReader(constraints.bytes));
        const some = read.noAddresses || [read.emails, read.dnsNames, read.uris].some((list) => list.length > 0);
        return !some && 'name constraints constrain nothing';
      } catch (error) {
        if (error instanceof DerError) return `name constraints: ${error.message}`;
        throw error;
      }
    },
  ],
];

const keyRules: readonly Rule[] = [
  ['RFC 5280 §4.2.1.3', ({ critical }) => !critical.has(oids.keyUsage) && 'key usage is missing'],
  [
    'RFC 5280 §4.2.1.3',
    ({ kind, certificate, critical }) => {
      if (!critical.has(oids.keyUsage)) return undefined;
      if (isCaKind(kind))
        return certificate.keyUsage !== KEY_CERT_SIGN_AND_CRL_SIGN && 'key usage is not keyCertSign and cRLSign';
      return certificate.keyUsage !== DIGITAL_SIGNATURE && 'key usage is not digitalSignature alone';
    },
  ],
  [
    'RFC 5280 §4.2.1.12',
    ({ kind, certificate }) => {
      if (isCaKind(kind)) return undefined;
      const [purposes, expected] = [certificate.extendedKeyUsage ?? [], profiles[kind].purposes];
      const fits = purposes.length === expected.length && expected.every((purpose) => purposes.includes(purpose));
      return !fits && `extended key usage is not that of profile ${kind}`;
    },
  ],
  ['RFC 5280 §4.2.1.2', ({ certificate }) => certificate.subjectKeyId === undefined && 'no subject key identifier'],
  [
    'RFC 5280 §4.2.1.1',
    ({ certificate, issuer }) =>
      !(certificate.authorityKeyId !== undefined && sameBytes(certificate.authorityKeyId, issuer.keyId)) &&
      'authority key identifier is not that of the CA',
  ],
];

/** `http://host/path` in ASCII, without user or password: who checks a certificate follows it without asking. */
const WEB_ADDRESS =
  /^http:\/\/[A-Za-z0-9.-]+(?::\d{1,5})?(?:\/[\x21-\x3f\x41-\x7e]*)?$|^http:\/\/\[[0-9A-Fa-f:]+\](?::\d{1,5})?(?:\/[\x21-\x3f\x41-\x7e]*)?$/;

function notWeb(urls: readonly string[]): string | undefined {
  const bad = urls.find((url) => !WEB_ADDRESS.test(url));
  return bad === undefined ? undefined : `"${bad}" is no http address without credentials`;
}

const statusRules: readonly Rule[] = [
  ['RFC 5280 §4.2.1.13', ({ crlUrls }) => notWeb(crlUrls)],
  ['RFC 5280 §4.2.2.1', ({ ocspUrls, issuerUrls }) => notWeb([...ocspUrls, ...issuerUrls])],
  [
    'RFC 9608 §3',
    ({ critical, crlUrls, ocspUrls }) =>
      critical.has(oids.noRevAvail) &&
      crlUrls.length + ocspUrls.length > 0 &&
      'noRevAvail stands beside a CRL or OCSP address',
  ],
  [
    'RFC 9608 §2',
    (facts) =>
      !isCaKind(facts.kind) &&
      facts.critical.has(oids.noRevAvail) !== isShortLived(facts) &&
      (isShortLived(facts)
        ? 'a short-lived certificate has no noRevAvail'
        : 'noRevAvail in a certificate that lives longer than 7 days'),
  ],
  [
    'RFC 6960 §4.2.2.2.1',
    ({ kind, critical }) =>
      critical.has(oids.ocspNoCheck) !== (kind === 'responder') &&
      (kind === 'responder'
        ? "a responder's certificate has no ocsp-nocheck"
        : 'ocsp-nocheck in a certificate of no responder'),
  ],
  [
    'RFC 6960 §4.2.2.2.1',
    ({ kind, crlUrls, ocspUrls }) =>
      kind === 'responder' &&
      crlUrls.length + ocspUrls.length > 0 &&
      "a responder's certificate says where to ask for its state",
  ],
];

const otherRules: readonly Rule[] = [
  [
    'RFC 5280 §4.2',
    ({ critical }) => {
      const unknown = [...critical.keys()].find((type) => extensions[type] === undefined);
      return (
        unknown !== undefined &&
        `extension ${unknown} is ${critical.get(unknown) === true ? 'critical and ' : ''}none that this CA writes`
      );
    },
  ],
  [
    'RFC 5280 §4.2',
    ({ critical, kind }) => {
      const where = isCaKind(kind) ? 'leaf' : 'ca';
      // basicConstraints of an end entity is told as such.
      const misplaced = [...critical.keys()].find(
        (type) =>
          extensions[type]?.in === where &&
          type !== oids.basicConstraints &&
          type !== oids.subjectAltName &&
          type !== oids.ocspNoCheck,
      );
      return (
        misplaced !== undefined &&
        `${extensions[misplaced]?.name} in a certificate of ${isCaKind(kind) ? 'a CA' : 'an end entity'}`
      );
    },
  ],
  [
    'X.690 §11.5',
    ({ writtenFalse }) => writtenFalse.length > 0 && 'critical FALSE is written out, though it is the default',
  ],
];

export const extensionRules: readonly Rule[] = [
  ...criticality,
  ...keyRules,
  ...caRules,
  ...nameRules,
  ...statusRules,
  ...otherRules,
];
