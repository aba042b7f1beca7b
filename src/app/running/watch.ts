/** What others may change while the relay runs, each with what is done then: looked at four times a second, one after the other. */
import type { Ms } from '../../base/clock.ts';
import type { OwnedContext } from '../compose.ts';
import type { Fleet } from '../fleet.ts';
import { caFiles, routeFiles, tlsFiles } from '../trust.ts';
import { WatchedFiles, type WatchedParts } from '../watched-files.ts';
import type { Web } from '../web.ts';
import type { PolicyInForce } from './policy.ts';
import type { Running } from './running.ts';
import type { TlsInForce } from './tls.ts';

/** How often files and ledger are looked at for changes made by others. */
const LOOK: Ms = 250;
/** A map is one file, and an editor soon done with it. */
const MAP_PATIENCE: Ms = 500;

/** A kind of files, apart from how they are watched. */
type Kind = Omit<WatchedParts, 'events' | 'clock'>;

/** The parts of a running relay that change, and those who are told. */
export interface RelayParts {
  readonly running: Running;
  readonly tls: TlsInForce;
  readonly policy: PolicyInForce;
  readonly fleet: Fleet;
  readonly web: Web;
  readonly context: OwnedContext;
}

/** The files of a relay, by what they are. */
export interface RelayFiles {
  readonly map: WatchedFiles;
  readonly server: WatchedFiles;
  readonly signer: WatchedFiles;
  readonly hops: WatchedFiles;
}

export function relayFiles(relay: RelayParts): RelayFiles {
  const { events, clock } = relay.running;
  const watched = (kind: Kind): WatchedFiles => new WatchedFiles({ ...kind, events, clock });
  return {
    map: watched(mapFiles(relay)),
    server: watched(serverFiles(relay)),
    signer: watched(signerFiles(relay)),
    hops: watched(hopFiles(relay)),
  };
}

function mapFiles({ policy, fleet }: RelayParts): Kind {
  return {
    what: 'access map',
    files: () => policy.files(),
    async take() {
      const isNew = await policy.takeFiles();
      if (isNew) await fleet.policy(policy.source);
      return isNew;
    },
    patience: MAP_PATIENCE,
  };
}

function serverFiles({ running, tls, fleet, web }: RelayParts): Kind {
  return {
    what: 'TLS files',
    files: () => tlsFiles(running.config, running.directory),
    async take() {
      if (!tls.takeFiles()) return false;
      web.update({ tls: tls.web });
      await fleet.material(tls.material);
      tls.tellFaults();
      return true;
    },
  };
}

function signerFiles({ running, context: { custody } }: RelayParts): Kind {
  return {
    what: 'certificate authority',
    // The key is looked at from outside and never read here.
    files: () => caFiles(running.config, running.directory),
    async take(again) {
      if (!again) await custody.reload();
      return !again;
    },
  };
}

function hopFiles({ running, fleet }: RelayParts): Kind {
  return {
    what: 'certificate files of routes',
    files: () => routeFiles(running.config, running.directory),
    async take() {
      const { renewed, faults } = await fleet.renewContexts();
      if (faults.length > 0) throw new Error(faults.join('; '));
      return renewed > 0;
    },
  };
}

/** Has all of them look four times a second, one after the other, and never two rounds at once. Gives the end of it. */
export function startWatching(
  watchers: readonly { look(): Promise<void> }[],
  { trouble }: Pick<Running, 'trouble'>,
): () => void {
  let watching = false;
  const round = async (): Promise<void> => {
    if (watching) return;
    watching = true;
    try {
      for (const watcher of watchers) await watcher.look();
    } catch (error) {
      trouble('watch', error);
    } finally {
      watching = false;
    }
  };
  const timer = setInterval(() => void round(), LOOK);
  return () => clearInterval(timer);
}
