import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatProblem } from './load.ts';
import { crlUrl, formatTrustFile, parseTrustFile } from './trust-file.ts';

function problems(text: string): string[] {
  return parseTrustFile(text, 't.yaml').problems.map(formatProblem);
}

describe('the file of a CA from outside', () => {
  it('is read as it was written', () => {
    const rules = ['email:*@a.example', 'subject:C=JP, O=A "B" #1, CN=x', 'access'];
    for (const crl of [
      undefined,
      { url: 'http://a.example/x.crl', expired: 'accept' },
      { url: undefined, expired: 'refuse' },
    ] as const) {
      const text = formatTrustFile(rules.toSpliced(1, 1), crl);
      const { trust } = parseTrustFile(text, 't.yaml');
      assert.deepEqual(
        trust?.rules.map(({ text: rule }) => rule),
        ['email:*@a.example', 'access'],
      );
      assert.deepEqual(trust?.crl, crl);
      const [first] = trust?.rules ?? [];
      assert.match(text.split('\n')[Number(first?.source.split(':')[1]) - 1] ?? '', /email:/);
    }
  });

  it('may say nothing, and then nobody may relay', () => {
    for (const text of ['', '# nothing\n', 'relay:\n', 'relay: []\n'])
      assert.deepEqual(parseTrustFile(text, 't.yaml').trust, { rules: [], crl: undefined });
  });

  it('is refused with line and column', () => {
    const cases: readonly (readonly [text: string, told: RegExp])[] = [
      ['rely: []', /^t\.yaml:1:1: unknown key rely; did you mean relay\?/],
      ['relay: access', /^t\.yaml:1:8: relay is no list/],
      ['relay:\n  - email: a@b.example', /^t\.yaml:2:5: this rule is no text; .*without a blank/],
      ['relay:\n  - access\n  - mail:x@b.example', /^t\.yaml:3:5: "mail:x@b\.example" is no rule; rules are access/],
      ['relay: [email:a*@b.example]', /\* beside other characters/],
      ['relay: ["dns:*.example"]', /no DNS name/],
      ['relay: ["dns:*"]', /no DNS name/],
      ['relay: [spiffe://A/x]', /no SPIFFE id/],
      ['relay: ["spiffe://a/x*"]', /no SPIFFE id/],
      ['relay: ["uri:https://a.example/*"]', /has a \*/],
      ['relay: [key:abc]', /no SHA-256/],
      ['relay: ["subject:/CN=a b"]', /write \+20/],
      ['relay: ["subject:alice"]', /is no name/],
      ['relay: []\nrelay: []', /^t\.yaml:2:1: no YAML/],
      ['relay: []\ncrl: { url: ftp://a.example/x, expired: ignore }', /^t\.yaml:2:13: crl\.url is no http/],
    ];
    for (const [text, told] of cases) assert.match(problems(text)[0] ?? 'no problem', told, text);
    assert.equal(problems('crl: { url: file:///etc/passwd, expired: no }').length, 2);
  });

  it('fetches over http and https alone, without a password in the address', () => {
    assert.ok(crlUrl('http://a.example/x.crl') && crlUrl('https://a.example/x.crl'));
    for (const text of ['file:///x', 'ldap://a.example', 'http://u:p@a.example/', 'x', ''])
      assert.equal(crlUrl(text), undefined);
  });
});
