/** CERTISSUER and CERTSUBJECT lines whose name no certificate has, and what it would have to be. */
import { MAX_KEY } from '../../relay/access/tags/tag.ts';
import { reviewLine } from '../../relay/access/tags/registry.ts';
import { attributeType } from '../../protocol/pki/attribute.ts';
import { aboutKey, rewrite, sameText } from './about.ts';
import { type AccessLine, isTag } from './access-line.ts';
import { type LineFix, type LintFinding, someOf } from './finding.ts';
import type { LintInput } from './input.ts';
import { type KnownName, issuerNames, nameOfKey, nearestName, subjectNames } from './known-names.ts';
import { type Difference, type WrittenPart, compareNames, encodeWritten, readWrittenName } from './written-name.ts';

export function lintNames(input: LintInput): LintFinding[] {
  const issuers = issuerNames(input);
  const subjects = subjectNames(input);
  return input.lines.flatMap((line) => {
    if (line.duplicateOf !== undefined || !line.name.startsWith('/')) return [];
    if (isTag(line, 'CERTISSUER')) return lintName(input, line, issuers);
    return isTag(line, 'CERTSUBJECT') ? lintName(input, line, subjects) : [];
  });
}

function lintName(input: LintInput, line: AccessLine, known: readonly KnownName[]): LintFinding[] {
  const parts = readWrittenName(line.name);
  const room = MAX_KEY - line.tag.length - 1;
  const match = nameOfKey(known, input.emailAlias ? withoutEmail(line.name) : line.name, room);
  if (match !== undefined && line.defect === 'none') return collisions(input, line, match, known, room);
  const near = match ?? nearestName(known, parts);
  const differences = near === undefined ? [] : compareNames(parts, near.parts);
  const fix = fixOf(line, near, differences, parts, room);
  const found = [...spelling(input, line, parts, fix, room)];
  if (near !== undefined && differences.length > 0) found.push(differing(input, line, near, differences, fix));
  else if (near !== undefined && found.length === 0 && line.defect === 'none')
    found.push(aboutKey(input, line, 'error', 'name-order', { certificate: near.where, name: near.encoded }, fix));
  if (near === undefined && known.length > 0 && parts.length > 0) found.push(...unknown(input, line));
  return found;
}

/** The line as it would have to be. A certificate's name is taken when only attributes beside the common name are another's. */
function fixOf(
  line: AccessLine,
  near: KnownName | undefined,
  differences: readonly Difference[],
  parts: readonly WrittenPart[],
  room: number,
): LineFix | undefined {
  if (line.value === '' || parts.length === 0) return undefined;
  const meant = near !== undefined && differences.every(({ kind }) => kind !== 'other');
  // Who is meant is the administrator's to say.
  if (near !== undefined && !meant) return undefined;
  const name = meant ? near.encoded : encodeWritten(parts);
  // What is cut matches others too.
  return name.length > room ? undefined : rewrite(line, name);
}

/** What can be said of the name without any certificate. */
function spelling(
  input: LintInput,
  line: AccessLine,
  parts: readonly WrittenPart[],
  fix: LineFix | undefined,
  room: number,
): LintFinding[] {
  const found: LintFinding[] = [];
  let name = line.name.replaceAll(/\s/g, '+20');
  if (line.defect === 'blank-in-name') {
    const column = line.column + line.tag.length + 1 + line.name.search(/\s/);
    found.push({ ...aboutKey(input, line, 'error', 'blank-in-name', {}, fix), column });
  }
  if (/\/Email=/i.test(name)) {
    if (!input.emailAlias) found.push(aboutKey(input, line, 'error', 'email-attribute', {}, fix));
    name = withoutEmail(name);
  }
  for (const { type } of parts)
    if (attributeType(type) === undefined) found.push(aboutKey(input, line, 'error', 'name-type', { type }));
  // The map's own review of the rest; what it says of the value is said with the values.
  const review = reviewLine(`${line.tag}:${name}`, line.value);
  if (review?.about === 'key') {
    const said = { text: review.text, hint: review.hint };
    const about = aboutKey(input, line, 'error', 'access-line', review.values, fix);
    found.push({ ...about, rule: review.trap ?? about.rule, said });
  } else if (found.length === 0 && line.defect === 'none' && line.name.length < room) {
    const printed = encodeWritten(parts);
    if (parts.length === 0 || !sameText(printed, name))
      found.push(aboutKey(input, line, 'error', 'name-not-as-printed', { printed }, fix));
  }
  return found;
}

function differing(
  input: LintInput,
  line: AccessLine,
  near: KnownName,
  differences: readonly Difference[],
  fix: LineFix | undefined,
): LintFinding {
  const of = (kind: Difference['kind']): string =>
    someOf(differences.filter((one) => one.kind === kind).map(({ part }) => part));
  const [extra, lacking] = [of('line-only'), of('certificate-only')];
  const others = differences.flatMap((one) => (one.kind === 'other' ? [`${one.part} → ${one.instead}`] : []));
  const values = { certificate: near.where, name: near.encoded };
  if (others.length === 0 && lacking === '')
    return aboutKey(input, line, 'error', 'name-extra', { ...values, parts: extra }, fix);
  if (others.length === 0 && extra === '')
    return aboutKey(input, line, 'error', 'name-lacks', { ...values, parts: lacking }, fix);
  const parts = [...(extra === '' ? [] : [`- ${extra}`]), ...(lacking === '' ? [] : [`+ ${lacking}`]), ...others];
  return aboutKey(input, line, 'error', 'name-differs', { ...values, parts: parts.join('; ') }, fix);
}

function unknown(input: LintInput, line: AccessLine): LintFinding[] {
  if (isTag(line, 'CERTISSUER')) {
    const known = input.files.certificates.some(({ roles }) => roles.has('authority'));
    return known ? [aboutKey(input, line, 'warning', 'issuer-untrusted')] : [];
  }
  // Only a CA's record says what it has not issued.
  return input.files.issued.length > 0 ? [aboutKey(input, line, 'warning', 'subject-unknown')] : [];
}

/** Others that the line lets in besides: names that are alike as far as the map looks. */
function collisions(
  input: LintInput,
  line: AccessLine,
  match: KnownName,
  known: readonly KnownName[],
  room: number,
): LintFinding[] {
  const alike = known.filter(
    (name) => name !== match && sameText(name.encoded.slice(0, room), line.name) && !sameParts(name.parts, match.parts),
  );
  if (alike.length === 0) return [];
  const names = someOf(alike.map(({ where }) => where));
  return [aboutKey(input, line, 'error', 'name-shared', { certificate: match.where, names })];
}

function sameParts(one: readonly WrittenPart[], other: readonly WrittenPart[]): boolean {
  return compareNames(one, other).length === 0;
}

function withoutEmail(name: string): string {
  return name.replace(/\/Email=/gi, '/emailAddress=');
}
