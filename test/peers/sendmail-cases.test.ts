/**
 * What Sendmail answered, against what we decide. The file of cases is not part of this repository: give its path in
 * SEALPOST_SENDMAIL_CASES. Certificates are made with the subjects the cases describe and read back by our parser;
 * whether a chain verified is taken from what was observed, because that is the TLS library's business.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { element, integer, oid, sequence, setOf, tags } from '../../src/protocol/pki/der.ts';
import { parsePath } from '../../src/protocol/smtp/address.ts';
import type { TlsFacts } from '../../src/relay/connection/connection.ts';
import { decideConnect, decideMail, decideRecipient } from '../../src/relay/access/decide.ts';
import type { AccessFacts, AccessSender } from '../../src/relay/access/facts.ts';
import { parseAccessMap } from '../../src/relay/access/map.ts';
import type { AccessPolicy } from '../../src/relay/access/policy.ts';
import type { Verdict } from '../../src/relay/access/verdict.ts';
import { barePolicy } from '../fakes/policy.ts';
import { holderCache } from '../../src/relay/identity/holders.ts';
import { identify } from '../../src/relay/identity/identify.ts';

type Attribute = readonly [type: string, value: string | { readonly hex: string }, string?: string];
type Rdn = Attribute | { readonly multi: readonly Attribute[] };

interface Certified {
  readonly subject: readonly Rdn[];
  readonly issuer?: string;
  readonly issuer_dn?: readonly Rdn[];
}

interface Config {
  readonly access: readonly string[] | null;
  readonly access_feature: string;
  readonly mc: readonly string[];
  readonly mc_after_access: readonly string[];
  readonly mc_local: readonly string[];
  readonly makemap: readonly string[];
  readonly relay_domains: readonly string[];
  readonly local_host_names: readonly string[];
  readonly names: {
    readonly a: Record<string, string>;
    readonly ptr: Record<string, string>;
    readonly servfail: readonly string[];
  };
}

interface Session {
  readonly from: string;
  readonly tls?: { readonly cert?: string };
}

interface Observed {
  readonly replies: readonly { readonly cmd: string; readonly code: number; readonly esc: string | null }[];
  readonly server_tls: { readonly verify: string; readonly cert_subject: string; readonly cert_issuer: string } | null;
  readonly macros?: {
    readonly verify: string;
    readonly cert_subject: string;
    readonly cert_issuer: string;
    readonly cn_subject: string;
    readonly cn_issuer: string;
  };
}

interface Case {
  readonly id: string;
  readonly config: Partial<Config>;
  readonly pki?: Record<string, Certified>;
  readonly sessions: readonly Session[];
  readonly observed: { readonly sessions?: readonly Observed[] };
}

interface Cases {
  readonly defaults: Config;
  readonly pki: Record<string, Certified>;
  readonly cases: readonly Case[];
}

const path = process.env['SEALPOST_SENDMAIL_CASES'];

describe(
  'decisions as Sendmail made them',
  { skip: path === undefined && 'SEALPOST_SENDMAIL_CASES is not set' },
  () => {
    const cases = path === undefined ? undefined : (JSON.parse(readFileSync(path, 'utf8')) as Cases);
    const count = { cases: 0, replies: 0, names: 0, unsupported: [] as string[], elsewhere: 0 };

    for (const one of cases?.cases ?? []) {
      const config = merged((cases as Cases).defaults, one.config);
      if (!isSupported(one.id, config)) {
        count.unsupported.push(one.id);
        continue;
      }
      it(one.id, () => {
        count.cases += 1;
        one.sessions.forEach((session, number) => {
          const observed = one.observed.sessions?.[number];
          if (observed !== undefined)
            compareSession({ ...(cases as Cases).pki, ...one.pki }, config, session, observed, count);
        });
      });
    }

    it('counts', (t) => {
      t.diagnostic(
        `${count.cases} cases: ${count.replies} replies and ${count.names} names agree, ` +
          `${count.elsewhere} replies are of other steps; not supported: ${count.unsupported.join(' ')}`,
      );
      assert.ok(count.replies > 100);
    });
  },
);

/** Features of later work, and cases whose answers are about something else. */
function isSupported(id: string, config: Config): boolean {
  const features = [...config.mc, ...config.mc_after_access].filter((line) =>
    /^(FEATURE|TRUST_AUTH_MECH)\(/.test(line),
  );
  const known = features.every((line) =>
    /blocklist_recipients|blacklist_recipients|delay_checks|TRUST_AUTH_MECH\(`EXTERNAL'\)/.test(line),
  );
  return (
    known &&
    config.mc_local.length === 0 &&
    config.makemap.length === 0 &&
    !/nosuch|`skip'|dotdomain/.test(config.access_feature) &&
    !/^(tlsclt|srvfeat-[a-zA-Z]|out|auth-plain|auth-bad|privacy|max-message|command-order|ehlo|plaintext-injection)/.test(
      id,
    )
  );
}

function compareSession(
  pki: Record<string, Certified>,
  config: Config,
  session: Session,
  observed: Observed,
  count: { replies: number; names: number; elsewhere: number },
): void {
  const policy = policyOf(config);
  const facts = factsOf(pki, config, session, observed);
  const { principal } = facts;
  if (principal.kind !== 'anonymous' && observed.server_tls?.cert_subject) {
    // The log, where these come from, cuts them.
    assert.equal(principal.certificate.subject.slice(0, 255), observed.server_tls.cert_subject.slice(0, 255));
    assert.equal(principal.certificate.issuer.slice(0, 255), observed.server_tls.cert_issuer.slice(0, 255));
    count.names += 2;
    if (observed.macros !== undefined) {
      assert.equal(principal.certificate.commonName, observed.macros.cn_subject);
      assert.equal(principal.certificate.issuerCommonName, observed.macros.cn_issuer);
      assert.equal(principal.verify, observed.macros.verify);
      assert.equal(principal.certificate.subject, observed.macros.cert_subject);
      assert.equal(principal.certificate.issuer, observed.macros.cert_issuer);
      count.names += 2;
    }
  }
  const connection = decideConnect(policy, facts);
  let sender: AccessSender = { typed: '<>', address: undefined };
  for (const { cmd, code, esc } of observed.replies) {
    const command = /^(MAIL FROM|RCPT TO):\s*(.*)$/.exec(cmd);
    if (command === null) continue;
    const typed = /^<[^>]*>|^\S+/.exec(command[2] as string)?.[0] ?? '';
    const parsed = parsePath(typed, true);
    // Order of commands, syntax, existence of users and domains: other steps answer these.
    if (
      code === 503 ||
      code === 555 ||
      parsed === undefined ||
      ['5.1.1', '5.1.2', '5.1.3', '5.1.8', '4.1.8', '5.7.0', '4.3.0'].includes(esc ?? '')
    ) {
      count.elsewhere += 1;
      continue;
    }
    let verdict: Verdict;
    if (connection.kind === 'reject') verdict = connection;
    else if (command[1] === 'MAIL FROM') {
      sender = { typed, address: parsed.address };
      verdict = decideMail(policy, facts, sender);
    } else
      verdict = decideRecipient(policy, facts, sender, { typed, address: parsed.address ?? { local: '', domain: '' } });
    const answered = verdict.kind === 'reject' ? `${verdict.reply.code} ${verdict.reply.enhanced}` : '250';
    assert.equal(answered, code === 250 ? '250' : `${code} ${esc}`, `${cmd} from ${session.from}`);
    count.replies += 1;
  }
}

function policyOf(config: Config): AccessPolicy {
  const after = config.mc_after_access.join('\n');
  return {
    ...barePolicy,
    map: config.access === null ? undefined : parseAccessMap(config.access.join('\n'), 'access').map,
    localDomains: new Set([
      'localhost',
      'mail.relay.test',
      '[127.0.0.1]',
      ...config.local_host_names.map((name) => name.toLowerCase()),
    ]),
    relayDomains: new Set(config.relay_domains.map((name) => name.toLowerCase())),
    // Sendmail's own rule; here it has to be said.
    trustedNetworks: ['127.0.0.1/32', '::1/128'],
    trustedMechanisms: new Set(config.mc.some((line) => line.startsWith('TRUST_AUTH_MECH')) ? ['EXTERNAL'] : []),
    blocklistRecipients: /bl(oc|ac)klist_recipients/.test(after),
    delayChecks: after.includes('delay_checks'),
    spam: after.includes('friend') ? 'friend' : after.includes('hater') ? 'hater' : undefined,
  };
}

function factsOf(pki: Record<string, Certified>, config: Config, session: Session, observed: Observed): AccessFacts {
  const { names } = config;
  const pointer = names.ptr[session.from];
  const reverse = `${session.from.split('.').toReversed().join('.')}.in-addr.arpa`;
  const isLocal = session.from === '127.0.0.1';
  const state = names.servfail.includes(reverse)
    ? 'temporary'
    : isLocal || (pointer !== undefined && names.a[pointer] === session.from)
      ? 'ok'
      : pointer === undefined
        ? 'none'
        : 'forged';
  const verify = observed.server_tls?.verify ?? observed.macros?.verify;
  const secured = session.tls !== undefined && verify !== undefined && verify !== '';
  const tls: TlsFacts | undefined = !secured
    ? undefined
    : {
        version: 'TLSv1.3',
        cipher: 'TLS_AES_256_GCM_SHA384',
        bits: 256,
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
    authenticated: observed.replies.some(({ cmd, code }) => cmd.startsWith('AUTH') && code === 235)
      ? { mechanism: 'EXTERNAL', identity: 'external', holder: undefined }
      : undefined,
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
  const { subject, issuer = 'ca', issuer_dn: issuerName } = pki[name] as Certified;
  const signer = issuer === 'self' ? subject : (issuerName ?? (pki[issuer] as Certified).subject);
  const algorithm = sequence(oid('1.2.840.113549.1.1.11'), element(tags.null));
  const time = element(tags.utcTime, Buffer.from('260101000000Z'));
  const key = sequence(algorithm, element(tags.bitString, Uint8Array.of(0)));
  const signed = sequence(integer(1), algorithm, nameOf(signer), sequence(time, time), nameOf(subject), key);
  return sequence(signed, algorithm, element(tags.bitString, Uint8Array.of(0)));
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
      servfail: [...defaults.names.servfail, ...(names?.servfail ?? [])],
    },
  };
}
