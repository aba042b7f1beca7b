import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatCapability, parseCapabilities } from './capability.ts';

describe('capabilities', () => {
  test('are read by keyword, the greeting line left out', () => {
    const found = parseCapabilities([
      'mx.example Hello',
      'PIPELINING',
      'size 1000',
      'AUTH PLAIN EXTERNAL',
      'AUTH=LOGIN',
      'LIMITS RCPTMAX=100 MAILMAX=5',
      'SIZE',
      '??',
      '',
    ]);
    assert.deepEqual(
      [...found],
      [
        ['PIPELINING', ''],
        ['SIZE', '1000'],
        ['AUTH', 'PLAIN EXTERNAL LOGIN'],
        ['LIMITS', 'RCPTMAX=100 MAILMAX=5'],
      ],
    );
    assert.equal(parseCapabilities([]).size, 0);
  });

  test('are written as they are read', () => {
    const all = [
      { keyword: 'SIZE', value: '7' },
      { keyword: 'DSN', value: '' },
    ];
    assert.deepEqual(
      [...parseCapabilities(['host', ...all.map(formatCapability)])],
      [
        ['SIZE', '7'],
        ['DSN', ''],
      ],
    );
  });
});
