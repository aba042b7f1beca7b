import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { barePolicy } from '../../../test/fakes/policy.ts';
import type { Principal } from '../identity/principal.ts';
import { decideConnect, decideMail, decideRecipient } from './decide.ts';
import { decidedBy, explainTrail, explainVerdict } from './explain.ts';
import type { AccessFacts } from './facts.ts';
import { innerAddress } from './domain.ts';
import { addressPrefixes, sendmailAddress } from './lookup.ts';
import { parseAccessMap } from './map.ts';
import { accessFeatures, type AccessFeature } from './feature.ts';
import type { AccessPolicy } from './policy.ts';
import { isWord, parseRule } from './rule.ts';
import { accessTags } from './tags/registry.ts';
import type { Verdict } from './verdict.ts';

const letters = fc.constantFrom(
  'a',
  'b',
  '.',
  '@',
  '%',
  '!',
  ':',
  '+',
  '[',
  ']',
  '"',
  ' ',
  '<',
  '>',
  '\0',
  '\n',
  'é',
  '1',
  '-',
  '*',
  '$',
  '{text}',
);
const noise = fc.string({ unit: letters, maxLength: 12 });
const domain = fc.oneof(
  fc.constantFrom('a.test', 'b.test', 'relay.test', '', '[192.0.2.1]', 'localhost', 'BÜcher.example'),
  noise,
);
const address = fc.record({
  local: fc.oneof(fc.constantFrom('u', 'u+x', 'a%b.test', 'b.test!u', 'u@b.test'), noise),
  domain,
});
const certificate = fc.record({
  subject: fc.constantFrom('', '/CN=u', '/CN=v'),
  issuer: fc.constantFrom('', '/CN=ca', '/CN=other'),
  commonName: fc.constant('u'),
  issuerCommonName: fc.constant('ca'),
  serial: fc.constant('01'),
  fingerprint: fc.constant('f'),
  notAfter: fc.constant(0),
  emails: fc.constant([]),
  dnsNames: fc.constant([]),
});
const principal: fc.Arbitrary<Principal> = fc.oneof(
  fc.constant<Principal>({ kind: 'anonymous', verify: 'NO', reason: 'no-certificate' }),
  certificate.map<Principal>((facts) => ({
    kind: 'unverified',
    verify: 'FAIL',
    reason: 'expired',
    certificate: facts,
    holder: 'alice',
  })),
  fc
    .tuple(certificate, fc.constantFrom(undefined, 'alice'))
    .map<Principal>(([facts, holder]) => ({ kind: 'verified', verify: 'OK', certificate: facts, holder })),
);
const facts: fc.Arbitrary<AccessFacts> = fc.record({
  role: fc.constantFrom('submission', 'relay'),
  address: fc.oneof(fc.constantFrom('192.0.2.1', '127.0.0.1', '::1', '2001:db8::1', '::ffff:192.0.2.1', ''), noise),
  name: fc.record({
    state: fc.constantFrom('ok', 'forged', 'none', 'temporary', 'unasked'),
    name: fc.option(domain, { nil: undefined }),
  }),
  helo: fc.constant(undefined),
  principal,
  tls: fc.constantFrom(undefined, { bits: 256 }),
  authenticated: fc.constantFrom(
    undefined,
    { mechanism: 'EXTERNAL', identity: 'alice', holder: 'alice' },
    { mechanism: 'PLAIN', identity: 'bob', holder: undefined },
  ),
});
const line = fc.tuple(
  fc.constantFrom(
    'CERTISSUER:/CN=ca',
    'CERTSUBJECT:/CN=u',
    'Connect:192.0.2',
    'Connect:a.test',
    'To:a.test',
    'To:u@',
    'From:b.test',
    'a.test',
    'u@',
    'test',
    'Spam:a.test',
  ),
  fc.constantFrom(
    'RELAY',
    'SUBJECT',
    'OK',
    'REJECT',
    'DISCARD',
    'SKIP',
    'FRIEND',
    'QUARANTINE:x',
    'ERROR:5.7.1:550 no',
    'ERROR:421',
    '550 {address}',
    'ERROR:',
    'QUARANTINE:',
    '"x"',
  ),
);
const policy: fc.Arbitrary<AccessPolicy> = fc.record({
  map: fc.option(
    fc
      .array(line, { maxLength: 8 })
      .map((lines) => parseAccessMap(lines.map((parts) => parts.join(' ')).join('\n'), 'access').map),
    { nil: undefined },
  ),
  localDomains: fc.constantFrom(new Set<string>(), new Set(['relay.test', '[192.0.2.1]'])),
  relayDomains: fc.constantFrom(new Set<string>(), new Set(['b.test', '192.0'])),
  trustedNetworks: fc.constantFrom([], ['192.0.2.0/24'], ['x', '::/0']),
  mapMissing: fc.boolean(),
  hostname: fc.constant('mail.relay.test'),
  features: fc.subarray(Object.keys(accessFeatures) as AccessFeature[]).map((names) => new Set(names)),
  trustedMechanisms: fc.constantFrom(new Set<string>(), new Set(['EXTERNAL']), new Set(['PLAIN'])),
  localUsers: fc.constantFrom(undefined, new Set(['u'])),
  emailAlias: fc.boolean(),
  blocklistRecipients: fc.boolean(),
  delayChecks: fc.boolean(),
  spam: fc.constantFrom(undefined, 'friend', 'hater'),
});

describe('decisions', () => {
  it('are made for any facts, with a reply that can be sent', () => {
    fc.assert(
      fc.property(
        policy,
        facts,
        address,
        fc.option(address, { nil: undefined }),
        noise,
        (rules, known, recipient, reversePath, typed) => {
          const sender = { typed, address: reversePath };
          for (const verdict of [
            decideConnect(rules, known),
            decideMail(rules, known, sender),
            decideRecipient(rules, known, sender, { typed, address: recipient }),
          ]) {
            check(verdict);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('are the same for the same facts', () => {
    fc.assert(
      fc.property(policy, facts, address, (rules, known, recipient) => {
        const sender = { typed: '<>', address: undefined };
        const ask = (): Verdict => decideRecipient(rules, known, sender, { typed: '<x>', address: recipient });
        assert.deepEqual(ask(), ask());
      }),
      { numRuns: 300 },
    );
  });

  it('never let a stranger relay when nothing in the policy names anyone', () => {
    const nobody: AccessPolicy = {
      ...barePolicy,
      map: parseAccessMap('a.test OK\nTo:b.test OK\nCERTISSUER:/CN=ca OK', 'access').map,
      localDomains: new Set(['relay.test']),
    };
    fc.assert(
      fc.property(facts, address, (known, recipient) => {
        fc.pre(known.principal.kind !== 'verified' || known.principal.holder === undefined);
        fc.pre(known.name.name !== 'relay.test');
        const verdict = decideRecipient(
          nobody,
          known,
          { typed: '<>', address: undefined },
          { typed: '<x>', address: recipient },
        );
        assert.ok(verdict.kind === 'reject' || (verdict.kind === 'accept' && !verdict.relay));
        // What is accepted is for our domain, and nothing inside it leads elsewhere.
        if (verdict.kind === 'accept') assert.ok(/^(relay\.test\.?)?$/i.test(recipient.domain));
      }),
      { numRuns: 2000 },
    );
  });
});

function check(verdict: Verdict): void {
  assert.equal(explainTrail(verdict.trail).length, verdict.trail.length);
  assert.notEqual(explainVerdict(verdict), '');
  if (verdict.kind !== 'reject') return;
  const { code, enhanced, lines } = verdict.reply;
  assert.ok(code >= 400 && code <= 599, String(code));
  assert.equal(enhanced?.[0], String(code)[0]);
  // oxlint-disable-next-line no-control-regex -- none of these may go out
  assert.ok(lines.length === 1 && !/[\u0000-\u001f]/.test(lines[0] as string));
}

describe('values', () => {
  it('are words in any case, or the text of a reply', () => {
    assert.deepEqual(parseRule('relay', false), { kind: 'accept' });
    assert.deepEqual(parseRule('Ok', false), { kind: 'accept' });
    assert.deepEqual(parseRule('reject', false), { kind: 'reject' });
    assert.deepEqual(parseRule('Discard', false), { kind: 'discard' });
    assert.deepEqual(parseRule('quarantine:look at it', false), { kind: 'quarantine', reason: 'look at it' });
    const error = (value: string): string => {
      const rule = parseRule(value, false);
      return rule.kind === 'error' ? `${rule.code} ${rule.enhanced} ${rule.text}` : rule.kind;
    };
    assert.equal(error('ERROR:5.7.1:550 no spam'), '550 5.7.1 no spam');
    assert.equal(error('ERROR:550 mailbox disabled'), '550 5.0.0 mailbox disabled');
    assert.equal(error('error:"550 5.1.1 gone"'), '550 5.1.1 gone');
    assert.equal(error('550 go away'), '550 5.0.0 go away');
    assert.equal(error('"550 go away"'), '550 5.0.0 go away');
    assert.equal(error('ERROR:4.7.1:450 later'), '450 4.7.1 later');
    assert.equal(error('ERROR:4.7.1:550 classes differ'), '550 5.0.0 classes differ');
    assert.equal(error('ERROR:5.7.1:no code'), '553 5.3.0 no code');
    assert.equal(error('SKIP'), '553 5.3.0 SKIP');
    assert.equal(error('250 no refusal'), '553 5.3.0 250 no refusal');
    assert.equal(error('QUARANTINE:'), '553 5.3.0 QUARANTINE:');
  });

  it('are no words in quotes or with a comment', () => {
    assert.ok(isWord('Relay', 'RELAY'));
    assert.ok(!isWord('"RELAY"', 'RELAY'));
    assert.ok(!isWord('RELAY # x', 'RELAY'));
  });
});

describe('what is asked', () => {
  it('goes by the octets of an address', () => {
    assert.deepEqual(addressPrefixes('192.0.2.1'), ['192.0.2.1', '192.0.2', '192.0', '192']);
    assert.deepEqual(addressPrefixes(sendmailAddress('2001:db8::1')).slice(0, 2), [
      'IPv6:2001:db8:0:0:0:0:0:1',
      'IPv6:2001:db8:0:0:0:0:0',
    ]);
    assert.equal(sendmailAddress('::ffff:192.0.2.1'), '192.0.2.1');
    assert.equal(sendmailAddress('fe80::1%eth0'), 'IPv6:fe80:0:0:0:0:0:0:1');
    assert.equal(sendmailAddress('nonsense'), 'nonsense');
  });

  it('goes by the address inside a local part', () => {
    assert.deepEqual(innerAddress('u%a%b'), { local: 'u%a', domain: 'b' });
    assert.deepEqual(innerAddress('a.test!b.test!u'), { local: 'b.test!u', domain: 'a.test' });
    assert.deepEqual(innerAddress('host!u'), { local: 'u', domain: 'host.UUCP' });
    assert.deepEqual(innerAddress('u@a@b'), { local: 'u@a', domain: 'b' });
    assert.deepEqual(innerAddress('u%a@b'), { local: 'u%a', domain: 'b' });
    assert.equal(innerAddress('u'), undefined);
    assert.deepEqual(innerAddress('u%a%'), { local: 'u%a', domain: '' });
  });

  it('has a file of its own for each tag, once', () => {
    const names = accessTags.map(({ name }) => name.toLowerCase());
    assert.equal(new Set(names).size, names.length);
  });
});

describe('explanations', () => {
  it('are one line for each question, and name what decided', () => {
    const map = parseAccessMap('# comment\nCERTISSUER:/CN=ca RELAY\n', 'access').map;
    const known: AccessFacts = {
      role: 'relay',
      address: '192.0.2.1',
      name: { state: 'none', name: undefined },
      helo: undefined,
      principal: {
        kind: 'verified',
        verify: 'OK',
        holder: undefined,
        certificate: {
          subject: '/CN=u',
          issuer: '/CN=ca',
          commonName: 'u',
          issuerCommonName: 'ca',
          serial: '01',
          fingerprint: 'f',
          notAfter: 0,
          emails: [],
          dnsNames: [],
        },
      },
      tls: { bits: 256 },
      authenticated: undefined,
    };
    const rules: AccessPolicy = { ...barePolicy, map };
    const verdict = decideRecipient(
      rules,
      known,
      { typed: '<>', address: undefined },
      { typed: '<a@b.test>', address: { local: 'a', domain: 'b.test' } },
    );
    assert.equal(explainVerdict(verdict), 'accept, relay');
    assert.deepEqual(explainTrail(verdict.trail), ['CERTISSUER:/CN=ca: RELAY (access:2)']);
    assert.equal(decidedBy(verdict), 'access:2');
    const refused = decideRecipient(
      { ...rules, map: undefined },
      known,
      { typed: '<>', address: undefined },
      { typed: '<a@b.test>', address: { local: 'a', domain: 'b.test' } },
    );
    assert.equal(decidedBy(refused), undefined);
    assert.equal(
      explainVerdict(refused),
      'reject 550 5.7.1 <a@b.test>... Relaying denied: this certificate has no right to relay here',
    );
  });
});
