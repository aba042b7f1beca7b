/**
 * All that Sendmail was seen to decide, against what we decide. The file of cases is not part of this repository: give its
 * path in SEALPOST_SENDMAIL_CASES.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { compareCase, type Cases, type Count } from '../access/sendmail-cases.ts';

const path = process.env['SEALPOST_SENDMAIL_CASES'];

/** Cases whose answers are about something else than a decision, and why. */
const ELSEWHERE: Readonly<Record<string, string>> = {};

describe(
  'decisions as Sendmail made them',
  { skip: path === undefined && 'SEALPOST_SENDMAIL_CASES is not set' },
  () => {
    const cases = path === undefined ? undefined : (JSON.parse(readFileSync(path, 'utf8')) as Cases);
    const count: Count = { replies: 0, names: 0, elsewhere: 0 };
    for (const one of cases?.cases ?? [])
      it(one.id, { skip: ELSEWHERE[one.id] ?? false }, () => compareCase(cases as Cases, one, count));

    it('counts', (t) => {
      t.diagnostic(
        `${cases?.cases.length} cases: ${count.replies} replies and ${count.names} names agree, ` +
          `${count.elsewhere} replies are of other steps`,
      );
      assert.ok(count.replies > 1);
    });
  },
);
