/** What the running relay does by itself from time to time: the tasks of upkeep, its OCSP responder, and mail of its own. */
import { join } from 'node:path';
import { idMinter } from '../../base/id.ts';
import { deliverySettings } from '../../config/settings.ts';
import { openNoticeBook } from '../../storage/sqlite/notice-book.ts';
import { DATABASE } from '../files.ts';
import { relayNotices } from '../notices.ts';
import type { StatusService } from '../responder.ts';
import { startUpkeep, tasks, type Task } from '../upkeep.ts';
import { utcOffset } from '../utc-offset.ts';
import type { RelayParts } from './watch.ts';

/** Who mints the ids of our own mail: front threads are 0 to 29, the delivery thread 31. */
const NOTICE_WRITER = 30;
/** What is stapled is asked for anew this often; it counts for a day. */
const STAPLE_AGE = 3_600_000;

/** Resolves when it has begun; to be disposed of before what it works on. */
export async function startOwnWork(relay: RelayParts, status: StatusService): Promise<AsyncDisposable> {
  const { running, context } = relay;
  const { clock, directory, events } = running;
  await using begun = new AsyncDisposableStack();
  const book = openNoticeBook(join(directory, DATABASE));
  begun.defer(() => book.close());
  const notices = relayNotices({
    spool: context.spool,
    book,
    mint: idMinter(clock, NOTICE_WRITER, await context.spool.lastId()),
    clock,
    events,
    utcOffset,
    hostname: () => running.config.delivery.hostname ?? running.config.hostname,
    routes: () => deliverySettings(running.config, directory, []).routes,
  });
  const upkeep = startUpkeep({
    tasks: [...tasks, stapling(relay, status)],
    context: () => ({ ...context, notices }),
    clock,
    events,
  });
  begun.defer(() => upkeep.stop());
  return begun.move();
}

function stapling({ running, tls, fleet, web }: RelayParts, status: StatusService): Task {
  return {
    name: 'OCSP responder',
    every: STAPLE_AGE,
    async run() {
      if (!running.config.tls.ownAuthority) return;
      await status.keep();
      tls.staple();
      web.update({ tls: tls.web });
      await fleet.material(tls.material);
    },
  };
}
