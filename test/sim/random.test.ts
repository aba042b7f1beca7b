import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makePeople } from './people.ts';
import { randomPlan } from './random-plan.ts';
import { runWorld } from './world.ts';

const SEEDS = 60;

/** One test for each, so that a seed that fails is named, and run alone by `--test-name-pattern='seed 17$'`. */
describe('a world made by a number keeps what was answered 250', async () => {
  const people = await makePeople();
  for (let seed = 1; seed <= SEEDS; seed++) {
    test(`seed ${seed}`, async () => {
      const world = await runWorld(randomPlan(seed, people), people);
      assert.deepEqual(
        world.witness.violations,
        [],
        `seed ${seed}; its last lines:\n${world.lines.slice(-40).join('\n')}`,
      );
    });
  }

  test('the worlds are worth it: crashes, restarts, refusals and losses occur in them', async () => {
    const seen = { crashes: 0, ends: 0, accepted: 0, refused: 0, lost: 0, notices: 0 };
    for (let seed = 1; seed <= 10; seed++) {
      const { lines, witness } = await runWorld(randomPlan(seed, people), people);
      seen.crashes += lines.filter((line) => line.endsWith(' crashes')).length;
      seen.ends += lines.filter((line) => line.endsWith(' ends')).length;
      seen.notices += witness.arrivals.filter(({ content }) => content.includes('multipart/report')).length;
      for (const { answer } of witness.submissions.flatMap(({ recipients }) => recipients))
        if (answer !== 'open') seen[answer] += 1;
    }
    for (const [what, count] of Object.entries(seen)) assert.ok(count >= 10, `${what}: ${count}`);
  });
});
