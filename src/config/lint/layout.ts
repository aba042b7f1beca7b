/** Lines that makemap leaves out or reads otherwise than they look, and what the map's own review says. */
import { reviewLine } from '../../relay/access/tags/registry.ts';
import { aboutKey, aboutValue, rewrite } from './about.ts';
import { type AccessLine, isTag, writeLine } from './access-line.ts';
import type { LineFix, LintFinding } from './finding.ts';
import type { LintInput } from './input.ts';

export function lintLayout(input: LintInput): LintFinding[] {
  return [...blankLines(input), ...input.lines.flatMap((line) => lintLine(input, line))];
}

function lintLine(input: LintInput, line: AccessLine): LintFinding[] {
  if (line.duplicateOf !== undefined) {
    const fix = { first: line.line, last: line.last, lines: [`# ${writeLine(line)}`] };
    return [aboutKey(input, line, 'error', 'duplicate', { line: line.duplicateOf }, fix)];
  }
  if (line.value === '') return [aboutKey(input, line, 'error', 'no-value')];
  if (line.defect === 'wrapped')
    return [aboutKey(input, line, 'error', 'wrapped', { last: line.last }, wrappedFix(line))];
  if (line.defect === 'indented') return [aboutKey(input, line, 'error', 'indented', {}, rewrite(line))];
  return line.defect === 'none' ? reviewed(input, line) : [];
}

/** Names are put right by the rules that know certificates. */
function wrappedFix(line: AccessLine): LineFix | undefined {
  return /\s/.test(line.name) ? undefined : rewrite(line);
}

function reviewed(input: LintInput, line: AccessLine): LintFinding[] {
  const key = line.tag === '' ? line.name : `${line.tag}:${line.name}`;
  const review = reviewLine(key, line.value);
  if (review === undefined) return [];
  const named = isTag(line, 'CERTISSUER') || isTag(line, 'CERTSUBJECT');
  // What is wrong in a name is told where names are compared with certificates.
  if (named && review.about === 'key' && line.name.startsWith('/')) return [];
  const about = review.about === 'key' ? aboutKey : aboutValue;
  const rule = review.trap ?? 'access-line';
  if (rule === 'unknown-tag' && isOwnTag(input, line)) return [];
  const said = { text: review.text, hint: review.hint };
  const severity = INERT.has(rule) ? 'error' : 'warning';
  return [{ ...about(input, line, severity, 'access-line', review.values, fixOf(line, rule)), rule, said }];
}

/** Tags that the site's own settings and lines ask for: a recipe's, and those of CITag. */
function isOwnTag({ settings, lines }: LintInput, { tag }: AccessLine): boolean {
  if (tag.toUpperCase() === 'CERTCN' && settings?.recipes.has('cert-cn')) return true;
  return lines.some(({ value }) => value.toLowerCase().includes(`citag:${tag.toLowerCase()}`));
}

/** With these a line does something else than it says, or nothing. */
const INERT: ReadonlySet<string> = new Set([
  'comment-in-value',
  'quoted-word',
  'cidr',
  'trailing-dot',
  'ipv6-untagged',
  'ipv6-compressed',
  'no-name',
]);

/** What the line evidently means. */
function fixOf(line: AccessLine, rule: string): LineFix | undefined {
  const { name, value } = line;
  switch (rule) {
    case 'comment-in-value': {
      const [, word = '', comment = ''] = /^(\S+)\s+(#.*)$/.exec(value) ?? [];
      return { first: line.line, last: line.last, lines: [comment, writeLine(line, name, word)] };
    }
    case 'quoted-word':
      return rewrite(line, name, value.replaceAll('"', ''));
    case 'trailing-dot':
      return rewrite(line, name.replace(/\.+$/, ''));
    case 'cidr':
      return wholeOctets(line);
    case 'ipv6-untagged':
      return rewrite(line, `IPv6:${name}`);
    default:
      return undefined;
  }
}

/** A network whose bits are whole octets can be said by its leading octets; another cannot. */
function wholeOctets(line: AccessLine): LineFix | undefined {
  const [, address = '', bits = ''] = /^([\d.]+)\/(\d+)$/.exec(line.name) ?? [];
  const octets = Number(bits) / 8;
  if (![1, 2, 3, 4].includes(octets)) return undefined;
  const all = address.split('.');
  const rest = all.slice(octets);
  return rest.every((octet) => octet === '0') ? rewrite(line, all.slice(0, octets).join('.')) : undefined;
}

/** makemap takes a line of blanks for an entry without a key. */
function blankLines({ access }: LintInput): LintFinding[] {
  const rows = access?.text.split('\n') ?? [];
  return rows.flatMap((row, index) =>
    /^[ \t\v\f]+\r?$/.test(row)
      ? [
          {
            severity: 'warning' as const,
            file: access?.file ?? '',
            line: index + 1,
            column: 1,
            rule: 'only-blanks',
            values: {},
            fix: { first: index + 1, last: index + 1, lines: [''] },
          },
        ]
      : [],
  );
}
