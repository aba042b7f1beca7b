/**
 * The OCSP responder of a running relay: its key and certificate in the data directory, made and renewed by itself, and
 * the response that the server staples to its handshakes.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AdminContext } from '../admin/context.ts';
import type { Bytes } from '../base/bytes.ts';
import { makeKey } from '../ca/keys.ts';
import { issue } from '../ca/issuance.ts';
import { Responder, type Standing } from '../ca/responder.ts';
import { authorityFiles, certificateFile, keyFile } from '../ca/setup.ts';
import { decodePem } from '../protocol/pki/pem.ts';

const DAY = 86_400_000;
/** Renewed when so much is left: weeks for whatever keeps the CA from signing. */
const RENEW_BEFORE = 15 * DAY;
/** The name it has in the ledger. */
const RESPONDER = 'ocsp-responder';
/** With more changes at once all answers are dropped. */
const MOST_CHANGES = 500;

export class StatusService {
  readonly #context: AdminContext;
  #responder: Responder | undefined;

  /** Version of the ledger up to which answers are right. */
  #known: number;

  constructor(context: AdminContext) {
    this.#context = context;
    this.#known = context.ledger.version();
  }

  /** Undefined until there is a key and a certificate of the CA for it. */
  get responder(): Responder | undefined {
    return this.#responder;
  }

  /** Reads the responder's files, or makes them anew when they are missing, do not fit, or end soon. Rejects when the CA cannot sign. */
  async keep(): Promise<void> {
    const there = this.#read();
    if (there !== undefined) this.#responder = there;
    if (there !== undefined && there.ends - this.#context.clock.now() > RENEW_BEFORE) return;
    await this.#make();
    this.#responder = this.#read();
  }

  /** What the server staples: an answer about its own certificate (PEM, leaf first), when our CA issued it and it is good. */
  staple(certificate: string): Bytes | undefined {
    const [leaf] = decodePem(certificate);
    return leaf === undefined ? undefined : this.#responder?.staple(leaf.der);
  }

  /** Drops the answers about what changed in the ledger since the last call. */
  forget(): void {
    const { version, records } = this.#context.ledger.changedSince(this.#known, MOST_CHANGES);
    const all = records.length === MOST_CHANGES;
    this.#known = all ? this.#context.ledger.version() : version;
    this.#responder?.forget(all ? undefined : records.map(({ serial }) => serial));
  }

  #read(): Responder | undefined {
    const { directory, clock, ledger } = this.#context;
    const text = (path: string): string => readFileSync(join(directory, path), 'latin1');
    try {
      const issuing = new X509Certificate(text(authorityFiles.issuingCertificate));
      const certificate = new X509Certificate(text(authorityFiles.responderCertificate));
      const key = createPrivateKey(text(authorityFiles.responderKey));
      // Two files cannot be written at once: those that do not fit are of two renewals.
      if (!certificate.checkPrivateKey(key) || !certificate.verify(issuing.publicKey)) return undefined;
      if (certificate.validToDate.getTime() <= clock.now()) return undefined;
      return new Responder({
        clock,
        issuing: issuing.raw,
        certificate: certificate.raw,
        key,
        standing: (serial) => standingOf(ledger, serial),
      });
    } catch {
      return undefined; // missing, or not what it should be: either way it is made anew
    }
  }

  async #make(): Promise<void> {
    const { files } = this.#context;
    const pair = makeKey();
    const { certificate } = await issue(
      this.#context,
      { profile: 'responder', holder: RESPONDER, publicKey: pair.publicKey },
      'relay',
      'OCSP responder',
    );
    await files.write(authorityFiles.responderKey, keyFile(pair.privateKey), 'secret');
    await files.write(authorityFiles.responderCertificate, certificateFile([certificate]), 'public');
  }
}

function standingOf(ledger: AdminContext['ledger'], serial: string): Standing | undefined {
  // Also of a signing that did not end: whether there is a certificate with that number is not known.
  const withdrawn = ledger.withdrawal(serial);
  if (withdrawn !== undefined) return { state: 'revoked', at: withdrawn.at, reason: withdrawn.reason };
  const record = ledger.get(serial);
  if (record === undefined) return undefined;
  if (record.state === 'active') return { state: 'good' };
  return { state: 'revoked', at: record.revokedAt ?? record.issuedAt, reason: 'certificateHold' };
}
