import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { lintSource, named, sendmailSettings, type LintWish } from '../../../test/fakes/lint.ts';
import { fixAccess } from './fix.ts';
import { lint } from './lint.ts';

const guide = (name: string): string =>
  readFileSync(new URL(`../../../test/sites/guide/${name}`, import.meta.url), 'utf8');

/** `line:rule` of each finding. */
function rules(access: string | undefined, wish: LintWish = {}): string[] {
  return lint(lintSource(access, wish)).map(({ line, rule }) => `${line}:${rule}`);
}

const ca = named(
  'C=JP, ST=Aichi, L=Nagoya, O=Creative.Unit.ZERO, OU=Design, CN=mydomain.net, emailAddress=korogi@mydomain.net',
);
const korogi = named(
  'C=JP, ST=Aichi, O=Creative.Unit.ZERO, OU=Design, CN=mail.mydomain.net, emailAddress=korogi@mydomain.net',
  ca,
);
const ISSUER =
  'CERTISSUER:/C=JP/ST=Aichi/L=Nagoya/O=Creative.Unit.ZERO/OU=Design/CN=mydomain.net/emailAddress=korogi@mydomain.net';
const SUBJECT =
  'CERTSUBJECT:/C=JP/ST=Aichi/O=Creative.Unit.ZERO/OU=Design/CN=mail.mydomain.net/emailAddress=korogi@mydomain.net';
const guidePem: LintWish = {
  pem: { 'certs/cacert.pem': ca.pem, 'certs/users/mail_korogi_cert.pem': korogi.pem },
  roles: { 'certs/cacert.pem': 'authority' },
};

describe("the guide's files", () => {
  test('wrapped: neither entry is in the map; both names are wrong', () => {
    assert.deepEqual(rules(guide('access'), guidePem), [
      '1:wrapped',
      '1:email-attribute',
      '2:issuer-relays-all',
      '4:wrapped',
      '4:email-attribute',
      '4:name-extra',
      '4:subject-dead',
    ]);
  });

  test('in one line: the subject is dead, has L=Nagoya too many, and /Email= is printed no more', () => {
    const found = lint(lintSource(guide('access.unwrapped'), guidePem));
    assert.deepEqual(
      found.map(({ line, rule }) => `${line}:${rule}`),
      ['1:email-attribute', '1:issuer-relays-all', '3:email-attribute', '3:name-extra', '3:subject-dead'],
    );
    const extra = found.find(({ rule }) => rule === 'name-extra');
    assert.equal(extra?.values['parts'], 'L=Nagoya');
    assert.equal(extra?.values['certificate'], 'certs/users/mail_korogi_cert.pem:1');
  });

  for (const file of ['access', 'access.unwrapped']) {
    test(`${file} repaired says what was meant, and nothing more is to repair`, () => {
      const source = lintSource(guide(file), guidePem);
      const fixed = fixAccess(source);
      assert.ok(fixed);
      assert.deepEqual(
        fixed.text.split('\n').filter((row) => row !== ''),
        [`${ISSUER}\tSUBJECT`, `${SUBJECT}\tRELAY`],
      );
      const again = lintSource(fixed.text, guidePem);
      assert.deepEqual(lint(again), []);
      assert.equal(fixAccess(again), undefined);
      // Nobody relayed with the file as it was, so the one who was meant gains, and nobody else.
      assert.deepEqual([fixed.gained, fixed.lost], [[SUBJECT.slice(12)], []]);
    });
  }

  test('with the names right, the issuer lets in everybody, and the repair takes that back', () => {
    const other = named('C=JP, O=Elsewhere, CN=other', ca);
    const wish = { ...guidePem, pem: { ...guidePem.pem, 'other.pem': other.pem } };
    const fixed = fixAccess(lintSource(`# ours\n${ISSUER}\tRELAY\n${SUBJECT} RELAY\n`, wish));
    assert.equal(fixed?.text, `# ours\n${ISSUER}\tSUBJECT\n${SUBJECT} RELAY\n`);
    assert.deepEqual([fixed?.gained, fixed?.lost], [[], ['/C=JP/O=Elsewhere/CN=other']]);
  });

  test('how many certificates relay is known from the index of the CA, withdrawn and ended ones left out', () => {
    const index = [
      'V\t301231000000Z\t\t01\tunknown\t/C=JP/O=x/CN=one',
      'R\t301231000000Z\t260101000000Z\t02\tunknown\t/C=JP/O=x/CN=two',
      'V\t301231000000Z\t\t03\tunknown\t/C=JP/ST=Aichi/O=Creative.Unit.ZERO/OU=Design/CN=mail.mydomain.net/Email=korogi@mydomain.net',
      'E\t200101000000Z\t\t04\tunknown\t/C=JP/O=x/CN=four',
    ].join('\n');
    const wish = { ...guidePem, pem: { ...guidePem.pem, 'certs/index.txt': index } };
    const [all] = lint(lintSource(`${ISSUER} RELAY\n${SUBJECT} RELAY\nCERTSUBJECT:/C=JP/CN=nobody RELAY\n`, wish));
    assert.equal(all?.rule, 'issuer-relays-all-known');
    assert.equal(all?.values['count'], 2);
    assert.deepEqual(rules(`${ISSUER} SUBJECT\n${SUBJECT} RELAY\nCERTSUBJECT:/C=JP/CN=nobody RELAY\n`, wish), [
      '3:subject-unknown',
    ]);
  });
});

describe('names', () => {
  const issuer = named('O=Example, CN=Example CA');
  const of = (subject: string): LintWish => ({
    pem: { 'ca.pem': issuer.pem, 'user.pem': named(subject, issuer).pem },
    roles: { 'ca.pem': 'authority' },
  });
  const head = 'CERTISSUER:/O=Example/CN=Example+20CA SUBJECT\n';

  const repaired = (line: string, subject: string): string | undefined =>
    fixAccess(lintSource(`${head}${line}\n`, of(subject)))?.text.split('\n')[1];

  test('what is right is not complained of', () => {
    assert.deepEqual(
      rules(`${head}CERTSUBJECT:/O=Ex+20ample/CN=caf+5CxC3+5CxA9 RELAY\n`, of('O=Ex ample, CN=café')),
      [],
    );
    assert.deepEqual(
      rules(`${head}certsubject:/o=a+5C/b/cn=x+5C+2By relay\n`, of('O=a/b, CN=x+y'.replace('x+y', 'x\\+y'))),
      [],
    );
  });

  test('blanks, characters beyond ASCII, signs that are escaped', () => {
    assert.deepEqual(rules(`${head}CERTSUBJECT:/O=Ex ample/CN=bob RELAY\n`, of('O=Ex ample, CN=bob')), [
      '2:blank-in-name',
    ]);
    assert.equal(
      repaired('CERTSUBJECT:/O=Ex ample/CN=bob RELAY', 'O=Ex ample, CN=bob'),
      'CERTSUBJECT:/O=Ex+20ample/CN=bob\tRELAY',
    );
    assert.equal(
      repaired('CERTSUBJECT:/O=x/CN=café RELAY', 'O=x, CN=café'),
      'CERTSUBJECT:/O=x/CN=caf+5CxC3+5CxA9\tRELAY',
    );
    assert.equal(repaired('CERTSUBJECT:/O=x/CN=a(b) RELAY', 'O=x, CN=a(b)'), 'CERTSUBJECT:/O=x/CN=a+28b+29\tRELAY');
    // README's +2B for a plus sign, and hexadecimal for what is printed as it is.
    assert.equal(repaired('CERTSUBJECT:/O=x/CN=a+2Bb RELAY', 'O=x, CN=a\\+b'), 'CERTSUBJECT:/O=x/CN=a+5C+2Bb\tRELAY');
    assert.deepEqual(rules(`${head}CERTSUBJECT:/O=x/CN=+41da RELAY\n`, of('O=x, CN=Ada')), ['2:name-not-as-printed']);
    assert.equal(repaired('CERTSUBJECT:/O=x/CN=+41da RELAY', 'O=x, CN=Ada'), 'CERTSUBJECT:/O=x/CN=Ada\tRELAY');
  });

  test('another common name is nobody’s to guess', () => {
    assert.deepEqual(rules(`${head}CERTSUBJECT:/O=Example/CN=alice RELAY\n`, of('O=Example, CN=bob')), []);
    const found = lint(lintSource(`${head}CERTSUBJECT:/O=Exampel/CN=bob RELAY\n`, of('O=Example, CN=bob')));
    assert.deepEqual(
      found.map(({ rule }) => rule),
      ['name-differs'],
    );
    assert.equal(found[0]?.values['parts'], 'O=Exampel → O=Example');
    assert.equal(found[0]?.fix, undefined);
  });

  test('what is missing is named', () => {
    const [found] = lint(lintSource(`${head}CERTSUBJECT:/CN=bob RELAY\n`, of('O=Example, CN=bob')));
    assert.deepEqual([found?.rule, found?.values['parts']], ['name-lacks', 'O=Example']);
  });

  test('a name that is longer than is looked up lets in others with the same beginning', () => {
    const long = 'x'.repeat(60);
    const shared = `O=${long}, OU=${long}, OU=${long}, OU=${long}`;
    const wish: LintWish = {
      pem: {
        'ca.pem': issuer.pem,
        'a.pem': named(`${shared}, CN=alice`, issuer).pem,
        'b.pem': named(`${shared}, CN=bob`, issuer).pem,
      },
    };
    const key = `CERTSUBJECT:/O=${long}/OU=${long}/OU=${long}/OU=${long}`.slice(0, 256);
    assert.equal(key.length, 256);
    const found = rules(`${head}${key} RELAY\n`, wish);
    assert.ok(found.length <= 1, found.join());
    const whole = `CERTSUBJECT:/O=${long}/OU=${long}/OU=${long}/OU=${long}/CN=alice`;
    assert.ok(rules(`${head}${whole} RELAY\n`, wish).includes('2:key-too-long'));
  });

  test('the right attributes in another order', () => {
    assert.deepEqual(rules(`${head}CERTSUBJECT:/CN=bob/O=x RELAY\n`, of('O=x, CN=bob')), ['2:name-order']);
    assert.equal(repaired('CERTSUBJECT:/CN=bob/O=x RELAY', 'O=x, CN=bob'), 'CERTSUBJECT:/O=x/CN=bob\tRELAY');
  });

  test('types that are never printed', () => {
    assert.deepEqual(rules('CERTISSUER:/O=x/XYZ=1 RELAY\n'), ['1:name-type']);
  });

  test('the compatibility email-alias', () => {
    const wish = of('O=x, CN=bob, emailAddress=bob@example.net');
    const line = `${head}CERTSUBJECT:/O=x/CN=bob/Email=bob@example.net RELAY\n`;
    assert.deepEqual(rules(line, wish), ['2:email-attribute']);
    assert.deepEqual(rules(line, { ...wish, emailAlias: true }), []);
  });

  test('a CA that is not trusted, and one whose certificates another one issues', () => {
    assert.deepEqual(rules('CERTISSUER:/O=Other/CN=Other+20CA RELAY\n', of('CN=x')), ['1:issuer-untrusted']);
    const below = named('O=Example, CN=Below', issuer, { ca: true });
    const wish = { pem: { 'ca.pem': issuer.pem, 'below.pem': below.pem, 'u.pem': named('CN=u', below).pem } };
    assert.deepEqual(rules('CERTISSUER:/O=Example/CN=Example+20CA RELAY\n', wish), ['1:issuer-indirect']);
  });
});

describe('issuers and subjects', () => {
  test('subjects that nobody asks, an issuer that asks for none, two that share them', () => {
    assert.deepEqual(rules('CERTSUBJECT:/CN=a RELAY\n'), ['1:subject-never-asked']);
    assert.deepEqual(rules('CERTISSUER:/CN=a SUBJECT\n'), ['1:issuer-without-subjects']);
    assert.deepEqual(rules('CERTISSUER:/CN=a SUBJECT\nCERTISSUER:/CN=b SUBJECT\nCERTSUBJECT:/CN=c RELAY\n'), [
      '2:subject-unbound',
    ]);
    assert.deepEqual(rules("CERTISSUER:/C=US/O=Let's+20Encrypt/CN=R11 RELAY\n"), ['1:issuer-public']);
  });

  test('of two issuers only the subjects of the one with RELAY are dead', () => {
    const [one, other] = [named('CN=one'), named('CN=other')];
    const pem = { 'a.pem': named('CN=a', one).pem, 'b.pem': named('CN=b', other).pem };
    const access =
      'CERTISSUER:/CN=one RELAY\nCERTISSUER:/CN=other SUBJECT\nCERTSUBJECT:/CN=a RELAY\nCERTSUBJECT:/CN=b RELAY\n';
    assert.deepEqual(rules(access, { pem }), ['1:issuer-relays-all', '3:subject-dead']);
  });
});

describe('lines', () => {
  const all = (text: string): string | undefined => fixAccess(lintSource(text))?.text;

  test('what makemap leaves out or reads otherwise, and its repair', () => {
    assert.deepEqual(rules('Connect:10.1.2.3 RELAY # mine\n'), ['1:comment-in-value']);
    assert.equal(all('Connect:10.1.2.3 RELAY # mine\n'), '# mine\nConnect:10.1.2.3\tRELAY\n');
    assert.equal(all('Connect:10.1.2.3 "REJECT"\n'), 'Connect:10.1.2.3\tREJECT\n');
    assert.equal(all(' From:a@example.net REJECT\n'), 'From:a@example.net\tREJECT\n');
    assert.equal(
      all('From:a@example.net REJECT\nfrom:A@example.net OK\n'),
      'From:a@example.net REJECT\n# from:A@example.net\tOK\n',
    );
    assert.equal(all('From:a@example.net OK\n   \n'), 'From:a@example.net OK\n\n');
    assert.equal(all('Connect:198.51.100.0/24 REJECT\n'), 'Connect:198.51.100\tREJECT\n');
    assert.equal(all('Connect:198.51.100.0/26 REJECT\n'), undefined);
    assert.equal(all('Connect:198.51.100. REJECT\n'), 'Connect:198.51.100\tREJECT\n');
    assert.deepEqual(rules('Connect:10.1.2.3\n'), ['1:no-value']);
    assert.equal(all('From:spam.example\n  REJECT\n'), 'From:spam.example\tREJECT\n');
  });

  test('a repair that lets hosts relay says so', () => {
    const fixed = fixAccess(lintSource('Connect:10.1.2.3 RELAY # mine\n'));
    assert.deepEqual([fixed?.gained, fixed?.lost], [['Connect:10.1.2.3'], []]);
  });

  test('words that are a text by mistake', () => {
    assert.deepEqual(rules('Connect:a.example SKIP\n'), ['1:skip-off']);
    assert.deepEqual(
      rules('Connect:a.example SKIP\n', { features: new Map([['skip', { value: [], place: undefined }]]) }),
      [],
    );
    assert.deepEqual(rules('Connect:a.example DENY\nFrom:b.example Go away\nFrom:c.example ERROR:5.7.1:550 no\n'), [
      '1:value-word',
    ]);
    assert.equal(all('From:a.example REJCT\n'), 'From:a.example\tREJECT\n');
    // A word that lets in is not put where one stood that refuses.
    assert.deepEqual(rules('Connect:a.example RELEY\n'), ['1:value-misspelt']);
    assert.equal(all('Connect:a.example RELEY\n'), undefined);
  });

  test('lines that are never asked', () => {
    assert.deepEqual(rules('To:bob@example.net REJECT\nTo:example.net RELAY\n'), ['1:to-blocklist-off']);
    assert.deepEqual(rules('Connect:*.example.net REJECT\n'), ['1:wildcard']);
    assert.equal(all('Connect:*.example.net REJECT\n'), 'Connect:example.net\tREJECT\n');
    assert.deepEqual(rules('Connect:a@example.net REJECT\n'), ['1:host-with-at']);
    assert.deepEqual(rules('Connect:.example.net REJECT\n'), ['1:dot-domain-off']);
    assert.equal(all('From:example.net. REJECT\n'), 'From:example.net\tREJECT\n');
    assert.deepEqual(rules('Connect:10.1 REJECT\nConnect:10.1.2.3 REJECT\nConnect:10.1.2.4 OK\n'), ['2:repeated']);
    assert.deepEqual(rules('Spam:a@example.net FRIEND\n'), ['1:spam-off']);
    assert.deepEqual(
      rules('Spam:a@example.net FRIEND\n', {
        features: new Map([['delay_checks', { value: ['hater'], place: undefined }]]),
      }),
      ['1:spam-other'],
    );
    const settings = sendmailSettings();
    const deaf = { settings: { ...settings, tls: { ...settings.tls, requestOptions: 'V' } } };
    assert.ok(rules('CERTISSUER:/CN=a RELAY\n', deaf).includes('1:certificate-not-asked'));
  });
});

describe('relaying without a certificate', () => {
  test('networks by their width', () => {
    const found = lint(
      lintSource(
        'Connect:10 RELAY\nConnect:192.168.1 RELAY\nConnect:198.51 RELAY\nConnect:203.0.113.7 RELAY\nlocalhost RELAY\n127 RELAY\n',
      ),
    );
    assert.deepEqual(
      found.map(({ line, rule, severity }) => `${line}:${rule}:${severity}`),
      ['1:relay-network:warning', '2:relay-network:note', '3:relay-network:error'],
    );
    assert.equal(found[0]?.values['addresses'], '16 777 216');
  });

  test('domains, addresses, untagged lines', () => {
    assert.deepEqual(
      rules('Connect:com RELAY\nTo:com RELAY\nexample.net RELAY\nTo:a@example.net RELAY\nFrom:a@example.net RELAY\n'),
      ['1:relay-top-domain', '2:relay-to-top-domain', '3:relay-untagged', '4:to-address-relay-off', '5:from-relay-off'],
    );
    const features = new Map([['relay_mail_from', { value: [], place: { file: 'sendmail.mc', line: 7 } }]]);
    assert.deepEqual(rules('From:a@example.net RELAY\n', { features }), ['1:from-relay-open', '7:relay-mail-from']);
    const row = (key: string) => ({ key, value: '', file: 'relay-domains', line: 3 });
    assert.deepEqual(rules(undefined, { relayDomains: [row('example.net'), row('198.51'), row('jp')] }), [
      '3:relay-domain-network',
      '3:relay-domain-top',
    ]);
    assert.deepEqual(
      rules(undefined, { trustedNetworks: [row('10.0.0.0/8'), row('0.0.0.0/0'), row('198.51.100.0/24')] }),
      ['3:trusted-network'],
    );
  });
});
