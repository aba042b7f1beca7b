/** LOGIN (draft-murchison-sasl-login, obsolete): name, then password. Outlook and printers speak nothing else. */
import { fromUtf8, utf8 } from '../../../base/bytes.ts';
import { malformed, type AuthFacts, type AuthStep, type Mechanism } from './mechanism.ts';

const LONGEST = 255;

export const login: Mechanism = {
  name: 'LOGIN',
  password: true,
  offered: (facts) => facts.passwords !== undefined,

  start(facts, initial) {
    let name = initial === undefined || initial.length === 0 ? undefined : initial;
    const respond = (response: Uint8Array): AuthStep | Promise<AuthStep> => {
      if (name !== undefined) return check(facts, name, response);
      name = response;
      return ask('Password:');
    };
    return { exchange: { respond }, first: ask(name === undefined ? 'Username:' : 'Password:') };
  },
};

/** Clients know these two words. */
function ask(what: 'Username:' | 'Password:'): AuthStep {
  return { kind: 'challenge', challenge: utf8(what) };
}

function check(facts: AuthFacts, name: Uint8Array, password: Uint8Array): AuthStep | Promise<AuthStep> {
  const [who, what] = [name, password].map((octets) => (octets.length > LONGEST ? undefined : fromUtf8(octets)));
  if (!who || !what || facts.passwords === undefined) return malformed;
  return facts.passwords.check(facts, who, what, '');
}
