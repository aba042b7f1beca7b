import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decodePem, encodePem } from './pem.ts';

describe('PEM', () => {
  test('what is written is read back, several in order, whatever stands between', () => {
    const block = fc.record({
      label: fc.constantFrom('CERTIFICATE', 'X509 CRL', 'PRIVATE KEY'),
      der: fc.uint8Array({ maxLength: 300 }),
    });
    fc.assert(
      fc.property(
        fc.array(block, { maxLength: 4 }),
        fc.string({ unit: fc.constantFrom('a', ' ', '\n', '-') }),
        (blocks, between) => {
          const text = blocks.map(({ label, der }) => `${between}\n${encodePem(label, der)}`).join('');
          assert.deepEqual(
            decodePem(text).map(({ label, der }) => ({ label, der: [...der] })),
            blocks.map(({ label, der }) => ({ label, der: [...der] })),
          );
        },
      ),
    );
  });

  test('lines of 64 characters, CR LF read too', () => {
    const text = encodePem('CERTIFICATE', new Uint8Array(100));
    assert.deepEqual(
      text.split('\n').map((line) => line.length),
      [27, 64, 64, 8, 25, 0],
    );
    assert.equal(decodePem(text.replaceAll('\n', '\r\n'))[0]?.der.length, 100);
  });

  test('a block that does not end, ends under another label, or is no base64 is none', () => {
    assert.deepEqual(decodePem('-----BEGIN X-----\nAAAA\n'), []);
    assert.deepEqual(decodePem('-----BEGIN X-----\nAAAA\n-----END Y-----\n'), []);
    assert.deepEqual(decodePem('-----BEGIN X-----\nA*AA\n-----END X-----\n'), []);
    const good = encodePem('Y', Uint8Array.of(1));
    assert.deepEqual(
      decodePem(`-----BEGIN X-----\nAAAA\n${good}`).map(({ label }) => label),
      ['Y'],
    );
  });

  test('never throws', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('-----BEGIN ', '-----END ', '-----', 'X', 'AAAA', '\n', ' ') }),
        (text) => Array.isArray(decodePem(text)),
      ),
    );
  });
});
