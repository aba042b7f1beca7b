import type { MessagePort } from 'node:worker_threads';
import type { Clock, Ms } from '../../base/clock.ts';
import { eventLevel, type EventLevel, type EventSink } from '../../base/event.ts';
import { eventMethods, type TimedEvent } from './contracts.ts';
import { remote } from './rpc.ts';

/** Events of one span travel together: waking the main thread for each would cost more than what it then does. */
const SPAN: Ms = 50;
/** …but no more than this many at a time. */
const MOST = 500;

export interface EventBuffer extends EventSink {
  /** Sends what waits. */
  flush(): void;
}

/**
 * The way of events from a thread to the main thread. What only a log at `debug` would tell stays here; the rest crosses
 * whatever the log's level, since it is counted too.
 */
export function eventBuffer(port: MessagePort, clock: Clock, least: () => EventLevel): EventBuffer {
  const desk = remote(port, eventMethods);
  let waiting: TimedEvent[] = [];
  const flush = (): void => {
    if (waiting.length === 0) return;
    desk.tell(waiting);
    waiting = [];
  };
  return {
    tell(event, at) {
      if (eventLevel(event) === 'debug' && least() !== 'debug') return;
      waiting.push([at ?? clock.now(), event]);
      if (waiting.length === 1) clock.after(SPAN, flush);
      else if (waiting.length >= MOST) flush();
    },
    flush,
  };
}
