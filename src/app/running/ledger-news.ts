/** What follows a change in the ledger: front threads are told, and where something was withdrawn all are judged again. */
import type { Ledger } from '../../ca/ledger.ts';
import type { Fleet } from '../fleet.ts';
import { changeSince, withdraws } from '../holders.ts';
import { ownIssuers } from '../trust.ts';
import type { Web } from '../web.ts';
import type { Running } from './running.ts';
import type { TlsInForce } from './tls.ts';

/** A version before that of any ledger. */
const NOTHING_KNOWN = -1;

export interface LedgerNewsParts {
  readonly running: Running;
  readonly ledger: Ledger;
  readonly tls: TlsInForce;
  readonly fleet: Fleet;
  readonly web: Web;
  /** Version of the ledger up to which front threads look things up when they start, and the names of our CA then. */
  readonly known: number;
  readonly issuers: readonly string[];
}

export class LedgerNews {
  readonly #parts: LedgerNewsParts;
  #known: number;
  #issuers: readonly string[];

  constructor(parts: LedgerNewsParts) {
    this.#parts = parts;
    this.#known = parts.known;
    this.#issuers = parts.issuers;
  }

  /** Tells when somebody else changed the ledger. */
  async look(): Promise<void> {
    if (this.#parts.ledger.version() !== this.#known) await this.tell(false);
  }

  /** Tells the front threads what changed; resolves when all know. */
  async tell(judgeAnew: boolean): Promise<void> {
    const { ledger, tls, fleet, web } = this.#parts;
    const change = changeSince(ledger, this.#known);
    const anew = judgeAnew || withdraws(change);
    this.#known = change.version;
    tls.forgetAnswers();
    // What is in force: files that are just being changed must not keep a revocation from taking effect.
    if (anew) tls.judgeAnew();
    try {
      const holders = { issuers: this.#issuersNow(), entries: change.entries };
      await fleet.holders(holders, anew ? tls.material : undefined);
    } catch (error) {
      this.#known = NOTHING_KNOWN;
      throw error;
    }
    if (anew) web.update({ tls: tls.web });
  }

  #issuersNow(): readonly string[] {
    const { config, directory, trouble } = this.#parts.running;
    try {
      this.#issuers = ownIssuers(config, directory);
    } catch (error) {
      trouble('certificate authority', error);
    }
    return this.#issuers;
  }
}
