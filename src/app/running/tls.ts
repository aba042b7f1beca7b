/**
 * The TLS material in force: what was read from the files, the keys of session tickets, and what our OCSP responder says
 * of the certificate. It tells nobody; who changes it brings it to those who speak TLS.
 */
import type { WebTls } from '../../platform/http/server-tls.ts';
import type { TlsMaterial } from '../../platform/net/tls-contexts.ts';
import type { Config } from '../../config/schema.ts';
import type { StatusService } from '../responder.ts';
import { isSameMaterial, isSameTrust, refuseWorse, serverCertificateFaults, usableTlsMaterial } from '../trust.ts';
import { webMaterial } from '../web.ts';
import type { Running } from './running.ts';

const TICKET_KEYS = 48;

export class TlsInForce {
  readonly #running: Running;
  #ticketKeys: Uint8Array;
  #material: TlsMaterial;
  #status: StatusService | undefined;

  /** Throws when a file that the configuration names cannot be used. */
  constructor(running: Running) {
    const { config, directory } = running;
    this.#running = running;
    this.#ticketKeys = running.random.bytes(TICKET_KEYS);
    this.#material = usableTlsMaterial(config, directory, this.#ticketKeys);
  }

  get material(): TlsMaterial {
    return this.#material;
  }

  /** The same, for the web listeners. */
  get web(): WebTls {
    const { config, directory } = this.#running;
    return webMaterial(config, directory, this.#material);
  }

  /** From now on what this one says is stapled. */
  stapleBy(status: StatusService): void {
    this.#status = status;
  }

  /** Asks the responder anew. */
  staple(): void {
    this.put(this.#material);
  }

  /** Something changed in the ledger: answers about it that the responder has ready count no more. */
  forgetAnswers(): void {
    this.#status?.forget();
  }

  /** Sessions that could be resumed were judged by what counts no more: with new ticket keys they are judged again. */
  judgeAnew(): void {
    this.#ticketKeys = this.#running.random.bytes(TICKET_KEYS);
    this.put({ ...this.#material, ticketKeys: this.#ticketKeys });
  }

  /** What the files have by a configuration that is to come. Throws when they cannot be used. */
  read(config: Config): TlsMaterial {
    return usableTlsMaterial(config, this.#running.directory, this.#ticketKeys, this.#material);
  }

  /** Takes the files as they are now; false when nothing in them is new. Throws, and changes nothing, when they are no good. */
  takeFiles(): boolean {
    const { config, clock } = this.#running;
    const next = this.read(config);
    if (isSameMaterial(next, this.#material)) return false;
    refuseWorse(config, next, this.#material, clock.now());
    const isOtherTrust = !isSameTrust(next, this.#material);
    this.put(next);
    // Sessions of clients whose CA is believed no more cannot be resumed.
    if (isOtherTrust) this.judgeAnew();
    return true;
  }

  put(next: TlsMaterial): void {
    this.#material = next.unusable === undefined ? { ...next, staple: this.#status?.staple(next.certificate) } : next;
  }

  /** Tells what clients will find wrong with the certificate. */
  tellFaults(): void {
    const { config, clock, trouble } = this.#running;
    for (const fault of serverCertificateFaults(config, this.#material, clock.now()))
      trouble('server certificate', fault);
  }
}
