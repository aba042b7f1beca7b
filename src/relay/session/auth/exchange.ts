import type { AuthExchange, AuthFacts, AuthStep, Mechanism } from './mechanism.ts';

/** The AUTH exchange of a session; at most one is under way. */
export class Exchange {
  readonly #mechanisms: readonly Mechanism[];
  #name = '';
  #open: AuthExchange | undefined;
  #refused = false;

  constructor(mechanisms: readonly Mechanism[]) {
    this.#mechanisms = mechanisms;
  }

  /** The mechanism that was begun last. */
  get mechanism(): string {
    return this.#name;
  }

  start(name: string, facts: AuthFacts, initial: Uint8Array | undefined): AuthStep | Promise<AuthStep> {
    const mechanism = this.#mechanisms.find((one) => one.name === name.toUpperCase());
    if (mechanism === undefined) return { kind: 'failure', status: 'auth-mechanism', reason: '' };
    const { exchange, first } = mechanism.start(facts, initial);
    this.#name = mechanism.name;
    this.#open = exchange;
    return this.#after(first);
  }

  respond(response: Uint8Array): AuthStep | Promise<AuthStep> {
    const step = this.#open?.respond(response) ?? {
      kind: 'failure',
      status: 'auth-failed',
      reason: 'no exchange is under way',
    };
    return this.#after(step);
  }

  cancel(): void {
    this.#open = undefined;
  }

  /** Notes that this peer was told to come later; true when it was told so before, and asks again all the same. */
  toldBefore(): boolean {
    const before = this.#refused;
    this.#refused = true;
    return before;
  }

  #after(step: AuthStep | Promise<AuthStep>): AuthStep | Promise<AuthStep> {
    return step instanceof Promise ? this.#whenDone(step) : this.#settled(step);
  }

  async #whenDone(step: Promise<AuthStep>): Promise<AuthStep> {
    return this.#settled(await step);
  }

  #settled(step: AuthStep): AuthStep {
    if (step.kind !== 'challenge') this.#open = undefined;
    return step;
  }
}
