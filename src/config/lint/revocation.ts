/** Whether a certificate that was revoked is refused. Sendmail's lists fail open in several ways, without a word. */
import { aboutPlace, settingPlace } from './about.ts';
import type { LintFinding } from './finding.ts';
import type { LintInput } from './input.ts';
import { dayOf } from './weak.ts';

export function lintRevocation(input: LintInput): LintFinding[] {
  const { settings, lines, files } = input;
  if (settings === undefined) return [];
  const certificates = lines.filter(
    ({ tag, value }) => /^CERTISSUER$/i.test(tag) && /^(?:RELAY|SUBJECT)$/i.test(value),
  );
  const { revocationFile, revocationPath } = settings.tls;
  if (revocationFile === undefined && revocationPath === undefined) {
    if (certificates.length === 0) return [];
    const withdrawn = files.issued.filter((record) => record.withdrawn).length;
    const place = settingPlace(input, settings.tls.authorityFile?.place);
    return withdrawn === 0
      ? [aboutPlace(place, 'note', 'no-crl')]
      : [aboutPlace(place, 'error', 'no-crl-withdrawn', { count: withdrawn })];
  }
  return [...missing(input), ...outdated(input), ...ignored(input), ...links(input)];
}

function missing(input: LintInput): LintFinding[] {
  return input.files.named
    .filter(({ setting, state }) => setting === 'confCRL' && state !== 'there')
    .map(({ path, place }) => aboutPlace(settingPlace(input, place), 'error', 'crl-missing', { path }));
}

function outdated({ files, now }: LintInput): LintFinding[] {
  return files.lists.flatMap((list) => {
    if (list.issuer === undefined) return [aboutPlace(list, 'error', 'crl-unreadable')];
    if (!list.configured || list.nextUpdate === undefined || list.nextUpdate > now) return [];
    return [aboutPlace(list, 'error', 'crl-expired', { issuer: list.issuer, date: dayOf(list.nextUpdate) })];
  });
}

/** Only the first list of the file is loaded. */
function ignored({ files }: LintInput): LintFinding[] {
  return files.lists
    .filter(({ configured, number }) => configured && number > 0)
    .map((list) => aboutPlace(list, 'error', 'crl-ignored', { issuer: list.issuer ?? '-' }));
}

function links(input: LintInput): LintFinding[] {
  const { revocationNames, named } = input.files;
  const path = named.find(({ setting }) => setting === 'confCRL_PATH');
  if (path === undefined || revocationNames.some((name) => /^[0-9a-f]{8}\.r\d+$/.test(name))) return [];
  return [aboutPlace(settingPlace(input, path.place), 'error', 'crl-no-hash-link', { path: path.path })];
}
