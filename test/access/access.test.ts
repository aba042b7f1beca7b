import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { explainTrail, explainVerdict } from '../../src/relay/access/explain.ts';
import { readTable } from './table.ts';

const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.txt'));

describe('access decisions', () => {
  for (const file of files) {
    for (const block of readTable(readFileSync(join(import.meta.dirname, file), 'utf8'), file)) {
      it(`${file}: ${block.title}`, () => {
        assert.ok(block.questions.length > 0, 'a block asks nothing');
        for (const { where, text, expected, trail, answer } of block.questions) {
          const verdict = answer();
          const said = explainVerdict(verdict);
          const agrees = expected.startsWith('accept') ? said === expected : said.startsWith(expected);
          assert.ok(agrees, `${where}: ${text}\n  expected ${expected}\n  answered ${said}`);
          if (trail !== undefined) assert.deepEqual(explainTrail(verdict.trail), trail, `${where}: ${text}`);
        }
      });
    }
  }

  it('has tables', () => {
    assert.ok(files.length >= 6);
  });
});

describe('the tables themselves', () => {
  it('are refused with file and line when a word is not understood', () => {
    assert.throws(() => readTable('== block\nmap x RELAY\nnonsense\n', 'some.txt'), /^Error: some\.txt:3: nonsense/);
  });
});
