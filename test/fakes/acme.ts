/** The ACME server with a whole CA behind it, in memory, and a client that can be told to do everything wrong. */
import { createHmac, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { utf8 } from '../../src/base/bytes.ts';
import type { RelayEvent } from '../../src/base/event.ts';
import { makeAcmeKey } from '../../src/ca/acme/binding.ts';
import type { ChallengeNet, Fetched, TextAnswer } from '../../src/ca/acme/challenge-net.ts';
import { acmeServer, type AcmeServer } from '../../src/ca/acme/server.ts';
import type { AcmeServices } from '../../src/ca/acme/services.ts';
import type { AcmeKey, AcmeStore, HostProfile } from '../../src/ca/acme/store.ts';
import type { SigningDoor } from '../../src/ca/authority.ts';
import { issue, type Issuance } from '../../src/ca/issuance.ts';
import type { Ledger } from '../../src/ca/ledger.ts';
import { renew } from '../../src/ca/renewal.ts';
import type { WebResponse } from '../../src/ca/web.ts';
import { publicKeyOf } from '../../src/ca/keys.ts';
import { encodeBase64url } from '../../src/protocol/acme/base64url.ts';
import { encodeNameOf, encodeSigned, subjectAltName } from '../../src/protocol/pki/certificate-write.ts';
import { integer, oid, sequence, setOf } from '../../src/protocol/pki/der.ts';
import { explicit } from '../../src/protocol/pki/der-write.ts';
import type { GeneralName } from '../../src/protocol/pki/general-name.ts';
import { oids } from '../../src/protocol/pki/oid.ts';
import { memoryAcmeStore } from '../../src/storage/memory/acme.ts';
import { memoryLedger } from '../../src/storage/memory/ledger.ts';
import { testAuthority } from './authority.ts';
import { fakeClock, type FakeClock } from './clock.ts';
import { seededRandom } from './random.ts';

export const ORIGIN = 'https://ca.example.net:8443';

export interface AcmeWorld {
  readonly clock: FakeClock;
  readonly store: AcmeStore;
  readonly ledger: Ledger;
  readonly events: RelayEvent[];
  /** What hosts serve, by URL path, and TXT records by name; what is in neither is not there. */
  readonly served: Map<string, Fetched>;
  readonly texts: Map<string, TextAnswer>;
  /** URLs and names that were looked for. */
  readonly looked: string[];
  server: AcmeServer;
  /** Replaces the server, as a restart does: what is stored stays, the rest is gone. */
  restart(): Promise<void>;
  /** Whether the door opens; a function is asked instead of the signer. */
  door: 'open' | 'closed' | 'dies after signing';
  key(holder: string, names?: readonly string[], profile?: HostProfile): AcmeKey;
}

export function acmeWorld(ordersPerHour = 60): AcmeWorld {
  const clock = fakeClock();
  const authority = testAuthority({ clock });
  const random = seededRandom(5);
  const store = memoryAcmeStore();
  const ledger = memoryLedger();
  const events: RelayEvent[] = [];
  const served = new Map<string, Fetched>();
  const texts = new Map<string, TextAnswer>();
  const looked: string[] = [];
  const net: ChallengeNet = {
    async fetch(name, path) {
      looked.push(`http://${name}${path}`);
      return served.get(path) ?? { kind: 'answer', status: 404, text: 'secret of this host', from: '192.0.2.1' };
    },
    async texts(name) {
      looked.push(name);
      return texts.get(name) ?? { kind: 'none' };
    },
  };
  const issuance: Issuance = {
    clock,
    random,
    events: { tell: (event) => events.push(event) },
    ledger,
    async door(): Promise<SigningDoor> {
      if (world.door === 'closed') throw new Error('the key is locked');
      return { ...authority.door, close() {} };
    },
  };
  const died = (): void => {
    if (world.door === 'dies after signing') throw new Error('killed');
  };
  const services: AcmeServices = {
    clock,
    random,
    events: issuance.events,
    store,
    net,
    settings: { hosts: () => ['ca.example.net', 'localhost'], ordersPerHour },
    authority: {
      certificate: (serial) => ledger.get(serial),
      issuedSince: (holder, at) => ledger.find({ holder, state: 'active' }).filter(({ issuedAt }) => issuedAt >= at),
      async issue({ names, ...wish }, by, why) {
        const asked = { ...wish, csr: undefined, dnsNames: names, uris: [], subject: undefined };
        const { record } = await issue(issuance, asked, by, why);
        died();
        return record;
      },
      async renew(current, { publicKey, life }, by) {
        const { record } = await renew(issuance, current, { publicKey, life, overlap: 86_400_000 }, by);
        died();
        return record;
      },
      async revoke({ serial, holder }, reason, by) {
        ledger.revoke([serial], reason, clock.now(), { action: 'revoked', by, holder, detail: reason });
      },
      issuers: async () => [authority.made.issuing],
      note: (action, by, holder, detail) => void ledger.appendAudit({ action, by, holder, detail }, clock.now()),
    },
  };
  const world: AcmeWorld = {
    clock,
    store,
    ledger,
    events,
    served,
    texts,
    looked,
    server: acmeServer(services),
    async restart() {
      await world.server.close();
      world.server = acmeServer(services);
      await world.server.resume();
    },
    door: 'open',
    key(holder, names = [], profile = 'device') {
      const key = makeAcmeKey({ holder, names, profile, life: undefined, within: undefined }, clock, random);
      store.addKey(key);
      return key;
    },
  };
  return world;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Of JSON; {} of others. */
  readonly json: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** The error type without its prefix; '' of no problem. */
  readonly problem: string;
}

/** What a signed request has in its header besides what is right; `undefined` leaves a member out. */
export interface Wrong {
  readonly header?: Readonly<Record<string, unknown>>;
  readonly key?: KeyObject;
  readonly nonce?: string;
  /** What is sent instead of the signed request. */
  readonly body?: (right: string) => string;
  readonly contentType?: string;
  readonly host?: string;
  readonly address?: string;
}

const b64 = (value: unknown): string => encodeBase64url(utf8(JSON.stringify(value)));

export type KeyKind = 'ES256' | 'ES384' | 'EdDSA' | 'RS256';

/** An account key of a kind. */
export function accountKey(kind: KeyKind = 'ES256'): KeyObject {
  if (kind === 'EdDSA') return generateKeyPairSync('ed25519').privateKey;
  if (kind === 'RS256') return generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey;
  return generateKeyPairSync('ec', { namedCurve: kind === 'ES256' ? 'P-256' : 'P-384' }).privateKey;
}

export class AcmeClient {
  readonly #world: AcmeWorld;
  key: KeyObject;
  /** URL of the account, once there is one. */
  account: string | undefined;

  constructor(world: AcmeWorld, key: KeyObject = accountKey()) {
    this.#world = world;
    this.key = key;
  }

  /** A request that needs no signature. */
  async plain(method: string, path: string, host = 'ca.example.net:8443'): Promise<Reply> {
    const request = {
      method,
      path,
      query: '',
      headers: { host },
      body: new Uint8Array(0),
      secure: true,
      address: '192.0.2.7',
      certificate: undefined,
    };
    return read(await this.#world.server.route.handle(request));
  }

  async nonce(): Promise<string> {
    return (await this.plain('HEAD', '/acme/new-nonce')).headers['replay-nonce'] ?? '';
  }

  /** POST of a payload; `undefined` is POST-as-GET. `url` is whole or a path. */
  async post(url: string, payload: unknown, wrong: Wrong = {}): Promise<Reply> {
    const full = url.startsWith('https:') ? url : `${ORIGIN}${url}`;
    const body = this.sign(full, payload, wrong.nonce ?? (await this.nonce()), wrong);
    const { pathname, search } = new URL(full);
    const headers = {
      host: wrong.host ?? 'ca.example.net:8443',
      'content-type': wrong.contentType ?? 'application/jose+json',
    };
    const octets = utf8(wrong.body?.(body) ?? body);
    const request = {
      method: 'POST',
      path: pathname,
      query: search.slice(1),
      headers,
      body: octets,
      secure: true,
      address: wrong.address ?? '192.0.2.7',
      certificate: undefined,
    };
    return read(await this.#world.server.route.handle(request));
  }

  /** The flattened JWS; without a nonce for an inner one. */
  sign(url: string, payload: unknown, nonce: string | undefined, wrong: Wrong = {}): string {
    const key = wrong.key ?? this.key;
    const signer = this.account === undefined ? { jwk: jwkOf(key) } : { kid: this.account };
    const header = b64({ alg: algorithmOf(key), nonce, url, ...signer, ...wrong.header });
    const body = payload === undefined ? '' : b64(payload);
    const signature = signed(key, `${header}.${body}`);
    return JSON.stringify({ protected: header, payload: body, signature: encodeBase64url(signature) });
  }

  binding(
    { id, secret }: Pick<AcmeKey, 'id' | 'secret'>,
    over: Readonly<Record<string, unknown>> = {},
    key: KeyObject = this.key,
  ): object {
    const header = b64({ alg: 'HS256', kid: id, url: `${ORIGIN}/acme/new-account`, ...over });
    const payload = b64(jwkOf(key));
    const mac = createHmac('sha256', secret).update(`${header}.${payload}`).digest();
    return { protected: header, payload, signature: encodeBase64url(mac) };
  }

  async register(key: AcmeKey): Promise<Reply> {
    const reply = await this.post('/acme/new-account', { externalAccountBinding: this.binding(key) });
    this.account = reply.headers['location'];
    return reply;
  }

  order(...names: readonly string[]): Promise<Reply> {
    return this.post('/acme/new-order', { identifiers: names.map((value) => ({ type: 'dns', value })) });
  }

  /** Puts the proof of each name in place and says so; time passes until all were looked at. */
  async prove(order: Reply, type = 'http-01'): Promise<void> {
    const { thumbprint } = this.#world.store.account(this.account?.split('/').at(-1) ?? '') ?? { thumbprint: '' };
    for (const url of listIn(order, 'authorizations')) {
      const { json } = await this.post(url, undefined);
      const challenge = (json['challenges'] as { type: string; url: string; token: string }[]).find(
        (one) => one.type === type,
      );
      if (challenge === undefined) throw new Error(`no ${type}`);
      this.#world.served.set(`/.well-known/acme-challenge/${challenge.token}`, {
        kind: 'answer',
        status: 200,
        text: `${challenge.token}.${thumbprint} `,
        from: '192.0.2.1',
      });
      await this.post(challenge.url, {});
    }
    await this.#world.clock.settle();
  }
}

/** A text member of an answer. */
export function textIn({ json, text }: Reply, member: string): string {
  const value = json[member];
  if (typeof value !== 'string') throw new Error(`no "${member}" in ${text}`);
  return value;
}

/** A list of texts in an answer. */
export function listIn({ json }: Reply, member: string): readonly string[] {
  return (json[member] ?? []) as readonly string[];
}

/** A CSR, DER: base64url as finalize wants it. */
export function csrOf(
  key: KeyObject,
  names: readonly string[],
  over: { readonly commonName?: string; readonly more?: readonly GeneralName[]; readonly signer?: KeyObject } = {},
): string {
  const alternative = subjectAltName(
    [...names.map((text) => ({ kind: 'dns' as const, text })), ...(over.more ?? [])],
    false,
  );
  const attribute = sequence(oid(oids.extensionRequest), setOf(sequence(alternative)));
  const subject = encodeNameOf(over.commonName === undefined ? [] : [[oids.commonName, over.commonName]]);
  const info = sequence(integer(0), subject, publicKeyOf(key), explicit(0, attribute));
  const signature = sign('sha256', info, over.signer ?? key);
  return encodeBase64url(encodeSigned(info, sequence(oid(oids.ecdsaWithSha256)), signature));
}

export function jwkOf(key: KeyObject): object {
  return createPublicKey(key).export({ format: 'jwk' });
}

function algorithmOf(key: KeyObject): KeyKind {
  if (key.asymmetricKeyType === 'rsa') return 'RS256';
  if (key.asymmetricKeyType === 'ed25519') return 'EdDSA';
  return key.asymmetricKeyDetails?.namedCurve === 'secp384r1' ? 'ES384' : 'ES256';
}

function signed(key: KeyObject, text: string): Uint8Array {
  const hash = { ES256: 'sha256', ES384: 'sha384', RS256: 'sha256', EdDSA: null }[algorithmOf(key)];
  return sign(hash, Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' });
}

function read({ status, headers, body }: WebResponse): Reply {
  const text = Buffer.from(body).toString('utf8');
  const json = (headers['content-type'] ?? '').includes('json') ? (JSON.parse(text) as Record<string, unknown>) : {};
  const type = headers['content-type'] === 'application/problem+json' ? String(json['type']) : '';
  return { status, headers, json, text, problem: type.replace('urn:ietf:params:acme:error:', '') };
}
