/**
 * What Sendmail answered in cases that were recorded with it, against what we decide. Policy comes of the case's own
 * files by the reader of Sendmail sites; certificates are made with the subjects the cases describe and read back by our
 * parser; whether a chain verified is taken from what was observed, because that is the TLS library's business.
 */
import assert from 'node:assert/strict';
import { configSchema } from '../../src/config/schema.ts';
import { convertSite } from '../../src/config/sendmail/convert.ts';
import { readSite } from '../../src/config/sendmail/read-site.ts';
import { accessSettings } from '../../src/config/settings.ts';
import {
  contextPrimitiveTag,
  contextTag,
  element,
  integer,
  oid,
  sequence,
  setOf,
  tags,
} from '../../src/protocol/pki/der.ts';
import { parsePath } from '../../src/protocol/smtp/address.ts';
import { loosePath } from '../../src/protocol/smtp/loose-path.ts';
import { decideConnect, decideMail, decideRecipient } from '../../src/relay/access/decide.ts';
import { domainKey } from '../../src/relay/access/domain.ts';
import type { AccessFacts, AccessSender, DomainState } from '../../src/relay/access/facts.ts';
import { domainsToServe } from '../../src/relay/access/mailbox.ts';
import { parseAccessMap } from '../../src/relay/access/map.ts';
import type { AccessPolicy } from '../../src/relay/access/policy.ts';
import { domainToResolve } from '../../src/relay/access/sender.ts';
import { decideTls } from '../../src/relay/access/tls.ts';
import type { Verdict } from '../../src/relay/access/verdict.ts';
import type { TlsFacts } from '../../src/relay/connection/connection.ts';
import { holderCache } from '../../src/relay/identity/holders.ts';
import { identify } from '../../src/relay/identity/identify.ts';

type Attribute = readonly [type: string, value: string | { readonly hex: string }, string?: string];
type Rdn = Attribute | { readonly multi: readonly Attribute[] };

interface Certified {
  readonly subject: readonly Rdn[];
  readonly issuer?: string;
  readonly issuer_dn?: readonly Rdn[];
  readonly san?: readonly string[];
}

interface Config {
  readonly ostype: readonly string[];
  readonly infra: readonly string[];
  readonly tls: readonly string[];
  readonly access: readonly string[] | null;
  readonly access_feature: string;
  readonly mc: readonly string[];
  readonly mc_after_access: readonly string[];
  readonly mc_local: readonly string[];
  readonly daemon: string;
  readonly mailers: readonly string[];
  readonly makemap: readonly string[];
  readonly relay_domains: readonly string[];
  readonly local_host_names: readonly string[];
  readonly aliases: readonly string[];
  readonly names: {
    readonly a: Record<string, string | readonly string[]>;
    readonly ptr: Record<string, string>;
    readonly mx: Record<string, readonly string[]>;
    readonly cname: Record<string, string>;
    readonly servfail: readonly string[];
  };
}

interface Session {
  readonly from: string;
  readonly tls?: { readonly cert?: string } | null;
}

interface Observed {
  readonly replies: readonly {
    readonly cmd: string;
    readonly code: number;
    readonly esc: string | null;
    readonly text: readonly string[];
  }[];
  readonly server_tls: {
    readonly verify: string;
    readonly bits?: number;
    readonly cert_subject: string;
    readonly cert_issuer: string;
  } | null;
  readonly macros?: {
    readonly verify: string;
    readonly cert_subject: string;
    readonly cert_issuer: string;
    readonly cn_subject: string;
    readonly cn_issuer: string;
  };
}

export interface Case {
  readonly id: string;
  readonly config: Partial<Config>;
  readonly pki?: Record<string, Certified>;
  readonly sessions: readonly Session[];
  readonly observed: { readonly sessions?: readonly Observed[] };
}

export interface Cases {
  readonly defaults: Config;
  readonly pki: Record<string, Certified>;
  readonly cases: readonly Case[];
}

export interface Count {
  replies: number;
  names: number;
  /** Replies of other steps: order of commands, parameters, limits. */
  elsewhere: number;
}

/** Users of the machine that the cases were recorded on, as far as they matter. */
const USERS = ['root', 'daemon', 'bin', 'nobody', 'mail'];

export function compareCase(cases: Cases, one: Case, count: Count): void {
  const config = merged(cases.defaults, one.config);
  const policy = policyOf(config);
  one.sessions.forEach((session, number) => {
    const observed = one.observed.sessions?.[number];
    if (observed !== undefined) compareSession({ ...cases.pki, ...one.pki }, config, policy, session, observed, count);
  });
}

function compareSession(
  pki: Record<string, Certified>,
  config: Config,
  policy: AccessPolicy,
  session: Session,
  observed: Observed,
  count: Count,
): void {
  const secured = factsOf(pki, config, session, observed);
  compareNames(secured, observed, count);
  const plain: AccessFacts = {
    ...secured,
    principal: { kind: 'anonymous', verify: '', reason: 'no-tls' },
    tls: undefined,
  };
  const implicit = !observed.replies.some(({ cmd }) => cmd.startsWith('STARTTLS'));
  let facts = implicit ? secured : plain;
  let crippled: Verdict = decideConnect(policy, facts);
  let sender: AccessSender = { typed: '<>', address: undefined };
  let discarded = false;
  for (const { cmd, code, esc, text } of observed.replies) {
    if (cmd === '<connect>' && code === 421) compare(crippled, cmd, code, esc, text, session, count);
    if (cmd.startsWith('STARTTLS') && code === 220) {
      facts = secured;
      if (crippled.kind !== 'reject') crippled = decideTls(policy, facts);
    }
    if (cmd.startsWith('AUTH') && code === 235) {
      const mechanism = /^AUTH ([A-Z0-9-]+)/.exec(cmd)?.[1] ?? '';
      facts = { ...facts, authenticated: { mechanism, identity: 'somebody', holder: undefined } };
    }
    const command = /^(MAIL FROM|RCPT TO):\s*(.*)$/.exec(cmd);
    if (command === null) continue;
    const { typed } = loosePath((command[2] as string).trim());
    if (
      crippled.kind !== 'reject' &&
      ([503, 555, 501, 552, 530].includes(code) || typed === '' || /[^ -~]/.test(typed))
    ) {
      count.elsewhere += 1;
      continue;
    }
    const parsed = parsePath(typed, true);
    const address = parsed?.address;
    if (crippled.kind === 'reject') compare(crippled, cmd, code, esc, text, session, count);
    else if (command[1] === 'MAIL FROM') {
      const asked = { typed, address };
      const domain = domainToResolve(policy, asked);
      sender = { ...asked, domain: domain === undefined ? undefined : stateOf(config, domain) };
      const verdict = decideMail(policy, facts, sender);
      discarded = decideConnect(policy, facts).kind === 'discard' || verdict.kind === 'discard';
      compare(verdict, cmd, code, esc, text, session, count);
    } else {
      const asked = { typed, address: address ?? { local: typed, domain: '' } };
      const served = new Map(domainsToServe(policy, asked).map((domain) => [domain, servedBy(config, policy, domain)]));
      const verdict = decideRecipient(policy, facts, sender, { ...asked, served, discarded });
      discarded ||= verdict.kind === 'discard';
      compare(verdict, cmd, code, esc, text, session, count);
    }
  }
}

function compare(
  verdict: Verdict,
  cmd: string,
  code: number,
  esc: string | null,
  text: readonly string[],
  session: Session,
  count: Count,
): void {
  const where = `${cmd} from ${session.from}`;
  count.replies += 1;
  if (code < 300) {
    assert.notEqual(verdict.kind, 'reject', `${where}: ${JSON.stringify(verdict)}`);
    return;
  }
  assert.equal(verdict.kind, 'reject', `${where}: Sendmail said ${code} ${text.join(' ')}`);
  if (verdict.kind !== 'reject') return;
  assert.equal(`${verdict.reply.code} ${verdict.reply.enhanced}`, `${code} ${esc}`, where);
  const said = (text[0] ?? '').replace(/^[245]\.\d+\.\d+ /, '');
  // Where Sendmail quotes what it took for text, it prints the rest of its own rules.
  if (said.length < 200 && !/ERROR:$|it's|too long|><|>v/.test(said)) assert.equal(verdict.reply.lines[0], said, where);
}

function compareNames({ principal }: AccessFacts, observed: Observed, count: Count): void {
  if (principal.kind === 'anonymous' || !observed.server_tls?.cert_subject) return;
  // The log, where these come from, cuts them.
  assert.equal(principal.certificate.subject.slice(0, 255), observed.server_tls.cert_subject.slice(0, 255));
  assert.equal(principal.certificate.issuer.slice(0, 255), observed.server_tls.cert_issuer.slice(0, 255));
  count.names += 2;
  if (observed.macros === undefined) return;
  assert.equal(principal.certificate.commonName, observed.macros.cn_subject);
  assert.equal(principal.certificate.issuerCommonName, observed.macros.cn_issuer);
  assert.equal(principal.verify, observed.macros.verify);
  assert.equal(principal.certificate.subject, observed.macros.cert_subject);
  assert.equal(principal.certificate.issuer, observed.macros.cert_issuer);
  count.names += 2;
}

function policyOf(config: Config): AccessPolicy {
  const place = '/etc/mail';
  const lines = [
    ...config.ostype,
    ...config.infra,
    ...config.tls,
    ...config.mc,
    ...(config.access === null ? [] : [config.access_feature, ...config.mc_after_access]),
    `DAEMON_OPTIONS(\`Family=inet, Addr=127.0.0.1, Port=2525, ${config.daemon}')dnl`,
    ...config.mailers,
    ...config.mc_local,
  ];
  const access = (config.access ?? []).map((line) => `${line}\n`).join('');
  const files: Record<string, string> = {
    'sendmail.mc': `${lines.join('\n')}\n`.replaceAll('@DIR@', place).replaceAll('@PORT@', '2525'),
    access,
    'relay-domains': config.relay_domains.map((line) => `${line}\n`).join(''),
    'local-host-names': config.local_host_names.map((line) => `${line}\n`).join(''),
    aliases: config.aliases.map((line) => `${line}\n`).join(''),
  };
  const site = readSite(place, {
    read: (path) => files[path.replace(`${place}/`, '')],
    list: () => Object.keys(files),
  });
  const raw = convertSite(site, { hostname: 'mail.relay.test', users: USERS, resolver: [], compatibility: [] });
  const settings = configSchema().parse(raw);
  const missing = settings.access.missingMap === 'defer' && settings.access.map.endsWith('nosuch');
  const repeats = config.makemap.includes('-r');
  const map =
    settings.access.map === 'none' ? undefined : parseAccessMap(repeats ? lastFirst(access) : access, 'access').map;
  return {
    ...accessSettings(settings),
    map: map && (missing ? parseAccessMap('', 'access').map : map),
    mapMissing: missing,
  };
}

/** `makemap -r`: of keys that stand there twice, the last. */
function lastFirst(text: string): string {
  return text.split('\n').toReversed().join('\n');
}

function stateOf({ names }: Config, domain: string): DomainState {
  const literal = /^\[(.*)\]$/.exec(domain)?.[1];
  if (literal !== undefined) {
    if (names.servfail.includes(reverseName(literal))) return 'temporary';
    return names.ptr[literal] === undefined ? 'missing' : 'exists';
  }
  if (names.servfail.includes(domain)) return 'temporary';
  return names.a[domain] !== undefined || names.mx[domain] !== undefined ? 'exists' : 'missing';
}

function servedBy({ names }: Config, policy: AccessPolicy, domain: string): 'yes' | 'no' | 'temporary' {
  if (names.servfail.includes(domain)) return 'temporary';
  return (names.mx[domain] ?? []).some((name) => policy.localDomains.has(domainKey(name))) ? 'yes' : 'no';
}

function reverseName(address: string): string {
  return `${address.split('.').toReversed().join('.')}.in-addr.arpa`;
}

function factsOf(pki: Record<string, Certified>, config: Config, session: Session, observed: Observed): AccessFacts {
  const { names } = config;
  const pointer = names.ptr[session.from];
  const isLocal = session.from === '127.0.0.1';
  const forward = pointer === undefined ? [] : [names.a[pointer] ?? []].flat();
  const state = names.servfail.includes(reverseName(session.from))
    ? 'temporary'
    : isLocal || forward.includes(session.from)
      ? 'ok'
      : pointer === undefined
        ? 'none'
        : 'forged';
  const verify = observed.server_tls?.verify ?? observed.macros?.verify;
  const secured = Boolean(session.tls) && verify !== undefined && verify !== '';
  const tls: TlsFacts | undefined = !secured
    ? undefined
    : {
        version: 'TLSv1.3',
        cipher: 'TLS_AES_256_GCM_SHA384',
        bits: observed.server_tls?.bits ?? 256,
        asked: verify !== 'NOT',
        certificate:
          session.tls?.cert !== undefined && verify !== 'NO' && verify !== 'NOT'
            ? { der: certificateOf(pki, session.tls.cert), fingerprint: session.tls.cert }
            : undefined,
        verifyError: verify === 'FAIL' ? 'UNSPECIFIED' : undefined,
        resumed: false,
        serverName: undefined,
      };
  return {
    role: 'relay',
    address: session.from,
    name: { state, name: isLocal ? 'localhost' : pointer },
    helo: 'laptop',
    principal: identify(
      tls,
      holderCache(() => undefined, [], 1),
    ),
    tls: tls && { bits: tls.bits },
    authenticated: undefined,
  };
}

const types: Readonly<Record<string, string>> = {
  C: '2.5.4.6',
  ST: '2.5.4.8',
  L: '2.5.4.7',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  CN: '2.5.4.3',
  emailAddress: '1.2.840.113549.1.9.1',
  serialNumber: '2.5.4.5',
  UID: '0.9.2342.19200300.100.1.1',
  DC: '0.9.2342.19200300.100.1.25',
  title: '2.5.4.12',
  GN: '2.5.4.42',
  SN: '2.5.4.4',
  street: '2.5.4.9',
};
const strings: Readonly<Record<string, number>> = {
  utf8: 0x0c,
  numeric: 0x12,
  printable: 0x13,
  t61: 0x14,
  ia5: 0x16,
  visible: 0x1a,
  general: 0x1b,
  universal: 0x1c,
  bmp: 0x1e,
};

function certificateOf(pki: Record<string, Certified>, name: string): Uint8Array {
  const { subject, issuer = 'ca', issuer_dn: issuerName, san } = pki[name] as Certified;
  const signer = issuer === 'self' ? subject : (issuerName ?? (pki[issuer] as Certified).subject);
  const algorithm = sequence(oid('1.2.840.113549.1.1.11'), element(tags.null));
  const time = element(tags.utcTime, Buffer.from('260101000000Z'));
  const key = sequence(algorithm, element(tags.bitString, Uint8Array.of(0)));
  const version = san === undefined ? [] : [element(contextTag(0), integer(2))];
  const signed = sequence(
    ...version,
    integer(1),
    algorithm,
    nameOf(signer),
    sequence(time, time),
    nameOf(subject),
    key,
    ...(san === undefined ? [] : [element(contextTag(3), sequence(alternatives(san)))]),
  );
  return sequence(signed, algorithm, element(tags.bitString, Uint8Array.of(0)));
}

/** subjectAltName of `dns:…` (RFC 5280 §4.2.1.6). */
function alternatives(names: readonly string[]): Uint8Array {
  const general = names.map((name) => element(contextPrimitiveTag(2), Buffer.from(name.replace(/^dns:/, ''))));
  return sequence(oid('2.5.29.17'), element(tags.octetString, sequence(...general)));
}

function nameOf(rdns: readonly Rdn[]): Uint8Array {
  return sequence(
    ...rdns.map((rdn) => ('multi' in rdn ? setOf(...rdn.multi.map(attributeOf)) : setOf(attributeOf(rdn)))),
  );
}

function attributeOf([type, value, kind]: Attribute): Uint8Array {
  const string = kind ?? (typeof value === 'string' && /^[\u0020-\u007e]*$/.test(value) ? 'printable' : 'utf8');
  return sequence(oid(types[type] ?? type), element(strings[string] as number, octetsOf(value, string)));
}

function octetsOf(value: string | { readonly hex: string }, kind: string): Uint8Array {
  if (typeof value !== 'string') return Buffer.from(value.hex, 'hex');
  if (kind === 'utf8') return Buffer.from(value);
  if (kind === 'bmp') return Buffer.from(value, 'utf16le').swap16();
  if (kind === 'universal')
    return Buffer.concat(
      Array.from(value).map((letter) => Buffer.from([0, 0, ...Buffer.from(letter, 'utf16le').swap16()])),
    );
  return Buffer.from(value, 'latin1');
}

function merged(defaults: Config, config: Partial<Config>): Config {
  const names = config.names;
  return {
    ...defaults,
    ...config,
    names: {
      a: { ...defaults.names.a, ...names?.a },
      ptr: { ...defaults.names.ptr, ...names?.ptr },
      mx: { ...defaults.names.mx, ...names?.mx },
      cname: { ...defaults.names.cname, ...names?.cname },
      servfail: [...defaults.names.servfail, ...(names?.servfail ?? [])],
    },
  };
}
