import { idMinter } from '../../src/base/id.ts';
import { systemClock } from '../../src/platform/process/clock.ts';
import { LANES, type NewEntry } from '../../src/relay/spool/spool.ts';
import { sqliteSpool } from '../../src/storage/sqlite/spool.ts';

const BATCH = 1000;
const SIZE = 4096;
const DAY = 86_400_000;

/** Puts `count` messages of 4 KB into a database: to 500 destinations, deferred once, due within the next day but not now. */
export async function fillQueue(database: string, count: number): Promise<void> {
  const clock = systemClock();
  const mint = idMinter(clock, 30);
  const spool = sqliteSpool(database, { clock });
  const text = Buffer.alloc(SIZE, 'a line of a message that waits for its destination\r\n');
  const entry = (n: number): NewEntry => {
    const id = mint();
    const dest = `d${n % 500}.example.org`;
    return {
      id,
      at: clock.now(),
      envelope: {
        reversePath: `holder${n % 100}@example.net`,
        body: '8BITMIME',
        smtputf8: false,
        ret: undefined,
        envid: undefined,
      },
      origin: { holder: `holder${n % 100}@example.net`, serial: (n % 100).toString(16).padStart(32, '4') },
      messageId: `<${id}@example.net>`,
      peer: '192.0.2.1',
      size: SIZE,
      content: { kind: 'inline', bytes: new Uint8Array(text) },
      deliveries: [
        {
          id: mint(),
          lane: n % LANES,
          dest,
          recipient: `bob${n}@${dest}`,
          notify: undefined,
          orcpt: undefined,
          due: clock.now() + 600_000 + ((n * 7919) % DAY),
        },
      ],
    };
  };
  for (let done = 0; done < count; done += BATCH) {
    await spool.accept(Array.from({ length: Math.min(BATCH, count - done) }, (_, n) => entry(done + n)));
  }
  await spool.close();
}
