/** All rules, one family a file. A new one gets a file here and a row in this list, and words in `cli/messages/lint`. */
import { readAccessLines } from './access-line.ts';
import type { LintFinding } from './finding.ts';
import type { LintInput, LintSource } from './input.ts';
import { lintIssuers } from './issuers.ts';
import { lintLayout } from './layout.ts';
import { lintNames } from './names.ts';
import { lintNeverAsked } from './never-asked.ts';
import { lintPrivateKeys } from './private-keys.ts';
import { lintRelaying } from './relaying.ts';
import { lintRevocation } from './revocation.ts';
import { lintSettings } from './settings.ts';
import { lintTlsFiles } from './tls-files.ts';
import { lintValues } from './values.ts';
import { lintWeakCertificates } from './weak.ts';

const families: readonly ((input: LintInput) => readonly LintFinding[])[] = [
  lintLayout,
  lintNames,
  lintIssuers,
  lintValues,
  lintNeverAsked,
  lintRelaying,
  lintSettings,
  lintTlsFiles,
  lintPrivateKeys,
  lintWeakCertificates,
  lintRevocation,
];

/** What the rules say, by file and line; the access file's first. */
export function lint(source: LintSource): LintFinding[] {
  const input = { ...source, lines: readAccessLines(source.access?.text ?? '') };
  const found = families.flatMap((family) => family(input));
  const own = source.access?.file;
  return found.toSorted(
    (a, b) =>
      Number(b.file === own) - Number(a.file === own) ||
      a.file.localeCompare(b.file) ||
      a.line - b.line ||
      a.column - b.column,
  );
}
