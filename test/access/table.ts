/**
 * Tables of access decisions as text: what the policy and the peer are, and what each question is answered.
 *
 *   == title of a block                       starts with the defaults: relay.test is ours, an empty map, a strange peer
 *   let CA /C=JP/O=Example                    from here on, in all blocks of the file, $CA stands for it
 *   map LINE                                  a line of the access map, as it stands; `map` alone is an empty line
 *   nomap                                     no access map is configured
 *   policy KEY [VALUE...]                     localDomains, relayDomains, trustedNetworks, spam; or a flag that becomes true
 *   role submission                           the listener's role, `relay` by default
 *   peer ADDRESS NAME                         NAME is the client's confirmed name, or forged, none, temporary, unasked
 *   plain | nocert | unasked                  no TLS; TLS without a certificate; TLS that asked for none
 *   cert issuer=DN subject=DN [holder=NAME]   a verified certificate
 *   … trust=NAME [rule=RULE] [map]               its CA is trusted by name; this rule of it fits; the access map decides
 *   bad REASON issuer=DN subject=DN           a certificate that is refused for this reason
 *   auth MECHANISM IDENTITY [HOLDER]          AUTH succeeded
 *   from ADDRESS                              the reverse-path of the RCPT lines that follow
 *   … cn=NAME dns=NAME,NAME bits=N                more of what it shows; the cipher's bits are 256 else
 *   STARTTLS => VERDICT                       what TLS must be like, asked when the handshake is done
 *   CONNECT => VERDICT                        a question, and the beginning of explainVerdict()
 *   MAIL ADDRESS => VERDICT
 *   RCPT ADDRESS => VERDICT
 *     asked: answer (source)                  below a question: its whole trail
 */
import { barePolicy } from '../fakes/policy.ts';
import { parsePath } from '../../src/protocol/smtp/address.ts';
import type { AccessFacts, AccessSender } from '../../src/relay/access/facts.ts';
import { decideConnect, decideMail, decideRecipient } from '../../src/relay/access/decide.ts';
import { parseAccessMap } from '../../src/relay/access/map.ts';
import type { AccessPolicy } from '../../src/relay/access/policy.ts';
import { decideTls } from '../../src/relay/access/tls.ts';
import type { Verdict } from '../../src/relay/access/verdict.ts';
import type { CertificateFacts, IdentityReason, Principal } from '../../src/relay/identity/principal.ts';

export interface Question {
  /** `file:line`. */
  readonly where: string;
  readonly text: string;
  readonly expected: string;
  /** Undefined: not told, so not compared. */
  readonly trail: readonly string[] | undefined;
  readonly answer: () => Verdict;
}

export interface Block {
  readonly title: string;
  readonly questions: readonly Question[];
}

interface State {
  map: string[] | undefined;
  policy: Omit<AccessPolicy, 'map'>;
  facts: AccessFacts;
  sender: AccessSender;
}

/** The blocks of a table. Throws an Error with `file:line` when a line cannot be understood. */
export function readTable(text: string, file: string): Block[] {
  const blocks: { title: string; questions: Question[] }[] = [];
  const names = new Map<string, string>();
  let state = initial();
  let trail: string[] | undefined;
  text.split('\n').forEach((raw, index) => {
    const where = `${file}:${index + 1}`;
    if (raw.trim() === '' || raw.startsWith('#')) return;
    const line = raw.replace(/\$([A-Z]\w*)/g, (whole, name: string) => names.get(name) ?? whole);
    const questions = blocks.at(-1)?.questions;
    if (line.startsWith('  ')) {
      const last = questions?.at(-1);
      if (last === undefined) throw new Error(`${where}: a trail without a question`);
      if (trail === undefined) {
        trail = [];
        questions?.splice(-1, 1, { ...last, trail });
      }
      trail.push(line.trim());
      return;
    }
    if (line.startsWith('== ')) {
      blocks.push({ title: line.slice(3), questions: [] });
      state = initial();
      return;
    }
    const question = /^(CONNECT|STARTTLS|MAIL|RCPT)(?: (.*))? => (.*)$/.exec(line);
    if (question === null) {
      apply(state, line, where, names);
      return;
    }
    if (questions === undefined) throw new Error(`${where}: a question before the first block`);
    trail = undefined;
    const [, verb, typed = '', expected] = question as unknown as [string, string, string | undefined, string];
    questions.push({
      where,
      text: `${verb} ${typed}`.trim(),
      expected,
      trail: undefined,
      answer: asker(state, verb, typed, where),
    });
  });
  return blocks;
}

function initial(): State {
  return {
    map: [],
    policy: {
      ...barePolicy,
      localDomains: new Set(['relay.test', 'mail.relay.test', 'localhost', '[127.0.0.1]']),
    },
    facts: {
      role: 'relay',
      address: '127.0.0.22',
      name: { state: 'ok', name: 'laptop.roam.test' },
      helo: 'laptop',
      principal: { kind: 'anonymous', verify: '', reason: 'no-tls' },
      tls: undefined,
      authenticated: undefined,
    },
    sender: sender('<user@sender.test>'),
  };
}

function apply(state: State, line: string, where: string, names: Map<string, string>): void {
  const [word = '', ...rest] = line.split(' ');
  const values = rest.filter((value) => value !== '');
  switch (word) {
    case 'let':
      names.set(values[0] as string, values[1] as string);
      return;
    case 'map':
      state.map = [...(state.map ?? []), line.slice(4).replaceAll('\\t', '\t')];
      return;
    case 'nomap':
      state.map = undefined;
      return;
    case 'policy':
      state.policy = { ...state.policy, ...policyPart(values, where) };
      return;
    case 'role':
      state.facts = { ...state.facts, role: values[0] as AccessFacts['role'] };
      return;
    case 'peer':
      state.facts = { ...state.facts, address: values[0] as string, name: peerName(values[1] as string) };
      return;
    case 'auth':
      state.facts = { ...state.facts, authenticated: authenticated(values) };
      return;
    case 'from':
      state.sender = sender(rest.join(' '));
      return;
    case 'plain':
    case 'nocert':
    case 'unasked':
    case 'cert':
    case 'bad':
      state.facts = { ...state.facts, principal: principal(word, values), tls: strength(word, values) };
      return;
    default:
      throw new Error(`${where}: ${word} is not understood`);
  }
}

function policyPart([key = '', ...values]: readonly string[], where: string): Partial<AccessPolicy> {
  switch (key) {
    case 'localDomains':
    case 'relayDomains':
      return { [key]: new Set(values) };
    case 'trustedNetworks':
      return { trustedNetworks: values };
    case 'spam':
      return { spam: values[0] as 'friend' | 'hater' };
    case 'trustedMechanisms':
    case 'localUsers':
    case 'features':
      return { [key]: new Set(values) };
    case 'mapMissing':
    case 'blocklistRecipients':
    case 'delayChecks':
      return { [key]: true };
    default:
      throw new Error(`${where}: there is no policy ${key}`);
  }
}

function authenticated([mechanism = '', identity = '', holder]: readonly string[]): AccessFacts['authenticated'] {
  return { mechanism, identity, holder };
}

function peerName(word: string): AccessFacts['name'] {
  if (word === 'forged') return { state: 'forged', name: 'forged.friend.test' };
  if (word === 'none' || word === 'temporary' || word === 'unasked') return { state: word, name: undefined };
  return { state: 'ok', name: word };
}

function strength(word: string, values: readonly string[]): AccessFacts['tls'] {
  const bits = values.find((part) => part.startsWith('bits='))?.slice(5) ?? '256';
  return word === 'plain' ? undefined : { bits: Number(bits) };
}

function principal(word: 'plain' | 'nocert' | 'unasked' | 'cert' | 'bad', values: readonly string[]): Principal {
  if (word === 'plain') return { kind: 'anonymous', verify: '', reason: 'no-tls' };
  if (word === 'nocert') return { kind: 'anonymous', verify: 'NO', reason: 'no-certificate' };
  if (word === 'unasked') return { kind: 'anonymous', verify: 'NOT', reason: 'not-asked' };
  const value = (key: string): string | undefined =>
    values.find((part) => part.startsWith(`${key}=`))?.slice(key.length + 1);
  const certificate: CertificateFacts = {
    subject: value('subject') ?? '',
    issuer: value('issuer') ?? '',
    commonName: value('cn') ?? 'u',
    issuerCommonName: 'ca',
    serial: '01',
    fingerprint: '00',
    notAfter: 0,
    emails: [],
    dnsNames: value('dns')?.split(',') ?? [],
  };
  const holder = value('holder');
  const trust = value('trust');
  const rule = value('rule');
  const source = `trust/${trust}/trust.yaml`;
  const foreign = trust && {
    authority: trust,
    name: rule === undefined ? undefined : 'u@partner.test',
    rule: rule === undefined ? undefined : { text: rule, source: `${source}:3` },
    mapDecides: values.includes('map'),
    source,
  };
  return word === 'cert'
    ? { kind: 'verified', verify: 'OK', certificate, holder, ...(foreign ? { foreign } : {}) }
    : { kind: 'unverified', verify: 'FAIL', reason: values[0] as IdentityReason, certificate, holder };
}

function sender(typed: string): AccessSender {
  return { typed, address: parsePath(typed, true)?.address };
}

function asker({ map, policy, facts, sender: from }: State, verb: string, typed: string, where: string): () => Verdict {
  const whole: AccessPolicy = {
    ...policy,
    map: map === undefined ? undefined : parseAccessMap(map.join('\n'), 'access').map,
  };
  if (verb === 'CONNECT') return () => decideConnect(whole, facts);
  if (verb === 'STARTTLS') return () => decideTls(whole, facts);
  const path = parsePath(typed, true);
  if (path === undefined) throw new Error(`${where}: ${typed} is no path`);
  if (verb === 'MAIL') return () => decideMail(whole, facts, { typed, address: path.address });
  return () => decideRecipient(whole, facts, from, { typed, address: path.address ?? { local: '', domain: '' } });
}
