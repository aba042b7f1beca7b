/** Certificates that no longer verify, or that verify only because somebody asked for it. */
import type { Ms } from '../../base/clock.ts';
import { oids } from '../../protocol/pki/oid.ts';
import { aboutPlace } from './about.ts';
import type { LintFinding, LintRule, Severity } from './finding.ts';
import type { FoundCertificate, LintInput } from './input.ts';

const DAY: Ms = 86_400_000;
/** Time in which a certificate can be renewed without hurry. */
const SOON = 30 * DAY;
/** Least bits of an RSA key (NIST SP 800-131A). */
const RSA_BITS = 2_048;

const weakHashes: Readonly<Record<string, string>> = {
  [oids.md2WithRsa]: 'MD2',
  [oids.md5WithRsa]: 'MD5',
  [oids.sha1WithRsa]: 'SHA-1',
  [oids.ecdsaWithSha1]: 'SHA-1',
  [oids.dsaWithSha1]: 'SHA-1',
};

export function lintWeakCertificates(input: LintInput): LintFinding[] {
  // CAs keep a copy of all they issued: one finding for each certificate is enough.
  const seen = new Set<string>();
  return input.files.certificates.flatMap((found) => {
    if (seen.has(found.fingerprint)) return [];
    seen.add(found.fingerprint);
    return lintCertificate(input, found);
  });
}

function lintCertificate(input: LintInput, found: FoundCertificate): LintFinding[] {
  const { subject, roles, parsed, selfSigned, rsaBits } = found;
  const ours = roles.size > 0;
  // Of several certificates with one name only the newest is in use, as far as files can tell.
  if (!ours && input.files.certificates.some((other) => isNewer(other, found))) return [];
  const say = (rule: LintRule, values: Readonly<Record<string, string | number>>, severity: Severity): LintFinding =>
    aboutPlace(found, severity, rule, { subject, role: [...roles].toSorted().join(', ') || 'user', ...values });
  const findings: LintFinding[] = [];
  const accepted = input.weakAccepted;
  const severity = accepted ? 'warning' : 'error';
  const hash = weakHashes[found.algorithm];
  // What a root says of itself proves nothing, however it is signed.
  if (hash !== undefined && !selfSigned)
    findings.push(say(accepted ? 'weak-signature-accepted' : 'weak-signature', { hash }, severity));
  if (rsaBits !== undefined && rsaBits < RSA_BITS)
    findings.push(say(accepted ? 'weak-key-accepted' : 'weak-key', { bits: rsaBits }, severity));
  const { notBefore, notAfter } = parsed;
  const timely = ours ? 'error' : 'warning';
  if (notAfter <= input.now) findings.push(say('expired', { date: dayOf(notAfter) }, timely));
  else if (notAfter - input.now < SOON && ours)
    findings.push(say('expires-soon', { date: dayOf(notAfter) }, 'warning'));
  if (notBefore > input.now) findings.push(say('not-yet-valid', { date: dayOf(notBefore) }, timely));
  return findings;
}

function isNewer(other: FoundCertificate, than: FoundCertificate): boolean {
  return other.subject === than.subject && other.issuer === than.issuer && other.parsed.notAfter > than.parsed.notAfter;
}

/** `2026-11-24`; this layer has no Date (the civil calendar from days, by eras of 400 years). */
export function dayOf(at: Ms): string {
  const days = Math.floor(at / DAY) + 719_468;
  const era = Math.floor(days / 146_097);
  const day = days - era * 146_097;
  const year = Math.floor((day - Math.floor(day / 1_460) + Math.floor(day / 36_524) - Math.floor(day / 146_096)) / 365);
  const rest = day - (365 * year + Math.floor(year / 4) - Math.floor(year / 100));
  const month = Math.floor((5 * rest + 2) / 153);
  const date = rest - Math.floor((153 * month + 2) / 5) + 1;
  const shown = month < 10 ? month + 3 : month - 9;
  const two = (number: number): string => String(number).padStart(2, '0');
  return `${year + era * 400 + (shown <= 2 ? 1 : 0)}-${two(shown)}-${two(date)}`;
}
