import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { recipientOf, reversePathOf } from './envelope.ts';

const none = { notify: undefined, orcpt: undefined };

describe('recipient of an envelope', () => {
  it('keeps the local part and lowers the domain', () => {
    const parameters = { notify: ['failure'] as const, orcpt: 'rfc822;Bob@Example.COM' };
    assert.deepEqual(recipientOf({ local: 'Bob', domain: 'Example.COM' }, parameters, 'relay.example'), {
      address: 'Bob@example.com',
      domain: 'example.com',
      ...parameters,
    });
  });

  it('writes internationalized domains in A-labels unless the local part needs SMTPUTF8 too', () => {
    assert.deepEqual(recipientOf({ local: 'bob', domain: 'Bücher.example' }, none, 'h'), {
      address: 'bob@xn--bcher-kva.example',
      domain: 'xn--bcher-kva.example',
      ...none,
    });
    assert.deepEqual(recipientOf({ local: 'böb', domain: 'Bücher.example' }, none, 'h'), {
      address: 'böb@bücher.example',
      domain: 'xn--bcher-kva.example',
      ...none,
    });
  });

  it('has no recipient for what is no domain name', () => {
    assert.equal(recipientOf({ local: 'bob', domain: 'a\u200db.example' }, none, 'h'), undefined);
    assert.equal(recipientOf({ local: 'bob', domain: 'é'.repeat(70) }, none, 'h'), undefined);
  });

  it('sends postmaster without a domain to this host', () => {
    assert.equal(
      recipientOf({ local: 'Postmaster', domain: '' }, none, 'Relay.example')?.address,
      'Postmaster@relay.example',
    );
  });

  it('quotes where needed and leaves address literals', () => {
    assert.equal(recipientOf({ local: 'a b', domain: '[192.0.2.1]' }, none, 'h')?.address, '"a b"@[192.0.2.1]');
  });
});

describe('reverse-path of an envelope', () => {
  it('is empty for the null path, else the address', () => {
    assert.equal(reversePathOf(undefined), '');
    assert.equal(reversePathOf({ local: 'Alice', domain: 'Example.net' }), 'Alice@Example.net');
    assert.equal(reversePathOf({ local: 'alice', domain: 'bücher.example' }), 'alice@xn--bcher-kva.example');
    assert.equal(reversePathOf({ local: 'älice', domain: 'bücher.example' }), 'älice@bücher.example');
    assert.equal(reversePathOf({ local: 'alice', domain: 'a\u200db.example' }), undefined);
  });
});
