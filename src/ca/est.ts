/**
 * EST (RFC 7030, RFC 8951): a holder's program fetches the CA's certificates, enrols with a one-time token, and renews
 * with the certificate it has. The key is made where it is used; here comes a request, and a certificate goes back.
 */
import { fromUtf8, latin1, utf8, type Bytes } from '../base/bytes.ts';
import type { Ms } from '../base/clock.ts';
import { Fault } from '../base/fault.ts';
import { parseCertificate } from '../protocol/pki/certificate.ts';
import { encodeName } from '../protocol/pki/name.ts';
import { decodePem } from '../protocol/pki/pem.ts';
import { certsOnly } from '../protocol/pki/pkcs7.ts';
import { MAX_REQUEST } from '../protocol/pki/request.ts';
import { faultOf, hashOfToken, type Enrolment, type EnrolmentStore } from './enrolment.ts';
import { issue, refuse, type Issuance, type Issued } from './issuance.ts';
import { fingerprintOf } from './keys.ts';
import type { LedgerRecord } from './ledger.ts';
import { proveRequest } from './proof.ts';
import { RequestRefused } from './refusal.ts';
import { renew } from './renewal.ts';
import { AuthorityUnavailable } from './unavailable.ts';
import { plainAnswer, type WebRequest, type WebResponse, type WebRoute } from './web.ts';

export interface EstServices {
  readonly issuance: Issuance;
  readonly enrolments: EnrolmentStore;
  /** Root and issuing CA, DER: what the holder is to trust. */
  chain(): Promise<readonly Uint8Array[]>;
  /** How long a certificate stays valid beside the one that renews it. */
  overlap(): Ms;
  /** The ledger has a new certificate: resolves when the relay knows. */
  issued(): Promise<void>;
}

const BASE = '/.well-known/est';
/** Base64 of the largest request, with line ends and the words of PEM. */
const MAX_BODY = 2 * MAX_REQUEST;
/** Each token's refusals are written to the log up to this often: who has one cannot fill the disk with it. */
const TOLD = 5;
/** Tokens whose refusals are counted at a time. */
const COUNTED = 1_000;

/** The routes; over TLS alone (RFC 7030 §3.3). */
export function estRoutes(services: EstServices): readonly WebRoute[] {
  const told = new Map<string, number>();
  const route = (name: string, method: 'GET' | 'POST', handle: (request: WebRequest) => Promise<WebResponse>) =>
    ({
      path: `${BASE}/${name}`,
      over: 'https',
      methods: [method],
      maxBody: method === 'POST' ? MAX_BODY : 0,
      handle,
    }) as const;
  return [
    route('cacerts', 'GET', async () => certificatesAnswer(await services.chain())),
    // RFC 7030 §4.5.2: the CA has no wishes on what a request holds.
    route('csrattrs', 'GET', async () => ({ status: 204, headers: {}, body: new Uint8Array(0) })),
    route('simpleenroll', 'POST', (request) => answered(() => enrol(services, told, request))),
    route('simplereenroll', 'POST', (request) => answered(() => reenrol(services, request))),
  ];
}

/** A certificate for whoever shows a token: HTTP Basic (RFC 7030 §3.2.3), the holder as user and the token as password. */
async function enrol(services: EstServices, told: Map<string, number>, request: WebRequest): Promise<WebResponse> {
  const { issuance, enrolments } = services;
  const shown = credentials(request.headers['authorization']);
  if (shown === undefined) return wantsToken('the one-time token goes here as password, the holder as user');
  const enrolment = enrolments.byHash(hashOfToken(shown.token));
  // One answer for a token that never was and for that of another holder.
  if (enrolment === undefined || enrolment.holder !== shown.holder)
    return wantsToken('this holder has no such token; ask for a new one');
  const { id, holder } = enrolment;
  const by = `est:${holder}`;
  const now = issuance.clock.now();
  const fault = faultOf(enrolment, now);
  if (fault !== undefined) {
    if (mayTell(told, id)) refuse(issuance, holder, by, `${fault} (token ${id})`);
    return wantsToken(`${fault}; ask for a new one`);
  }
  const csr = readRequestBody(request);
  // A request that proves nothing costs no signature, and no token.
  proveRequest(csr);
  if (!enrolments.take(id, now)) return wantsToken('the token was used before; ask for a new one');
  const issued = await issueFor(services, enrolment, csr, by);
  await services.issued();
  return certificatesAnswer([issued.certificate]);
}

async function issueFor(
  { issuance, enrolments }: EstServices,
  { id, holder, profile, dnsNames, life }: Enrolment,
  csr: Uint8Array,
  by: string,
): Promise<Issued> {
  try {
    const issued = await issue(issuance, { profile, holder, csr, dnsNames, life }, by, `token ${id}`);
    enrolments.usedFor(id, issued.record.serial);
    return issued;
  } catch (error) {
    // Nothing was signed; after anything else there may be a certificate, and the token stays used.
    if (error instanceof RequestRefused || error instanceof AuthorityUnavailable) enrolments.giveBack(id);
    throw error;
  }
}

/** A new certificate for whoever shows one that counts (RFC 7030 §4.2.2). */
async function reenrol(services: EstServices, request: WebRequest): Promise<WebResponse> {
  const { issuance } = services;
  const current = shownRecord(services, request);
  if (typeof current === 'string') return plainAnswer(403, current);
  const csr = readRequestBody(request);
  const { subject } = proveRequest(csr);
  // Compared as it prints: programs choose string types of their own.
  if (subject.length > 2 && encodeName(subject) !== current.subject) {
    throw new RequestRefused(
      `the request is for ${encodeName(subject)}, the certificate for ${current.subject}: a renewal changes no name`,
      'RFC 7030 §4.2.2',
    );
  }
  const issued = await renew(issuance, current, { csr, overlap: services.overlap() }, `est:${current.holder}`);
  await services.issued();
  return certificatesAnswer([issued.certificate]);
}

/** The ledger's record of the certificate that the client showed; else why it does not count. */
function shownRecord({ issuance }: EstServices, { certificate }: WebRequest): LedgerRecord | string {
  if (certificate === undefined) return 'no client certificate was shown; show the one that is to be renewed';
  const parsed = certificate.verified ? parseCertificate(certificate.der) : undefined;
  const record = parsed === undefined ? undefined : issuance.ledger.get(parsed.serial);
  if (record === undefined || record.fingerprint !== fingerprintOf(certificate.der))
    return 'the client certificate is not one of this CA that counts now';
  if (record.state !== 'active') return `the client certificate is ${record.state}`;
  return record;
}

/** What went wrong, in the words that each may know. */
async function answered(act: () => Promise<WebResponse>): Promise<WebResponse> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof RequestRefused) return plainAnswer(400, error.message);
    const busy = error instanceof AuthorityUnavailable || error instanceof Fault;
    if (!busy) throw error;
    return plainAnswer(503, 'the authority cannot sign now; try again later', { 'retry-after': '60' });
  }
}

function wantsToken(text: string): WebResponse {
  return plainAnswer(401, text, { 'www-authenticate': 'Basic realm="enrolment", charset="UTF-8"' });
}

function credentials(header: string | undefined): { readonly holder: string; readonly token: string } | undefined {
  const [, encoded] = /^basic +([A-Za-z0-9+/]{1,2000}={0,2})$/i.exec(header ?? '') ?? [];
  const text = encoded === undefined ? undefined : fromUtf8(new Uint8Array(Buffer.from(encoded, 'base64')));
  const colon = text?.indexOf(':') ?? -1;
  if (text === undefined || colon < 0) return undefined;
  return { holder: text.slice(0, colon).trim().toLowerCase(), token: text.slice(colon + 1) };
}

/** DER of the request: base64 by RFC 8951 §3.1, whatever a transfer-encoding header says; PEM and plain DER too. */
function readRequestBody({ body }: WebRequest): Uint8Array {
  if (body[0] === 0x30) return body;
  const text = latin1(body);
  const [block] = decodePem(text);
  if (block !== undefined) {
    if (block.label.endsWith('CERTIFICATE REQUEST')) return block.der;
    throw new RequestRefused(`the body is a ${block.label}, not a CERTIFICATE REQUEST`, 'RFC 7030 §4.2.1');
  }
  const packed = text.replace(/\s+/g, '');
  if (packed === '' || !/^[A-Za-z0-9+/]*={0,2}$/.test(packed))
    throw new RequestRefused('the body is no certificate request in base64', 'RFC 8951 §3.1');
  return new Uint8Array(Buffer.from(packed, 'base64'));
}

function certificatesAnswer(certificates: readonly Uint8Array[]): WebResponse {
  return {
    status: 200,
    headers: { 'content-type': 'application/pkcs7-mime; smime-type=certs-only' },
    body: base64Lines(certsOnly(certificates)),
  };
}

/** In lines: `openssl base64 -d` reads none that are longer. */
function base64Lines(bytes: Uint8Array): Bytes {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return utf8(`${lines.join('\n')}\n`);
}

function mayTell(told: Map<string, number>, id: string): boolean {
  const count = (told.get(id) ?? 0) + 1;
  told.set(id, count);
  if (told.size > COUNTED) told.delete(told.keys().next().value ?? id);
  return count <= TOLD;
}
