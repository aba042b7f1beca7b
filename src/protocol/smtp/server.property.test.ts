/** The properties of ARCHITECTURE §4 that one engine can show alone. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { concat, fromLatin1, latin1, utf8 } from '../../base/bytes.ts';
import { serverEngine } from './server.ts';
import { assertOneReplyEach, converse, Talk, tightLimits, wideLimits } from './server.suite.ts';

const line = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('EHLO a', 'HELO a', 'EHLO bad', 'EHLO') },
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      'MAIL FROM:<a@b>',
      'mail from:<>',
      'MAIL FROM:<bad@b>',
      'MAIL FROM:<a@b> BODY=BINARYMIME',
      'MAIL FROM:<a@b> SIZE=65',
      'MAIL FROM:<\u00c3\u00bc@b> SMTPUTF8',
      'MAIL FROM:',
    ),
  },
  {
    weight: 6,
    arbitrary: fc.constantFrom('RCPT TO:<a@b>', 'RCPT TO:<bad@b>', 'RCPT TO:<a@b> NOTIFY=NEVER', 'RCPT TO:<>'),
  },
  { weight: 3, arbitrary: fc.constantFrom('DATA', 'DATA', 'DATA x') },
  { weight: 4, arbitrary: fc.constantFrom('BDAT 0', 'BDAT 0 LAST', 'BDAT x', 'BDAT 70 LAST') },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      'AUTH EXTERNAL',
      'AUTH EXTERNAL =',
      'AUTH EXTERNAL YQ==',
      'AUTH X',
      '*',
      'YQ==',
      '=',
      'YWI=',
    ),
  },
  { weight: 3, arbitrary: fc.constantFrom('RSET', 'NOOP', 'VRFY x', 'EXPN x', 'HELP', 'X', '', 'TURN') },
  { weight: 1, arbitrary: fc.constantFrom('QUIT', 'STARTTLS', 'GET / HTTP/1.1', '\u0016\u0003\u0001') },
  { weight: 1, arbitrary: fc.integer({ min: 50, max: 120 }).map((length) => 'N'.repeat(length)) },
);
const lineEnd = fc.oneof(
  { weight: 20, arbitrary: fc.constant('\r\n') },
  { weight: 1, arbitrary: fc.constantFrom('\n', '\r', '\r\r\n', '\n\r', '') },
);
const command = fc.tuple(line, lineEnd).map((parts) => parts.join(''));
const soup = fc.string({
  unit: fc.constantFrom('\r', '\n', '\r\n', '.', 'a', ' ', '\r\n.\r\n', '\u0000', '\u00ff'),
  maxLength: 30,
});
const chunk = fc
  .tuple(soup, fc.boolean())
  .map(([content, last]) => `BDAT ${content.length}${last ? ' LAST' : ''}\r\n${content}`);
const message = fc
  .tuple(
    fc.array(fc.constantFrom('MAIL FROM:<a@b>\r\n', 'RCPT TO:<a@b>\r\n', 'RCPT TO:<bad@b>\r\n'), {
      minLength: 2,
      maxLength: 4,
    }),
    fc.oneof(
      soup.map((content) => `DATA\r\n${content}\r\n.\r\n`),
      chunk,
    ),
  )
  .map(([envelope, content]) => `${envelope.join('')}${content}`);
const stream = fc
  .tuple(
    fc.constantFrom('', 'EHLO a\r\n'),
    fc.array(
      fc.oneof(
        { weight: 4, arbitrary: command },
        { weight: 1, arbitrary: chunk },
        { weight: 2, arbitrary: message },
        { weight: 1, arbitrary: soup },
      ),
      { maxLength: 25 },
    ),
  )
  .map(([hello, parts]) => fromLatin1(hello + parts.join('')));
const cuts = fc.array(fc.nat(40), { maxLength: 40 });
const limits = fc.constantFrom(tightLimits, wideLimits);

function cut(bytes: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let rest = bytes;
  for (const length of lengths) {
    parts.push(rest.subarray(0, length));
    rest = rest.subarray(length);
  }
  return [...parts, rest];
}

describe('the server engine', () => {
  test('1, 2: neither throws nor holds too much, and where bytes are cut changes nothing', () => {
    fc.assert(
      fc.property(limits, stream, cuts, (limit, bytes, lengths) => {
        const whole = converse(limit, [bytes]);
        assert.deepEqual(converse(limit, cut(bytes, lengths)), whole);
        assert.deepEqual(
          converse(
            limit,
            Array.from(bytes, (octet) => Uint8Array.of(octet)),
          ),
          whole,
        );
      }),
      { numRuns: 1000 },
    );
  });

  test('1, 2: the same for bytes without any sense', () => {
    fc.assert(
      fc.property(limits, fc.uint8Array({ maxLength: 400 }), cuts, (limit, bytes, lengths) => {
        assert.deepEqual(converse(limit, cut(bytes, lengths)), converse(limit, [bytes]));
      }),
    );
  });

  test('1: what comes while a question is open is held up to the limit, and then the session ends', () => {
    const talk = new Talk(tightLimits);
    talk.engine.receive(utf8('EHLO a\r\n'));
    assert.equal(talk.engine.next()?.kind, 'hello');
    for (let i = 0; i < 64; i++) talk.engine.receive(new Uint8Array(64));
    assert.equal(talk.engine.buffered, tightLimits.buffer);
    assert.equal(talk.engine.next(), undefined);
    talk.engine.receive(new Uint8Array(1));
    assert.equal(talk.engine.buffered, 0);
    assert.deepEqual(talk.engine.next(), {
      kind: 'close',
      reason: 'fault',
      reply: '421 4.7.0 mx.example too much sent without waiting for replies',
    });
    talk.engine.answer({ code: 250, enhanced: undefined, lines: ['too late'] });
    assert.match(latin1(talk.engine.output()), /^421 4\.7\.0 .*\r\n$/);
  });

  test('3: each command has one reply, in order', () => {
    fc.assert(
      fc.property(limits, stream, (limit, bytes) => assertOneReplyEach(bytes, converse(limit, [bytes]))),
      { numRuns: 1000 },
    );
  });

  test('5: content ends at CRLF.CRLF, and a bare CR or LF is refused there', () => {
    const content = fc.string({ unit: fc.constantFrom('\r', '\n', '.', 'a', '\r\n', '\r\n.'), maxLength: 40 });
    fc.assert(
      fc.property(content, cuts, (typed, lengths) => {
        const sent = `EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nDATA\r\n${typed}\r\n.\r\n`;
        const { events } = converse(wideLimits, cut(utf8(sent), lengths));
        const all = `\r\n${typed}\r\n.\r\n`;
        const lines = all.slice(2, all.indexOf('\r\n.\r\n') + 2);
        const result = events.slice(4);
        if (/\r(?!\n)|(?<!\r)\n/.test(lines)) {
          const refused = result.findIndex((event) => event.includes('"kind":"content-refused"'));
          assert.ok(refused >= 0 && refused <= 1);
          assert.ok(!result.slice(0, refused + 1).some((event) => event.includes('"kind":"content-end"')));
          return;
        }
        const unstuffed = `\r\n${lines}`.replaceAll('\r\n.', '\r\n').slice(2);
        assert.deepEqual(result.slice(0, unstuffed === '' ? 1 : 2), [
          ...(unstuffed === '' ? [] : [`content ${unstuffed}`]),
          `{"kind":"content-end","size":${unstuffed.length}}`,
        ]);
      }),
      { numRuns: 2000 },
    );
  });

  test('5: chunks are content as they are; a bare CR or LF needs BINARYMIME', () => {
    fc.assert(
      fc.property(fc.array(soup, { minLength: 1, maxLength: 4 }), fc.boolean(), cuts, (chunks, binary, lengths) => {
        const bdats = chunks
          .map((content, i) => `BDAT ${content.length}${i === chunks.length - 1 ? ' LAST' : ''}\r\n${content}`)
          .join('');
        const sent = `EHLO a\r\nMAIL FROM:<a@b>${binary ? ' BODY=BINARYMIME' : ''}\r\nRCPT TO:<a@b>\r\n${bdats}`;
        const { events } = converse(wideLimits, cut(fromLatin1(sent), lengths));
        const content = chunks.join('');
        const result = events.slice(4);
        if (!binary && /\r(?!\n)|(?<!\r)\n/.test(content)) {
          assert.equal(result.filter((event) => event.includes('"kind":"content-refused"')).length, 1);
          assert.ok(!result.some((event) => event.includes('"kind":"content-end"')));
        } else
          assert.deepEqual(result, [
            ...(content === '' ? [] : [`content ${content}`]),
            `{"kind":"content-end","size":${content.length}}`,
          ]);
      }),
      { numRuns: 1000 },
    );
  });

  test('6: nothing said in clear survives STARTTLS', () => {
    const calm = fc.array(
      fc.constantFrom(
        'EHLO a\r\n',
        'MAIL FROM:<a@b>\r\n',
        'RCPT TO:<a@b>\r\n',
        'NOOP\r\n',
        'AUTH EXTERNAL =\r\n',
        'X\r\n',
      ),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(calm, soup, stream, stream, (before, half, injected, after) => {
        const fresh = new Talk(wideLimits);
        const used = new Talk(wideLimits);
        fresh.give(utf8('STARTTLS\r\n'));
        used.give(concat([utf8(`${before.join('')}RSET\r\nSTARTTLS\r\n`), injected]));
        used.give(fromLatin1(half));
        const [start, startUsed] = [fresh.told().events.length, used.told().events.length];
        const [output, outputUsed] = [fresh.told().output.length, used.told().output.length];
        assert.equal(used.engine.buffered, 0);
        for (const talk of [fresh, used]) {
          talk.engine.secured({ version: 'TLSv1.3' });
          assert.equal(talk.engine.buffered, 0);
          talk.give(after);
        }
        assert.deepEqual(used.told().events.slice(startUsed), fresh.told().events.slice(start));
        assert.equal(used.told().output.slice(outputUsed), fresh.told().output.slice(output));
      }),
      { numRuns: 500 },
    );
  });

  test('6: nor does what came before TLS from the start', () => {
    const engine = serverEngine('mx.example', wideLimits);
    engine.receive(utf8('NOOP\r\n'));
    engine.secured({ version: 'TLSv1.3' });
    engine.greet({ code: 220, enhanced: undefined, lines: ['hello'] });
    assert.equal(engine.next(), undefined);
    assert.equal(latin1(engine.output()), '220 hello\r\n');
  });

  test('tells how long to wait for what', () => {
    const talk = new Talk(wideLimits);
    const seen = [talk.engine.patience];
    for (const text of ['EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\n', 'DATA\r\n', '.\r\n', 'STARTTLS\r\n']) {
      talk.give(utf8(text));
      seen.push(talk.engine.patience);
    }
    talk.engine.close({ code: 421, enhanced: undefined, lines: ['bye'] });
    assert.deepEqual([...seen, talk.engine.patience], [300_000, 300_000, 180_000, 300_000, 60_000, 10_000]);
  });

  test('answer() without a question is a bug of the caller, and the only thing that throws', () => {
    const talk = new Talk(wideLimits);
    assert.throws(() => talk.engine.answer({ code: 250, enhanced: undefined, lines: ['x'] }), /local-error/);
  });
});
