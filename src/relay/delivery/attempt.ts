/**
 * Step 8, delivery: one attempt to take a shipment one hop further. It decides which hosts to try, over which kept or
 * new connection, and what each recipient's outcome is. It must never send content to a second host after the first
 * may have taken it, never go below the TLS the hop requires, and never retry later or tell anybody: that is the
 * schedule's (before it) and the outcome's (after it).
 */
import type { Clock } from '../../base/clock.ts';
import { asFault, type Fault } from '../../base/fault.ts';
import type { Hop, Outcome } from '../../base/outcome.ts';
import { statusClass } from '../../base/status.ts';
import type { Random } from '../../base/random.ts';
import type { ClientTransaction } from '../../protocol/smtp/client-event.ts';
import { decideRecipientTls, type TlsPolicy } from '../access/tls.ts';
import type { Carrier, CarryResult, Shipment, ShipmentRecipient } from '../message/shipment.ts';
import {
  openChannel,
  type Channel,
  type ChannelDeps,
  type ChannelTarget,
  type OpenFailure,
  type Source,
} from './channel.ts';
import type { Dialer } from './dialer.ts';
import { findAddresses, findExchanges, routingDomain, type HopAddress, type HopDeps } from './hop.ts';
import { endOf, failure, hopText, insecure, outcomeOf } from './outcome.ts';
import { ConnectionPool } from './pool.ts';
import type { Resolver } from './resolver.ts';
import { routeTable, type Route, type RouteTable } from './route.ts';
import { strictest, type RequirementSource, type TlsRequirement } from './security/requirement.ts';
import { requirementSources } from './security/sources.ts';
import type { DeliverySettings } from './settings.ts';

export interface CarrierDeps {
  readonly settings: DeliverySettings;
  readonly resolver: Resolver;
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly random: Random;
  readonly credentials?: ChannelDeps['credentials'];
  /** What the access map says of TLS, as it is now; without it nobody has a say but the routes. */
  readonly policy?: () => TlsPolicy | undefined;
}

/** Addresses tried in one attempt, over all hosts: enough for the large, an end to the malicious. */
const ADDRESS_LIMIT = 10;

/** A carrier with its own pool of connections; one for each delivery thread. */
export function carrier(deps: CarrierDeps): Carrier {
  return new Deliverer(deps);
}

class Deliverer implements Carrier {
  readonly #deps: CarrierDeps;
  readonly #hopDeps: HopDeps;
  readonly #routes: RouteTable;
  readonly #sources: readonly RequirementSource[];
  readonly #pool: ConnectionPool;
  readonly #busy = new Set<Channel>();
  readonly #opening = new Set<AbortController>();
  #closed = false;

  constructor(deps: CarrierDeps) {
    const { settings, resolver, random, clock } = deps;
    this.#deps = deps;
    this.#hopDeps = {
      resolver,
      random,
      hostname: settings.hostname,
      ownAddresses: settings.ownAddresses,
      port: settings.port,
    };
    this.#routes = routeTable(settings.routes, settings.defaults);
    this.#sources = requirementSources(() => deps.policy?.());
    this.#pool = new ConnectionPool(clock, settings);
  }

  close(): void {
    this.#closed = true;
    for (const stop of this.#opening) stop.abort();
    this.#pool.close();
    for (const channel of this.#busy) channel.fail('connection-lost', 'the attempt was stopped');
  }

  async carry(shipment: Shipment, signal: AbortSignal): Promise<CarryResult> {
    const groups = this.#byRoute(shipment.recipients);
    const runs: Run[] = [];
    for (const recipients of groups) {
      const run = new Run(shipment, recipients, this.#routes);
      runs.push(run);
      await this.#run(run, signal);
    }
    if (runs.length === 1) return (runs[0] as Run).result();
    const outcomes = new Map(
      runs.flatMap((run) => run.result().recipients.map((recipient) => [recipient.id, recipient] as const)),
    );
    const recipients = shipment.recipients.flatMap(({ id }) => outcomes.get(id) ?? []);
    return { recipients, hop: runs[0]?.result().hop, tls: runs[0]?.result().tls };
  }

  /** Usually one group; more when the routes changed since the recipients were put together. */
  #byRoute(recipients: readonly ShipmentRecipient[]): ShipmentRecipient[][] {
    const groups = new Map<string, ShipmentRecipient[]>();
    for (const recipient of recipients) {
      const key = this.#routes.key(routingDomain(recipient.address));
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [recipient]);
      else group.push(recipient);
    }
    return [...groups.values()];
  }

  async #run(run: Run, signal: AbortSignal): Promise<void> {
    const { end } = run.route;
    if (end !== undefined) return run.conclude(endOf(end, run.domain));
    for (const smarthost of [run.route.smarthost, ...run.route.others]) {
      if (await this.#tryExchanges(run, { ...run.route, smarthost }, signal)) return;
    }
    run.end(undefined);
  }

  /** By one smarthost, or by MX. False: nothing was handed over; what is wrong is noted. */
  async #tryExchanges(run: Run, route: Route, signal: AbortSignal): Promise<boolean> {
    const exchanges = await findExchanges(route, run.domain, this.#hopDeps);
    if (exchanges.kind === 'none') {
      run.note(failure(exchanges.status, exchanges.detail, undefined));
      return false;
    }
    const { port } = exchanges;
    let left = ADDRESS_LIMIT;
    for (const group of exchanges.groups) {
      if (await this.#tryKept(run, group, port, signal)) return true;
      const found = await findAddresses(group, port, this.#hopDeps);
      if (found.kind === 'self') {
        const { host } = found;
        run.note(failure('hop-is-self', `${host} is this host`, { host, address: undefined, port }));
        return false;
      }
      for (const hop of found.hops.slice(0, left)) {
        if (signal.aborted || this.#closed) {
          run.end(failure('connection-lost', 'the attempt was stopped', undefined));
          return true;
        }
        if (await this.#tryHop(run, hop, signal)) return true;
      }
      left -= found.hops.length;
      if (found.missing !== undefined) run.note(failure(found.missing.status, found.missing.detail, undefined));
      if (left <= 0) break;
    }
    return false;
  }

  /** By a kept connection to one of these hosts. False: there was none, or it was dead; a new one is needed. */
  async #tryKept(run: Run, group: readonly string[], port: number, signal: AbortSignal): Promise<boolean> {
    for (const host of group) {
      const { key, requirement } = await this.#targetOf(run, host, undefined, port);
      const channel = this.#pool.take(key);
      if (channel === undefined) continue;
      // The map may have changed since the connection was judged.
      if (requirement.judge?.(channel.tlsPeer) !== undefined) {
        channel.quit();
        continue;
      }
      return this.#transact(run, channel, signal);
    }
    return false;
  }

  /** By a new connection to this address. False: nothing was handed over, another hop may be tried. */
  async #tryHop(run: Run, hop: HopAddress, signal: AbortSignal): Promise<boolean> {
    const { key, requirement } = await this.#targetOf(run, hop.host, hop.address, hop.port);
    const { identity, login } = run.route;
    const target: ChannelTarget = { hop, requirement, identity, login, key };
    run.hop = hop;
    run.tls = undefined;
    let opened = await this.#open(target, signal);
    if (opened.kind === 'failed' && opened.stage === 'tls' && requirement.fallback && !signal.aborted) {
      opened = await this.#open({ ...target, requirement: { ...requirement, tls: 'none' }, fellBack: true }, signal);
    }
    if (opened.kind === 'open') return this.#transact(run, opened, signal);
    run.note(
      opened.insecure === undefined
        ? failure(opened.status, opened.detail, hop, opened.remote)
        : insecure(opened.insecure, hop),
    );
    return false;
  }

  async #open(target: ChannelTarget, signal: AbortSignal): Promise<Channel | OpenFailure> {
    // Not AbortSignal.any: the schedule's signal lives as long as the program, and would gather what depends on it.
    const stop = new AbortController();
    const onAbort = (): void => stop.abort();
    this.#opening.add(stop);
    if (this.#closed || signal.aborted) stop.abort();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await openChannel(target, this.#deps, stop.signal);
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#opening.delete(stop);
    }
  }

  /** One transaction. True when each recipient has its outcome. */
  async #transact(run: Run, channel: Channel, signal: AbortSignal): Promise<boolean> {
    const isFirst = channel.transactions === 0;
    const onAbort = (): void => channel.fail('connection-lost', 'the attempt was stopped');
    this.#busy.add(channel);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const source = await run.content();
      if (!channel.usable) {
        // Lost while the content was fetched. Without a word about it a single hop would count as no route at all, for good.
        if (isFirst) {
          const { status, detail } = channel.lost ?? { status: 'connection-lost', detail: 'the connection was closed' };
          run.note(failure(status, detail, channel.target.hop));
        }
        return false;
      }
      if (signal.aborted || this.#closed) {
        run.end(failure('connection-lost', 'the attempt was stopped', undefined));
        return true;
      }
      run.hop = channel.target.hop;
      run.tls = channel.tlsText;
      if (run.withhold((recipient) => this.#unfit(channel, recipient))) return true;
      const result = await channel.transact(run.transaction(), source);
      // A kept connection that the server had given up in the meantime says nothing about the server.
      if (!result.answered && !isFirst && !signal.aborted) return false;
      return run.settle(
        result.results.map((each) => ({ ...each, outcome: outcomeOf(each, channel.target.hop, channel.offersDsn) })),
      );
    } catch (thrown) {
      run.conclude(faultOutcome(asFault(thrown)));
      return true;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#busy.delete(channel);
      if (this.#closed) channel.quit();
      else this.#pool.put(channel);
    }
  }

  /** Whether the hop is not good enough for one recipient (TLS_Rcpt:). */
  #unfit(channel: Channel, recipient: string): Outcome | undefined {
    const policy = this.#deps.policy?.();
    if (policy?.map === undefined) return undefined;
    const refusal = decideRecipientTls(policy, channel.tlsPeer, recipient);
    return refusal === undefined ? undefined : insecure(refusal, channel.target.hop);
  }

  async #targetOf(
    run: Run,
    host: string,
    address: string | undefined,
    port: number,
  ): Promise<{ readonly key: string; readonly requirement: TlsRequirement }> {
    const demands: TlsRequirement[] = [];
    for (const source of this.#sources) {
      const demand = await source.demand({ host, address, port, domain: run.domain }, run.route);
      if (demand !== undefined) demands.push(demand);
    }
    const requirement = strictest(demands);
    const { identity, login } = run.route;
    const key = JSON.stringify([
      host,
      port,
      requirement.tls,
      requirement.implicit,
      // A connection in clear after a handshake that failed is for those only who take that.
      requirement.fallback,
      requirement.authorities,
      identity,
      login,
    ]);
    return { key, requirement };
  }
}

/** A shipment's recipients of one route on their way through the hops. */
class Run {
  readonly route: Route;
  readonly domain: string;
  hop: Hop | undefined;
  tls: string | undefined;

  readonly #shipment: Shipment;
  readonly #recipients: readonly ShipmentRecipient[];
  readonly #outcomes: (Outcome | undefined)[];
  /** Places of recipients without outcome. */
  #open: number[];
  #source: Source | undefined;
  /** What went wrong so far with hosts as such. */
  #worst: Outcome | undefined;

  constructor(shipment: Shipment, recipients: readonly ShipmentRecipient[], routes: RouteTable) {
    this.#shipment = shipment;
    this.#recipients = recipients;
    this.#outcomes = recipients.map(() => undefined);
    this.#open = recipients.map((_, index) => index);
    this.domain = routingDomain((recipients[0] as ShipmentRecipient).address);
    this.route = routes.find(this.domain);
  }

  /** The content for one transaction; rejects with the Fault of the spool. */
  async content(): Promise<Source> {
    const source = this.#source ?? (await this.#shipment.content());
    this.#source = source instanceof Uint8Array ? source : undefined;
    return source;
  }

  transaction(): ClientTransaction {
    const { envelope, size } = this.#shipment;
    const recipients = this.#open.map((index) => this.#recipients[index] as ShipmentRecipient);
    const { reversePath, body, smtputf8, ret, envid } = envelope;
    return { reversePath, body, smtputf8, ret, envid, size, recipients };
  }

  /** Gives those recipients their outcome that `judge` has one for; true when none is left open. */
  withhold(judge: (recipient: string) => Outcome | undefined): boolean {
    this.#open = this.#open.filter((index) => {
      const outcome = judge((this.#recipients[index] as ShipmentRecipient).address);
      if (outcome !== undefined) this.#outcomes[index] = outcome;
      return outcome === undefined;
    });
    return this.#open.length === 0;
  }

  /** Takes the results of a transaction over the open recipients; true when none is left open. */
  settle(
    results: readonly { readonly kind: string; readonly ambiguous?: boolean; readonly outcome: Outcome }[],
  ): boolean {
    const open: number[] = [];
    for (const [at, index] of this.#open.entries()) {
      const result = results[at];
      if (
        result === undefined ||
        (result.kind === 'lost' && result.ambiguous !== true && result.outcome.kind === 'deferred')
      ) {
        open.push(index);
        if (result !== undefined) this.note(result.outcome);
      } else {
        this.#outcomes[index] = result.outcome;
      }
    }
    this.#open = open;
    return open.length === 0;
  }

  /**
   * A host could not be used. While another one may take the mail later the recipient is deferred, so a temporary
   * trouble counts more than a refusal: only when every host said 5xx it is final (RFC 5321 §4.2.1, §5.1).
   */
  note(trouble: Outcome): void {
    if (trouble.kind === 'deferred' || this.#worst === undefined || this.#worst.kind === 'failed')
      this.#worst = trouble;
  }

  /** No more hops: what was noted about hosts counts, else `otherwise`. */
  end(otherwise: Outcome | undefined): void {
    this.conclude(this.#worst ?? otherwise ?? failure('no-route', `no host takes mail for ${this.domain}`, undefined));
  }

  /** The same outcome for all who have none. */
  conclude(outcome: Outcome): void {
    for (const index of this.#open) this.#outcomes[index] = outcome;
    this.#open = [];
  }

  result(): CarryResult {
    const recipients = this.#recipients.map(({ id }, index) => ({ id, outcome: this.#outcomes[index] as Outcome }));
    return { recipients, hop: this.hop === undefined ? undefined : hopText(this.hop), tls: this.tls };
  }
}

function faultOutcome(fault: Fault): Outcome {
  const kind = statusClass(fault.status) === 5 ? 'failed' : 'deferred';
  return { kind, status: fault.status, remote: undefined, hop: undefined, detail: fault.detail };
}
