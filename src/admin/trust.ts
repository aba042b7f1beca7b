/** CAs from outside whose client certificates are trusted: add, list, show, remove. What is in force is what is in `trust/`. */
import type { Ms } from '../base/clock.ts';
import { utf8 } from '../base/bytes.ts';
import { authorityFiles } from '../ca/setup.ts';
import { crlUrl, formatTrustFile, type TrustCrl } from '../config/trust-file.ts';
import { commonName } from '../protocol/pki/name.ts';
import { parseCertificate } from '../protocol/pki/certificate.ts';
import { decodePem } from '../protocol/pki/pem.ts';
import { parseTrustRule } from '../relay/identity/trust-rule.ts';
import type { AdminContext } from './context.ts';
import { OperationError } from './errors.ts';
import {
  checkTrust,
  TRUST_FOLDER,
  TRUST_NAME,
  trustPaths,
  type CaView,
  type CheckedTrust,
  type CrlView,
  type LoadedTrust,
} from './trust-check.ts';

export interface TrustRequest {
  /** The CA's certificates, PEM or DER: its root, and intermediates. */
  readonly file: Uint8Array;
  /** Undefined: from the common name of the first. */
  readonly name?: string | undefined;
  readonly crl?: Uint8Array | undefined;
  readonly crlUrl?: string | undefined;
  readonly crlExpired?: 'refuse' | 'accept' | undefined;
  /** Rules; undefined: the access map decides. */
  readonly relay?: readonly string[] | undefined;
}

/** Something that should be seen to. `at` is when it happens or happened. */
export interface TrustWarning {
  readonly kind: 'crl-missing' | 'crl-ended' | 'crl-ends' | 'ca-ended' | 'ca-ends';
  readonly trust: string;
  readonly subject: string;
  readonly at: Ms | null;
  /** What happens to certificates meanwhile. */
  readonly expired: 'refuse' | 'accept' | null;
}

export interface TrustView {
  readonly name: string;
  /** Why its files cannot be used now; empty when they can. */
  readonly faults: readonly string[];
  readonly cas: readonly CaView[];
  readonly relay: readonly { readonly rule: string; readonly source: string }[];
  readonly crl: {
    readonly url: string | null;
    readonly expired: 'refuse' | 'accept';
    readonly lists: readonly CrlView[];
  } | null;
  readonly warnings: readonly TrustWarning[];
  /** About the certificates: what is in force and should not be so. */
  readonly remarks: readonly string[];
}

/**
 * Trusts a CA. Throws OperationError: `usage` when the file, a rule or the name is none, `conflict` when it is trusted
 * already.
 */
export async function addTrust(context: AdminContext, request: TrustRequest): Promise<TrustView> {
  const rules = request.relay ?? ['access'];
  for (const rule of rules) {
    const reading = parseTrustRule(rule);
    if (reading.kind === 'bad') throw new OperationError('usage', reading.why, reading.todo);
  }
  if (request.crlUrl !== undefined && crlUrl(request.crlUrl) === undefined)
    throw new OperationError('usage', `"${request.crlUrl}" is no http or https address`);
  const name = request.name ?? usualName(request.file);
  if (!TRUST_NAME.test(name))
    throw new OperationError(
      'usage',
      `"${name}" is no name for a trust`,
      'give --name with lower-case letters, digits, dots and hyphens',
    );
  const paths = trustPaths(name);
  if (await context.files.has(paths.authority))
    throw new OperationError('conflict', `there is a trust ${name} already`, `remove it first, or give another --name`);

  const revoked = request.crl !== undefined || request.crlUrl !== undefined || request.crlExpired !== undefined;
  const crl: TrustCrl | undefined = revoked
    ? { url: request.crlUrl, expired: request.crlExpired ?? 'refuse' }
    : undefined;
  const texts = { authority: request.file, rules: formatTrustFile(rules, crl), crl: request.crl };
  const { loaded, faults } = checkTrust(name, texts, { own: await ownCertificates(context), now: context.clock.now() });
  if (loaded === undefined) throw new OperationError('usage', faults.join('\n'));
  const now = context.clock.now();
  const ended = loaded.cas.find(({ notAfter }) => notAfter < now);
  if (ended !== undefined)
    throw new OperationError('usage', `${ended.subject} has expired`, 'give the certificate that followed it');
  await refuseKnown(context, loaded);

  // The CA's certificate comes last: a folder without it is none.
  if (request.crl !== undefined) await context.files.write(paths.crl, request.crl, 'public');
  await context.files.write(paths.rules, utf8(texts.rules), 'public');
  await context.files.write(paths.authority, utf8(loaded.pem), 'public');
  const [first] = loaded.cas;
  note(
    context,
    `trust ${name} added: ${first?.subject}, SHA-256 ${first?.fingerprint}, rules ${rules.join(' ') || 'none'}`,
  );
  await context.live?.reloadTrust?.();
  return await showTrust(context, { name });
}

function note(context: AdminContext, detail: string): void {
  context.ledger.appendAudit({ action: 'trusted', by: context.actor, detail }, context.clock.now());
}

function usualName(file: Uint8Array): string {
  const [block] = decodePem(Buffer.from(file).toString('latin1')).filter(({ label }) => label === 'CERTIFICATE');
  const parsed = parseCertificate(block?.der ?? file);
  if (parsed === undefined)
    throw new OperationError('usage', 'the file is no certificate', 'give one in PEM or DER form');
  return commonName(parsed.subject)
    .replaceAll(/\+[0-9A-F]{2}/g, '-')
    .toLowerCase()
    .replaceAll(/[^a-z0-9.]+/g, '-')
    .replaceAll(/^[-.]+|[-.]+$/g, '')
    .slice(0, 63);
}

/** Certificates of our own CA, DER. */
export async function ownCertificates(context: AdminContext): Promise<Uint8Array[]> {
  const own: Uint8Array[] = [];
  for (const path of [authorityFiles.rootCertificate, authorityFiles.issuingCertificate]) {
    if (!(await context.files.has(path))) continue;
    const text = Buffer.from(await context.files.read(path)).toString('latin1');
    own.push(...decodePem(text).map(({ der }) => der));
  }
  return own;
}

/** A CA that is in two folders would have the rules of both, and nobody could say which of them. */
async function refuseKnown(context: AdminContext, loaded: LoadedTrust): Promise<void> {
  for (const [name, { loaded: other }] of await readTrusts(context)) {
    const known = other?.certificates.find(({ keyId }) => loaded.certificates.some((one) => one.keyId === keyId));
    if (known !== undefined)
      throw new OperationError(
        'conflict',
        `the trust ${name} has this CA already`,
        `change ${trustPaths(name).rules}, or remove it first`,
      );
  }
}

/** All trusts as their files are now, by name. */
export async function readTrusts(context: AdminContext): Promise<ReadonlyMap<string, CheckedTrust>> {
  const found = new Map<string, CheckedTrust>();
  const own = await ownCertificates(context);
  for (const name of (await context.files.list(TRUST_FOLDER)).toSorted()) {
    const paths = trustPaths(name);
    if (!TRUST_NAME.test(name) || !(await context.files.has(paths.authority))) continue;
    const read = async (path: string): Promise<Uint8Array | undefined> =>
      (await context.files.has(path)) ? await context.files.read(path) : undefined;
    const texts = {
      authority: await context.files.read(paths.authority),
      rules: Buffer.from((await read(paths.rules)) ?? []).toString('utf8'),
      crl: await read(paths.crl),
    };
    found.set(name, checkTrust(name, texts, { own, now: context.clock.now() }));
  }
  return found;
}

export async function listTrusts(context: AdminContext): Promise<TrustView[]> {
  const now = context.clock.now();
  return [...(await readTrusts(context))].map(([name, checked]) => trustView(name, checked, now));
}

/** Throws OperationError `not-found`. */
export async function showTrust(context: AdminContext, { name }: { readonly name: string }): Promise<TrustView> {
  const found = (await listTrusts(context)).find((one) => one.name === name);
  if (found === undefined) throw unknown(name);
  return found;
}

function unknown(name: string): OperationError {
  return new OperationError('not-found', `there is no trust "${name}"`, "see 'sealpost trust list'");
}

/** Trusts it no more; open sessions with its certificates are ended. Throws OperationError `not-found`. */
export async function removeTrust(
  context: AdminContext,
  { name }: { readonly name: string },
): Promise<{ readonly removed: string }> {
  if (!TRUST_NAME.test(name) || !(await context.files.has(trustPaths(name).authority))) throw unknown(name);
  await context.files.remove(trustPaths(name).authority);
  await context.files.remove(`${TRUST_FOLDER}/${name}`);
  note(context, `trust ${name} removed`);
  await context.live?.reloadTrust?.();
  return { removed: name };
}

/** Fetches the CRL of a trust now. Throws OperationError: `not-found`; `usage` without an address; `failed`. */
export async function fetchTrust(context: AdminContext, { name }: { readonly name: string }): Promise<TrustView> {
  const url = (await showTrust(context, { name })).crl?.url ?? null;
  if (url === null)
    throw new OperationError('usage', `the trust ${name} has no crl.url`, `write one in ${trustPaths(name).rules}`);
  const { live } = context;
  if (live?.fetchCrl === undefined)
    throw new OperationError('usage', 'only a running relay fetches CRLs', "start it with 'sealpost start'");
  const fault = await live.fetchCrl(name);
  if (fault !== undefined) throw new OperationError('failed', fault);
  return await showTrust(context, { name });
}

function trustView(name: string, { loaded, faults }: CheckedTrust, now: Ms): TrustView {
  if (loaded === undefined) return { name, faults, cas: [], relay: [], crl: null, warnings: [], remarks: [] };
  const { cas, crls, file, warnings: remarks } = loaded;
  return {
    name,
    faults,
    cas,
    relay: file.rules.map(({ text, source }) => ({ rule: text, source })),
    crl: file.crl === undefined ? null : { url: file.crl.url ?? null, expired: file.crl.expired, lists: crls },
    warnings: trustWarnings(name, loaded, now),
    remarks,
  };
}

const DAY: Ms = 86_400_000;
/** A CA is replaced in weeks. */
const CA_NOTICE: Ms = 30 * DAY;
/** A list is late when its next issue is overdue: most are signed anew in the first half of their time. */
const CRL_NOTICE: Ms = 3 * DAY;

/** What runs out within days, or has. */
export function trustWarnings(name: string, { cas, crls, file }: LoadedTrust, now: Ms): TrustWarning[] {
  const warnings: TrustWarning[] = [];
  const add = (kind: TrustWarning['kind'], subject: string, at: Ms | null): void => {
    const expired = kind === 'ca-ended' || kind === 'ca-ends' ? null : (file.crl?.expired ?? null);
    warnings.push({ kind, trust: name, subject, at, expired });
  };
  for (const { subject, notAfter } of cas) {
    if (notAfter < now) add('ca-ended', subject, notAfter);
    else if (notAfter - now < CA_NOTICE) add('ca-ends', subject, notAfter);
  }
  if (file.crl !== undefined && crls.length === 0) add('crl-missing', cas[0]?.subject ?? '', null);
  for (const { issuer, thisUpdate, nextUpdate } of crls) {
    if (nextUpdate < now) add('crl-ended', issuer, nextUpdate);
    else if (nextUpdate - now < Math.min(CRL_NOTICE, (nextUpdate - thisUpdate) / 2))
      add('crl-ends', issuer, nextUpdate);
  }
  return warnings;
}
