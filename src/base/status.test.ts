import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { statuses } from './status.ts';

describe('statuses', () => {
  const all = Object.values(statuses);

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
      assert.match(text, /^[\x20-\x7e]*[^.\s]$/, key);
      assert.match(source, /^(?:RFC \d+ §|Sendmail )/, key);
    }
  });
});
