import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { corpora, inputs, loadTarget, targets } from '../../fuzz/corpus.ts';

/** Everything that ever failed, and what the fuzzer starts from: none may fail. */
describe('corpus', () => {
  test('each target has one, and each is of a target', () => assert.deepEqual(corpora().toSorted(), targets().toSorted()));

  for (const name of corpora()) {
    for (const input of inputs(name)) {
      test(`${name}/${input.name}`, async () => {
        const target = await loadTarget(name);
        assert.ok(target !== undefined, `fuzz/targets/${name}.ts exports no target`);
        target(input.bytes);
      });
    }
  }
});
