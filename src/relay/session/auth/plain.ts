/** PLAIN (RFC 4616): name and password in one message. */
import { readPlain } from '../../../protocol/sasl/plain.ts';
import { malformed, nothing, type AuthFacts, type AuthStep, type Mechanism } from './mechanism.ts';

export const plain: Mechanism = {
  name: 'PLAIN',
  password: true,
  offered: (facts) => facts.passwords !== undefined,

  start(facts, initial) {
    const exchange = { respond: (response: Uint8Array) => check(facts, response) };
    return {
      exchange,
      first: initial === undefined ? { kind: 'challenge', challenge: nothing } : check(facts, initial),
    };
  },
};

function check(facts: AuthFacts, response: Uint8Array): AuthStep | Promise<AuthStep> {
  const message = readPlain(response);
  if (message === undefined || facts.passwords === undefined) return malformed;
  return facts.passwords.check(facts, message.name, message.password, message.authorization);
}
