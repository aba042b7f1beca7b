import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { onSignals } from './signals.ts';

test('first stop, then abort; SIGHUP reloads; nothing after the end', () => {
  const source = new EventEmitter();
  const seen: string[] = [];
  const end = onSignals(
    {
      stop: (signal) => seen.push(`stop ${signal}`),
      abort: (signal) => seen.push(`abort ${signal}`),
      reload: () => seen.push('reload'),
    },
    source,
  );
  source.emit('SIGHUP');
  source.emit('SIGTERM');
  source.emit('SIGHUP');
  source.emit('SIGINT');
  end();
  source.emit('SIGTERM');
  assert.deepEqual(seen, ['reload', 'stop SIGTERM', 'reload', 'abort SIGINT']);
});
