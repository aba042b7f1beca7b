/** The files of TLS: whether STARTTLS is offered at all, whom it trusts, and how much it takes. */
import { aboutPlace, settingPlace } from './about.ts';
import type { LintFinding } from './finding.ts';
import type { FileSetting, LintInput, NamedFile } from './input.ts';

/** Without any one of these Sendmail offers no STARTTLS. */
const NEEDED: readonly FileSetting[] = ['confCACERT_PATH', 'confCACERT', 'confSERVER_CERT', 'confSERVER_KEY'];

export function lintTlsFiles(input: LintInput): LintFinding[] {
  if (input.settings === undefined) return [];
  return [...offered(input), ...otherFiles(input), ...hashLinks(input), ...ciphers(input)];
}

function offered(input: LintInput): LintFinding[] {
  const named = new Map(input.files.named.map((file) => [file.setting, file]));
  const given = NEEDED.filter((setting) => named.has(setting));
  // Nobody asked for TLS; then lines about certificates say so.
  if (given.length === 0) {
    const certificates = input.lines.some(({ tag }) => /^CERT(?:ISSUER|SUBJECT)$/i.test(tag));
    return certificates ? [aboutPlace(settingPlace(input, undefined), 'error', 'no-tls')] : [];
  }
  return NEEDED.flatMap((setting) => {
    const file = named.get(setting);
    if (file === undefined) return [aboutPlace(settingPlace(input, undefined), 'error', 'starttls-unset', { setting })];
    return file.state === 'there' ? [] : [ofFile(input, file, 'starttls-file')];
  });
}

function otherFiles(input: LintInput): LintFinding[] {
  return input.files.named
    .filter(({ setting, state }) => setting.startsWith('confCLIENT') && state !== 'there')
    .map((file) => ofFile(input, file, 'client-file'));
}

function ofFile(
  input: LintInput,
  { setting, path, place, state }: NamedFile,
  rule: 'client-file' | 'starttls-file',
): LintFinding {
  const severity = rule === 'client-file' ? 'warning' : 'error';
  const how = state === 'there' ? 'unreadable' : state;
  return aboutPlace(settingPlace(input, place), severity, `${rule}-${how}`, { setting, path });
}

/** CACertPath is only searched through names made from the hash of the subject. */
function hashLinks(input: LintInput): LintFinding[] {
  const { authorityNames, certificates, named } = input.files;
  const path = named.find(({ setting }) => setting === 'confCACERT_PATH');
  if (path === undefined || authorityNames.some((name) => /^[0-9a-f]{8}\.\d+$/.test(name))) return [];
  const directory = path.path.replace(/\/+$/, '');
  const trusted = new Set(
    certificates.filter(({ roles }) => roles.has('authority')).map(({ fingerprint }) => fingerprint),
  );
  const lying = certificates.filter(
    ({ file, parsed, fingerprint, roles }) =>
      parsed.isCa &&
      roles.size === 0 &&
      !trusted.has(fingerprint) &&
      file.slice(0, file.lastIndexOf('/')) === directory,
  );
  return lying.map((found) => aboutPlace(found, 'warning', 'no-hash-link', { subject: found.subject, directory }));
}

function ciphers(input: LintInput): LintFinding[] {
  const list = input.settings?.tls.ciphers;
  if (list === undefined) return [];
  const place = settingPlace(input, list.place);
  const found: LintFinding[] = [];
  if (/@SECLEVEL=[01]\b/i.test(list.value))
    found.push(aboutPlace(place, 'warning', 'security-level', { list: list.value }));
  const weak = /(?:^|:)\+?(RC4|DES|3DES|MD5|EXPORT|EXP|LOW|NULL|eNULL|aNULL|ADH|ALL)\b/i.exec(list.value)?.[1];
  if (weak !== undefined) found.push(aboutPlace(place, 'warning', 'weak-ciphers', { list: list.value, weak }));
  return found;
}
