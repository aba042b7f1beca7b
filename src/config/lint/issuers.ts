/** Which certificates relay: what CERTISSUER and CERTSUBJECT lines say together, which is not what each says alone. */
import { isWord } from '../../relay/access/rule.ts';
import { aboutKey, aboutValue, rewrite, sameText } from './about.ts';
import { type AccessLine, isTag } from './access-line.ts';
import type { LintFinding } from './finding.ts';
import type { LintInput } from './input.ts';
import { nearestName, subjectNames } from './known-names.ts';
import { encodeWritten, readWrittenName } from './written-name.ts';

export function lintIssuers(input: LintInput): LintFinding[] {
  const lines = input.lines.filter((line) => line.duplicateOf === undefined && line.value !== '');
  const issuers = lines.filter((line) => isTag(line, 'CERTISSUER'));
  const subjects = lines.filter((line) => isTag(line, 'CERTSUBJECT'));
  const whole = issuers.filter(({ value }) => isWord(value, 'RELAY'));
  const asked = issuers.filter(({ value }) => isWord(value, 'SUBJECT'));
  const found: LintFinding[] = [];
  const dead = subjects.length === 0 ? [] : deadSubjects(input, subjects, whole, asked);
  for (const issuer of whole) {
    const own = dead.filter((one) => one.issuer === issuer).map(({ subject }) => subject);
    if (own.length > 0) found.push(relaysAll(input, issuer, own));
    if (PUBLIC.test(issuer.name)) found.push(aboutValue(input, issuer, 'error', 'issuer-public'));
  }
  for (const { subject, issuer } of dead)
    found.push(aboutKey(input, subject, 'error', 'subject-dead', { line: issuer.line }));
  if (whole.length === 0 && asked.length === 0)
    found.push(...subjects.map((line) => aboutKey(input, line, 'error', 'subject-never-asked')));
  if (subjects.length === 0)
    found.push(...asked.map((line) => aboutValue(input, line, 'warning', 'issuer-without-subjects')));
  const [first, ...others] = asked;
  if (first !== undefined && subjects.length > 0)
    found.push(...others.map((line) => aboutKey(input, line, 'note', 'subject-unbound', { line: first.line })));
  return [...found, ...indirect(input, issuers)];
}

/** Subject lines that nobody asks, each with the issuer's line that is why. */
function deadSubjects(
  input: LintInput,
  subjects: readonly AccessLine[],
  whole: readonly AccessLine[],
  asked: readonly AccessLine[],
): { readonly subject: AccessLine; readonly issuer: AccessLine }[] {
  const known = subjectNames(input);
  const [only] = whole;
  return subjects.flatMap((subject) => {
    const issuer = nearestName(known, readWrittenName(subject.name))?.issuer;
    const own = issuer === undefined ? undefined : whole.find((line) => sameText(meant(line), issuer));
    if (own !== undefined) return [{ subject, issuer: own }];
    return asked.length === 0 && only !== undefined ? [{ subject, issuer: only }] : [];
  });
}

function relaysAll(input: LintInput, issuer: AccessLine, subjects: readonly AccessLine[]): LintFinding {
  const lines = subjects.map(({ line }) => line).join(', ');
  const count = certificatesOf(input, issuer);
  const fix = rewrite(issuer, undefined, 'SUBJECT');
  return count === undefined
    ? aboutValue(input, issuer, 'error', 'issuer-relays-all', { lines }, fix)
    : aboutValue(input, issuer, 'error', 'issuer-relays-all-known', { lines, count }, fix);
}

/** How many certificates of this CA are good now; undefined: its records are not known. */
function certificatesOf({ files, now }: LintInput, issuer: AccessLine): number | undefined {
  const name = meant(issuer);
  const own = files.issued.filter((record) => record.issuer !== undefined && sameText(record.issuer, name));
  if (own.length === 0) return undefined;
  return new Set(own.filter(({ withdrawn, notAfter }) => !withdrawn && notAfter > now).map(({ serial }) => serial))
    .size;
}

/** The name that a line means, as programs print it. */
function meant(line: AccessLine): string {
  return encodeWritten(readWrittenName(line.name));
}

/** Rights follow the direct issuer: a root's line says nothing of certificates that a CA below it issued. */
function indirect(input: LintInput, issuers: readonly AccessLine[]): LintFinding[] {
  const { certificates } = input.files;
  return issuers.flatMap((line) => {
    const below = certificates.find(
      ({ parsed, selfSigned, issuer }) => parsed.isCa && !selfSigned && sameText(issuer, line.name),
    );
    const direct = certificates.some(({ parsed, issuer }) => !parsed.isCa && sameText(issuer, line.name));
    if (below === undefined || direct) return [];
    if (issuers.some((other) => sameText(other.name, below.subject))) return [];
    return [aboutKey(input, line, 'warning', 'issuer-indirect', { below: below.subject })];
  });
}

/** CAs from which anybody gets a certificate. */
const PUBLIC =
  /\/O=(?:Let's\+20Encrypt|Internet\+20Security\+20Research|DigiCert|Sectigo|COMODO|GlobalSign|GoDaddy|Entrust|VeriSign|Thawte|GeoTrust|Google\+20Trust|Amazon|Actalis|ZeroSSL|SSL\+20Corp|SECOM\+20Trust|Cybertrust\+20Japan|Buypass|QuoVadis|IdenTrust|Certum)/i;
