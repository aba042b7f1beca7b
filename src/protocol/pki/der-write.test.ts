import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { hex, latin1 } from '../../base/bytes.ts';
import { boolean, namedBits, time, utf16be } from './der-write.ts';
import { DerReader, tags } from './der.ts';

describe('DER values', () => {
  test('times: UTCTime to 2049, GeneralizedTime from 2050, no fraction, for every second from 1950 to 9999', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('1950-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }),
        (date) => {
          const { tag, content } = new DerReader(time(date.getTime())).next();
          const digits = `${date.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`;
          const early = date.getUTCFullYear() < 2050;
          assert.equal(tag, early ? tags.utcTime : tags.generalizedTime);
          assert.equal(latin1(content.bytes), early ? digits.slice(2) : digits);
        },
      ),
    );
  });

  test('times at the edges', () => {
    assert.equal(latin1(time(Date.parse('2049-12-31T23:59:59.999Z')).subarray(2)), '491231235959Z');
    assert.equal(latin1(time(Date.parse('2050-01-01T00:00:00Z')).subarray(2)), '20500101000000Z');
    assert.equal(latin1(time(Date.parse('2028-02-29T12:00:00Z')).subarray(2)), '280229120000Z');
    assert.throws(() => time(Date.parse('1949-12-31T23:59:59Z')), /year 1949/);
  });

  test('named bits end with the last one set', () => {
    assert.equal(hex(namedBits([0])), '03020780');
    assert.equal(hex(namedBits([5, 6])), '03020106');
    assert.equal(hex(namedBits([])), '030100');
  });

  test('TRUE is FF; UTF-16 has the high octet first', () => {
    assert.equal(hex(boolean(true)), '0101ff');
    assert.equal(hex(utf16be('aé\u{1F511}')), '006100e9d83ddd11');
  });
});
