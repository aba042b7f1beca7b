import { mustRun } from './program.ts';
import type { Relay } from './relay.ts';

/** What the sqlite3 command answers about the relay's database: columns parted by `|`, no line end after the last row. */
export async function sqlite(relay: Relay, statement: string): Promise<string> {
  return (await mustRun('sqlite3', [relay.path('sealpost.db'), statement])).trimEnd();
}
