/** Private keys: that they are where they belong, readable by whom they belong to, and fit their certificates. */
import { sameBytes } from '../../base/bytes.ts';
import { aboutPlace, settingPlace, whereOf } from './about.ts';
import type { LintFinding } from './finding.ts';
import type { FoundCertificate, FoundKey, LintInput } from './input.ts';

const GROUP = 0o070;
const OTHERS = 0o007;

export function lintPrivateKeys(input: LintInput): LintFinding[] {
  const { files } = input;
  return [
    ...files.keys.flatMap((key) => [...placeOf(input, key), ...modeOf(input, key)]),
    ...mismatches(input, 'server'),
    ...mismatches(input, 'client'),
    ...files.bundles.map((file) => aboutPlace({ file, line: 1 }, 'warning', 'bundle-here')),
    ...groupReadable(input),
  ];
}

/** A key that is another's. */
function placeOf(input: LintInput, key: FoundKey): LintFinding[] {
  const owner = certificateOf(input, key);
  const subject = owner?.subject ?? '-';
  // A key of the server's under another name is the server's.
  if (key.roles.has('server') || owner?.roles.has('server')) return [];
  if (key.roles.has('client')) {
    const place = input.settings?.tls.clientKey?.place;
    const users = /(?:^|\/)users?\//i.test(key.file) || (owner !== undefined && isOfPerson(input, owner));
    return users
      ? [aboutPlace(settingPlace(input, place), 'error', 'client-key-of-user', { file: key.file, subject })]
      : [];
  }
  if (owner?.roles.has('client')) return [];
  if (owner?.parsed.isCa === true)
    return [aboutPlace(key, 'warning', key.encrypted ? 'ca-key-here' : 'ca-key-open', { subject })];
  return [aboutPlace(key, 'error', key.encrypted ? 'user-key-encrypted' : 'user-key-here', { subject })];
}

/** Whether the holder is one to whom the map gives rights by name, or has an address for a name. */
function isOfPerson(input: LintInput, { subject, parsed }: FoundCertificate): boolean {
  const named = input.lines.some(
    ({ tag, name }) => tag.toUpperCase() === 'CERTSUBJECT' && name.toLowerCase() === subject.toLowerCase(),
  );
  return named || parsed.emails.length > 0 || /\/emailAddress=/i.test(subject);
}

function certificateOf({ files }: LintInput, { publicKey }: FoundKey): FoundCertificate | undefined {
  if (publicKey === undefined) return undefined;
  return files.certificates.find(({ parsed }) => sameBytes(parsed.publicKey, publicKey));
}

function modeOf(input: LintInput, key: FoundKey): LintFinding[] {
  const { mode } = key;
  if (mode === undefined || key.encrypted) return [];
  const values = { mode: (mode & 0o7777).toString(8).padStart(4, '0') };
  const used = key.roles.size > 0;
  if (mode & OTHERS) return [aboutPlace(key, 'error', used ? 'key-mode-refused' : 'key-mode-others', values)];
  if (mode & GROUP && used && !input.settings?.dontBlame.has('groupreadablekeyfile') && input.settings !== undefined)
    return [aboutPlace(key, 'error', 'key-mode-refused', values)];
  return mode & GROUP && !used ? [aboutPlace(key, 'warning', 'key-mode-group', values)] : [];
}

function mismatches({ files, ...input }: LintInput, role: 'server' | 'client'): LintFinding[] {
  const certificate = files.certificates.find(({ roles }) => roles.has(role));
  const key = files.keys.find(({ roles }) => roles.has(role));
  if (certificate === undefined || key?.publicKey === undefined) return [];
  if (sameBytes(certificate.parsed.publicKey, key.publicKey)) return [];
  const tls = input.settings?.tls;
  const place = role === 'server' ? tls?.serverKey?.place : tls?.clientKey?.place;
  const values = { certificate: whereOf(certificate), key: whereOf(key) };
  return [aboutPlace(place ?? key, 'error', role === 'server' ? 'server-key-mismatch' : 'client-key-mismatch', values)];
}

function groupReadable(input: LintInput): LintFinding[] {
  if (!input.settings?.dontBlame.has('groupreadablekeyfile')) return [];
  const place = settingPlace(input, input.settings.options.get('confDONT_BLAME_SENDMAIL')?.place);
  return [aboutPlace(place, 'note', 'group-readable-keys')];
}
