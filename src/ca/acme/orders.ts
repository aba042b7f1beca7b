/** Orders (RFC 8555 §7.4): which names an account may ask for, and the way to the certificate. */
import { utf8 } from '../../base/bytes.ts';
import type { Ms } from '../../base/clock.ts';
import { encodeBase64url } from '../../protocol/acme/base64url.ts';
import { AcmeProblem, problem, refuse, type SubProblem } from '../../protocol/acme/problem.ts';
import { parseRenewalId, namesCertificate } from '../../protocol/acme/renewal-id.ts';
import { readAuthorizationChange, readFinalize, readNewOrder } from '../../protocol/acme/resources.ts';
import { parseCertificate } from '../../protocol/pki/certificate.ts';
import { encodePem } from '../../protocol/pki/pem.ts';
import type { WebResponse } from '../web.ts';
import { authorizationAnswer, orderAnswer, problemAnswer } from './answer.ts';
import { actorOf, bindingOf, ownOrder, readsOnly, type AccountRequest } from './caller.ts';
import { checkCsr, type Finalizer } from './finalize.ts';
import { deactivateAuthorization, openOrder, orderAt, type Order } from './order.ts';
import type { AcmeServices } from './services.ts';
import type { AcmeKey } from './store.ts';

/** How long an order may take. */
const ORDER_LIFE: Ms = 7 * 86_400_000;
/** Orders of one account that wait at once: a client that forgets them all the time is ill. */
const OPEN_ORDERS = 50;

export function newOrder(services: AcmeServices, request: AccountRequest): WebResponse {
  const { store, random, clock, authority } = services;
  const key = bindingOf(services, request.account);
  const { names, replaces } = readNewOrder(request.payload);
  try {
    checkNames(names, key);
  } catch (error) {
    if (error instanceof AcmeProblem)
      authority.note('refused', actorOf(request), key.holder, `ACME order: ${error.problem.detail}`);
    throw error;
  }
  const replaced =
    replaces === undefined ? undefined : { name: replaces, serial: replacedSerial(services, request, replaces, names) };
  if (store.openOrders(request.account.id).filter(({ expires }) => expires > clock.now()).length >= OPEN_ORDERS)
    refuse('rateLimited', `${OPEN_ORDERS} orders of this account wait already; finish them, or let them end`);
  const order = openOrder({
    id: orderId(services),
    account: request.account.id,
    names,
    replaces: replaced,
    now: clock.now(),
    life: ORDER_LIFE,
    // RFC 8555 §8.1: at least 128 bits that nobody can guess.
    token: () => encodeBase64url(random.bytes(24)),
  });
  store.addOrder(order);
  return orderAnswer(201, order, request.at, clock.now());
}

/** Ids rise with time, so that the list of orders is in order of making; the rest nobody guesses. */
function orderId({ clock, random }: AcmeServices): string {
  return `${clock.now().toString(36).padStart(9, '0')}-${encodeBase64url(random.bytes(12))}`;
}

/** RFC 8555 §6.7.1: one subproblem for each name that is not the holder's. */
function checkNames(names: readonly string[], key: AcmeKey): void {
  const foreign: SubProblem[] = names
    .filter((name) => !key.names.includes(name))
    .map((name) => ({ type: 'rejectedIdentifier', detail: `${name} is not a name of this account`, name }));
  if (foreign.length === 0) return;
  const detail = `${foreign.map(({ name }) => name).join(', ')}: not among the names of ${key.holder} (${key.names.join(', ')}); an operator can make a key for more names by "sealpost acme key"`;
  throw new AcmeProblem(problem('rejectedIdentifier', detail, { status: 403, subproblems: foreign }));
}

/** The certificate that `replaces` names, checked as RFC 9773 §5 has it. */
function replacedSerial(
  services: AcmeServices,
  { account }: AccountRequest,
  text: string,
  names: readonly string[],
): string {
  const { store, authority, clock } = services;
  const id = parseRenewalId(text);
  const record = id && authority.certificate(id.serial);
  const certificate = record && parseCertificate(record.certificate);
  if (id === undefined || certificate === undefined || !namesCertificate(id, certificate))
    refuse('malformed', '"replaces" names no certificate of this CA');
  if (store.orderOf(id.serial)?.account !== account.id)
    refuse('unauthorized', '"replaces" names a certificate that this account did not order');
  if (!certificate.dnsNames.some((name) => names.includes(name)))
    refuse('malformed', '"replaces" names a certificate that has none of these names');
  if (store.replacing(id.serial).some((other) => orderAt(other, clock.now()).status !== 'invalid'))
    refuse('alreadyReplaced', 'another order replaces this certificate already');
  return id.serial;
}

export function order(services: AcmeServices, request: AccountRequest, id: string): WebResponse {
  readsOnly(request);
  return orderAnswer(200, ownOrder(services, request, id), request.at, services.clock.now());
}

export function authorization(services: AcmeServices, request: AccountRequest, id: string, place: string): WebResponse {
  const { store, clock } = services;
  const found = ownOrder(services, request, id);
  const index = placeIn(found, place);
  if (request.payload.length === 0) return authorizationAnswer(found, index, request.at, clock.now());
  readAuthorizationChange(request.payload);
  const changed = deactivateAuthorization(found, index);
  if (changed !== found) store.saveOrder(changed);
  return authorizationAnswer(changed, index, request.at, clock.now());
}

export function placeIn({ authorizations }: Order, place: string): number {
  const index = /^\d{1,3}$/.test(place) ? Number(place) : Number.NaN;
  if (authorizations[index] === undefined) refuse('malformed', 'there is no such authorization', { status: 404 });
  return index;
}

export async function finalize(
  services: AcmeServices,
  finalizer: Finalizer,
  request: AccountRequest,
  id: string,
): Promise<WebResponse> {
  const found = ownOrder(services, request, id);
  const publicKey = checkCsr(readFinalize(request.payload), found, request.key);
  const settled = await finalizer.finalize(found, publicKey);
  return orderAnswer(200, settled, request.at, services.clock.now());
}

/** The certificate and what follows it in the chain, PEM (RFC 8555 §7.4.2). */
export async function certificate(
  services: AcmeServices,
  request: AccountRequest,
  serial: string,
): Promise<WebResponse> {
  readsOnly(request);
  const { store, authority } = services;
  const source = store.orderOf(serial);
  const record = source && authority.certificate(serial);
  if (source === undefined || record === undefined)
    return problemAnswer(problem('malformed', 'there is no such certificate', { status: 404 }));
  if (source.account !== request.account.id) refuse('unauthorized', 'another account ordered this certificate');
  const chain = [record.certificate, ...(await authority.issuers())];
  return {
    status: 200,
    headers: { 'content-type': 'application/pem-certificate-chain' },
    body: utf8(chain.map((der) => encodePem('CERTIFICATE', der)).join('')),
  };
}
