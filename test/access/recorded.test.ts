import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { compareCase, type Cases, type Count } from './sendmail-cases.ts';

const cases = JSON.parse(readFileSync(join(import.meta.dirname, '../corpus/sendmail-decisions.json'), 'utf8')) as Cases;

describe('decisions that were recorded with Sendmail', () => {
  const count: Count = { replies: 0, names: 0, elsewhere: 0 };
  for (const one of cases.cases) it(one.id, () => compareCase(cases, one, count));

  it('are many', () => {
    assert.ok(count.replies > 1_900, `${count.replies} replies compared`);
  });
});
