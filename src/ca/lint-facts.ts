/** What a certificate says before it is signed, read once for all rules of the lint. */
import { latin1 } from '../base/bytes.ts';
import type { Ms } from '../base/clock.ts';
import { encodeSigned } from '../protocol/pki/certificate-write.ts';
import { parseCertificate, type Certificate } from '../protocol/pki/certificate.ts';
import { contextPrimitiveTag, contextTag, DerReader, orEmpty, tags } from '../protocol/pki/der.ts';
import { readGeneralNames, type GeneralName } from '../protocol/pki/general-name.ts';
import type { NameConstraints } from '../protocol/pki/name-constraint.ts';
import { readName, type NameAttribute } from '../protocol/pki/name.ts';
import { oids } from '../protocol/pki/oid.ts';
import type { ProfileName } from './ledger.ts';

/** What the certificate is to be: an end entity of a profile, or one of our two CAs. */
export type LintKind = ProfileName | 'root' | 'issuing';

/** The CA that is to sign; for a root, itself. */
export interface LintIssuer {
  /** Name, DER. */
  readonly name: Uint8Array;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  readonly keyId: Uint8Array;
  readonly notBefore: Ms;
  readonly notAfter: Ms;
  /** What it may certify names of; undefined: all. */
  readonly constraints: NameConstraints | undefined;
  /** Lives that the operator allows, where they are not those of the profiles. */
  readonly lifetimes?: Readonly<Partial<Record<ProfileName, Ms>>>;
}

export interface LintFacts {
  readonly kind: LintKind;
  readonly issuer: LintIssuer;
  readonly certificate: Certificate;
  readonly version: number;
  readonly serial: Uint8Array;
  /** Algorithm that the certificate names as that of its signature, and its parameters. */
  readonly algorithm: string;
  readonly parameters: Uint8Array | undefined;
  /** Times that are written as GeneralizedTime. */
  readonly generalized: readonly [notBefore: boolean, notAfter: boolean];
  readonly uniqueIds: boolean;
  /** RDNs of the subject without an attribute. */
  readonly emptySets: number;
  readonly subject: readonly NameAttribute[];
  /** Extension → whether it is critical, in order. */
  readonly critical: ReadonlyMap<string, boolean>;
  /** FALSE of `critical` written out, which DER forbids. */
  readonly writtenFalse: readonly string[];
  readonly names: readonly GeneralName[];
  readonly pathLength: number | undefined;
  readonly crlUrls: readonly string[];
  readonly ocspUrls: readonly string[];
  readonly issuerUrls: readonly string[];
  /** That of CA certificates; undefined without the extension. */
  readonly constraints: DerReader | undefined;
}

/** The part outside the extensions, and the extensions as they stand: also where they are twice. */
interface Outline extends Pick<
  LintFacts,
  | 'version'
  | 'serial'
  | 'algorithm'
  | 'parameters'
  | 'generalized'
  | 'uniqueIds'
  | 'emptySets'
  | 'critical'
  | 'writtenFalse'
> {
  readonly algorithmDer: Uint8Array;
  readonly values: ReadonlyMap<string, DerReader>;
  readonly twice: readonly string[];
}

export type Reading =
  | { readonly kind: 'facts'; readonly facts: LintFacts }
  | { readonly kind: 'twice'; readonly extensions: readonly string[] }
  | { readonly kind: 'unreadable' };

/** Throws `DerError` when the bytes are no TBSCertificate at all. */
export function readFacts(toBeSigned: Uint8Array, kind: LintKind, issuer: LintIssuer): Reading {
  const outline = readOutline(toBeSigned);
  if (outline.twice.length > 0) return { kind: 'twice', extensions: outline.twice };
  const certificate = parseCertificate(encodeSigned(toBeSigned, outline.algorithmDer, Uint8Array.of(0)));
  if (certificate === undefined) return { kind: 'unreadable' };
  const { values, twice: _twice, algorithmDer: _algorithm, ...fields } = outline;
  const value = (type: string): DerReader | undefined => copyOf(values.get(type));
  const names = value(oids.subjectAltName);
  const access = readAccess(value(oids.authorityInfoAccess));
  return {
    kind: 'facts',
    facts: {
      ...fields,
      kind,
      issuer,
      certificate,
      subject: readName(certificate.subject),
      names: names === undefined ? [] : readGeneralNames(names),
      pathLength: readPathLength(value(oids.basicConstraints)),
      crlUrls: readDistributionPoints(value(oids.crlDistributionPoints)),
      ocspUrls: access.filter(([method]) => method === oids.ocspAccess).map(([, url]) => url),
      issuerUrls: access.filter(([method]) => method === oids.caIssuersAccess).map(([, url]) => url),
      constraints: value(oids.nameConstraints),
    },
  };
}

function copyOf(reader: DerReader | undefined): DerReader | undefined {
  return reader && new DerReader(reader.bytes);
}

function readOutline(toBeSigned: Uint8Array): Outline {
  const outer = new DerReader(toBeSigned);
  const parts = outer.read(tags.sequence);
  outer.end();
  const version = parts.optional(contextTag(0))?.readSmallInteger() ?? 0;
  const serial = parts.readInteger();
  const algorithmDer = parts.readWhole(tags.sequence);
  const identifier = new DerReader(algorithmDer).read(tags.sequence);
  const algorithm = identifier.readOid();
  const parameters = identifier.done ? undefined : identifier.next().whole;
  parts.read(tags.sequence);
  const validity = parts.read(tags.sequence);
  const generalized = [validity.next(), validity.next()].map(({ tag }) => tag === tags.generalizedTime);
  const emptySets = countEmptySets(parts.read(tags.sequence));
  parts.read(tags.sequence);
  const uniqueIds = [1, 2].map((number) => parts.optional(contextPrimitiveTag(number))).some((id) => id !== undefined);
  const extensions = readExtensions(parts.optional(contextTag(3)));
  parts.end();
  return {
    version,
    serial,
    algorithm,
    algorithmDer,
    parameters,
    generalized: [generalized[0] === true, generalized[1] === true],
    uniqueIds,
    emptySets,
    ...extensions,
  };
}

function countEmptySets(rdns: DerReader): number {
  let empty = 0;
  while (!rdns.done) if (rdns.read(tags.set).done) empty += 1;
  return empty;
}

function readExtensions(
  explicit: DerReader | undefined,
): Pick<Outline, 'critical' | 'writtenFalse' | 'values' | 'twice'> {
  const critical = new Map<string, boolean>();
  const values = new Map<string, DerReader>();
  const writtenFalse: string[] = [];
  const twice: string[] = [];
  const list = orEmpty(explicit?.read(tags.sequence));
  while (!list.done) {
    const extension = list.read(tags.sequence);
    const type = extension.readOid();
    const written = extension.tag === tags.boolean ? extension.readBoolean() : undefined;
    if (written === false) writtenFalse.push(type);
    if (critical.has(type)) twice.push(type);
    critical.set(type, written === true);
    values.set(type, extension.read(tags.octetString));
  }
  return { critical, writtenFalse, values, twice };
}

function readPathLength(value: DerReader | undefined): number | undefined {
  const constraints = value?.read(tags.sequence);
  if (constraints === undefined) return undefined;
  if (constraints.tag === tags.boolean) constraints.readBoolean();
  return constraints.done ? undefined : constraints.readSmallInteger();
}

/** The addresses of all points; a name of another kind is there as an empty one, for the rule on addresses to find. */
function readDistributionPoints(value: DerReader | undefined): string[] {
  const urls: string[] = [];
  const points = orEmpty(value?.read(tags.sequence));
  while (!points.done) {
    const names = points.read(tags.sequence).optional(contextTag(0))?.optional(contextTag(0));
    if (names === undefined) urls.push('');
    else while (!names.done) urls.push(addressOf(names));
  }
  return urls;
}

function readAccess(value: DerReader | undefined): [method: string, url: string][] {
  const found: [string, string][] = [];
  const list = orEmpty(value?.read(tags.sequence));
  while (!list.done) {
    const description = list.read(tags.sequence);
    found.push([description.readOid(), addressOf(description)]);
  }
  return found;
}

function addressOf(names: DerReader): string {
  const { tag, content } = names.next();
  return tag === contextPrimitiveTag(6) ? latin1(content.bytes) : '';
}
