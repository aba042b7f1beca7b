import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { formatAddress, isAddressLiteral, parseAddress, parsePath, type Address } from './address.ts';

const path = (text: string, utf8 = false): Address | undefined | 'none' => {
  const parsed = parsePath(text, utf8);
  return parsed === undefined ? 'none' : parsed.address;
};

describe('parsePath', () => {
  test('takes the forms of RFC 5321', () => {
    assert.deepEqual(path('<alice@example.net>'), { local: 'alice', domain: 'example.net' });
    assert.deepEqual(path('<>'), undefined);
    assert.deepEqual(path('<"a b\\"c\\\\"@example.net>'), { local: 'a b"c\\', domain: 'example.net' });
    assert.deepEqual(path('<""@example.net>'), { local: '', domain: 'example.net' });
    assert.deepEqual(path('<@a.example,@[192.0.2.1]:bob@example.net>'), { local: 'bob', domain: 'example.net' });
    assert.deepEqual(path('<bob@[192.0.2.1]>'), { local: 'bob', domain: '[192.0.2.1]' });
    assert.deepEqual(path('<bob@[IPv6:2001:db8::1]>'), { local: 'bob', domain: '[IPv6:2001:db8::1]' });
    assert.deepEqual(path('<a>b@c>'), 'none');
  });

  test('takes what clients send', () => {
    assert.deepEqual(parsePath('alice@example.net SIZE=3', false), {
      address: { local: 'alice', domain: 'example.net' },
      typed: 'alice@example.net',
      rest: ' SIZE=3',
    });
    assert.deepEqual(path('<Postmaster>'), { local: 'Postmaster', domain: '' });
    assert.deepEqual(path('<..a.@docomo.example>'), { local: '..a.', domain: 'docomo.example' });
    assert.deepEqual(path('<a@b_c.example.>'), { local: 'a', domain: 'b_c.example' });
  });

  test('tells what was typed and what is left', () => {
    assert.deepEqual(parsePath('<@r:a@b> BODY=8BITMIME', false), {
      address: { local: 'a', domain: 'b' },
      typed: '<@r:a@b>',
      rest: ' BODY=8BITMIME',
    });
    assert.deepEqual(parsePath('<> X', false), { address: undefined, typed: '<>', rest: ' X' });
  });

  for (const bad of [
    '',
    ' ',
    '<',
    '>',
    '<a',
    '<a@',
    '<@b>',
    '<a@>',
    '<a@b',
    '<a@b>SIZE=1',
    '<a@b>>',
    '<a b@c>',
    '<"a@b>',
    '<"a"b@c>',
    '<"">',
    '<a@.b>',
    '<a@b..c>',
    '<a@-b>',
    '<a@b->',
    '<a@[]>',
    '<a@[300.1.1.1]>',
    '<a@[IPv6:1::2::3]>',
    '<a@[IPv6:1:2:3]>',
    '<@a:>',
    '<@a,b:c@d>',
    '<a\u0000@b>',
    '<a@b\u0001>',
    '<"\\\u0007"@b>',
    '<a@b@c>',
    '< a@b>',
    `<a@${'x'.repeat(64)}.example>`,
    `<a@${'x.'.repeat(128)}example>`,
  ]) {
    test(`refuses ${JSON.stringify(bad).slice(0, 40)}`, () => assert.equal(path(bad), 'none'));
  }

  test('takes UTF-8 only when told (RFC 6531)', () => {
    assert.equal(path('<用户@例え.jp>'), 'none');
    assert.deepEqual(path('<用户@例え.jp>', true), { local: '用户', domain: '例え.jp' });
    assert.deepEqual(path('<"用 户"@例え.jp>', true), { local: '用 户', domain: '例え.jp' });
    assert.equal(path('<a\u0085@b>', true), 'none');
  });
});

describe('address literals', () => {
  for (const good of [
    '127.0.0.1',
    'IPv6:::',
    'IPv6:::1',
    'ipv6:fe80::1',
    'IPv6:1:2:3:4:5:6:7:8',
    'IPv6:::ffff:192.0.2.1',
    'IPv6:1:2:3:4:5:6:192.0.2.1',
    'tag:x',
  ])
    test(`takes ${good}`, () => assert.ok(isAddressLiteral(good)));
  for (const bad of [
    '',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    'IPv6:',
    'IPv6:1:2:3:4:5:6:7:8:9',
    'IPv6:1:2:3:4:5:6:7::8',
    'IPv6:g::',
    'IPv6:12345::',
    'IPv6:1.2.3.4::',
    'IPv6:1.2.3.4',
    'tag:',
    'tag:[x',
  ])
    test(`refuses ${JSON.stringify(bad)}`, () => assert.ok(!isAddressLiteral(bad)));
});

describe('formatAddress', () => {
  test('quotes where it must', () => {
    assert.equal(formatAddress({ local: 'a.b', domain: 'c' }), 'a.b@c');
    assert.equal(formatAddress({ local: 'a..b', domain: 'c' }), '"a..b"@c');
    assert.equal(formatAddress({ local: 'a"\\', domain: 'c' }), '"a\\"\\\\"@c');
    assert.equal(formatAddress({ local: '', domain: 'c' }), '""@c');
    assert.equal(formatAddress({ local: 'postmaster', domain: '' }), 'postmaster');
  });

  const local = fc.oneof(
    fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)), minLength: 1 }),
    fc.string({ unit: fc.constantFrom('a', '.', '"', '\\', '@', ' ', 'é', '用', '😀', '>'), minLength: 1 }),
  );
  const domain = fc.oneof(
    fc.constantFrom('', '[192.0.2.1]', '[IPv6:::1]', 'example.net', '例え.jp'),
    fc
      .array(fc.stringMatching(/^[a-z0-9]([a-z0-9_-]{0,20}[a-z0-9])?$/), { minLength: 1, maxLength: 5 })
      .map((labels) => labels.join('.')),
  );

  test('parse(format(x)) = x', () => {
    fc.assert(
      fc.property(fc.record({ local, domain }), (address) => {
        const text = formatAddress(address);
        assert.deepEqual(parseAddress(text), { ...address });
        assert.deepEqual(parsePath(`<${text}> X=1`, true), {
          address: { ...address },
          typed: `<${text}>`,
          rest: ' X=1',
        });
      }),
    );
  });

  test('what is parsed can be formatted and parsed again, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom('<', '>', '@', ':', ',', '"', '\\', 'a', '.', '[', ']', ' ', '1', '-', 'ü'),
        }),
        (text) => {
          const parsed = parsePath(text, true);
          if (parsed === undefined) return;
          assert.equal(parsed.typed + parsed.rest, text);
          if (parsed.address !== undefined)
            assert.deepEqual(parseAddress(formatAddress(parsed.address)), parsed.address);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
