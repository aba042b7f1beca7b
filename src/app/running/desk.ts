/**
 * The control socket of a relay that is starting: it is there before all else, for it keeps a second relay off the
 * directory, whose spool thread would take what the first is just receiving for leftovers, and remove it. Who calls
 * meanwhile waits until the relay has what operations work on.
 */
import type { AdminContext } from '../../admin/context.ts';
import { runOperation } from '../../admin/operation.ts';
import { serveControl } from '../../platform/process/control.ts';

export interface Desk {
  /** From now on operations are run on this. */
  open(context: AdminContext): void;
  /** Who still waits is told that there is no relay. Once is enough, more do no harm. */
  close(): Promise<void>;
}

export async function startDesk(socket: string): Promise<Desk> {
  const opened = Promise.withResolvers<AdminContext>();
  opened.promise.catch(() => {}); // told by whatever kept the relay from starting
  const control = await serveControl(socket, async (name, input, actor) =>
    runOperation({ ...(await opened.promise), actor }, name, input),
  );
  let closing: Promise<void> | undefined;
  return {
    open: (context) => opened.resolve(context),
    close() {
      opened.reject(new Error('the relay did not start'));
      return (closing ??= control.close());
    },
  };
}
