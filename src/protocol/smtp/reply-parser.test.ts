import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { utf8 } from '../../base/bytes.ts';
import { REPLY_LINE, REPLY_LINES, ReplyParser } from './reply-parser.ts';
import { formatReply, type Reply } from './reply.ts';

function parse(text: string): { replies: Reply[]; parser: ReplyParser } {
  const parser = new ReplyParser();
  parser.receive(utf8(text));
  return { replies: all(parser), parser };
}

function all(parser: ReplyParser): Reply[] {
  const replies: Reply[] = [];
  for (let reply = parser.next(); reply !== undefined; reply = parser.next()) replies.push(reply);
  return replies;
}

function first(text: string): Reply {
  const [reply] = parse(text).replies;
  assert.ok(reply !== undefined);
  return reply;
}

describe('ReplyParser', () => {
  test('reads lines, enhanced codes and bare codes', () => {
    const { replies, parser } = parse(
      '220 mx ESMTP\r\n250-2.1.0 a\r\n250 2.1.0 b\r\n354\r\n250-mx\r\n250 SIZE 1\r\n550 2.1.0 x\r\n550 5.7.1\r\n25',
    );
    assert.deepEqual(replies, [
      { code: 220, enhanced: undefined, lines: ['mx ESMTP'] },
      { code: 250, enhanced: '2.1.0', lines: ['a', 'b'] },
      { code: 354, enhanced: undefined, lines: [''] },
      { code: 250, enhanced: undefined, lines: ['mx', 'SIZE 1'] },
      { code: 550, enhanced: undefined, lines: ['2.1.0 x'] },
      { code: 550, enhanced: '5.7.1', lines: [''] },
    ]);
    assert.equal(parser.pending, 2);
  });

  test('takes code and enhanced code of the last line (RFC 5321 §4.2.1)', () => {
    assert.deepEqual(parse('550-5.1.1 a\r\n450 4.2.0 b\r\n').replies, [
      { code: 450, enhanced: '4.2.0', lines: ['a', 'b'] },
    ]);
  });

  test('reads UTF-8, and what is not UTF-8 as it can', () => {
    assert.deepEqual(first('250 héé\r\n').lines, ['héé']);
    const parser = new ReplyParser();
    parser.receive(new Uint8Array([0x32, 0x35, 0x30, 0x20, 0xe9, 0x0d, 0x0a]));
    assert.deepEqual(parser.next(), { code: 250, enhanced: undefined, lines: ['é'] });
  });

  for (const [text, kind] of [
    ['hello\r\n', 'no-reply'],
    ['\r\n', 'no-reply'],
    ['199 x\r\n', 'no-reply'],
    ['600 x\r\n', 'no-reply'],
    ['2500 x\r\n', 'no-reply'],
    ['250_x\r\n', 'no-reply'],
    ['250 x\n', 'bare-line-end'],
    ['\n', 'bare-line-end'],
    ['250 x\ry\r\n', 'bare-line-end'],
    [`250 ${'x'.repeat(REPLY_LINE - 5)}\r\n`, 'line-too-long'],
    ['250-x\r\n'.repeat(REPLY_LINES), 'too-many-lines'],
  ] as const) {
    test(`reports ${kind} in ${JSON.stringify(text).slice(0, 30)}`, () => {
      const { replies, parser } = parse(text);
      assert.deepEqual(replies, []);
      assert.equal(parser.fault?.kind, kind);
      assert.equal(parser.pending, 0);
      parser.receive(utf8('250 ok\r\n'));
      assert.equal(parser.next(), undefined);
    });
  }

  test('takes a line and a reply of the greatest length', () => {
    assert.equal(first(`250 ${'x'.repeat(REPLY_LINE - 6)}\r\n`).lines[0]?.length, REPLY_LINE - 6);
    assert.equal(first(`${'250-x\r\n'.repeat(REPLY_LINES - 1)}250 x\r\n`).lines.length, REPLY_LINES);
  });

  test('keeps to the size it was given', () => {
    const parser = new ReplyParser(20);
    parser.receive(utf8('250-123456789\r\n250-123456789\r\n250 x\r\n'));
    assert.equal(parser.next(), undefined);
    assert.deepEqual(parser.fault, { kind: 'reply-too-long', detail: 'a reply has more than 20 octets' });
  });

  test('forgets all on clear()', () => {
    const { parser } = parse('250-half\r\n250 ');
    parser.clear();
    assert.equal(parser.pending, 0);
    parser.receive(utf8('220 new\r\n'));
    assert.deepEqual(parser.next(), { code: 220, enhanced: undefined, lines: ['new'] });
  });

  const text = fc
    .string({ unit: fc.constantFrom('a', ' ', '-', '5', '.', 'é', '😀'), maxLength: 20 })
    .filter((line) => !/^[245]\.\d+\.\d+( |$)/.test(line));
  const reply = fc
    .record({
      code: fc.integer({ min: 200, max: 599 }),
      detail: fc.option(fc.tuple(fc.nat(999), fc.nat(999))),
      lines: fc.array(text, { minLength: 1, maxLength: 4 }),
    })
    .map(({ code, detail, lines }): Reply => {
      const first = Math.floor(code / 100);
      return {
        code,
        enhanced: detail === null || first === 3 ? undefined : `${first}.${detail[0]}.${detail[1]}`,
        lines,
      };
    });

  test('parse(format(x)) = x, however it is cut', () => {
    fc.assert(
      fc.property(fc.array(reply), fc.array(fc.nat(30)), (replies, cuts) => {
        let bytes = utf8(replies.map(formatReply).join(''));
        const parser = new ReplyParser();
        const got: Reply[] = [];
        for (const cut of [...cuts, Infinity]) {
          const part = bytes.slice(0, cut);
          parser.receive(part);
          got.push(...all(parser));
          part.fill(0); // the caller has its memory back
          bytes = bytes.subarray(part.length);
        }
        assert.deepEqual(got, replies);
        assert.equal(parser.pending, 0);
      }),
    );
  });
});
