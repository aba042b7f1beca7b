/** External account binding (RFC 8555 §7.3.4): a new account belongs to the holder for whom an operator made a key. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock, Ms } from '../../base/clock.ts';
import { fromUtf8, hex } from '../../base/bytes.ts';
import type { Random } from '../../base/random.ts';
import { jsonObject, type JsonObject } from '../../protocol/acme/json.ts';
import { canonicalJwk, readJwk, type Jwk } from '../../protocol/acme/jwk.ts';
import { readBinding } from '../../protocol/acme/jws.ts';
import { isDnsName } from '../../protocol/acme/resources.ts';
import { refuse } from '../../protocol/acme/problem.ts';
import { RequestRefused } from '../refusal.ts';
import type { AcmeKey, AcmeStore, HostProfile } from './store.ts';

/** Time in which the account must be opened: long enough to prepare a host, short enough for a key that was left in a mail. */
const OPEN_WITHIN: Ms = 7 * 86_400_000;

export interface KeyWish {
  readonly holder: string;
  readonly profile: HostProfile;
  /** Empty: the holder's own name. */
  readonly names: readonly string[];
  readonly life: Ms | undefined;
  /** Time in which the account must be opened; undefined: a week. */
  readonly within: Ms | undefined;
}

/** A new key, not stored yet. Throws RequestRefused when its certificates could never be issued. */
export function makeAcmeKey(wish: KeyWish, clock: Clock, random: Random): AcmeKey {
  const names = [...new Set(wish.names.length === 0 ? [wish.holder] : wish.names)];
  for (const name of names) {
    if (!isDnsName(name))
      throw new RequestRefused(`"${name}" is no DNS name, so nobody could prove it by ACME`, 'RFC 8555 §7.1.4');
    if (name.startsWith('*.') && wish.profile !== 'server')
      throw new RequestRefused(`"${name}": wildcards are for servers alone`, 'RFC 9525 §6.3');
  }
  const now = clock.now();
  return {
    // A word of a command line never begins with a hyphen this way.
    id: hex(random.bytes(8)),
    secret: new Uint8Array(random.bytes(32)),
    holder: wish.holder,
    profile: wish.profile,
    names,
    life: wish.life,
    createdAt: now,
    expires: now + (wish.within ?? OPEN_WITHIN),
    account: undefined,
    withdrawn: false,
  };
}

/**
 * The key by which this account key is bound. One answer for all that is wrong with key id and MAC: who tries them out
 * shall not learn which ids there are.
 */
export function checkBinding(object: JsonObject, accountKey: Jwk, url: string, store: AcmeStore, now: Ms): AcmeKey {
  const binding = readBinding(object);
  if (binding.url !== url)
    refuse('malformed', `the external account binding is for ${binding.url.slice(0, 300)}, not for ${url}`);
  const key = store.key(binding.keyId);
  const mac = createHmac('sha256', key?.secret ?? new Uint8Array(32))
    .update(binding.signed)
    .digest();
  const good = binding.mac.length === mac.length && timingSafeEqual(mac, binding.mac);
  if (key === undefined || !good)
    refuse(
      'unauthorized',
      'the external account binding does not verify: check key id and HMAC key, or have a new one made by "sealpost acme key"',
    );
  if (
    fromUtf8(binding.payload) === undefined ||
    canonicalJwk(readJwk(jsonObject(binding.payload, 'the bound key'))) !== canonicalJwk(accountKey)
  )
    refuse('malformed', 'the external account binding is for another account key');
  if (key.withdrawn) refuse('unauthorized', `key ${key.id} was withdrawn; have a new one made by "sealpost acme key"`);
  if (key.account !== undefined)
    refuse(
      'unauthorized',
      `key ${key.id} has opened an account already, and is good for one; have a new one made by "sealpost acme key"`,
    );
  if (now >= key.expires)
    refuse('unauthorized', `key ${key.id} was not used in time; have a new one made by "sealpost acme key"`);
  return key;
}
