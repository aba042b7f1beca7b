import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { concat, fromLatin1, latin1 } from '../../base/bytes.ts';
import { DotStuffer } from './client-content.ts';

function stuff(pieces: readonly string[]): string {
  const stuffer = new DotStuffer();
  const out = pieces.map((piece) => stuffer.write(fromLatin1(piece)));
  return latin1(concat([...out, fromLatin1(stuffer.end())]));
}

/** The other way round, line by line, as a server does it. */
function unstuff(wire: string): string {
  assert.ok(wire === '.\r\n' || wire.endsWith('\r\n.\r\n'));
  const text = wire.slice(0, -3);
  assert.ok(!`\r\n${text}`.includes('\r\n.\r\n'), 'the content ends only at its end');
  return text
    .split('\r\n')
    .map((line) => (line.startsWith('.') ? line.slice(1) : line))
    .join('\r\n');
}

describe('dot-stuffing', () => {
  test('doubles dots at the start of lines and nowhere else', () => {
    assert.equal(stuff(['.a\r\n.b\r\n..\r\nc.\r\n']), '..a\r\n..b\r\n...\r\nc.\r\n.\r\n');
    assert.equal(stuff(['']), '.\r\n');
    assert.equal(stuff(['no end']), 'no end\r\n.\r\n');
    assert.equal(stuff(['bare\n.x\r.y\r\n']), 'bare\n.x\r.y\r\n.\r\n');
    assert.equal(stuff(['cr\r', '\n.x\r\n', '.', '\r', '\n']), 'cr\r\n..x\r\n..\r\n.\r\n');
  });

  test('content without such dots is not copied', () => {
    const piece = fromLatin1('a.b\r\nc\r\n');
    assert.equal(new DotStuffer().write(piece), piece);
  });

  test('is undone by the server, however it is cut', () => {
    const text = fc.array(fc.constantFrom('.', '\r\n', '\r', '\n', 'x', '..', '\r\n.'), { maxLength: 30 });
    fc.assert(
      fc.property(text, fc.array(fc.nat(40), { maxLength: 6 }), (parts, cuts) => {
        const whole = parts.join('');
        const pieces: string[] = [];
        let from = 0;
        for (const cut of [...cuts].sort((a, b) => a - b)) {
          if (cut > whole.length) break;
          pieces.push(whole.slice(from, cut));
          from = cut;
        }
        pieces.push(whole.slice(from));
        const wire = stuff(pieces);
        assert.equal(wire, stuff([whole]));
        const back = unstuff(wire);
        assert.equal(back, whole === '' || whole.endsWith('\r\n') ? whole : `${whole}\r\n`);
      }),
    );
  });
});
