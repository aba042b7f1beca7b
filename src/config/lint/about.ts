/** Findings about lines of the access file and about settings. */
import type { Place } from '../sendmail/site.ts';
import { type AccessLine, writeLine } from './access-line.ts';
import type { LineFix, LintFinding, LintRule, Severity } from './finding.ts';
import type { LintInput } from './input.ts';

type Values = Readonly<Record<string, string | number>>;

/** Characters of a key in a sentence: the whole of it stands in the file. */
const LONGEST = 40;

/** Something about the key of a line. */
export function aboutKey(
  { access }: LintInput,
  line: AccessLine,
  severity: Severity,
  rule: LintRule,
  values: Values = {},
  fix?: LineFix,
): LintFinding {
  const key = line.tag === '' ? line.name : `${line.tag}:${line.name}`;
  return {
    severity,
    file: access?.file ?? '',
    line: line.line,
    column: line.column,
    rule,
    values: { key: key.length > LONGEST ? `${key.slice(0, LONGEST)}…` : key, ...values },
    fix,
  };
}

/** Something about the value of a line. */
export function aboutValue(
  input: LintInput,
  line: AccessLine,
  severity: Severity,
  rule: LintRule,
  values: Values = {},
  fix?: LineFix,
): LintFinding {
  const about = aboutKey(input, line, severity, rule, { value: line.value, ...values }, fix);
  return { ...about, line: line.last, column: line.valueColumn };
}

/** Something about a setting or a file. */
export function aboutPlace(place: Place, severity: Severity, rule: LintRule, values: Values = {}): LintFinding {
  return { severity, file: place.file, line: place.line, column: 1, rule, values };
}

/** The place of a setting, or the beginning of the file with the settings. */
export function settingPlace({ settingsFile }: LintInput, place: Place | undefined): Place {
  return place ?? { file: settingsFile, line: 1 };
}

/** The line with another name or value. */
export function rewrite(line: AccessLine, name?: string, value?: string): LineFix {
  return { first: line.line, last: line.last, lines: [writeLine(line, name, value)] };
}

/** `file:line`. */
export function whereOf({ file, line }: Place): string {
  return `${file}:${line}`;
}

/** Whether an ASCII text is the other but for case, as the map compares. */
export function sameText(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
