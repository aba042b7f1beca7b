import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { checkTrust } from '../../admin/trust-check.ts';
import { utf8 } from '../../base/bytes.ts';
import { chainCrypto } from '../../ca/chain-crypto.ts';
import { encodePem } from '../../protocol/pki/pem.ts';
import { listOf, NOON, outsider, shown, type ListWish, type Outsider } from '../../../test/fakes/outsider.ts';
import type { TlsFacts } from '../connection/connection.ts';
import { authorityCertificate, foreignTrust, type ForeignSnapshot, type ForeignTrust } from './foreign.ts';
import { current, identify } from './identify.ts';
import { principalName, type HolderDirectory, type HolderRecord, type Principal } from './principal.ts';

const crypto = chainCrypto();
const DAY = 86_400_000;

interface Given {
  readonly certificates: readonly Outsider[];
  readonly rules?: readonly string[];
  readonly expired?: 'refuse' | 'accept';
  readonly lists?: readonly Uint8Array[];
}

/** What trusts with these files are; others are anchors that TLS trusts besides. */
function snapshot(given: Readonly<Record<string, Given>>, others: readonly Outsider[] = []): ForeignSnapshot {
  const authorities = [];
  const certificates = [];
  for (const [name, { certificates: own, rules = [], expired, lists }] of Object.entries(given)) {
    const { loaded, faults } = checkTrust(
      name,
      {
        authority: utf8(own.map(({ pem }) => pem).join('')),
        rules: `relay: ${JSON.stringify(rules)}\n${expired === undefined ? '' : `crl: { expired: ${expired} }\n`}`,
        crl: lists && utf8(lists.map((der) => encodePem('X509 CRL', der)).join('')),
      },
      { own: [], now: NOON },
    );
    assert.ok(loaded !== undefined, faults.join('\n'));
    authorities.push(loaded.foreign);
    certificates.push(...loaded.certificates);
  }
  for (const { der } of others) {
    const one = authorityCertificate(der, undefined, true, crypto);
    assert.ok(one !== undefined);
    certificates.push(one);
  }
  return { authorities, certificates, pem: [] };
}

function trust(given: Readonly<Record<string, Given>>, others: readonly Outsider[] = []): ForeignTrust {
  const made = foreignTrust(crypto);
  made.replace(snapshot(given, others));
  return made;
}

function directory(issuers: readonly string[] = [], record?: HolderRecord): HolderDirectory {
  return { find: () => record, isOwnIssuer: (issuer) => issuers.includes(issuer) };
}

function tls(leaf: Outsider, ...issuers: readonly Outsider[]): TlsFacts {
  return {
    version: 'TLSv1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
    bits: 256,
    asked: true,
    certificate: shown(leaf, ...issuers),
    verifyError: undefined,
    resumed: false,
    serverName: undefined,
  };
}

function words(principal: Principal): string {
  if (principal.kind === 'anonymous') return principal.reason;
  const how = principal.kind === 'verified' ? 'ok' : principal.reason;
  const { foreign } = principal;
  const rule = foreign?.rule === undefined ? '' : ` by ${foreign.rule.source} ${foreign.rule.text}`;
  return `${how} ${principalName(principal) ?? '-'}${foreign === undefined ? '' : ` of ${foreign.authority}`}${rule}`;
}

const SPIFFE = 6;
const EMAIL = 1;
const DNS = 2;

describe('a CA from outside', () => {
  const root = outsider(undefined, { commonName: 'Theirs', ca: true });
  const middle = outsider(root, { commonName: 'Theirs Issuing', ca: true });
  const other = outsider(undefined, { commonName: 'Others', ca: true });
  const alice = outsider(middle, { commonName: 'alice', names: [[EMAIL, 'alice@partner.example']] });
  const rules = ['email:alice@partner.example'];

  it('gives its certificates what its rules say, with a name that no holder of ours can have', () => {
    const foreign = trust({ partner: { certificates: [root, middle], rules } });
    const principal = identify(tls(alice), directory(), undefined, NOON, foreign);
    assert.equal(
      words(principal),
      'ok alice@partner.example via partner of partner by trust/partner/trust.yaml:1 email:alice@partner.example',
    );
    assert.ok(principal.kind === 'verified' && principal.holder === undefined);
    const bob = outsider(middle, { commonName: 'bob', names: [[EMAIL, 'bob@partner.example']] });
    assert.equal(words(identify(tls(bob), directory(), undefined, NOON, foreign)), 'ok - of partner');
  });

  it('cannot issue in the name of our CA', () => {
    const ours = outsider(undefined, { commonName: 'ours', ca: true });
    const foreign = trust({ partner: { certificates: [root], rules: ['email:*@partner.example'] } }, [ours]);
    const forger = outsider(root, { commonName: 'ours', ca: true });
    const forged = outsider(forger, { commonName: 'alice', serial: 5, names: [[EMAIL, 'alice@partner.example']] });
    const record = { holder: 'alice@example.net', state: 'active' as const };
    const known = directory(['/CN=ours'], record);
    assert.equal(words(identify(tls(forged, forger), known, undefined, NOON, foreign)), 'not-issued -');
    const withPrint = directory(['/CN=ours'], { ...record, fingerprint: 'ab' });
    assert.equal(words(identify(tls(forged, forger), withPrint, undefined, NOON, foreign)), 'not-issued -');
    const unknown = { ...directory(['/CN=ours']), find: () => undefined };
    assert.equal(words(identify(tls(forged, forger), unknown, undefined, NOON, foreign)), 'not-issued -');
    // The very record, and a certificate that our CA did sign.
    const real = outsider(ours, { commonName: 'alice', serial: 5 });
    assert.equal(words(identify(tls(real), known, undefined, NOON, foreign)), 'ok alice@example.net');
  });

  it('cannot issue in the name of another CA from outside', () => {
    const foreign = trust({
      partner: { certificates: [root], rules },
      others: { certificates: [other], rules: ['email:*@partner.example'] },
    });
    const forger = outsider(other, { name: middle.name, ca: true });
    const forged = outsider(forger, {
      name: alice.name,
      serial: alice.serial,
      names: [[EMAIL, 'alice@partner.example']],
    });
    assert.match(words(identify(tls(forged, forger), directory(), undefined, NOON, foreign)), /via others of others/);
    // With the certificates of the other CA's chain sent along as a decoy.
    assert.match(
      words(identify(tls(forged, middle, root, forger), directory(), undefined, NOON, foreign)),
      /via others of others/,
    );
    // A root of the same name and another key is another CA.
    const twin = outsider(undefined, { name: root.name, ca: true });
    const ofTwin = outsider(twin, { name: alice.name, names: [[EMAIL, 'alice@partner.example']] });
    assert.equal(words(identify(tls(ofTwin, twin), directory(), undefined, NOON, foreign)), 'no-chain -');
  });

  it('does not lend its rules to a CA that the access map alone decides for', () => {
    const foreign = trust({ partner: { certificates: [root], rules } }, [other]);
    const theirs = outsider(other, { name: alice.name, names: [[EMAIL, 'alice@partner.example']] });
    assert.equal(words(identify(tls(theirs), directory(), undefined, NOON, foreign)), 'ok -');
  });

  it('is found by a chain that the peer sent, and no end entity stands in one', () => {
    const foreign = trust({ partner: { certificates: [root], rules } });
    assert.match(words(identify(tls(alice, middle), directory(), undefined, NOON, foreign)), /via partner/);
    const mallory = outsider(root, { commonName: 'mallory' });
    const made = outsider(mallory, { commonName: 'x', names: [[EMAIL, 'alice@partner.example']] });
    assert.equal(words(identify(tls(made, mallory), directory(), undefined, NOON, foreign)), 'no-chain -');
  });

  it('is known again when a session is resumed without the chain, here and in other threads', () => {
    const heard: Uint8Array[] = [];
    const here = foreignTrust(crypto, (ders) => heard.push(...ders));
    const there = foreignTrust(crypto);
    const both = snapshot({ partner: { certificates: [root], rules } });
    here.replace(both);
    there.replace(both);
    assert.equal(words(identify(tls(alice), directory(), undefined, NOON, there)), 'no-chain -');
    assert.match(words(identify(tls(alice, middle), directory(), undefined, NOON, here)), /via partner/);
    assert.deepEqual(heard, [middle.der]);
    here.replace(structuredClone(both));
    assert.match(words(identify(tls(alice), directory(), undefined, NOON, here)), /via partner/);
    for (const der of [...heard, other.der, outsider(other, { commonName: 'x', ca: true }).der])
      there.learn([der], NOON);
    assert.match(words(identify(tls(alice), directory(), undefined, NOON, there)), /via partner/);
  });

  it('gives no more than all of those give that a certificate leads to: which chain was verified is not known', () => {
    // The same CA, certified by the partner and by a CA that is anybody's.
    const byOther = outsider(other, { name: middle.name, ca: true, key: middle.key, spki: middle.spki });
    const given = { partner: { certificates: [root], rules: [...rules, 'access'] } };
    const both = words(identify(tls(alice, middle, byOther), directory(), undefined, NOON, trust(given, [other])));
    assert.equal(both, 'ok alice@partner.example via partner of partner');
    const strict = { ...given, others: { certificates: [other], rules: ['email:bob@partner.example'] } };
    const principal = identify(tls(alice, middle, byOther), directory(), undefined, NOON, trust(strict));
    assert.ok(principal.kind === 'verified' && principal.foreign?.rule === undefined && !principal.foreign?.mapDecides);
    const agreed = { ...given, others: { certificates: [other], rules } };
    assert.match(
      words(identify(tls(alice, middle, byOther), directory(), undefined, NOON, trust(agreed))),
      / by trust/,
    );
    // Hidden behind more than is looked at.
    const many = Array.from({ length: 17 }, (_, index) => outsider(other, { commonName: `x${index}`, ca: true }));
    assert.equal(
      words(identify(tls(alice, middle, ...many, byOther), directory(), undefined, NOON, trust(given, [other]))),
      'no-chain -',
    );
    const unreadable = {
      ...tls(alice, middle),
      certificate: { ...shown(alice, middle), issuers: [middle.der, Uint8Array.of(0x30, 0)] },
    };
    assert.equal(words(identify(unreadable, directory(), undefined, NOON, trust(given, [other]))), 'no-chain -');
  });

  it('counts no more from the moment it is taken out', () => {
    const foreign = trust({ partner: { certificates: [root, middle], rules }, others: { certificates: [other] } });
    const before = identify(tls(alice), directory(), undefined, NOON, foreign);
    assert.equal(current(before, directory(), NOON, foreign), before);
    foreign.replace(snapshot({ others: { certificates: [other] } }));
    assert.equal(words(current(before, directory(), NOON, foreign)), 'unknown-ca -');
    foreign.replace(snapshot({}));
    assert.equal(words(current(before, directory(), NOON, foreign)), 'unknown-ca -');
  });

  it('gives and takes rights in open sessions when its rules change', () => {
    const foreign = trust({ partner: { certificates: [root, middle], rules } });
    const before = identify(tls(alice), directory(), undefined, NOON, foreign);
    foreign.replace(snapshot({ partner: { certificates: [root, middle], rules: ['access'] } }));
    const after = current(before, directory(), NOON, foreign);
    assert.ok(after.kind === 'verified' && after.foreign?.rule === undefined && after.foreign?.mapDecides === true);
    foreign.replace(snapshot({ partner: { certificates: [root, middle], rules } }));
    assert.equal(words(current(after, directory(), NOON, foreign)), words(before));
  });

  it('ends with the certificate, and with any CA above it', () => {
    const short = outsider(root, { commonName: 'short', ca: true, notAfter: NOON + DAY });
    const leaf = outsider(short, { commonName: 'leaf', names: [[EMAIL, 'alice@partner.example']] });
    const foreign = trust({ partner: { certificates: [root, short], rules } });
    const principal = identify(tls(leaf), directory(), undefined, NOON, foreign);
    assert.match(words(principal), /^ok /);
    assert.match(words(current(principal, directory(), NOON + 2 * DAY, foreign)), /^expired /);
  });

  describe('with revocation lists', () => {
    const judged = (leaf: Outsider, given: Omit<Given, 'certificates'>, now = NOON): string =>
      words(
        identify(
          tls(leaf),
          directory(),
          undefined,
          now,
          trust({ partner: { certificates: [root, middle], rules, ...given } }),
        ),
      ).replace(/ .*/, '');
    const list = (wish: ListWish = {}, by = middle): Uint8Array => listOf(by, wish);

    it('refuses what they name, whatever the reason', () => {
      assert.equal(judged(alice, { lists: [list()] }), 'ok');
      assert.equal(judged(alice, { lists: [list({ revoked: [[alice.serial]] })] }), 'revoked');
      assert.equal(judged(alice, { lists: [list({ revoked: [[alice.serial, 1]] })] }), 'revoked');
      assert.equal(judged(alice, { lists: [list({ revoked: [[alice.serial, 6]] })] }), 'suspended');
      assert.equal(judged(alice, { lists: [list({ revoked: [[alice.serial + 1], [1], [2 ** 30]] })] }), 'ok');
    });

    it('refuses all whom a revoked intermediate certified', () => {
      const revoked = listOf(root, { revoked: [[middle.serial]] });
      assert.equal(judged(alice, { lists: [list(), revoked] }), 'revoked');
      assert.equal(judged(alice, { lists: [list(), listOf(root)] }), 'ok');
    });

    it('fails closed or open, as it was said, when the list is old, not yet valid or not there', () => {
      for (const [expired, answer] of [
        ['refuse', 'no-status'],
        ['accept', 'ok'],
      ] as const) {
        assert.equal(judged(alice, { expired, lists: [list()] }, NOON + 8 * DAY), answer);
        assert.equal(judged(alice, { expired, lists: [list({ thisUpdate: NOON + DAY })] }), answer);
        assert.equal(judged(alice, { expired }), answer);
        // A list of the root says nothing about what the intermediate issued.
        assert.equal(judged(alice, { expired, lists: [listOf(root)] }), answer);
        assert.equal(judged(alice, { expired, lists: [list(), listOf(root, { nextUpdate: NOON - 1 })] }), answer);
      }
      // What an old list named stays revoked.
      assert.equal(
        judged(alice, { expired: 'accept', lists: [list({ revoked: [[alice.serial]] })] }, NOON + 8 * DAY),
        'revoked',
      );
    });

    it('ends a session whose certificate is revoked while it is open, and mends what only the list was missing for', () => {
      const given = (wish: ListWish): ForeignSnapshot =>
        snapshot({ partner: { certificates: [root, middle], rules, lists: [list(wish)] } });
      const foreign = foreignTrust(crypto);
      foreign.replace(given({ nextUpdate: NOON - 1 }));
      const refused = identify(tls(alice), directory(), undefined, NOON, foreign);
      assert.match(words(refused), /^no-status /);
      foreign.replace(given({}));
      const good = current(refused, directory(), NOON, foreign);
      assert.match(words(good), /^ok /);
      foreign.replace(given({ revoked: [[alice.serial]] }));
      assert.match(words(current(good, directory(), NOON, foreign)), /^revoked /);
    });
  });
});

describe('rules', () => {
  const root = outsider(undefined, { commonName: 'Theirs', ca: true });
  const fits = (rule: string, wish: Parameters<typeof outsider>[1]): boolean => {
    const leaf = outsider(root, wish);
    const principal = identify(
      tls(leaf),
      directory(),
      undefined,
      NOON,
      trust({ partner: { certificates: [root], rules: [rule] } }),
    );
    assert.equal(principal.kind, 'verified');
    return principal.kind === 'verified' && principal.foreign?.rule !== undefined;
  };
  const san = (...names: (readonly [number, string])[]): { names: typeof names } => ({ names });

  it('find addresses: local part exactly, domain in any case, nothing in part', () => {
    assert.ok(fits('email:alice@a.example', san([EMAIL, 'alice@A.Example'])));
    assert.ok(fits('email:*@a.example', san([EMAIL, 'x@b.example'], [EMAIL, 'any.one@a.example'])));
    for (const address of [
      'Alice@a.example',
      'alice@a.example.evil',
      'xalice@a.example',
      'alice@b.a.example',
      'alice@a.example\0',
      'alice@a.example\0.evil',
      'a.example',
    ])
      assert.ok(!fits('email:alice@a.example', san([EMAIL, address])), address);
    for (const address of ['x@b.a.example', 'x@a.example@evil.example', '@a.example', 'x@aa.example'])
      assert.ok(!fits('email:*@a.example', san([EMAIL, address])), address);
    assert.ok(!fits('email:alice@a.example', san([DNS, 'alice@a.example'], [SPIFFE, 'mailto:alice@a.example'])));
    assert.ok(!fits('email:alice@a.example', { commonName: 'alice@a.example' }));
  });

  it('find hosts: a star for just one label, and no wildcard certificate', () => {
    assert.ok(fits('dns:mx.a.example', san([DNS, 'MX.a.example'])));
    assert.ok(fits('dns:*.a.example', san([DNS, 'mx.a.example'])));
    for (const name of ['a.example', 'x.mx.a.example', '*.a.example', '.a.example', 'mx.a.example.', 'mx.a.example\0x'])
      assert.ok(!fits('dns:*.a.example', san([DNS, name])), name);
    assert.ok(!fits('dns:mx.a.example', san([DNS, 'x.mx.a.example'], [DNS, 'mx.a.example.evil'])));
  });

  it('find URIs whole', () => {
    assert.ok(fits('uri:https://a.example/x', san([SPIFFE, 'https://a.example/x'])));
    assert.ok(
      !fits('uri:https://a.example/x', san([SPIFFE, 'https://a.example/x/y'], [SPIFFE, 'https://A.example/x'])),
    );
  });

  it('find SPIFFE ids in X509-SVIDs alone', () => {
    const id = 'spiffe://a.example/ns/mail/sa/smtp';
    assert.ok(fits(id, san([SPIFFE, id])));
    assert.ok(fits('spiffe://a.example/ns/mail/*', san([SPIFFE, id])));
    assert.ok(fits('spiffe://a.example/*', san([SPIFFE, id])));
    assert.ok(fits(id, san([DNS, 'x.example'], [SPIFFE, id])), 'names of other kinds do not matter');
    const pattern = 'spiffe://a.example/ns/mail/*';
    for (const uri of [
      'spiffe://a.example/ns/mail',
      'spiffe://a.example/ns/mail/',
      'spiffe://a.example/ns/mailx/y',
      'spiffe://a.example/ns/mail/../admin',
      'spiffe://a.example/ns/mail//x',
      'spiffe://a.example/ns/mail/%2e%2e/x',
      'spiffe://A.example/ns/mail/x',
      'spiffe://a.example:1/ns/mail/x',
      'spiffe://u@a.example/ns/mail/x',
      'spiffe://a.example/ns/mail/x?y',
      'SPIFFE://a.example/ns/mail/x',
      'spiffe://a.example.evil/ns/mail/x',
    ])
      assert.ok(!fits(pattern, san([SPIFFE, uri])), uri);
    assert.ok(!fits(id, san([SPIFFE, id], [SPIFFE, 'https://x.example'])), 'two URIs');
    assert.ok(!fits(id, san([SPIFFE, id], [SPIFFE, 'https://x.example/\0'])), 'two URIs, one of them unreadable');
    assert.ok(!fits(id, { ...san([SPIFFE, id]), ca: true, keyUsage: [0] }), 'a CA');
    assert.ok(!fits(id, { ...san([SPIFFE, id]), keyUsage: [2] }), 'no digitalSignature');
    assert.ok(!fits(id, { ...san([SPIFFE, id]), keyUsage: [] }), 'no keyUsage');
    assert.ok(!fits(id, { ...san([SPIFFE, id]), keyUsage: [0, 6] }), 'signs lists');
    assert.ok(!fits('spiffe://a.example/*', san([SPIFFE, 'spiffe://a.example'])), 'a trust domain is no workload');
  });

  it('find keys and certificates by their fingerprints; a key through renewals', () => {
    const leaf = outsider(root, { commonName: 'alice' });
    const key = createHash('sha256').update(leaf.spki).digest('hex');
    const colons = (key.toUpperCase().match(/../g) ?? []).join(':');
    assert.ok(fits(`key:${colons}`, { commonName: 'renewed', key: leaf.key, spki: leaf.spki }));
    assert.ok(!fits(`key:${key}`, { commonName: 'alice' }));
    const print = shown(leaf).fingerprint;
    assert.ok(!fits(`certificate:${print}`, { commonName: 'renewed', key: leaf.key, spki: leaf.spki }));
    const foreign = trust({ partner: { certificates: [root], rules: [`certificate:${print}`] } });
    assert.match(words(identify(tls(leaf), directory(), undefined, NOON, foreign)), /^ok \/CN=alice via partner/);
  });

  it('find subjects whole, in either form', () => {
    assert.ok(fits('subject:/CN=alice+20b', { commonName: 'alice b' }));
    assert.ok(fits('subject:CN=alice b', { commonName: 'alice b' }));
    assert.ok(!fits('subject:/CN=alice', { commonName: 'alice b' }));
    assert.ok(!fits('subject:/CN=alice', { commonName: 'Alice' }));
    assert.ok(!fits('subject:CN=alice', { commonName: 'alice\0' }));
    // The octets print like this text, which has other octets.
    assert.ok(!fits('subject:/CN=+5Cx01', { commonName: '\\x01' }));
    assert.ok(!fits('subject:/CN=a/O=x', { commonName: 'a/O=x' }));
  });
});
