import assert from 'node:assert/strict';
import { test } from 'node:test';
import { effectiveConfig, formatValue } from './effective.ts';

test('each key with its value as it is written and where it comes from', () => {
  const text =
    'hostname: a.example\nlimits:\n  messageSize: 2097152\n  submission:\n    recipients: 7\n  relay:\ndelivery:\n  routes:\n    - domains: [b.example]\n';
  const { keys, problems } = effectiveConfig(text, 'f.yaml');
  assert.deepEqual(problems, []);
  const lines = keys.map(({ key, value, source }) => `${key} ${formatValue(value)} ${source}`);
  assert.deepEqual(
    lines.filter((line) => !line.endsWith(' default')),
    [
      'hostname a.example f.yaml:1',
      'limits.messageSize 2MB f.yaml:3',
      'limits.submission.recipients 7 f.yaml:5',
      'delivery.routes [{domains: [b.example], tls: opportunistic, implicit: false}] f.yaml:9',
    ],
  );
  assert.ok(lines.includes('schedule.firstRetry 5m default'));
  assert.ok(lines.includes('spool.inlineContent 64KB default'));
  assert.ok(!lines.some((line) => line.startsWith('limits.relay')));
});

test('a file with mistakes shows them and nothing else', () => {
  const { keys, problems } = effectiveConfig('hostname: 3\n', 'f.yaml');
  assert.deepEqual(keys, []);
  assert.equal(problems.length, 1);
});
