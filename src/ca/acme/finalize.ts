/**
 * From a ready order to its certificate. The order is `processing` on disk before anything is signed, with the key that
 * is to be certified: a process that dies then finds the certificate in the ledger when it comes back, or issues it.
 */
import { hex, latin1 } from '../../base/bytes.ts';
import { asFault } from '../../base/fault.ts';
import { algorithmOf, type Jwk } from '../../protocol/acme/jwk.ts';
import { AcmeProblem, problem, refuse } from '../../protocol/acme/problem.ts';
import { parseCertificate } from '../../protocol/pki/certificate.ts';
import { oids } from '../../protocol/pki/oid.ts';
import { readName } from '../../protocol/pki/name.ts';
import type { LedgerRecord } from '../ledger.ts';
import { proveRequest, type ProvenRequest } from '../proof.ts';
import { RequestRefused } from '../refusal.ts';
import { bindingOf } from './caller.ts';
import { beginIssue, completeIssue, failIssue, orderNames, type Order } from './order.ts';
import type { AcmeServices, HostWish } from './services.ts';
import { subjectPublicKey } from './signature.ts';

/** The key of a CSR, SubjectPublicKeyInfo, that fits the order (RFC 8555 §7.4). Throws AcmeProblem. */
export function checkCsr(csr: Uint8Array, order: Order, accountKey: Jwk): Uint8Array {
  let proven: ProvenRequest;
  try {
    proven = proveRequest(csr);
  } catch (error) {
    if (error instanceof RequestRefused) refuse('badCSR', error.message);
    throw error;
  }
  const wanted = new Set(orderNames(order));
  const names = proven.request.requested.names;
  if (names.some(({ kind }) => kind !== 'dns'))
    refuse('badCSR', 'the CSR asks for names that are no DNS names; leave them out');
  const common = readName(proven.subject)
    .filter(({ type }) => type === oids.commonName)
    .map(({ value }) => latin1(value));
  const asked = new Set([...names.map(({ text }) => text), ...common].map((name) => name.toLowerCase()));
  const [missing, extra] = [[...wanted.difference(asked)], [...asked.difference(wanted)]];
  if (missing.length > 0) refuse('badCSR', `the CSR lacks ${missing.join(', ')}, which the order has`);
  if (extra.length > 0)
    refuse('badCSR', `the CSR asks for ${extra.join(', ').slice(0, 500)}, which the order does not have`);
  // RFC 8555 §11.1: who holds a certificate's key must not thereby speak for the account. Ed25519 and RSA compare as well.
  if (hex(subjectPublicKey(accountKey)) === hex(proven.publicKey))
    refuse('badCSR', `the CSR has the account's own key (${algorithmOf(accountKey)}); make another one`);
  return proven.publicKey;
}

export interface Finalizer {
  /** The order as it is afterwards. Rejects with AcmeProblem when it is not ready, or the CA refused. */
  finalize(order: Order, publicKey: Uint8Array): Promise<Order>;
  /** Goes on with an order that was processing when the program ended. */
  resume(order: Order): Promise<void>;
}

export function finalizer(services: AcmeServices): Finalizer {
  const { store, clock, events } = services;
  /** Orders being issued in this process. */
  const running = new Set<string>();

  /** Throws what kept it from being issued, the order being ready again. */
  async function carryOut(order: Order): Promise<Order> {
    running.add(order.id);
    try {
      const record = alreadyIssued(services, order) ?? (await issueFor(services, order));
      const completed = completeIssue(order, record.serial, record.notAfter);
      store.saveOrder(completed);
      return completed;
    } catch (error) {
      const refused = error instanceof RequestRefused;
      const what = refused
        ? problem('badCSR', `the CA does not sign this: ${error.message}`)
        : problem('serverInternal', 'the CA cannot sign now; try again later');
      if (!refused)
        events.tell({ kind: 'trouble', where: 'ACME', detail: `order ${order.id}: ${asFault(error).detail}` });
      store.saveOrder(failIssue(order, what));
      throw new AcmeProblem(what, refused ? {} : { 'retry-after': '60' });
    } finally {
      running.delete(order.id);
    }
  }

  return {
    async finalize(order, publicKey) {
      const key = hex(publicKey);
      // The answer to the first finalize may have been lost: the same again is not an error.
      if (order.status === 'valid' && order.publicKey === key) return order;
      if (order.status === 'processing' && order.publicKey === key)
        return running.has(order.id) ? order : await carryOut(order);
      const begun = beginIssue(order, key, clock.now());
      if (begun === order)
        refuse(
          'orderNotReady',
          `the order is ${order.status}, not ready${order.error === undefined ? '' : `: ${order.error.detail}`}`,
        );
      store.saveOrder(begun);
      return await carryOut(begun);
    },
    async resume(order) {
      if (order.status !== 'processing' || running.has(order.id)) return;
      try {
        await carryOut(order);
      } catch (error) {
        // Told by carryOut; the client finalizes again.
        if (!(error instanceof AcmeProblem)) throw error;
      }
    },
  };
}

/** A certificate for this very key and these names, issued after the order began: the program ended before it was written down. */
function alreadyIssued(services: AcmeServices, order: Order): LedgerRecord | undefined {
  const account = services.store.account(order.account);
  if (account === undefined || order.beganAt === undefined) return undefined;
  const { holder } = bindingOf(services, account);
  const names = new Set(orderNames(order));
  return services.authority.issuedSince(holder, order.beganAt).find(({ state, certificate }) => {
    const parsed = state === 'active' ? parseCertificate(certificate) : undefined;
    return (
      parsed !== undefined &&
      hex(parsed.publicKey) === order.publicKey &&
      names.symmetricDifference(new Set(parsed.dnsNames)).size === 0
    );
  });
}

async function issueFor(services: AcmeServices, order: Order): Promise<LedgerRecord> {
  const { store, authority, clock } = services;
  const account = store.account(order.account);
  // Withdrawn between the order and its end.
  if (account?.status !== 'valid') throw new RequestRefused('the account was closed', 'RFC 8555 §7.3.6');
  const key = bindingOf(services, account);
  const wish: HostWish = {
    profile: key.profile,
    holder: key.holder,
    publicKey: new Uint8Array(Buffer.from(order.publicKey ?? '', 'hex')),
    names: orderNames(order),
    life: key.life,
  };
  const by = `acme:${account.id}`;
  const current = predecessor(services, order);
  const alive = current !== undefined && current.state === 'active' && current.notAfter > clock.now();
  return alive ? await authority.renew(current, wish, by) : await authority.issue(wish, by, `ACME order ${order.id}`);
}

/** How many of the account's latest certificates are looked through for one with the same names. */
const LOOK_BACK = 50;

/**
 * The certificate that this one follows: the one the client named, or the account's latest with exactly these names.
 * Only of the same account: another machine of the holder, with an account of its own, keeps its certificate.
 */
function predecessor({ store, authority }: AcmeServices, order: Order): LedgerRecord | undefined {
  const names = new Set(orderNames(order));
  const same = (other: Order): boolean => names.symmetricDifference(new Set(orderNames(other))).size === 0;
  const before =
    order.replaces === undefined
      ? store.issuedOrders(order.account, LOOK_BACK).find(same)
      : store.orderOf(order.replaces.serial);
  // With other names it is a new certificate: a renewal keeps them.
  if (before?.serial === undefined || !same(before)) return undefined;
  return authority.certificate(before.serial);
}
