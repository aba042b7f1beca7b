import type { RelayEvent } from '../../base/event.ts';
import { queueId } from '../../base/id.ts';

/**
 * An event as the flat record of a JSON line: `event` first, the peer's facts beside the others, ids printed as queue
 * ids. Undefined values are left out by JSON itself.
 */
export function eventRecord(event: RelayEvent): Record<string, unknown> {
  switch (event.kind) {
    case 'accepted': {
      const { kind, peer, id, ...rest } = event;
      return { event: kind, queue: queueId(id), ...peer, ...rest };
    }
    case 'attempted': {
      const { kind, id, ...rest } = event;
      return { event: kind, queue: queueId(id), ...rest };
    }
    case 'settled':
      return { event: event.kind, queue: queueId(event.id) };
    case 'notified': {
      const { kind, id, about, ...rest } = event;
      return { event: kind, queue: queueId(id), about: queueId(about), ...rest };
    }
    case 'queue-changed':
      return { event: event.kind, action: event.action, by: event.by, queues: event.ids.map(queueId) };
    case 'connected':
    case 'secured':
    case 'handshake-failed':
    case 'authenticated':
    case 'disconnected':
    case 'refused':
    case 'discarded': {
      const { kind, peer, ...rest } = event;
      return { event: kind, ...peer, ...rest };
    }
    default: {
      const { kind, ...rest } = event;
      return { event: kind, ...rest };
    }
  }
}
