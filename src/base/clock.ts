/** Milliseconds since 1970-01-01 UTC, or a span of milliseconds; always an integer. */
export type Ms = number;

/** Ends a timer before it fires; calling it later, or twice, does nothing. */
export type Cancel = () => void;

/**
 * Time as a port: nothing in `base`, `protocol`, `relay` or `ca` asks the machine for it.
 * The real one is in `platform/process/clock.ts`, the fake in `test/fakes/clock.ts`.
 */
export interface Clock {
  /** Wall-clock time. May step back; never use it to measure a span. */
  now(): Ms;
  /** Time that only goes forward, from an arbitrary start. For spans and leases. */
  monotonic(): Ms;
  /** Runs `action` once, after `span`. Does not keep the process alive. */
  after(span: Ms, action: () => void): Cancel;
}

/** A promise that is fulfilled after `span`, or rejected with the signal's reason when it aborts first. */
export function sleep(clock: Clock, span: Ms, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error);
    const onAbort = (): void => {
      cancel();
      reject(signal?.reason as Error);
    };
    const cancel = clock.after(span, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
