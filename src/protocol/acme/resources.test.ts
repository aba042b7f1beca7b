import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { utf8 } from '../../base/bytes.ts';
import { AcmeProblem, problem, problemObject, type ProblemType } from './problem.ts';
import { parseRenewalId } from './renewal-id.ts';
import {
  isDnsName,
  readAccountChange,
  readFinalize,
  readKeyChange,
  readNewAccount,
  readNewOrder,
  readRevocation,
} from './resources.ts';
import { timestamp } from './time.ts';

const json = (value: unknown): Uint8Array => utf8(JSON.stringify(value));

function refused(act: () => unknown, type: ProblemType): AcmeProblem {
  let thrown: unknown;
  try {
    act();
  } catch (error) {
    thrown = error;
  }
  assert.ok(thrown instanceof AcmeProblem, String(thrown));
  assert.equal(thrown.problem.type, type, thrown.message);
  return thrown;
}

const order = (...values: readonly unknown[]): Uint8Array =>
  json({ identifiers: values.map((value) => ({ type: 'dns', value })) });

describe('payloads', () => {
  test('an order: names in lower case, each once, as they were ordered', () => {
    const read = readNewOrder(order('B.example.net', 'a.example.net', 'b.EXAMPLE.net', '*.a.example.net'));
    assert.deepEqual(read, { names: ['b.example.net', 'a.example.net', '*.a.example.net'], replaces: undefined });
  });

  test('an order: each name at fault is told apart', () => {
    const { problem: told } = refused(
      () => readNewOrder(order('good.example.net', 'ä.example.net', 'a..b')),
      'rejectedIdentifier',
    );
    assert.deepEqual(
      told.subproblems?.map(({ name }) => name),
      ['ä.example.net', 'a..b'],
    );
    assert.deepEqual((problemObject(told) as { subproblems: { identifier: object }[] }).subproblems[1]?.identifier, {
      type: 'dns',
      value: 'a..b',
    });
  });

  test('an order: what is not taken', () => {
    refused(() => readNewOrder(json({ identifiers: [] })), 'malformed');
    refused(() => readNewOrder(json({})), 'malformed');
    refused(() => readNewOrder(json({ identifiers: [{ type: 'ip', value: '192.0.2.1' }] })), 'unsupportedIdentifier');
    refused(
      () =>
        readNewOrder(json({ identifiers: Array.from({ length: 101 }, () => ({ type: 'dns', value: 'a.example' })) })),
      'malformed',
    );
    refused(
      () =>
        readNewOrder(json({ identifiers: [{ type: 'dns', value: 'a.example' }], notAfter: '2030-01-01T00:00:00Z' })),
      'malformed',
    );
    refused(() => readNewOrder(order(7)), 'malformed');
  });

  test('contacts are mailto of one address', () => {
    const contact = (one: unknown) => () => readNewAccount(json({ contact: [one] }));
    assert.deepEqual(contact('mailto:a@example.net')().contacts, ['mailto:a@example.net']);
    refused(contact('tel:+81'), 'unsupportedContact');
    refused(contact('mailto:a@example.net,b@example.net'), 'invalidContact');
    refused(contact('mailto:a@example.net?bcc=b@example.net'), 'invalidContact');
    refused(contact(5), 'invalidContact');
    refused(() => readNewAccount(json({ contact: 'mailto:a@example.net' })), 'malformed');
  });

  test('an account can be given up, and made nothing else', () => {
    assert.equal(readAccountChange(json({ status: 'deactivated' })).deactivate, true);
    assert.equal(readAccountChange(json({ orders: 'x' })).deactivate, false);
    refused(() => readAccountChange(json({ status: 'valid' })), 'malformed');
    refused(() => readAccountChange(json({ status: 'revoked' })), 'malformed');
  });

  test('CSR and certificate are base64url of DER', () => {
    assert.deepEqual(readFinalize(json({ csr: 'AQID' })), Uint8Array.of(1, 2, 3));
    refused(() => readFinalize(json({ csr: '-----BEGIN CERTIFICATE REQUEST-----' })), 'malformed');
    assert.deepEqual(readRevocation(json({ certificate: 'AQID', reason: 1 })), {
      certificate: Uint8Array.of(1, 2, 3),
      reason: 1,
    });
    refused(() => readRevocation(json({ certificate: 'AQID', reason: 'keyCompromise' })), 'badRevocationReason');
  });

  test('whatever comes, it is read or refused', () => {
    const readers = [readNewAccount, readAccountChange, readNewOrder, readFinalize, readRevocation, readKeyChange];
    fc.assert(
      fc.property(
        fc.oneof(fc.json().map(utf8), fc.uint8Array()),
        fc.integer({ min: 0, max: readers.length - 1 }),
        (bytes, which) => {
          try {
            readers[which]?.(bytes);
          } catch (error) {
            assert.ok(error instanceof AcmeProblem, String(error));
          }
        },
      ),
    );
  });
});

test('DNS names', () => {
  for (const name of ['a', 'a.example', 'xn--r8jz45g.jp', '*.a.example', 'a-b.example', `${'a'.repeat(63)}.example`])
    assert.equal(isDnsName(name), true, name);
  for (const name of [
    '',
    '.',
    'a.',
    '.a',
    'a..b',
    '*',
    '*.a',
    '*.*.a.example',
    'a.*.example',
    '*a.example',
    '-a.example',
    'a-.example',
    'a_b.example',
    '192.0.2.1',
    'a.1',
    'A.example',
    `${'a'.repeat(64)}.example`,
    `${'a.'.repeat(126)}ab`,
  ])
    assert.equal(isDnsName(name), false, name);
});

test('RFC 9773 §4.1: the certificate of the example', () => {
  const id = parseRenewalId('aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE');
  assert.ok(id !== undefined);
  assert.equal(Buffer.from(id.authorityKeyId).toString('hex'), '69885b6b87464041e1b37b847ba0ae2cde01c8d4');
  assert.equal(id.serial, '87654321');
  for (const text of ['', '.', 'aYhb', 'aYhb.', '.AIdl', 'aYhb.AIdl.x', 'aYh=.AIdl', `aYhb.${'A'.repeat(40)}`])
    assert.equal(parseRenewalId(text), undefined, text);
});

test('times and problems as JSON', () => {
  assert.equal(timestamp(1_795_486_908_999), '2026-11-24T02:21:48Z');
  assert.equal(timestamp(2_524_608_000_000), '2050-01-01T00:00:00Z');
  assert.deepEqual(problemObject(problem('badNonce', 'used up')), {
    type: 'urn:ietf:params:acme:error:badNonce',
    detail: 'used up',
    status: 400,
  });
});
