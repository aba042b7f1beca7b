/** What EHLO offers this peer: what listener and configuration have, and what its line in the access map says of that. */
import type { ServerManner } from '../../protocol/smtp/server-manner.ts';
import type { ServerOffer } from '../../protocol/smtp/server.ts';
import type { AccessPolicy } from '../access/policy.ts';
import { serverFeatures, type ServerFeatures } from '../access/server-features.ts';
import type { Connection } from '../connection/connection.ts';
import { knowsAuth, offerOf } from './auth/offer.ts';
import type { Peer } from './peer.ts';
import type { SessionServices } from './services.ts';

/** What is switched on or off for this peer. */
export function featuresFor(peer: Peer, policy: AccessPolicy, listener: Connection['listener']): ServerFeatures {
  return { ...usual(listener), ...serverFeatures(policy, peer.facts(policy)).features };
}

/** What the listener says of AUTH; the access map may say otherwise for a client. */
function usual({ auth = 'offer' }: Connection['listener']): ServerFeatures {
  return auth === 'offer' ? {} : auth === 'no' ? { auth: false } : { authRequired: true };
}

export function offerFor(
  peer: Peer,
  features: ServerFeatures,
  connection: Connection,
  manner: ServerManner,
  { auth, mechanisms }: Pick<SessionServices, 'auth' | 'mechanisms'>,
): ServerOffer {
  const { now, underTls } = offerOf(mechanisms, auth?.settings(), peer.authFacts());
  return {
    starttls: startTls(peer, features, connection),
    auth: features.auth === false ? [] : now,
    expn: features.expn,
    withheld: withheld(manner, features),
    authKnown: knowsAuth(auth?.settings()),
    authUnderTls: underTls,
  };
}

function startTls(peer: Peer, { starttls }: ServerFeatures, connection: Connection): ServerOffer['starttls'] {
  if (connection.listener.tls !== 'starttls' || peer.isSecured || starttls === false) return 'off';
  return connection.tlsUsable ? 'offered' : 'unavailable';
}

/** Keywords that this peer is not offered: its line in the map counts for more than the configuration. */
function withheld({ withheld: usually }: ServerManner, { dsn, pipelining }: ServerFeatures): ReadonlySet<string> {
  if (dsn === undefined && pipelining === undefined) return usually;
  const keywords = new Set(usually);
  if (dsn !== undefined) keywords[dsn ? 'delete' : 'add']('DSN');
  if (pipelining === false) keywords.add('PIPELINING');
  return keywords;
}
