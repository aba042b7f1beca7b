/** What an operator can ask of the access map: whether it says what was meant, and what it decides about made-up facts. */
import { createHash } from 'node:crypto';
import { isAbsolute, relative } from 'node:path';
import { hex, latin1 } from '../base/bytes.ts';
import { chainCrypto } from '../ca/chain-crypto.ts';
import { authorityFiles } from '../ca/setup.ts';
import { accessSettings } from '../config/settings.ts';
import { parseCertificate } from '../protocol/pki/certificate.ts';
import { encodeName } from '../protocol/pki/name.ts';
import { decodePem } from '../protocol/pki/pem.ts';
import { parseAddress } from '../protocol/smtp/address.ts';
import { decideConnect, decideMail, decideRecipient } from '../relay/access/decide.ts';
import { decidedBy, explainVerdict } from '../relay/access/explain.ts';
import type { AccessFacts, AccessSender, DomainState, PeerName } from '../relay/access/facts.ts';
import { domainsToServe } from '../relay/access/mailbox.ts';
import { type AccessProblem, type ParsedAccessMap, parseAccessMap } from '../relay/access/map.ts';
import type { AccessPolicy } from '../relay/access/policy.ts';
import { decideTls } from '../relay/access/tls.ts';
import type { TrailStep, Verdict } from '../relay/access/verdict.ts';
import type { ListenerRole, PeerCertificate } from '../relay/connection/connection.ts';
import { readFacts } from '../relay/identity/certificate-cache.ts';
import { authorityCertificate, foreignTrust, type ForeignTrust } from '../relay/identity/foreign.ts';
import { identify } from '../relay/identity/identify.ts';
import {
  principalName,
  type CertificateFacts,
  type HolderDirectory,
  type Principal,
} from '../relay/identity/principal.ts';
import type { AdminContext, AdminFiles } from './context.ts';
import { OperationError } from './errors.ts';
import { ownCertificates, readTrusts } from './trust.ts';

export interface AccessCheck {
  /** Null when no map is configured. */
  readonly file: string | null;
  readonly keys: number;
  readonly problems: readonly AccessProblem[];
}

export interface AccessTestInput {
  readonly address?: string | undefined;
  readonly name?: string | undefined;
  readonly helo?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly role?: ListenerRole | undefined;
  /** PEM or DER. */
  readonly certificate?: Uint8Array | undefined;
  /** In the form of the access map. */
  readonly subject?: string | undefined;
  readonly issuer?: string | undefined;
  /** What TLS said of the certificate; left out: OK with one, NO without. */
  readonly verify?: 'OK' | 'NO' | 'NOT' | 'FAIL' | undefined;
  /** Secret bits of the cipher; 0: no TLS. */
  readonly bits?: number | undefined;
  /** What the name service said of the client's address; left out: `ok` with a name. */
  readonly ptr?: PeerName['state'] | undefined;
  /** `MECHANISM` or `MECHANISM:identity` of a successful AUTH. */
  readonly auth?: string | undefined;
  /** What the name service said of the reverse-path's domain. */
  readonly senderDomain?: DomainState | undefined;
  /** Whether we are an MX of the recipient's domain. */
  readonly served?: 'yes' | 'no' | 'temporary' | undefined;
}

export interface AccessTest {
  readonly principal: {
    readonly verify: string;
    readonly reason: string | null;
    readonly holder: string | null;
    readonly subject: string | null;
    readonly issuer: string | null;
  };
  /** One for each stage that was reached: connection, STARTTLS, MAIL, RCPT. The last one counts. */
  readonly stages: readonly {
    readonly stage: 'connect' | 'starttls' | 'mail' | 'recipient';
    readonly verdict: string;
    readonly trail: readonly TrailStep[];
  }[];
  readonly verdict: string;
  readonly relay: boolean;
  readonly accepted: boolean;
  /** What decided; null when nothing answered. */
  readonly rule: string | null;
}

/** The map with its problems. */
export async function checkAccess(context: AdminContext): Promise<AccessCheck> {
  const parsed = await readMap(context);
  if (parsed === undefined) return { file: null, keys: 0, problems: [] };
  return { file: parsed.map.file, keys: parsed.map.size, problems: parsed.problems };
}

/** What would be decided; a certificate is taken as if its chain had verified. */
export async function testAccess(context: AdminContext, input: AccessTestInput): Promise<AccessTest> {
  const parsed = await readMap(context);
  const { missingMap, map } = context.config.access;
  const policy: AccessPolicy = {
    ...accessSettings(context.config),
    map: parsed?.map,
    mapMissing: missingMap === 'defer' && parsed === undefined && map !== 'none' && map !== 'auto',
  };
  const principal = await principalOf(context, input);
  const bits = input.bits ?? (principal.verify === '' ? 0 : 256);
  const facts: AccessFacts = {
    role: input.role ?? 'relay',
    address: input.address ?? '192.0.2.1',
    name: { state: input.ptr ?? (input.name === undefined ? 'unasked' : 'ok'), name: input.name?.toLowerCase() },
    helo: input.helo,
    principal,
    tls: bits === 0 ? undefined : { bits },
    authenticated: authenticatedBy(input.auth, principal),
  };
  const stages: { stage: AccessTest['stages'][number]['stage']; verdict: Verdict }[] = [
    { stage: 'connect', verdict: decideConnect(policy, facts) },
  ];
  const loose = policy.features.has('sendmail');
  const sender = { ...senderOf(input.from ?? '', loose), domain: input.senderDomain };
  if (goesOn(stages) && bits > 0) stages.push({ stage: 'starttls', verdict: decideTls(policy, facts) });
  if (goesOn(stages)) stages.push({ stage: 'mail', verdict: decideMail(policy, facts, sender) });
  if (goesOn(stages) && input.to !== undefined) {
    const recipient = { typed: bracketed(input.to, loose), address: addressOf(input.to, loose) };
    const { served } = input;
    const answers = served && new Map(domainsToServe(policy, recipient).map((domain) => [domain, served] as const));
    stages.push({
      stage: 'recipient',
      verdict: decideRecipient(policy, facts, sender, { ...recipient, served: answers }),
    });
  }
  const last = stages.at(-1)?.verdict as Verdict;
  return {
    principal: plainPrincipal(principal),
    stages: stages.map(({ stage, verdict }) => ({ stage, verdict: explainVerdict(verdict), trail: verdict.trail })),
    verdict: explainVerdict(last),
    relay: last.kind === 'accept' && last.relay,
    accepted: last.kind !== 'reject',
    rule: decidedBy(last) ?? null,
  };
}

function goesOn(stages: readonly { readonly verdict: Verdict }[]): boolean {
  return stages.at(-1)?.verdict.kind === 'accept';
}

async function readMap(context: AdminContext): Promise<ParsedAccessMap | undefined> {
  const configured = context.config.access.map;
  if (configured === 'none') return undefined;
  const path = configured === 'auto' ? 'access' : configured;
  let bytes: Uint8Array;
  try {
    bytes = await context.files.read(isAbsolute(path) ? relative(context.directory, path) : path);
  } catch (error) {
    if ((configured === 'auto' || context.config.access.missingMap !== 'fault') && isMissing(error)) return undefined;
    throw new OperationError(
      'failed',
      `cannot read the access map ${path}: ${error instanceof Error ? error.message : String(error)}`,
      'create it, or change access.map in the configuration',
      error,
    );
  }
  return parseAccessMap(Buffer.from(bytes).toString('utf8'), path);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

async function principalOf(context: AdminContext, input: AccessTestInput): Promise<Principal> {
  const { verify } = input;
  if (verify === 'NO') return { kind: 'anonymous', verify, reason: 'no-certificate' };
  if (verify === 'NOT') return { kind: 'anonymous', verify, reason: 'not-asked' };
  const named = input.subject !== undefined || input.issuer !== undefined;
  if (verify === 'FAIL' && (named || input.certificate === undefined))
    return { kind: 'unverified', verify, reason: 'not-verified', certificate: namesOnly(input), holder: undefined };
  if (named) return { kind: 'verified', verify: 'OK', certificate: namesOnly(input), holder: undefined };
  const certificate = input.certificate && peerCertificate(input.certificate);
  const directory = await holdersOf(context);
  const tls = {
    version: 'TLSv1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
    bits: 256,
    asked: true,
    verifyError: undefined,
    resumed: false,
    serverName: undefined,
  };
  return identify({ ...tls, certificate }, directory, undefined, context.clock.now(), await foreignOf(context));
}

/** CAs from outside, as a front thread has them. */
async function foreignOf(context: AdminContext): Promise<ForeignTrust> {
  const crypto = chainCrypto();
  const loaded = [...(await readTrusts(context)).values()].flatMap((checked) => checked.loaded ?? []);
  const trust = foreignTrust(crypto);
  if (loaded.length === 0) return trust;
  const others = await ownCertificates(context);
  for (const path of context.config.tls.authorities)
    others.push(...decodePem(latin1(await context.files.read(path))).map(({ der }) => der));
  const isRoot = (der: Uint8Array): boolean => crypto.issued(der, der);
  trust.replace({
    authorities: loaded.map(({ foreign }) => foreign),
    certificates: [
      ...loaded.flatMap(({ certificates }) => certificates),
      ...others.flatMap((der) => authorityCertificate(der, undefined, isRoot(der), crypto) ?? []),
    ],
    pem: [],
  });
  return trust;
}

/** As a front thread has it, from the ledger itself. */
async function holdersOf({ files, ledger }: AdminContext): Promise<HolderDirectory> {
  const own = await ownIssuer(files);
  return {
    find(issuer, serial) {
      const record = ledger.get(serial);
      return record?.issuer === issuer ? record : undefined;
    },
    isOwnIssuer: (issuer) => issuer === own,
  };
}

/** Name of our issuing CA; undefined when there is none. */
async function ownIssuer(files: AdminFiles): Promise<string | undefined> {
  let pem: Uint8Array;
  try {
    pem = await files.read(authorityFiles.issuingCertificate);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  const [block] = decodePem(latin1(pem));
  const certificate = block === undefined ? undefined : parseCertificate(block.der);
  return certificate === undefined ? undefined : encodeName(certificate.subject);
}

function namesOnly(input: AccessTestInput): CertificateFacts {
  const [subject, issuer] = [input.subject ?? '', input.issuer ?? ''];
  const commonName = (name: string): string => /\/CN=([^/]*)/i.exec(name)?.[1] ?? 'BadCertificateUnknown';
  return {
    subject,
    issuer,
    commonName: commonName(subject),
    issuerCommonName: commonName(issuer),
    serial: '00',
    fingerprint: '',
    notAfter: Number.MAX_SAFE_INTEGER,
    emails: [],
    dnsNames: [],
  };
}

/** The first is the client's, the others are what it would send along. */
function peerCertificate(bytes: Uint8Array): PeerCertificate {
  const text = latin1(bytes);
  const [der, ...issuers] = text.includes('-----BEGIN')
    ? decodePem(text)
        .filter(({ label }) => label === 'CERTIFICATE')
        .map((block) => block.der)
    : [bytes];
  const certificate = der && { der, fingerprint: hex(createHash('sha256').update(der).digest()), issuers };
  if (certificate === undefined || readFacts(certificate) === undefined) {
    throw new OperationError('usage', 'the file given as certificate is none', 'give a certificate in PEM or DER form');
  }
  return certificate;
}

function authenticatedBy(auth: string | undefined, principal: Principal): AccessFacts['authenticated'] {
  if (auth === undefined) return undefined;
  const [mechanism = '', ...identity] = auth.split(':');
  const holder = principal.kind === 'verified' ? principal.holder : undefined;
  return { mechanism: mechanism.toUpperCase(), identity: identity.join(':') || 'somebody', holder };
}

function senderOf(text: string, loose: boolean): AccessSender {
  return { typed: bracketed(text, loose), address: text === '' ? undefined : addressOf(text, loose) };
}

/** Where addresses are read as Sendmail reads them, brackets may have been given with it, or left open. */
function bracketed(text: string, loose: boolean): string {
  return loose && /[<>]/.test(text) ? text : `<${text}>`;
}

/** `loose`: policy reads what was typed, so that it may be any text. */
function addressOf(text: string, loose: boolean): { readonly local: string; readonly domain: string } {
  const address = parseAddress(text);
  if (address === undefined && loose) return { local: text, domain: '' };
  if (address === undefined)
    throw new OperationError('usage', `"${text}" is no address`, 'write it as user@example.net');
  return address;
}

function plainPrincipal(principal: Principal): AccessTest['principal'] {
  const certificate = principal.kind === 'anonymous' ? undefined : principal.certificate;
  return {
    verify: principal.verify,
    reason: principal.kind === 'verified' ? null : principal.reason,
    holder: principalName(principal) ?? null,
    subject: certificate?.subject ?? null,
    issuer: certificate?.issuer ?? null,
  };
}
