/**
 * What the access map says of the server's own offers to a client (Srv_Features:): by the client's name, else by its
 * address, else by the tag alone. Pure, as decide.ts is; the session asks before the greeting and again after STARTTLS.
 */
import { clientName } from './answer.ts';
import type { AccessFacts } from './facts.ts';
import { Lookup, sendmailAddress } from './lookup.ts';
import type { AccessPolicy } from './policy.ts';
import { featureOf, srvFeatures, type ServerFeature } from './tags/srv-features.ts';
import type { Trail, TrailStep } from './verdict.ts';

/** What is switched on or off for this client; what is not in it is as the configuration has it. */
export type ServerFeatures = Readonly<Partial<Record<ServerFeature, boolean>>>;

const NOTHING: ServerFeatures = {};

/** What the map switches for this client. */
export function serverFeatures(
  policy: Pick<AccessPolicy, 'map' | 'features'>,
  facts: Pick<AccessFacts, 'address' | 'name'>,
): { readonly features: ServerFeatures; readonly trail: Trail } {
  const trail: TrailStep[] = [];
  if (policy.map === undefined) return { features: NOTHING, trail };
  const look = new Lookup(policy.map, trail, policy);
  const address = sendmailAddress(facts.address);
  const value =
    look.host(srvFeatures, clientName(facts, address)) ??
    look.address(srvFeatures, address) ??
    look.exact(srvFeatures, '');
  return { features: value === undefined ? NOTHING : parseFeatures(value), trail };
}

/** Of each word the first letter counts; of two that say otherwise, the last. */
function parseFeatures(value: string): ServerFeatures {
  const features: Partial<Record<ServerFeature, boolean>> = {};
  // Sendmail reads the value as it reads an address: its operators stand alone.
  for (const word of value.split(/[\s.:%@!^/[\]+]+/)) {
    const letter = word.charAt(0);
    const feature = featureOf(letter);
    if (feature !== undefined) features[feature] = letter === letter.toLowerCase();
  }
  return features;
}
