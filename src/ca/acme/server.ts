/**
 * ACME (RFC 8555): the way in. Checks what all requests have in common, in the order in which it costs least: rate,
 * form, URL, account, signature, nonce; then one function of the table answers. It must never let one account see or do what is another's.
 */
import { readJws, type Jws } from '../../protocol/acme/jws.ts';
import { AcmeProblem, refuse } from '../../protocol/acme/problem.ts';
import type { Jwk } from '../../protocol/acme/jwk.ts';
import type { WebRequest, WebResponse, WebRoute } from '../web.ts';
import { account, accountOrders, keyChange, newAccount } from './accounts.ts';
import {
  ACME_PATH,
  challengeAnswer,
  directoryAnswer,
  emptyAnswer,
  places,
  problemAnswer,
  type Places,
} from './answer.ts';
import { ownOrder, type AccountRequest, type KeyRequest } from './caller.ts';
import { finalizer } from './finalize.ts';
import { limiter } from './limits.ts';
import { nonces } from './nonce.ts';
import { beginChallenge, challengeAt, type ChallengeType } from './order.ts';
import { authorization, certificate, finalize, newOrder, order, placeIn } from './orders.ts';
import { renewalInfo, revokeCertificate } from './revocation.ts';
import type { AcmeServices } from './services.ts';
import { checkSignature, storedKey } from './signature.ts';
import type { Account } from './store.ts';
import { validator } from './validator.ts';

/** A request with a large CSR and an RSA signature has 20 KB. */
const MAX_BODY = 65_536;
const HOUR = 3_600_000;

export interface AcmeServer {
  readonly route: WebRoute;
  /** Goes on with what was under way when the program ended. */
  resume(): Promise<void>;
  /** Resolves when no challenge is being looked at. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

export function acmeServer(services: AcmeServices): AcmeServer {
  const { store, clock, random, settings } = services;
  const issued = nonces(clock, random);
  const validations = validator(services);
  const finishing = finalizer(services);
  const takeGlobal = limiter(clock, { burst: 500, each: 10 });
  const takeAddress = limiter(clock, { burst: 200, each: 20 });
  const takeAccount = limiter(clock, { burst: 200, each: 100 });
  const takeStranger = limiter(clock, { burst: 20, each: 1_000 });
  const takeOrder = limiter(clock, { burst: settings.ordersPerHour, each: HOUR / settings.ordersPerHour });

  async function handle(request: WebRequest): Promise<WebResponse> {
    const origin = originOf(request);
    const at = places(origin ?? 'https://invalid');
    const answer = await answered(request, origin, at);
    const links = [`<${at.directory}>;rel="index"`, answer.headers['link']].filter((link) => link !== undefined);
    // RFC 8555 §6.5: each answer to a POST brings the nonce for the next one, refusals too.
    const nonce = request.method === 'POST' ? { 'replay-nonce': issued.make() } : {};
    return { ...answer, headers: { ...answer.headers, ...nonce, link: links.join(', '), 'cache-control': 'no-store' } };
  }

  async function answered(request: WebRequest, origin: string | undefined, at: Places): Promise<WebResponse> {
    try {
      takeGlobal('', 'requests');
      takeAddress(request.address, 'requests from your address');
      if (origin === undefined)
        refuse('malformed', `this is ${settings.hosts().join(', ')}: use one of these names in the URL`, {
          status: 421,
        });
      const path = request.path.slice(ACME_PATH.length);
      return request.method === 'POST' ? await post(request, path, origin, at) : get(path, request, at);
    } catch (error) {
      if (error instanceof AcmeProblem) return problemAnswer(error.problem, error.headers);
      throw error;
    }
  }

  /** `https://HOST:PORT` as the client has it, when the host is ours: URLs in answers begin with it, and those in requests must. */
  function originOf({ headers }: WebRequest): string | undefined {
    const [, name, port = ''] = /^([a-z0-9.-]+)(:\d{1,5})?$/.exec((headers['host'] ?? '').toLowerCase()) ?? [];
    if (name === undefined || !settings.hosts().includes(name)) return undefined;
    return `https://${name}${port === ':443' ? '' : port}`;
  }

  /** What needs no signature. */
  function get(path: string, request: WebRequest, at: Places): WebResponse {
    if (path === 'directory') return directoryAnswer(at);
    if (path === 'new-nonce')
      return emptyAnswer(request.method === 'HEAD' ? 200 : 204, { 'replay-nonce': issued.make() });
    const [, name] = /^renewal-info\/([^/]+)$/.exec(path) ?? [];
    if (name !== undefined) return renewalInfo(services, name);
    return refuse('malformed', 'this resource is read with a signed POST (RFC 8555 §6.3), or there is none', {
      status: 405,
    });
  }

  async function post(request: WebRequest, path: string, origin: string, at: Places): Promise<WebResponse> {
    // RFC 8555 §6.2: other types are refused with 415.
    if (!/^application\/jose\+json(?:\s*;|$)/i.test(request.headers['content-type'] ?? ''))
      refuse('malformed', 'requests are of type application/jose+json', { status: 415 });
    const jws = readJws(request.body);
    const url = `${origin}${request.path}${request.query === '' ? '' : `?${request.query}`}`;
    // RFC 8555 §6.4: what was signed for another URL is nothing here.
    if (jws.url !== url)
      refuse('unauthorized', `the request was signed for ${jws.url.slice(0, 300)}, and came to ${url.slice(0, 300)}`);
    const common = { url: jws.url, query: request.query, payload: jws.payload, at };
    if (jws.signer.kind === 'jwk') {
      takeStranger(request.address, 'requests without an account');
      verified(jws, jws.signer.key);
      return await fromKey({ kind: 'key', key: jws.signer.key, ...common }, path);
    }
    const found = accountAt(jws.signer.url, at);
    const key = storedKey(found.key);
    verified(jws, key);
    // Only now: who cannot sign for an account learns nothing of it.
    if (found.status !== 'valid') refuse('unauthorized', `the account is ${found.status}`);
    takeAccount(found.id, 'requests of this account');
    return await fromAccount({ kind: 'account', account: found, key, ...common }, path);
  }

  function accountAt(url: string, at: Places): Account {
    const id = /\/([A-Za-z0-9_-]+)$/.exec(url)?.[1];
    const found = id !== undefined && url === at.account(id) ? store.account(id) : undefined;
    return found ?? refuse('accountDoesNotExist', '"kid" is no account of this server');
  }

  /** Signature, then nonce: only what is signed can spend one. */
  function verified(jws: Jws, key: Jwk): void {
    checkSignature(jws, key);
    if (jws.nonce === undefined || !issued.spend(jws.nonce))
      refuse('badNonce', 'the nonce is used up, too old, or not of this server; try again with the one in this answer');
  }

  async function fromKey(request: KeyRequest, path: string): Promise<WebResponse> {
    if (path === 'new-account') return newAccount(services, request);
    if (path === 'revoke-cert') return await revokeCertificate(services, request);
    return refuse('malformed', 'this request must be signed by an account: "kid", not "jwk"');
  }

  async function fromAccount(request: AccountRequest, path: string): Promise<WebResponse> {
    const [first = '', id = '', second = '', third, ...more] = path.split('/');
    const depth = path.split('/').length;
    if (more.length > 0) refuse('malformed', 'there is no such resource', { status: 404 });
    switch (`${first}/${depth}`) {
      case 'new-order/1':
        takeOrder(request.account.id, 'orders of this account');
        return newOrder(services, request);
      case 'revoke-cert/1':
        return await revokeCertificate(services, request);
      case 'key-change/1':
        return keyChange(services, request);
      case 'new-account/1':
        return refuse('malformed', 'a new account is signed by its key: "jwk", not "kid"');
      case 'account/2':
        return account(services, request, id);
      case 'account/3':
        if (second === 'orders') return accountOrders(services, request, id);
        break;
      case 'order/2':
        return order(services, request, id);
      case 'order/3':
        if (second === 'finalize') return await finalize(services, finishing, request, id);
        break;
      case 'authorization/3':
        return authorization(services, request, id, second);
      case 'challenge/4':
        return challenge(request, id, second, third ?? '');
      case 'certificate/2':
        return await certificate(services, request, id);
    }
    return refuse('malformed', 'there is no such resource', { status: 404 });
  }

  /** An empty payload reads; an empty object says that the proof is in place (RFC 8555 §7.5.1). */
  function challenge(request: AccountRequest, id: string, place: string, type: string): WebResponse {
    const found = ownOrder(services, request, id);
    const where = { index: placeIn(found, place), type: type as ChallengeType };
    const current = challengeAt(found, where) ?? refuse('malformed', 'there is no such challenge', { status: 404 });
    if (request.payload.length === 0 || current.status !== 'pending')
      return challengeAnswer(found, where.index, current, request.at);
    validations.checkRoom();
    const begun = beginChallenge(found, where);
    if (begun !== found) {
      store.saveOrder(begun);
      validations.start(id, where);
    }
    return challengeAnswer(begun, where.index, challengeAt(begun, where) ?? current, request.at);
  }

  return {
    route: { path: ACME_PATH, over: 'https', methods: ['GET', 'POST'], maxBody: MAX_BODY, handle },
    async resume() {
      for (const unfinished of store.unfinished()) {
        await finishing.resume(unfinished);
        unfinished.authorizations.forEach(({ challenges }, index) => {
          for (const { type, status } of challenges)
            if (status === 'processing') validations.start(unfinished.id, { index, type });
        });
      }
    },
    settled: () => validations.settled(),
    close: () => validations.close(),
  };
}
