/** Sendmail's classes of names as rules match them: whole, at the end of a name, at the beginning of an address. */

/** The first name of a class that `name` ends with, at a dot (`$* $=R`): `b.c`, and also `.b.c`, for `a.b.c`. */
export function endingIn(names: ReadonlySet<string>, name: string): string | undefined {
  if (names.size === 0) return undefined;
  for (let at = 0; at >= 0; at = name.indexOf('.', at + 1)) {
    // With its dot it stands for subdomains alone.
    const ending = name.slice(at);
    if (names.has(ending)) return ending;
    if (at > 0 && names.has(ending.slice(1))) return ending.slice(1);
  }
  return undefined;
}
