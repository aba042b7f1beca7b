import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { addressSpans } from './address-list.ts';

const addresses = (text: string): string[] => addressSpans(text).map(({ address }) => address);

describe('addresses in the value of a header field', () => {
  const cases: readonly (readonly [text: string, ...found: string[]])[] = [
    ['joe@in.test', 'joe@in.test'],
    [' Joe User <joe@in.test>\r\n', 'joe@in.test'],
    ['<a@b>, (a) c@d (b), "e@f" <g@h>, i', 'a@b', 'c@d', 'g@h', 'i'],
    ['"Doe, J" <bob@in.test> (comment, (nested) \\) x@y)', 'bob@in.test'],
    ['=?utf-8?q?J?= <@a.test,@b.test:joe@in.test>', 'joe@in.test'],
    ['a@b,\r\n\tc@d', 'a@b', 'c@d'],
    ['Friends: a@b, c@d; , e@f', 'a@b', 'c@d', 'e@f'],
    ['undisclosed-recipients:;'],
    ['"joe user"@in.test, u@[IPv6:::1]', '"joe user"@in.test', 'u@[IPv6:::1]'],
    ['< joe@in.test >', 'joe@in.test'],
    ['<>'],
    // None that can be told apart: left alone.
    ['John Smith'],
    ['joe @ in.test'],
    ['<a@b> <c@d>'],
    ['"open <a@b>'],
    ['(open a@b'],
    ['<a@b'],
    ['a@b > c'],
    ['x@[1.2.3.4'],
  ];
  for (const [text, ...found] of cases) test(JSON.stringify(text), () => assert.deepEqual(addresses(text), found));

  test('where they stand is where they are', () => {
    for (const { from, to, address } of addressSpans('A <@x:a@b>, c@d')) {
      assert.ok('A <@x:a@b>, c@d'.slice(from, to).endsWith(address));
    }
  });

  test('any text comes to an end, and spans follow each other', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', '@', '<', '>', '"', '\\', '(', ')', ',', ';', ':', '[', ']', ' '),
    });
    fc.assert(
      fc.property(text, (value) => {
        let last = 0;
        for (const { from, to } of addressSpans(value)) {
          assert.ok(from >= last && to > from && to <= value.length);
          last = to;
        }
      }),
    );
  });
});
