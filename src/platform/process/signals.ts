/** Signals as calls. Two SIGINT or SIGTERM mean "now". */
export interface SignalActions {
  /** SIGTERM or SIGINT: finish what is open, then end. */
  stop(signal: string): void;
  /** The second of them: end at once. */
  abort(signal: string): void;
  /** SIGHUP: read files again, open the log anew. */
  reload(): void;
}

/** The part of `process` used here. */
export interface SignalSource {
  on(signal: 'SIGTERM' | 'SIGINT' | 'SIGHUP', listener: () => void): unknown;
  off(signal: 'SIGTERM' | 'SIGINT' | 'SIGHUP', listener: () => void): unknown;
}

/** Listens until the function it returns is called. */
export function onSignals(actions: SignalActions, source: SignalSource = process): () => void {
  let stopping = false;
  const end = (signal: string) => (): void => {
    if (stopping) return actions.abort(signal);
    stopping = true;
    actions.stop(signal);
  };
  const listeners = [
    ['SIGTERM', end('SIGTERM')],
    ['SIGINT', end('SIGINT')],
    ['SIGHUP', () => actions.reload()],
  ] as const;
  for (const [signal, listener] of listeners) source.on(signal, listener);
  return () => {
    for (const [signal, listener] of listeners) source.off(signal, listener);
  };
}
