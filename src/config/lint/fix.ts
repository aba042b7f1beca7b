/**
 * Repairs an access file by the fixes of the rules, one round after another, until no rule has one left. Comments and the
 * order of lines stay. What a certificate may before and after is asked of the decision itself.
 */
import { decideRecipient } from '../../relay/access/decide.ts';
import { isWord } from '../../relay/access/rule.ts';
import { parseAccessMap } from '../../relay/access/map.ts';
import type { AccessPolicy } from '../../relay/access/policy.ts';
import { readAccessLines } from './access-line.ts';
import type { LintFinding } from './finding.ts';
import type { LintSource } from './input.ts';
import { lint } from './lint.ts';

export interface FixedLine {
  /** In the file as it was, from 1. */
  readonly first: number;
  readonly last: number;
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** Why, the first reason first. */
  readonly reasons: readonly LintFinding[];
}

export interface FixedFile {
  readonly text: string;
  readonly changes: readonly FixedLine[];
  /** Subjects of certificates, and keys of other entries, that relay afterwards and did not, and the other way round. */
  readonly gained: readonly string[];
  readonly lost: readonly string[];
}

/** Each round repairs what the one before uncovered. */
const ROUNDS = 12;

/** A stretch of the file: as it was, and as it is. */
interface Stretch {
  readonly first: number;
  readonly before: readonly string[];
  readonly now: readonly string[];
  readonly reasons: readonly LintFinding[];
}

/** The repaired file; undefined: there is nothing to repair. */
export function fixAccess(source: LintSource): FixedFile | undefined {
  const { access } = source;
  if (access === undefined) return undefined;
  let stretches: Stretch[] = access.text
    .split('\n')
    .map((row, index) => ({ first: index + 1, before: [row], now: [row], reasons: [] }));
  for (let round = 0; round < ROUNDS; round++) {
    const found = lint({ ...source, access: { ...access, text: textOf(stretches) } }).filter(({ fix }) => fix);
    if (found.length === 0) break;
    stretches = applied(stretches, found);
  }
  const changed = stretches.filter(({ reasons }) => reasons.length > 0);
  if (changed.length === 0) return undefined;
  const text = textOf(stretches);
  return {
    text,
    changes: changed.map(({ first, before, now, reasons }) => ({
      first,
      last: first + before.length - 1,
      before,
      after: now,
      reasons,
    })),
    ...rights(source, access.text, text),
  };
}

function textOf(stretches: readonly Stretch[]): string {
  return stretches.flatMap(({ now }) => now).join('\n');
}

/** One fix for each line, from the end so that the numbers before stay. */
function applied(stretches: readonly Stretch[], found: readonly LintFinding[]): Stretch[] {
  let rest = [...stretches];
  let edge = Number.POSITIVE_INFINITY;
  const ordered = found.toSorted((a, b) => (b.fix?.first ?? 0) - (a.fix?.first ?? 0));
  for (const { fix } of ordered) {
    if (fix === undefined || fix.last >= edge) continue;
    edge = fix.first;
    const reasons = found.filter((one) => one.fix?.first === fix.first);
    rest = replaced(rest, fix.first, fix.last, fix.lines, reasons);
  }
  return rest;
}

function replaced(
  stretches: readonly Stretch[],
  first: number,
  last: number,
  lines: readonly string[],
  reasons: readonly LintFinding[],
): Stretch[] {
  const result: Stretch[] = [];
  let at = 1;
  let joined: Stretch | undefined;
  for (const stretch of stretches) {
    const end = at + stretch.now.length - 1;
    if (end < first || at > last || stretch.now.length === 0) {
      result.push(stretch);
    } else {
      const now = [
        ...stretch.now.slice(0, Math.max(0, first - at)),
        ...(joined === undefined ? lines : []),
        ...stretch.now.slice(last - at + 1),
      ];
      const own = { ...stretch, now, reasons: [...stretch.reasons, ...reasons] };
      if (joined === undefined) {
        joined = own;
        result.push(own);
      } else {
        joined = {
          ...joined,
          before: [...joined.before, ...stretch.before],
          now: [...joined.now, ...now],
          reasons: distinct([...joined.reasons, ...stretch.reasons]),
        };
        result[result.length - 1] = joined;
      }
    }
    at = end + 1;
  }
  return result;
}

function distinct(reasons: readonly LintFinding[]): LintFinding[] {
  return [...new Set(reasons)];
}

/** Who may relay by certificate with one map and not with the other. */
function rights(source: LintSource, before: string, after: string): Pick<FixedFile, 'gained' | 'lost'> {
  const [was, is] = [before, after].map((text) => relaying(source, text)) as [Set<string>, Set<string>];
  return { gained: [...is].filter((one) => !was.has(one)), lost: [...was].filter((one) => !is.has(one)) };
}

function relaying({ files, access }: LintSource, text: string): Set<string> {
  const policy: AccessPolicy = {
    map: parseAccessMap(text, access?.file ?? '').map,
    mapMissing: false,
    features: new Set(),
    hostname: 'localhost',
    localDomains: new Set(),
    relayDomains: new Set(),
    trustedNetworks: [],
    trustedMechanisms: new Set(),
    localUsers: undefined,
    emailAlias: false,
    blocklistRecipients: false,
    delayChecks: false,
  };
  const certificates = files.certificates
    .filter(({ parsed }) => !parsed.isCa)
    .map(({ subject, issuer }) => ({ subject, issuer }));
  const records = files.issued.flatMap(({ subject, issuer, withdrawn }) =>
    issuer === undefined || withdrawn ? [] : [{ subject, issuer }],
  );
  const holders = [...certificates, ...records]
    .filter(({ subject, issuer }) => mayRelay(policy, subject, issuer))
    .map(({ subject }) => subject);
  return new Set([...holders, ...others(text)]);
}

/** Entries by which hosts and domains relay, without a certificate. */
function others(text: string): string[] {
  return readAccessLines(text).flatMap(({ key, tag, value }) =>
    key !== undefined && isWord(value, 'RELAY') && !/^CERT/i.test(tag) ? [key] : [],
  );
}

/** A client that has nothing to show but its certificate. */
function mayRelay(policy: AccessPolicy, subject: string, issuer: string): boolean {
  const verdict = decideRecipient(
    policy,
    {
      role: 'relay',
      address: '192.0.2.1',
      name: { state: 'none', name: undefined },
      helo: undefined,
      principal: {
        kind: 'verified',
        verify: 'OK',
        holder: undefined,
        certificate: {
          subject,
          issuer,
          commonName: '',
          issuerCommonName: '',
          serial: '00',
          fingerprint: '',
          notAfter: Number.MAX_SAFE_INTEGER,
          emails: [],
          dnsNames: [],
        },
      },
      tls: { bits: 256 },
      authenticated: undefined,
    },
    { typed: '<>', address: undefined },
    { typed: '<somebody@example.com>', address: { local: 'somebody', domain: 'example.com' } },
  );
  return verdict.kind === 'accept' && verdict.relay;
}
