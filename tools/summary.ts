/**
 * A reporter of node:test: prints each failure whole, the files that took long, then the counts as
 * `N passed, N failed, N skipped`.
 */
import type { TestEvent } from 'node:test/reporters';
import { relative } from 'node:path';
import { inspect } from 'node:util';

/** Seconds of tests after which a file is named. */
const LONG = 15;

export default async function* summary(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  const spans = new Map<string, number>();
  for await (const event of source) {
    if (event.type === 'test:stdout' || event.type === 'test:stderr') continue;
    if ((event.type === 'test:pass' || event.type === 'test:fail') && event.data.nesting === 0) {
      const { file = '?', details } = event.data;
      spans.set(file, (spans.get(file) ?? 0) + details.duration_ms / 1_000);
    }
    if (event.type === 'test:fail') {
      const { name, file, line, details } = event.data;
      // A suite fails with its tests: those are counted and shown.
      if (details.type === 'suite') continue;
      failed += 1;
      yield `\nFAILED ${name}\n  at ${file ?? '?'}:${line ?? '?'}\n${inspect(details.error.cause ?? details.error)}\n`;
    } else if (event.type === 'test:pass') {
      // A suite that was skipped is counted: its tests never come.
      if (event.data.details.type === 'suite' && event.data.skip === undefined) continue;
      if (event.data.skip !== undefined || event.data.todo !== undefined) {
        skipped += 1;
        yield `skipped: ${event.data.name} (${String(event.data.skip ?? event.data.todo)})\n`;
      } else passed += 1;
    }
  }
  const long = [...spans].filter(([, span]) => span >= LONG).toSorted(([, a], [, b]) => b - a);
  for (const [file, span] of long) yield `${span.toFixed(0).padStart(4)} s ${relative('.', file)}\n`;
  yield `\n${passed} passed, ${failed} failed, ${skipped} skipped\n`;
}
