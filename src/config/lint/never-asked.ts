/** Lines that nobody ever asks for, with these settings or with any, and lines that say what another one says already. */
import { isWord } from '../../relay/access/rule.ts';
import { aboutKey, aboutValue, rewrite } from './about.ts';
import { type AccessLine, isTag } from './access-line.ts';
import type { LintFinding } from './finding.ts';
import type { LintInput } from './input.ts';

const HOSTS = ['', 'Connect', 'TLS_Clt', 'TLS_Srv', 'Try_TLS', 'Srv_Features', 'Clt_Features'] as const;
const DOMAINS = [...HOSTS, 'From', 'To'] as const;

export function lintNeverAsked(input: LintInput): LintFinding[] {
  const live = input.lines.filter((line) => line.key !== undefined);
  return [...live.flatMap((line) => [...bySettings(input, line), ...byForm(input, line)]), ...repeated(input, live)];
}

function bySettings(input: LintInput, line: AccessLine): LintFinding[] {
  const { features } = input;
  const blocklist = features.has('blocklist_recipients') || features.has('blacklist_recipients');
  if (isTag(line, 'To') && !blocklist && !isWord(line.value, 'RELAY') && !isWord(line.value, 'OK'))
    return [aboutKey(input, line, 'error', 'to-blocklist-off')];
  if (isTag(line, 'Spam')) {
    const [kind] = features.get('delay_checks')?.value ?? [];
    if (kind !== 'friend' && kind !== 'hater') return [aboutKey(input, line, 'warning', 'spam-off')];
    if (!isWord(line.value, kind.toUpperCase())) return [aboutValue(input, line, 'warning', 'spam-other', { kind })];
  }
  const certificate =
    isTag(line, 'CERTISSUER') ||
    isTag(line, 'CERTSUBJECT') ||
    (isTag(line, 'TLS_Clt') && /(?:^|\+)VERIFY/i.test(line.value));
  // Srv_Features with v asks single clients all the same.
  const asked = input.lines.some((other) => isTag(other, 'Srv_Features') && /v/.test(other.value));
  if (certificate && !asked && /V/.test(input.settings?.tls.requestOptions ?? ''))
    return [aboutKey(input, line, 'error', 'certificate-not-asked')];
  return [];
}

function byForm(input: LintInput, line: AccessLine): LintFinding[] {
  const { name } = line;
  if (!DOMAINS.some((tag) => isTag(line, tag))) return [];
  if (/(?:^|@)\*\./.test(name))
    return [aboutKey(input, line, 'error', 'wildcard', {}, rewrite(line, name.replace('*.', '')))];
  if (HOSTS.some((tag) => tag !== '' && isTag(line, tag)) && name.includes('@'))
    return [aboutKey(input, line, 'error', 'host-with-at')];
  if (name.startsWith('.') && !input.features.has('lookupdotdomain'))
    return [aboutKey(input, line, 'warning', 'dot-domain-off', { domain: name.slice(1) })];
  if (/[a-z]\.$/i.test(name))
    return [aboutKey(input, line, 'error', 'domain-dot', {}, rewrite(line, name.slice(0, -1)))];
  return [];
}

/** An entry whose parent, tagged alike, has the same value would not be missed. */
function repeated(input: LintInput, lines: readonly AccessLine[]): LintFinding[] {
  const byKey = new Map(lines.map((line) => [`${line.tag}:${line.name}`.toLowerCase(), line]));
  return lines.flatMap((line) => {
    if (!HOSTS.some((tag) => isTag(line, tag)) || line.name.includes('@')) return [];
    for (const parent of parentsOf(line.name)) {
      const above = byKey.get(`${line.tag}:${parent}`.toLowerCase());
      if (above === undefined) continue;
      const same = above.value.toUpperCase() === line.value.toUpperCase();
      return same ? [aboutKey(input, line, 'note', 'repeated', { line: above.line, above: parent })] : [];
    }
    return [];
  });
}

function parentsOf(name: string): string[] {
  const labels = name.split('.');
  const address = /^[\d.]+$/.test(name);
  return labels
    .slice(1)
    .map((_, index) => (address ? labels.slice(0, labels.length - 1 - index) : labels.slice(index + 1)).join('.'));
}
