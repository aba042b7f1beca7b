/**
 * The part of a certificate's name that is looked for in the access map, where a site wants no whole names there:
 * Sendmail's _CERT_REGEX_ISSUER_ and _CERT_REGEX_SUBJECT_, maps of its type regex.
 */

/** Which part. */
export interface CertificatePart {
  /** A regular expression, extended, anywhere in the name. */
  readonly pattern: string;
  /** The groups of the pattern that count, from 1; none: the whole name. */
  readonly groups: readonly number[];
  /** What stands between them. */
  readonly between: string;
  /** What stands behind what was found. */
  readonly after: string;
  /** Whether case makes a difference. */
  readonly exactCase: boolean;
}

/** The key for a name; a name that does not match is looked for as it is. */
export function partOf(name: string, part: CertificatePart | undefined): string {
  if (part === undefined) return name;
  const found = new RegExp(part.pattern, part.exactCase ? '' : 'i').exec(name);
  if (found === null) return name;
  const key = part.groups.length === 0 ? name : part.groups.map((group) => found[group] ?? '').join(part.between);
  return `${key}${part.after}`;
}

/** Whether a pattern is one, with as many groups as are asked for. */
export function isPattern(pattern: string, groups: readonly number[]): boolean {
  try {
    // With an empty alternative it matches, and tells how many groups there are.
    const count = (new RegExp(`${pattern}|`).exec('')?.length ?? 1) - 1;
    return groups.every((group) => group <= count);
  } catch {
    return false;
  }
}
