/**
 * The process that `crash.test.ts` kills: accepts without end, settles every third entry, and writes a line for each
 * answer it got: `+id` accepted, `-id` settled. Arguments: database, first id.
 */
import { writeSync } from 'node:fs';
import { LANES } from '../../relay/spool/spool.ts';
import { someDelivery, someEntry } from '../../relay/spool/spool.suite.ts';
import { sqliteSpool } from './spool.ts';

const [path = '', first = ''] = process.argv.slice(2);
const spool = sqliteSpool(path);
let next = Number(first);

async function caller(): Promise<void> {
  for (;;) {
    const id = (next += 10);
    const bytes = new Uint8Array((id % 7) * 3_000).fill(id % 251);
    await spool.accept([
      someEntry(id, {
        at: Date.now(),
        content: { kind: 'inline', bytes },
        deliveries: [someDelivery(id + 1, { lane: id % LANES })],
      }),
    ]);
    writeSync(1, `+${id}\n`);
    if (id % 3 !== 0) continue;
    await spool.settle(
      [{ id: id + 1, entry: id, lane: id % LANES, epoch: 0, result: { kind: 'delivered' }, detail: '' }],
      [],
    );
    writeSync(1, `-${id}\n`);
  }
}

await Promise.all(Array.from({ length: 10 }, caller));
