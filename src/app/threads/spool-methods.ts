import type { Bytes } from '../../base/bytes.ts';
import type { NewEntry, SpoolSignal, SpoolStore } from '../../relay/spool/spool.ts';
import { transfer, type Methods, type Transfers } from './rpc.ts';

const call = { kind: 'call' } as const;

/** How the spool crosses threads. `close` does not: a thread closes its own port. */
export const spoolMethods: Methods<Omit<SpoolStore, 'close'>> = {
  accept: { kind: 'call', give: ([batch], transfers) => giveContents(batch, transfers) },
  claimLanes: call,
  renewLanes: call,
  releaseLanes: call,
  due: call,
  nextDue: call,
  contents: { kind: 'call', giveBack: giveBytes },
  settle: { kind: 'call', give: ([, notices], transfers) => giveContents(notices, transfers) },
  list: call,
  counts: call,
  hold: call,
  release: call,
  retry: call,
  remove: call,
  history: call,
  forget: call,
  contentRefs: call,
  lastId: call,
};

/** How a ring crosses threads. */
export const ringMethods: Methods<SpoolSignal> = { ring: { kind: 'tell' } };

function giveContents(batch: readonly NewEntry[], transfers: Transfers): void {
  for (const { content } of batch) if (content.kind === 'inline') transfer(content.bytes, transfers);
}

function giveBytes(contents: readonly (Bytes | undefined)[], transfers: Transfers): void {
  for (const bytes of contents) if (bytes !== undefined) transfer(bytes, transfers);
}
