import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { RelayEvent } from '../base/event.ts';
import { Fault } from '../base/fault.ts';
import { firstIdAt } from '../base/id.ts';
import { statuses } from '../base/status.ts';
import { parseConfig } from '../config/load.ts';
import { nothingForeign } from '../relay/identity/foreign.ts';
import { laneOf } from '../relay/schedule/lane.ts';
import type { NewEntry, SpoolStore } from '../relay/spool/spool.ts';
import { memorySpool } from '../storage/memory/spool.ts';
import { Fleet } from './fleet.ts';
import { PolicyReader } from './policy.ts';
import { serve } from './threads/rpc.ts';
import type { SpoolThread } from './threads/spool-client.ts';
import { spoolMethods } from './threads/spool-methods.ts';

const DAY = 86_400_000;

/** Nothing listens on port 1. */
const CONFIG = `
hostname: relay.example.net
delivery:
  routes:
    - domains: ['*']
      to: '127.0.0.1:1'
      tls: none
`;

/** A fleet of a delivery thread alone, on a spool in this thread. */
async function fleetOn(
  spool: SpoolStore,
  directory: string,
): Promise<{ readonly fleet: Fleet; readonly events: RelayEvent[] }> {
  const { config, problems } = parseConfig(CONFIG, 'sealpost.yaml');
  assert.ok(config !== undefined, JSON.stringify(problems));
  const policy = await new PolicyReader(directory).read(config);
  const events: RelayEvent[] = [];
  const connect = (): MessagePort => {
    const { port1, port2 } = new MessageChannel();
    serve(port1, spool, spoolMethods);
    return port2;
  };
  const thread: SpoolThread = {
    spool,
    swept: 0,
    connect,
    connectRing: () => new MessageChannel().port2,
    ended: new Promise(() => {}),
    stop: () => Promise.resolve(),
  };
  const fleet = new Fleet(
    {
      directory,
      database: join(directory, 'sealpost.db'),
      contents: join(directory, 'contents'),
      spool: thread,
      events: { tell: (event) => events.push(event) },
      restartAfter: 10,
    },
    { config, material: undefined as never, issuers: [], foreign: nothingForeign, policy },
  );
  return { fleet, events };
}

describe('the delivery thread', () => {
  let directory = '';
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'sealpost-fleet-'));
  });
  after(() => rmSync(directory, { recursive: true }));

  test('is started again when the storage did not let it begin', async () => {
    const begun = Promise.withResolvers<void>();
    const inner = memorySpool();
    let claims = 0;
    const spool: SpoolStore = Object.assign(Object.create(inner) as SpoolStore, forwarded(inner), {
      async claimLanes(...args: Parameters<SpoolStore['claimLanes']>) {
        if (++claims === 1) throw new Fault(statuses['storage-full'], 'no room');
        begun.resolve();
        return inner.claimLanes(...args);
      },
    });
    const { events, fleet } = await fleetOn(spool, directory);
    await assert.rejects(fleet.startDelivery(), { status: statuses['storage-full'] });
    await begun.promise;
    await fleet.stop(1_000);
    assert.ok(events.some((event) => event.kind === 'trouble' && event.where === 'delivery thread'));
  });

  test('mints above all ids there are when it starts, whatever the clock says', async () => {
    const ahead = firstIdAt(Date.now() + DAY);
    const settled = Promise.withResolvers<readonly NewEntry[]>();
    const inner = memorySpool();
    const spool: SpoolStore = Object.assign(Object.create(inner) as SpoolStore, forwarded(inner), {
      settle(...args: Parameters<SpoolStore['settle']>) {
        settled.resolve(args[1]);
        return inner.settle(...args);
      },
    });
    const { fleet } = await fleetOn(spool, directory);
    // Made by a thread before this one, after the fleet was; its time is over, so that a notice is due.
    await inner.accept([expiredEntry(ahead)]);
    await fleet.startDelivery();
    const [notice] = await settled.promise;
    await fleet.stop(1_000);
    assert.ok(notice !== undefined && notice.id > ahead + 1, `${notice?.id} is not above ${ahead + 1}`);
  });
});

function forwarded(spool: SpoolStore): Partial<SpoolStore> {
  const names = Object.keys(spoolMethods) as (keyof SpoolStore)[];
  return Object.fromEntries(names.map((name) => [name, (spool[name] as () => unknown).bind(spool)]));
}

function expiredEntry(id: number): NewEntry {
  const dest = '127.0.0.1:1';
  return {
    id,
    at: Date.now() - 30 * DAY,
    envelope: { reversePath: 'a@example.net', body: '7BIT', smtputf8: false, ret: undefined, envid: undefined },
    origin: { holder: undefined, serial: undefined },
    messageId: undefined,
    peer: 'test',
    size: 10,
    content: { kind: 'inline', bytes: new Uint8Array(Buffer.from('a: b\r\n\r\nc\r\n')) },
    deliveries: [
      {
        id: id + 1,
        lane: laneOf(dest),
        dest,
        recipient: 'b@example.com',
        notify: undefined,
        orcpt: undefined,
        due: Date.now() - DAY,
      },
    ],
  };
}
