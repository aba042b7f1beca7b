/** The names that certificates are known to have, for comparison with those that lines name. */
import { encodeName } from '../../protocol/pki/name.ts';
import { sameText, whereOf } from './about.ts';
import type { LintInput } from './input.ts';
import { type WrittenPart, likeness, partsOfName, readWrittenName, sameCommonName } from './written-name.ts';

export interface KnownName {
  /** As the map has to have it. */
  readonly encoded: string;
  readonly parts: readonly WrittenPart[];
  /** Where a certificate or record with it is. */
  readonly where: string;
  /** The direct issuer's name; undefined: not known. */
  readonly issuer: string | undefined;
}

/** Names of CAs: subjects of their certificates, and issuers of all others. */
export function issuerNames({ files }: LintInput): KnownName[] {
  return unique(
    files.certificates.flatMap((found) => {
      const where = whereOf(found);
      const name = (der: Uint8Array): KnownName => ({
        encoded: encodeName(der),
        parts: partsOfName(der),
        where,
        issuer: undefined,
      });
      const issuer = name(found.parsed.issuer);
      return found.parsed.isCa || found.selfSigned ? [name(found.parsed.subject), issuer] : [issuer];
    }),
  );
}

/** Names of those who may show a certificate: all but CAs. */
export function subjectNames({ files }: LintInput): KnownName[] {
  const certificates = files.certificates
    .filter(({ parsed }) => !parsed.isCa)
    .map((found) => ({
      encoded: found.subject,
      parts: partsOfName(found.parsed.subject),
      where: whereOf(found),
      issuer: found.issuer,
    }));
  const records = files.issued.map(({ subject, issuer, ...place }) => ({
    encoded: subject,
    parts: readWrittenName(subject),
    where: place.line > 0 ? whereOf(place) : place.file,
    issuer,
  }));
  return unique([...certificates, ...records]);
}

function unique(names: readonly KnownName[]): KnownName[] {
  const found = new Map<string, KnownName>();
  for (const name of names) {
    const key = `${name.encoded.toLowerCase()}\n${name.issuer ?? ''}`;
    if (!found.has(key)) found.set(key, name);
  }
  return [...found.values()];
}

/** The name with just this key, as far as the map looks. */
export function nameOfKey(names: readonly KnownName[], name: string, room: number): KnownName | undefined {
  return names.find(({ encoded }) => sameText(encoded.slice(0, room), name));
}

/** The name that the line's author may have meant: one with the same common name, and no second one as near. */
export function nearestName(names: readonly KnownName[], parts: readonly WrittenPart[]): KnownName | undefined {
  const ranked = names
    .filter((name) => sameCommonName(parts, name.parts))
    .map((name) => ({ name, score: likeness(parts, name.parts) }))
    .toSorted((a, b) => b.score - a.score);
  const [first, second] = ranked;
  if (first === undefined) return undefined;
  const tied =
    second !== undefined && second.score === first.score && !sameText(second.name.encoded, first.name.encoded);
  return tied ? undefined : first.name;
}
