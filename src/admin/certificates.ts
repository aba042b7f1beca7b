/** What an operator can do with certificates, besides issuing them to holders: make the authority, list, show, withdraw. */
import type { Ms } from '../base/clock.ts';
import { makeKey } from '../ca/keys.ts';
import type { LedgerFilter, LedgerRecord, RevocationReason } from '../ca/ledger.ts';
import { certifiedNames } from '../ca/profile.ts';
import { authorityFiles, certificateFile, keyFile } from '../ca/setup.ts';
import { allMissing, isThere, makeAuthority, type AuthorityChoices } from './authority-files.ts';
import { checked, issueInto, signing, writeCrl, type CertificateContext } from './certificate-issue.ts';
import { select, type Selection } from './certificate-select.ts';
import { details, view, type CertificateDetails, type CertificateView } from './certificate-view.ts';
import { OperationError } from './errors.ts';

export interface InitialiseRequest extends AuthorityChoices {
  /** Name of this server: in the names of the CA, and a DNS name of the server's certificate. */
  readonly hostname: string;
  /** More DNS names by which clients reach it. */
  readonly names?: readonly string[] | undefined;
}

export interface Initialised {
  /** Paths below the data directory that were written now; empty when all was there. */
  readonly created: readonly string[];
  /** The server certificate, when it was issued now. */
  readonly server: CertificateView | undefined;
}

/**
 * CA and server certificate, where they are missing. Throws OperationError: `usage` when a name is none, `conflict` when only some
 * of the files are there, `failed` when the authority cannot sign.
 */
export async function initialise(context: CertificateContext, request: InitialiseRequest): Promise<Initialised> {
  const hostname = request.hostname.trim().toLowerCase();
  const dnsNames = [...new Set([hostname, ...(request.names ?? []).map((name) => name.trim().toLowerCase())])];
  checked(() => certifiedNames('server', { holder: hostname, dnsNames, uris: [] }, undefined));
  const created = await makeAuthority(context, [hostname, ...dnsNames.slice(1)], request);
  const needsCrl = !(await isThere(context, authorityFiles.crl));
  const needsServer = await allMissing(context, [authorityFiles.serverCertificate, authorityFiles.serverKey]);
  if (!needsCrl && !needsServer) return { created, server: undefined };

  const server = await signing(async () => {
    if (needsCrl) {
      await writeCrl(context);
      created.push(authorityFiles.plainCrl, authorityFiles.crl);
    }
    if (!needsServer) return undefined;
    const pair = makeKey();
    const issued = await issueInto(
      context,
      { profile: 'server', holder: hostname, publicKey: pair.publicKey, dnsNames },
      'the certificate of this server',
    );
    const [issuing] = issued.chain;
    await context.files.write(authorityFiles.serverKey, keyFile(pair.privateKey), 'secret');
    await context.files.write(
      authorityFiles.serverCertificate,
      certificateFile([issued.certificate, ...(issuing === undefined ? [] : [issuing])]),
      'public',
    );
    created.push(authorityFiles.serverKey, authorityFiles.serverCertificate);
    return issued.record;
  });
  await context.live?.refresh();
  return { created, server: server === undefined ? undefined : view(server, context.clock.now()) };
}

export interface ListRequest {
  /** Also those that are revoked or have ended. */
  readonly all?: boolean | undefined;
  /** Only those that can be used, end within this span and were not renewed, soonest first. */
  readonly expiring?: Ms | undefined;
  /** Undefined: a thousand. */
  readonly limit?: number | undefined;
}

export interface CertificateListing {
  readonly certificates: readonly CertificateView[];
  /** How many more there are than `limit`. */
  readonly more: number;
}

const LISTED = 1_000;

/** Certificates in order of issue; without `all` only those that can be used now or are suspended. */
export function listCertificates(context: CertificateContext, request: ListRequest = {}): CertificateListing {
  const { all, expiring, limit = LISTED } = request;
  const now = context.clock.now();
  const filter: LedgerFilter =
    expiring !== undefined
      ? { state: 'active', current: true, endsAfter: now, endsBefore: now + expiring, order: 'ending' }
      : all === true
        ? {}
        : { state: ['active', 'suspended'], endsAfter: now };
  const certificates = context.ledger.find({ ...filter, limit }).map((record) => view(record, now));
  const more = certificates.length < limit ? 0 : context.ledger.count(filter) - certificates.length;
  return { certificates, more };
}

/** All facts of the selected certificates, in order of issue. Throws OperationError `not-found`. */
export function showCertificate(context: CertificateContext, selection: Selection): CertificateDetails[] {
  const now = context.clock.now();
  const { by, records } = select(context, selection);
  const ofHolder = by === 'holder' ? records : context.ledger.find({ holder: records[0]?.holder });
  return records.map((record) => details(record, ofHolder, now));
}

export interface Revocation extends Selection {
  /** Undefined: unspecified. */
  readonly reason?: RevocationReason | undefined;
  /** For the issuance log. */
  readonly why?: string | undefined;
}

export interface Revoked {
  readonly revoked: readonly CertificateView[];
  /** Those selected that were revoked before: nothing changed for them. */
  readonly before: readonly CertificateView[];
}

/**
 * Withdraws certificates for good: in the ledger first, so that the relay refuses them whatever comes after; then in
 * the running relay, then in a new CRL. A holder's name means its client certificates; a server certificate is withdrawn by its
 * serial number. Throws OperationError: `not-found`; `failed` when the CRL could not be written, though the
 * certificates are withdrawn.
 */
export async function revokeCertificates(context: CertificateContext, request: Revocation): Promise<Revoked> {
  const meant = selectRevocable(context, request);
  const now = context.clock.now();
  const reason = request.reason ?? 'unspecified';
  const revoked = context.ledger.revoke(
    meant.map(({ serial }) => serial),
    reason,
    now,
    { action: 'revoked', by: context.actor, detail: request.why === undefined ? reason : `${reason}: ${request.why}` },
  );
  for (const { serial, holder } of revoked) context.events.tell({ kind: 'revoked', serial, holder, reason });
  if (revoked.length > 0) {
    await context.live?.refresh();
    await writeCrlAfter(context);
  }
  const changed = new Set(revoked.map(({ serial }) => serial));
  return {
    revoked: revoked.map((record) => view(record, now)),
    before: meant.filter(({ serial }) => !changed.has(serial)).map((record) => view(record, now)),
  };
}

/** Those that `revokeCertificates` would withdraw, and those that were before. Throws OperationError as it does. */
export function selectRevocable(context: CertificateContext, selection: Selection): readonly LedgerRecord[] {
  const { by, records } = select(context, selection);
  const meant =
    by === 'serial' ? records : records.filter(({ profile }) => profile !== 'server' && profile !== 'responder');
  if (meant.length === 0) {
    const serials = records.map(({ serial }) => serial).join(', ');
    throw new OperationError(
      'usage',
      `"${records[0]?.holder}" has only server certificates`,
      `withdraw one by its serial number: ${serials}`,
    );
  }
  return meant;
}

async function writeCrlAfter(context: CertificateContext): Promise<void> {
  try {
    await renewCrl(context);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new OperationError(
      'failed',
      `the certificates are withdrawn, but the CRL could not be written: ${message}`,
      'the relay refuses them already; only others who read the CRL do not know yet',
      error,
    );
  }
}

/** Signs a new CRL of all that is revoked and writes it to ca/crl.pem. For whoever renews it before its nextUpdate. */
export async function renewCrl(context: CertificateContext): Promise<void> {
  await signing(() => writeCrl(context));
}
