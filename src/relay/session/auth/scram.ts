/**
 * SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677): the password is proved and never sent, and with -PLUS the
 * proof is good for this TLS session alone, so that nobody in the middle can pass it on.
 */
import { concat, utf8 } from '../../../base/bytes.ts';
import { readClientFinal, readClientFirst, writeServerFinal, writeServerFirst } from '../../../protocol/sasl/scram.ts';
import type { ClientFirst } from '../../../protocol/sasl/scram.ts';
import type { ChannelBinding } from '../../connection/connection.ts';
import { malformed, nothing, type AuthExchange, type AuthFacts, type AuthStep, type Mechanism } from './mechanism.ts';
import type { PasswordLogins, ScramStart } from './password.ts';

const NONCE = 18;

/** `tls-unique` is not there: it is not defined for TLS 1.3, and not unique before it (RFC 9266 §1). */
const BINDINGS: readonly ChannelBinding[] = ['tls-exporter', 'tls-server-end-point'];

export const scram: Mechanism = scramMechanism('SCRAM-SHA-256', false);
export const scramPlus: Mechanism = scramMechanism('SCRAM-SHA-256-PLUS', true);

function scramMechanism(name: string, plus: boolean): Mechanism {
  return {
    name,
    password: true,
    offered: (facts) => facts.passwords !== undefined && (!plus || canBind(facts)),
    start(facts, initial) {
      const exchange = new ScramExchange(facts, plus);
      return {
        exchange,
        first: initial === undefined ? { kind: 'challenge', challenge: nothing } : exchange.respond(initial),
      };
    },
  };
}

/** Under TLS 1.3: clients bind by `tls-unique` before it, and would fail where they could do without. */
function canBind(facts: AuthFacts): boolean {
  return facts.secured && facts.binding?.('tls-exporter') !== undefined;
}

function isPlusOffered(facts: AuthFacts): boolean {
  return facts.configured?.(scramPlus.name) !== false && scramPlus.offered(facts);
}

/** `first` and `final` wait for the client's message of that name, `ended` for the empty one after our last. */
type State =
  | { readonly kind: 'first' }
  | {
      readonly kind: 'final';
      readonly first: ClientFirst;
      readonly start: ScramStart;
      readonly said: string;
      readonly nonce: string;
    }
  | { readonly kind: 'ended'; readonly step: AuthStep };

class ScramExchange implements AuthExchange {
  readonly #facts: AuthFacts;
  readonly #plus: boolean;
  #state: State = { kind: 'first' };

  constructor(facts: AuthFacts, plus: boolean) {
    this.#facts = facts;
    this.#plus = plus;
  }

  respond(response: Uint8Array): AuthStep | Promise<AuthStep> {
    const { passwords } = this.#facts;
    const state = this.#state;
    if (passwords === undefined) return malformed;
    if (state.kind === 'first') return this.#begin(passwords, response);
    if (state.kind === 'final') return this.#finish(passwords, state, response);
    // RFC 4422 §5.2: SMTP has no data beside its success, so the client answers our signature by nothing.
    return response.length === 0 ? state.step : malformed;
  }

  #begin(passwords: PasswordLogins, response: Uint8Array): AuthStep {
    const first = readClientFirst(response);
    if (first === undefined) return malformed;
    const fault = this.#bindingFault(first);
    if (fault !== undefined) return { kind: 'failure', status: 'auth-failed', reason: fault, detail: fault };
    const start = passwords.scram(first.name);
    const { salt, iterations } = start.keys[0]!.keys;
    const nonce = first.nonce + Buffer.from(passwords.random.bytes(NONCE)).toString('base64');
    const said = writeServerFirst(nonce, salt, iterations);
    this.#state = { kind: 'final', first, start, said, nonce };
    return { kind: 'challenge', challenge: utf8(said) };
  }

  /** RFC 5802 §6. */
  #bindingFault({ header }: ClientFirst): string | undefined {
    if (!this.#plus) {
      if (header.kind === 'bound') return 'this mechanism has no channel binding';
      // The client can bind and did not see that we can: somebody took -PLUS out of what we offered.
      if (header.kind === 'unoffered' && isPlusOffered(this.#facts)) return 'SCRAM-SHA-256-PLUS was offered';
      return undefined;
    }
    if (header.kind !== 'bound') return 'this mechanism needs channel binding';
    return this.#bindingOf(header.type) === undefined ? 'no channel binding of this type' : undefined;
  }

  #bindingOf(type: string): Uint8Array | undefined {
    const known = BINDINGS.find((one) => one === type);
    return known === undefined ? undefined : this.#facts.binding?.(known);
  }

  async #finish(
    passwords: PasswordLogins,
    state: Extract<State, { kind: 'final' }>,
    response: Uint8Array,
  ): Promise<AuthStep> {
    const final = readClientFinal(response);
    if (final === undefined) return malformed;
    const { first, start, said, nonce } = state;
    const binding = first.header.kind === 'bound' ? this.#bindingOf(first.header.type) : nothing;
    const expected = binding === undefined ? undefined : concat([utf8(first.headerText), binding]);
    if (expected === undefined || !passwords.crypto.isEqual(final.binding, expected))
      return {
        kind: 'failure',
        status: 'auth-failed',
        reason: 'channel bindings do not match',
        detail: 'channel bindings do not match: is there a TLS proxy in between?',
      };
    if (final.nonce !== nonce) return malformed;
    const message = `${first.bare},${said},${final.withoutProof}`;
    const { step, signature } = await passwords.prove(this.#facts, start, message, final.proof, first.authorization);
    if (step.kind !== 'success') return step;
    this.#state = { kind: 'ended', step };
    return { kind: 'challenge', challenge: utf8(writeServerFinal(signature)) };
  }
}
