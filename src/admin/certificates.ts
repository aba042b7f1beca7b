/**
 * What an operator can do with certificates: make the authority, issue, list, show, withdraw. Keys of holders that
 * are made here exist in the bundle that is returned and nowhere else.
 */
import type { Ms } from '../base/clock.ts';
import { chainPem, makePem, makePkcs12 } from '../ca/bundle.ts';
import { makeKey } from '../ca/keys.ts';
import type { ProfileName, RevocationReason } from '../ca/ledger.ts';
import { makePassphrase, passphraseFault } from '../ca/passphrase.ts';
import { certifiedNames, isAddress, profiles } from '../ca/profile.ts';
import { authorityFiles, certificateFile, keyFile } from '../ca/setup.ts';
import { allMissing, isThere, makeAuthority } from './authority-files.ts';
import {
  issueInto,
  readCsr,
  refusalToError,
  throughDoor,
  writeCrl,
  type CertificateContext,
} from './certificate-issue.ts';
import { select, type Selection } from './certificate-select.ts';
import { details, view, type CertificateDetails, type CertificateView } from './certificate-view.ts';
import { OperationError } from './errors.ts';

const DAY: Ms = 86_400_000;

export interface InitialiseRequest {
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
  try {
    certifiedNames('server', hostname, dnsNames);
  } catch (error) {
    throw refusalToError(error);
  }
  const created = await makeAuthority(context, hostname);
  const needsCrl = !(await isThere(context, authorityFiles.crl));
  const needsServer = await allMissing(context, [authorityFiles.serverCertificate, authorityFiles.serverKey]);
  if (!needsCrl && !needsServer) return { created, server: undefined };

  const server = await throughDoor(context, async (door) => {
    if (needsCrl) {
      await writeCrl(context, door);
      created.push(authorityFiles.crl);
    }
    if (!needsServer) return undefined;
    const pair = makeKey();
    const issued = await issueInto(context, door, {
      profile: 'server',
      holder: hostname,
      csr: undefined,
      publicKey: pair.publicKey,
      dnsNames,
      life: undefined,
    });
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

export interface HolderRequest {
  /** `alice@example.net`, `host.example.net`, `printer-2`. Case does not matter: kept in lower case. */
  readonly holder: string;
  /** Undefined: person for an address, else device. */
  readonly profile?: ProfileName | undefined;
  /** PKCS#10, PEM or DER. Without, a key is made here. */
  readonly csr?: Uint8Array | undefined;
  /** Passphrase of the bundle, at least 8 ASCII characters. Undefined: one is made and returned. */
  readonly p12Passphrase?: string | undefined;
  /** Undefined: as long as the profile allows. */
  readonly days?: number | undefined;
  /** For devices, services and servers; undefined: the holder's name. */
  readonly dnsNames?: readonly string[] | undefined;
}

export interface AddedHolder {
  readonly certificate: CertificateView;
  /** Other certificates of this holder that are active: the new one is for a second device, or follows one that ends. */
  readonly others: readonly CertificateView[];
  /** Certificate, issuing CA and root, PEM, without a key. */
  readonly chain: Uint8Array;
  /** PKCS#12, and the same with the key in clear as PEM; undefined with a CSR, whose key is elsewhere. */
  readonly p12: Uint8Array | undefined;
  readonly pem: Uint8Array | undefined;
  /** The passphrase of `p12`, when it was made here: it is told only now. */
  readonly passphrase: string | undefined;
}

/**
 * Issues a certificate to a holder. Throws OperationError: `usage` when the name, CSR, passphrase or days are not fit,
 * `failed` when the authority cannot sign.
 */
export async function addHolder(context: CertificateContext, request: HolderRequest): Promise<AddedHolder> {
  const holder = request.holder.trim().toLowerCase();
  if (holder === '')
    throw new OperationError(
      'usage',
      'no holder was named',
      'give an address such as alice@example.net, or a name such as printer-2',
    );
  const profile = request.profile ?? (isAddress(holder) ? 'person' : 'device');
  const life = lifeOf(profile, request.days);
  const fault = request.p12Passphrase === undefined ? undefined : passphraseFault(request.p12Passphrase);
  if (fault !== undefined) throw new OperationError('usage', fault);
  const csr = request.csr === undefined ? undefined : readCsr(request.csr);
  const others = activeOf(context, holder);
  const pair = csr === undefined ? makeKey() : undefined;

  const issued = await throughDoor(context, (door) =>
    issueInto(context, door, {
      profile,
      holder,
      csr,
      publicKey: pair?.publicKey,
      dnsNames: request.dnsNames ?? [],
      life,
    }),
  );
  await context.live?.refresh();

  const made = {
    certificate: view(issued.record, context.clock.now()),
    others,
    chain: chainPem(issued.certificate, issued.chain),
  };
  if (pair === undefined) return { ...made, p12: undefined, pem: undefined, passphrase: undefined };
  const content = { certificate: issued.certificate, chain: issued.chain, key: pair.privateKey, friendlyName: holder };
  const passphrase = request.p12Passphrase ?? makePassphrase(context.random);
  return {
    ...made,
    p12: await makePkcs12(content, passphrase, context.random),
    pem: makePem(content),
    passphrase: request.p12Passphrase === undefined ? passphrase : undefined,
  };
}

function lifeOf(profile: ProfileName, days: number | undefined): Ms | undefined {
  if (!Object.hasOwn(profiles, profile)) {
    throw new OperationError(
      'usage',
      `there is no profile "${profile}"`,
      `profiles are ${Object.keys(profiles).join(', ')}`,
    );
  }
  const most = profiles[profile].life / DAY;
  if (days === undefined) return undefined;
  if (!Number.isInteger(days) || days < 1 || days > most)
    throw new OperationError('usage', `${days} days: a ${profile} certificate lives 1 to ${most} days`);
  return days * DAY;
}

function activeOf(context: CertificateContext, holder: string): CertificateView[] {
  const now = context.clock.now();
  return context.ledger
    .find({ holder, state: 'active' })
    .map((record) => view(record, now))
    .filter(({ ended }) => !ended);
}

/** Certificates in order of issue; without `all` only those that can be used now or are suspended. */
export function listCertificates(
  context: CertificateContext,
  filter: { readonly all?: boolean | undefined } = {},
): CertificateView[] {
  const now = context.clock.now();
  const views = context.ledger.find({}).map((record) => view(record, now));
  return filter.all === true ? views : views.filter(({ state, ended }) => state !== 'revoked' && !ended);
}

/** All facts of the selected certificates, in order of issue. Throws OperationError `not-found`. */
export function showCertificate(context: CertificateContext, selection: Selection): CertificateDetails[] {
  const now = context.clock.now();
  return select(context, selection).records.map((record) => details(record, now));
}

export interface Revocation extends Selection {
  /** Undefined: unspecified. */
  readonly reason?: RevocationReason | undefined;
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
  const { by, records } = select(context, request);
  const meant = by === 'serial' ? records : records.filter(({ profile }) => profile !== 'server');
  if (meant.length === 0) {
    const serials = records.map(({ serial }) => serial).join(', ');
    throw new OperationError(
      'usage',
      `"${records[0]?.holder}" has only server certificates`,
      `withdraw one by its serial number: ${serials}`,
    );
  }
  const now = context.clock.now();
  const reason = request.reason ?? 'unspecified';
  const revoked = context.ledger.revoke(
    meant.map(({ serial }) => serial),
    reason,
    now,
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
  await throughDoor(context, (door) => writeCrl(context, door));
}
