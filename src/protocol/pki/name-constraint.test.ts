import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { implicit } from './der-write.ts';
import { contextTag, DerError, DerReader, element, sequence } from './der.ts';
import type { GeneralName } from './general-name.ts';
import {
  constraintsOf,
  encodeNameConstraints,
  isDomainItself,
  permits,
  readNameConstraints,
} from './name-constraint.ts';

describe('name constraints', () => {
  const constraints = constraintsOf(['example.net'], ['mx.other.example', 'mail.example.net']);

  test('of domains and hosts; what is written is read', () => {
    assert.deepEqual(constraints, {
      emails: ['example.net', '.example.net'],
      dnsNames: ['example.net', 'mx.other.example'],
      uris: ['example.net', '.example.net'],
      noAddresses: true,
    });
    assert.deepEqual(readNameConstraints(new DerReader(encodeNameConstraints(constraints))), constraints);
  });

  test('international domains stand there once more in the form that OpenSSL compares', () => {
    const { emails } = constraintsOf(['xn--fsq.jp'], []);
    assert.deepEqual(emails, ['xn--fsq.jp', 'xn--xn--fsq-.jp', '.xn--fsq.jp', '.xn--xn--fsq-.jp']);
    assert.deepEqual(emails.filter(isDomainItself), ['xn--fsq.jp']);
  });

  const cases: readonly (readonly [GeneralName['kind'], string, boolean])[] = [
    ['email', 'a@example.net', true],
    ['email', 'a@EXAMPLE.net', true],
    ['email', 'a@sub.example.net', true],
    ['email', 'a@notexample.net', false],
    ['email', 'a@example.net.org', false],
    ['email', '@example.net@example.org', false],
    ['mailbox', '日本語@example.net', true],
    ['mailbox', '日本語@example.org', false],
    ['mailbox', '日本語@sub.example.net', false],
    ['dns', 'example.net', true],
    ['dns', '*.example.net', true],
    ['dns', 'a.b.example.net', true],
    ['dns', 'notexample.net', false],
    ['dns', 'mx.other.example', true],
    ['dns', 'other.example', false],
    ['uri', 'spiffe://example.net/a', true],
    ['uri', 'spiffe://sub.example.net/a', true],
    ['uri', 'spiffe://example.org/example.net', false],
    ['uri', 'https://example.net@example.org:443/', false],
    ['uri', 'urn:example.net', false],
    ['other', '[7]', false],
    ['other', '1.2.3', true],
  ];
  for (const [kind, text, allowed] of cases) {
    test(`${allowed ? 'permit' : 'forbid'} ${kind}:${text}`, () =>
      assert.equal(permits(constraints, { kind, text }), allowed));
  }

  test('a kind of constraint that is not kept to is told', () => {
    const directory = sequence(element(contextTag(0), sequence(element(contextTag(4), sequence()))));
    assert.throws(() => readNameConstraints(new DerReader(directory)), DerError);
    const excluded = sequence(element(contextTag(1), sequence(implicit(2, Buffer.from('example.org')))));
    assert.throws(() => readNameConstraints(new DerReader(excluded)), DerError);
  });
});
