import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { statuses, statusesOf, type Dialect } from './status.ts';

for (const dialect of ['sealpost', 'sendmail'] satisfies Dialect[])
  describe(`statuses of ${dialect}`, () => {
    const all = Object.values(statusesOf(dialect));

    it('have both codes in one class (RFC 2034 §4)', () => {
      for (const { key, code, enhanced } of all)
        if (enhanced !== undefined) assert.equal(enhanced[0], String(code)[0], key);
    });

    it('have codes of the right form, and an enhanced one wherever there may be one', () => {
      for (const { key, code, enhanced } of all) {
        assert.match(String(code), /^[2345][0-5]\d$/, key);
        if (code >= 300 && code < 400) assert.equal(enhanced, undefined, key);
        else if (enhanced === undefined) assert.ok(key === 'greeting' || key === 'hello', key);
        else assert.match(enhanced, /^[245]\.\d{1,3}\.\d{1,3}$/, key);
      }
    });

    it('have a text on one line that does not end in a full stop, and a source', () => {
      for (const { key, text, source } of all) {
        // Sendmail's own words end as they end there.
        assert.match(text, source.startsWith('Sendmail') ? /^[\x20-\x7e]*\S$/ : /^[\x20-\x7e]*[^.\s]$/, key);
        assert.match(source, /^(?:RFC \d+ §|Sendmail \d)/, key);
      }
    });
  });

describe("Sendmail's replies", () => {
  it('stand for the same conclusions: both codes of a key say success, go on or no in both dialects', () => {
    for (const [key, ours] of Object.entries(statuses)) {
      const theirs = statusesOf('sendmail')[ours.key as keyof typeof statuses];
      const positive = (code: number): boolean => code < 400;
      // HELP alone is refused there and answered here.
      if (key !== 'help') assert.equal(positive(theirs.code), positive(ours.code), key);
    }
  });

  it('fill in nothing that ours do not know, or that a caller gives', () => {
    const given = new Set([
      'hostname',
      'version',
      'date',
      'verb',
      'word',
      'command',
      'parameter',
      'value',
      'limit',
      'mechanism',
      'address',
    ]);
    for (const [key, { text }] of Object.entries(statusesOf('sendmail'))) {
      const own = statuses[key as keyof typeof statuses].text;
      if (text === own) continue;
      for (const [, name] of text.matchAll(/\{(\w+)\}/g)) assert.ok(given.has(name as string), `${key}: {${name}}`);
    }
  });
});
