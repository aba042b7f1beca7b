/** Which mechanisms are offered to a peer, by the configuration and by what is known of it. */
import type { AuthFacts, Mechanism } from './mechanism.ts';

export interface AuthSettings {
  /** In the order of offer; `auto`: all, strongest first, and those of passwords once there is a password. */
  readonly mechanisms: 'auto' | readonly string[];
  /** Passwords may be proved without TLS too, where everybody on the way can read them. */
  readonly plaintextWithoutTls: boolean;
}

export interface AuthOffer {
  readonly now: readonly string[];
  /** Only under TLS, which this peer has not. */
  readonly underTls: readonly string[];
}

const usual: AuthSettings = { mechanisms: 'auto', plaintextWithoutTls: false };

export function offerOf(all: readonly Mechanism[], settings: AuthSettings = usual, facts: AuthFacts): AuthOffer {
  const wanted = chosen(all, settings, facts).filter((one) => one.offered(facts));
  const bare = (one: Mechanism): boolean => one.password && !facts.secured && !settings.plaintextWithoutTls;
  return {
    now: wanted.filter((one) => !bare(one)).map(({ name }) => name),
    underTls: wanted.filter(bare).map(({ name }) => name),
  };
}

/** Whether mechanisms are named, so that a peer that asks for another is told of the mechanism and not of the command. */
export function knowsAuth({ mechanisms }: AuthSettings = usual): boolean {
  return mechanisms !== 'auto' && mechanisms.length > 0;
}

export function isConfigured(name: string, { mechanisms }: AuthSettings = usual): boolean {
  return mechanisms === 'auto' || mechanisms.includes(name);
}

function chosen(all: readonly Mechanism[], { mechanisms }: AuthSettings, facts: AuthFacts): readonly Mechanism[] {
  if (mechanisms !== 'auto') return mechanisms.flatMap((name) => all.find((one) => one.name === name) ?? []);
  return facts.passwords?.inUse() === true ? all : all.filter((one) => !one.password);
}
