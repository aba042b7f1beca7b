import type { AuthExchange, AuthFacts, AuthStep, Mechanism } from './mechanism.ts';

/** The AUTH exchange of a session; at most one is under way. */
export class Exchange {
  readonly #mechanisms: readonly Mechanism[];
  #name = '';
  #open: AuthExchange | undefined;

  constructor(mechanisms: readonly Mechanism[]) {
    this.#mechanisms = mechanisms;
  }

  /** The mechanism that was begun last. */
  get mechanism(): string {
    return this.#name;
  }

  start(name: string, facts: AuthFacts, initial: Uint8Array | undefined): AuthStep {
    const mechanism = this.#mechanisms.find((one) => one.name === name.toUpperCase());
    if (mechanism === undefined) return { kind: 'failure', status: 'auth-mechanism', reason: '' };
    const { exchange, first } = mechanism.start(facts, initial);
    this.#name = mechanism.name;
    this.#open = first.kind === 'challenge' ? exchange : undefined;
    return first;
  }

  respond(response: Uint8Array): AuthStep {
    const step = this.#open?.respond(response) ?? {
      kind: 'failure',
      status: 'auth-failed',
      reason: 'no exchange is under way',
    };
    if (step.kind !== 'challenge') this.#open = undefined;
    return step;
  }

  cancel(): void {
    this.#open = undefined;
  }
}
