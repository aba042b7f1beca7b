/** The configuration is read again: it takes effect whole or not at all. */
import { readConfig } from '../compose.ts';
import type { LedgerNews } from './ledger-news.ts';
import type { RelayFiles, RelayParts } from './watch.ts';

export interface ReloadedRelay extends RelayParts {
  readonly news: LedgerNews;
  readonly files: RelayFiles;
}

/** `prepare` brings the file up to date first. A fault is told, and what is in force stays in force. */
export async function reload(relay: ReloadedRelay, prepare: (() => void) | undefined): Promise<void> {
  const { events, trouble } = relay.running;
  try {
    prepare?.();
    await putInForce(relay);
    events.tell({ kind: 'reloaded', what: 'configuration' });
  } catch (error) {
    trouble('reload of configuration', error);
  }
}

async function putInForce({ running, context, tls, policy, fleet, web, news, files }: ReloadedRelay): Promise<void> {
  const config = readConfig(running.directory);
  // Everything it names is read before anything changes.
  const material = tls.read(config);
  await policy.check(config);
  running.config = config;
  tls.put(material);
  Object.assign(context, { config });
  await context.custody.reload();
  await fleet.config(config, config.limits.drainTime);
  await web.configure(config);
  await news.tell(true);
  await files.map.takeNow();
  tls.tellFaults();
}
