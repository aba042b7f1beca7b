/** The whole server against clients that do everything right, and clients that do everything wrong. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import {
  AcmeClient,
  ORIGIN,
  accountKey,
  acmeWorld,
  csrOf,
  jwkOf,
  listIn,
  textIn,
  type AcmeWorld,
  type KeyKind,
  type Reply,
  type Wrong,
} from '../../../test/fakes/acme.ts';
import { decodePem } from '../../protocol/pki/pem.ts';
import { parseCertificate } from '../../protocol/pki/certificate.ts';
import { readRequest } from '../../protocol/pki/request.ts';
import { renewalId } from '../../protocol/acme/renewal-id.ts';
import { suggestedWindow } from './revocation.ts';

const NAME = 'host.example.net';
const DAY = 86_400_000;

function refused(reply: Reply, problem: string, status: number, words?: RegExp): void {
  assert.equal(`${reply.problem} ${reply.status}`, `${problem} ${status}`, reply.text);
  if (words !== undefined) assert.match(textIn(reply, 'detail'), words);
}

/** A client with an account for these names. */
async function registered(world: AcmeWorld, ...names: readonly string[]): Promise<AcmeClient> {
  const client = new AcmeClient(world);
  const reply = await client.register(world.key(names[0] ?? NAME, names.length === 0 ? [NAME] : names));
  assert.equal(reply.status, 201, reply.text);
  return client;
}

interface Got {
  readonly order: Reply;
  readonly key: ReturnType<typeof accountKey>;
  readonly pem: string;
  readonly der: Uint8Array<ArrayBuffer>;
}

/** The whole way to a certificate. */
async function certified(client: AcmeClient, ...names: readonly string[]): Promise<Got> {
  const wanted = names.length === 0 ? [NAME] : names;
  const opened = await client.order(...wanted);
  assert.equal(opened.status, 201, opened.text);
  await client.prove(opened);
  const key = accountKey();
  const order = await client.post(textIn(opened, 'finalize'), { csr: csrOf(key, wanted) });
  assert.equal(order.json['status'], 'valid', order.text);
  const answer = await client.post(textIn(order, 'certificate'), undefined);
  assert.equal(answer.headers['content-type'], 'application/pem-certificate-chain');
  const der = decodePem(answer.text)[0]?.der;
  assert.ok(der !== undefined);
  return { order, key, pem: answer.text, der };
}

describe('ACME: a client that does it right', () => {
  for (const kind of ['ES256', 'ES384', 'EdDSA', 'RS256'] satisfies KeyKind[])
    test(`from the directory to the certificate, ${kind}`, async () => {
      const world = acmeWorld();
      const client = new AcmeClient(world, accountKey(kind));
      const directory = await client.plain('GET', '/acme/directory');
      assert.deepEqual(directory.json['meta'], { externalAccountRequired: true });
      for (const member of ['newNonce', 'newAccount', 'newOrder', 'revokeCert', 'keyChange', 'renewalInfo'])
        assert.match(textIn(directory, member), /^https:\/\/ca\.example\.net:8443\/acme\//);

      const account = await client.register(world.key('host-1', [NAME, 'alias.example.net'], 'service'));
      assert.equal(account.status, 201);
      assert.equal(account.json['status'], 'valid');
      assert.match(account.headers['link'] ?? '', /<https:\/\/ca\.example\.net:8443\/acme\/directory>;rel="index"/);
      const { order, pem, der } = await certified(client, NAME, 'alias.example.net');
      assert.match(order.headers['location'] ?? '', /\/acme\/order\//);
      assert.equal(decodePem(pem).length, 2, 'certificate and issuing CA');
      const certificate = new X509Certificate(der);
      assert.equal(certificate.subject, 'CN=host-1');
      assert.equal(certificate.subjectAltName, `DNS:${NAME}, DNS:alias.example.net`);
      const record = world.ledger.get(certificate.serialNumber.toLowerCase());
      assert.equal(record?.holder, 'host-1');
      assert.equal(record?.profile, 'service');
      const log = world.ledger.audit(0, 100);
      assert.ok(log.some(({ action, by }) => action === 'issued' && by === `acme:${idOfAccount(client)}`));
      const proved = await client.post(listIn(order, 'authorizations')[0] ?? '', undefined);
      assert.equal(proved.json['status'], 'valid');
      assert.deepEqual(
        (proved.json['challenges'] as { status: string }[]).map(({ status }) => status),
        ['valid'],
      );
    });

  test('an account is found again by its key, changed, listed, given up', async () => {
    const world = acmeWorld();
    const client = await registered(world);
    const url = client.account ?? '';
    const found = await new AcmeClient(world, client.key).post('/acme/new-account', { onlyReturnExisting: true });
    assert.equal(found.status, 200);
    assert.equal(found.headers['location'], url);
    refused(
      await new AcmeClient(world).post('/acme/new-account', { onlyReturnExisting: true }),
      'accountDoesNotExist',
      400,
    );
    const changed = await client.post(url, { contact: ['mailto:root@example.net'] });
    assert.deepEqual(changed.json['contact'], ['mailto:root@example.net']);
    assert.deepEqual((await client.post(url, undefined)).json['contact'], ['mailto:root@example.net']);

    const waiting = await client.order(NAME);
    const closed = await client.post(url, { status: 'deactivated' });
    assert.equal(closed.json['status'], 'deactivated');
    refused(await client.order(NAME), 'unauthorized', 403, /deactivated/);
    refused(await client.post(url, undefined), 'unauthorized', 403);
    assert.equal(world.store.order(idOf(waiting))?.status, 'invalid');
    refused(await new AcmeClient(world, client.key).post('/acme/new-account', {}), 'unauthorized', 403);
  });

  test('orders are listed in pages', async () => {
    const world = acmeWorld(1_000);
    const client = await registered(world);
    for (let count = 0; count < 105; count++) {
      const order = await client.order(NAME);
      assert.equal(order.status, 201, order.text);
      const stored = world.store.order(idOf(order));
      assert.ok(stored !== undefined);
      world.store.saveOrder({ ...stored, status: 'invalid' });
      await world.clock.advance(1_000);
    }
    const first = await client.post(`${client.account}/orders`, undefined);
    assert.equal(listIn(first, 'orders').length, 100);
    const next = /<([^>]+)>;rel="next"/.exec(first.headers['link'] ?? '')?.[1];
    assert.ok(next !== undefined);
    const second = await client.post(next, undefined);
    assert.equal(listIn(second, 'orders').length, 5);
    assert.doesNotMatch(second.headers['link'] ?? '', /rel="next"/);
    assert.equal(new Set([...listIn(first, 'orders'), ...listIn(second, 'orders')]).size, 105);
  });

  test('another key takes over: the old one is nothing from then on', async () => {
    const world = acmeWorld();
    const client = await registered(world);
    const old = client.key;
    const next = accountKey('ES384');
    const url = `${ORIGIN}/acme/key-change`;
    const payload = { account: client.account, oldKey: jwkOf(old) };
    const inner = (key: typeof next, over: object = {}, target = url): unknown =>
      JSON.parse(new AcmeClient(world, key).sign(target, { ...payload, ...over }, undefined));
    refused(await client.post(url, inner(next, {}, `${ORIGIN}/acme/new-order`)), 'malformed', 400, /another URL/);
    refused(await client.post(url, inner(next, { oldKey: jwkOf(next) })), 'malformed', 400, /oldKey/);
    refused(
      await client.post(url, inner(next, { account: `${ORIGIN}/acme/account/other` })),
      'malformed',
      400,
      /account/,
    );
    const other = await registered(world);
    refused(await client.post(url, inner(other.key)), 'malformed', 409, /another account/);
    assert.equal((await client.post(url, inner(next))).status, 200);
    refused(await client.order(NAME), 'badSignatureAlgorithm', 400);
    client.key = next;
    assert.equal((await client.order(NAME)).status, 201);
  });

  test('a renewal: in the place of the old one, with an overlap; another account of the holder keeps its own', async () => {
    const world = acmeWorld();
    const [client, second] = [await registered(world), await registered(world)];
    const first = await certified(client);
    const elsewhere = await certified(second);
    await world.clock.advance(DAY);
    const renewed = await certified(client);
    const [old, others] = [first, elsewhere].map(({ der }) => world.ledger.get(parseCertificate(der)?.serial ?? ''));
    assert.equal(old?.replacedBy, parseCertificate(renewed.der)?.serial);
    assert.equal(old?.overlapEnds, world.clock.now() + DAY);
    assert.equal(others?.replacedBy, undefined);
  });

  test('renewal information, and an order that says what it replaces', async () => {
    const world = acmeWorld();
    const client = await registered(world);
    const { der } = await certified(client);
    const parsed = parseCertificate(der);
    assert.ok(parsed !== undefined);
    const id = renewalId(parsed) ?? '';
    const info = await client.plain('GET', `/acme/renewal-info/${id}`);
    assert.equal(info.headers['retry-after'], '21600');
    const window = info.json['suggestedWindow'] as { start: string; end: string };
    assert.ok(Date.parse(window.start) > world.clock.now() && Date.parse(window.end) < parsed.notAfter);
    refused(await client.plain('GET', '/acme/renewal-info/AAAA.AAAA'), 'malformed', 404);
    refused(await client.plain('GET', '/acme/renewal-info/x'), 'malformed', 400);

    const replacing = (by: AcmeClient, replaces: string): Promise<Reply> =>
      by.post('/acme/new-order', { identifiers: [{ type: 'dns', value: NAME }], replaces });
    refused(await replacing(client, 'AAAA.AAAA'), 'malformed', 400);
    refused(await replacing(await registered(world), id), 'unauthorized', 403);
    const order = await replacing(client, id);
    assert.equal(order.json['replaces'], id);
    refused(await replacing(client, id), 'alreadyReplaced', 409);
    await world.clock.advance(8 * DAY);
    assert.equal((await replacing(client, id)).status, 201, 'the first one was never finished');

    assert.equal((await client.post('/acme/revoke-cert', { certificate: base64url(der) })).status, 200);
    const after = (await client.plain('GET', `/acme/renewal-info/${id}`)).json['suggestedWindow'] as {
      start: string;
      end: string;
    };
    assert.ok(Date.parse(after.end) < world.clock.now(), 'in the past: now');
  });

  test('the window is in the last third, and its half', () => {
    const window = suggestedWindow({ notBefore: 0, notAfter: 90 * DAY, state: 'active' }, DAY);
    assert.deepEqual(window, { start: 60 * DAY, end: 75 * DAY });
  });

  test('dns-01, a wildcard of a server', async () => {
    const world = acmeWorld();
    const client = new AcmeClient(world);
    await client.register(world.key('web', ['*.example.net'], 'server'));
    const order = await client.order('*.example.net');
    const authorization = await client.post(listIn(order, 'authorizations')[0] ?? '', undefined);
    assert.deepEqual(authorization.json['identifier'], { type: 'dns', value: 'example.net' });
    assert.equal(authorization.json['wildcard'], true);
    const [challenge, ...others] = authorization.json['challenges'] as { type: string; url: string; token: string }[];
    assert.equal(challenge?.type, 'dns-01');
    assert.equal(others.length, 0);
    await client.post(challenge.url, {});
    await world.clock.settle();
    const looked = await client.post(challenge.url, undefined);
    const wanted = /it must be "([^"]+)"/.exec(JSON.stringify(looked.json).replaceAll('\\"', '"'))?.[1];
    assert.ok(wanted !== undefined, looked.text);
    assert.equal(looked.headers['retry-after'], '2');
    assert.match(looked.headers['link'] ?? '', /rel="up"/);
    world.texts.set('_acme-challenge.example.net', { kind: 'found', texts: ['other', wanted] });
    await world.clock.advance(1_000);
    assert.equal((await client.post(order.headers['location'] ?? '', undefined)).json['status'], 'ready');
  });
});

describe('ACME: what must not happen', () => {
  test('requests that are wrong in form', async () => {
    const world = acmeWorld();
    const client = await registered(world);
    const order = { identifiers: [{ type: 'dns', value: NAME }] };
    const tried = (wrong: Wrong, payload: unknown = order): Promise<Reply> =>
      client.post('/acme/new-order', payload, wrong);
    refused(await tried({ contentType: 'application/json' }), 'malformed', 415);
    refused(await tried({ header: { url: `${ORIGIN}/acme/new-account` } }), 'unauthorized', 403, /signed for/);
    refused(await tried({ header: { url: `${ORIGIN}/acme/new-order?x` } }), 'unauthorized', 403);
    refused(await tried({ header: { url: 'https://evil.example/acme/new-order' } }), 'unauthorized', 403);
    refused(await tried({ host: 'evil.example' }), 'malformed', 421);
    refused(await tried({ host: '' }), 'malformed', 421);
    refused(await tried({ header: { alg: 'none' } }), 'badSignatureAlgorithm', 400);
    refused(await tried({ header: { alg: 'HS256' } }), 'badSignatureAlgorithm', 400);
    refused(await tried({ header: { alg: 'ES384' } }), 'badSignatureAlgorithm', 400);
    refused(await tried({ header: { nonce: undefined } }), 'badNonce', 400);
    refused(await tried({ nonce: 'bm9uY2U' }), 'badNonce', 400);
    refused(await tried({ key: accountKey() }), 'malformed', 400, /signature/);
    refused(await tried({ header: { kid: `${ORIGIN}/acme/account/none` } }), 'accountDoesNotExist', 400);
    refused(await tried({ header: { kid: 'x' } }), 'accountDoesNotExist', 400);
    refused(await tried({ header: { kid: undefined, jwk: jwkOf(client.key) } }), 'malformed', 400, /"kid", not "jwk"/);
    refused(await client.post('/acme/new-account', {}), 'malformed', 400, /"jwk", not "kid"/);
    refused(await tried({ body: () => '' }), 'malformed', 400);
    refused(await tried({ body: (right) => right.slice(0, -20) }), 'malformed', 400);
    refused(await client.plain('GET', '/acme/new-order'), 'malformed', 405);
    refused(await client.plain('GET', `/acme/account/${client.account?.split('/').at(-1)}`), 'malformed', 405);
    for (const path of [
      '',
      'x',
      'order',
      'order/',
      'order/x/y',
      'order/x/finalize/y',
      'challenge/a/b/c/d',
      'certificate/../order',
      '__proto__',
    ])
      assert.equal((await client.post(`/acme/${path}`, undefined)).status === 404 || path.includes('..'), true, path);
    assert.equal((await client.order(NAME)).status, 201, 'and after all that, a right one');
  });

  test('a signature is of these octets and no others: one bit anywhere and it is refused', async () => {
    const world = acmeWorld();
    const client = await registered(world);
    const order = { identifiers: [{ type: 'dns', value: NAME }] };
    for (let bit = 0; bit < 64; bit++) {
      const body = (right: string): string => {
        const { protected: head, payload, signature } = JSON.parse(right) as Record<string, string>;
        const part = [head, payload, signature][bit % 3] ?? '';
        const octets = Buffer.from(part, 'base64url');
        const at = (bit * 7) % octets.length;
        octets[at] = (octets[at] ?? 0) ^ (1 << (bit % 8));
        const changed = octets.toString('base64url');
        const parts = { protected: head, payload, signature };
        return JSON.stringify({ ...parts, [['protected', 'payload', 'signature'][bit % 3] ?? '']: changed });
      };
      const reply = await client.post('/acme/new-order', order, { body });
      assert.ok(reply.status >= 400 && reply.status < 500, `${bit}: ${reply.text}`);
    }
    assert.equal(world.store.orders(idOfAccount(client), '', 10).length, 0);
  });

  test('the same request twice', async () => {
    const world = acmeWorld();
    const client = await registered(world);
    let sent = '';
    const keep = (right: string): string => (sent = right);
    assert.equal(
      (await client.post('/acme/new-order', { identifiers: [{ type: 'dns', value: NAME }] }, { body: keep })).status,
      201,
    );
    const again = await client.post('/acme/new-order', {}, { body: () => sent });
    refused(again, 'badNonce', 400);
    assert.ok(again.headers['replay-nonce'] !== undefined, 'with a nonce to go on with');
    await world.restart();
    refused(await client.post('/acme/new-order', {}, { body: () => sent }), 'badNonce', 400);
    assert.equal(world.store.orders(idOfAccount(client), '', 10).length, 1);
  });

  test('no account without a binding that is right, new, and for this key', async () => {
    const world = acmeWorld();
    const client = new AcmeClient(world);
    const key = world.key(NAME);
    const tried = (externalAccountBinding: unknown): Promise<Reply> =>
      client.post('/acme/new-account', { externalAccountBinding });
    refused(await client.post('/acme/new-account', {}), 'externalAccountRequired', 403);
    refused(await tried('x'), 'malformed', 400);
    const unknown = await tried(client.binding({ ...key, id: 'unknown' }));
    const badMac = await tried(client.binding({ ...key, secret: new Uint8Array(32) }));
    refused(unknown, 'unauthorized', 403);
    assert.equal(unknown.json['detail'], badMac.json['detail'], 'which key ids there are, nobody learns');
    refused(await tried(client.binding(key, { url: `${ORIGIN}/acme/new-order` })), 'malformed', 400);
    refused(await tried(client.binding(key, { alg: 'none' })), 'badSignatureAlgorithm', 400);
    refused(await tried(client.binding(key, {}, accountKey())), 'malformed', 400, /another account key/);
    world.store.addKey({ ...key, id: 'late', expires: world.clock.now() });
    refused(await tried(client.binding({ ...key, id: 'late' })), 'unauthorized', 403, /not used in time/);
    assert.equal((await tried(client.binding(key))).status, 201);
    assert.equal((await tried(undefined)).status, 200, 'known by its key, with no binding');
    const other = new AcmeClient(world);
    refused(await other.register(key), 'unauthorized', 403, /already/);
    const withdrawn = world.key(NAME);
    world.store.withdrawKey(withdrawn.id);
    refused(await new AcmeClient(world).register(withdrawn), 'unauthorized', 403, /withdrawn/);
    assert.ok(
      world.ledger.audit(0, 100).filter(({ action }) => action === 'refused').length >= 6,
      'attempts are in the log',
    );
  });

  test('names that are not the holder’s', async () => {
    const world = acmeWorld();
    const client = await registered(world, NAME, 'alias.example.net');
    const reply = await client.order(NAME, 'victim.example.net', '*.host.example.net', 'sub.host.example.net');
    refused(reply, 'rejectedIdentifier', 403, /not among the names/);
    assert.deepEqual(
      (reply.json['subproblems'] as { identifier: { value: string } }[]).map(({ identifier }) => identifier.value),
      ['victim.example.net', '*.host.example.net', 'sub.host.example.net'],
    );
    refused(
      await client.post('/acme/new-order', { identifiers: [{ type: 'email', value: 'a@example.net' }] }),
      'unsupportedIdentifier',
      400,
    );
  });

  test('what belongs to another account: nothing is read, nothing is done', async () => {
    const world = acmeWorld();
    const [alice, mallory] = [await registered(world), await registered(world, 'mallory.example.net')];
    const { order, der } = await certified(alice);
    const open = await alice.order(NAME);
    const [authorization = ''] = listIn(open, 'authorizations');
    const [challenge] = (await alice.post(authorization, undefined)).json['challenges'] as { url: string }[];
    const before = JSON.stringify(world.store.order(idOf(open)));
    for (const [url, payload] of [
      [open.headers['location'], undefined],
      [authorization, undefined],
      [authorization, { status: 'deactivated' }],
      [challenge?.url, undefined],
      [challenge?.url, {}],
      [textIn(open, 'finalize'), { csr: csrOf(accountKey(), [NAME]) }],
      [textIn(order, 'certificate'), undefined],
      [alice.account, undefined],
      [alice.account, { status: 'deactivated' }],
      [`${alice.account}/orders`, undefined],
      ['/acme/revoke-cert', { certificate: base64url(der) }],
    ] as const) {
      const reply = await mallory.post(url ?? '', payload);
      refused(reply, 'unauthorized', 403);
      assert.doesNotMatch(reply.text, /host\.example\.net|token/);
    }
    // Her account's name with another's key.
    refused(await alice.post('/acme/new-order', {}, { key: mallory.key }), 'malformed', 400);
    assert.equal(JSON.stringify(world.store.order(idOf(open))), before);
    assert.equal(world.store.account(idOfAccount(alice))?.status, 'valid');
    assert.equal(world.ledger.get(parseCertificate(der)?.serial ?? '')?.state, 'active');
  });

  test('a CSR that is not what the order is', async () => {
    const world = acmeWorld();
    const client = await registered(world, NAME, 'alias.example.net');
    const order = await client.order(NAME, 'alias.example.net');
    const finalize = (csr: string): Promise<Reply> => client.post(textIn(order, 'finalize'), { csr });
    const key = accountKey();
    const names = [NAME, 'alias.example.net'];
    refused(await finalize(csrOf(key, names)), 'orderNotReady', 403, /pending/);
    await client.prove(order);
    refused(await finalize(csrOf(key, [NAME])), 'badCSR', 400, /lacks alias/);
    refused(await finalize(csrOf(key, [...names, 'victim.example.net'])), 'badCSR', 400, /victim/);
    refused(await finalize(csrOf(key, names, { commonName: 'victim.example.net' })), 'badCSR', 400, /victim/);
    refused(
      await finalize(csrOf(key, names, { more: [{ kind: 'email', text: 'boss@example.net' }] })),
      'badCSR',
      400,
      /no DNS names/,
    );
    refused(
      await finalize(csrOf(key, names, { more: [{ kind: 'uri', text: 'spiffe://example.net/x' }] })),
      'badCSR',
      400,
    );
    refused(await finalize(csrOf(client.key, names)), 'badCSR', 400, /own key/);
    refused(await finalize(csrOf(key, names, { signer: accountKey() })), 'badCSR', 400, /not signed by the key/);
    refused(await finalize('AAAA'), 'badCSR', 400);
    refused(await finalize('-----BEGIN'), 'malformed', 400);
    assert.equal(world.ledger.find({}).length, 0);
    const done = await finalize(csrOf(key, names, { commonName: 'HOST.example.net' }));
    assert.equal(done.json['status'], 'valid', done.text);
    assert.equal(
      new X509Certificate(world.ledger.find({})[0]?.certificate ?? new Uint8Array(0)).subject,
      'CN=host.example.net',
    );
    // The answer was lost and the client asks again: the same order, no second certificate.
    const again = await finalize(csrOf(key, names));
    assert.equal(again.json['certificate'], done.json['certificate']);
    refused(await finalize(csrOf(accountKey(), names)), 'orderNotReady', 403);
    assert.equal(world.ledger.find({}).length, 1);
  });

  test('a proof that is missing or wrong: tried a few times, then said; what was there is not repeated', async () => {
    const world = acmeWorld();
    const client = await registered(world);
    const order = await client.order(NAME);
    const { json } = await client.post(listIn(order, 'authorizations')[0] ?? '', undefined);
    const [challenge] = json['challenges'] as { url: string; token: string }[];
    await client.post(challenge?.url ?? '', {});
    await client.post(challenge?.url ?? '', {});
    await world.clock.settle();
    assert.deepEqual(
      world.looked,
      [`http://${NAME}/.well-known/acme-challenge/${challenge?.token}`],
      'asked twice, looked for once',
    );
    const path = `/.well-known/acme-challenge/${challenge?.token}`;
    for (const text of ['secret of this host', `${challenge?.token}.other`, `x${challenge?.token}`]) {
      world.served.set(path, { kind: 'answer', status: 200, text, from: '192.0.2.1' });
      await world.clock.advance(1_000);
    }
    await world.clock.advance(20_000);
    assert.equal(world.looked.length, 4);
    const after = await client.post(order.headers['location'] ?? '', undefined);
    assert.equal(after.json['status'], 'invalid');
    assert.match(after.text, /incorrectResponse/);
    assert.doesNotMatch(after.text, /secret of this host/);
    refused(await client.post(textIn(order, 'finalize'), { csr: csrOf(accountKey(), [NAME]) }), 'orderNotReady', 403);
  });

  test('an order that nobody finishes ends, and is forgotten', async () => {
    const world = acmeWorld();
    const client = await registered(world);
    const order = await client.order(NAME);
    await client.prove(order);
    await world.clock.advance(7 * DAY);
    const late = await client.post(order.headers['location'] ?? '', undefined);
    assert.equal(late.json['status'], 'invalid');
    assert.equal((await client.post(listIn(order, 'authorizations')[0] ?? '', undefined)).json['status'], 'expired');
    refused(await client.post(textIn(order, 'finalize'), { csr: csrOf(accountKey(), [NAME]) }), 'orderNotReady', 403);
    assert.equal(world.store.forget(world.clock.now() + 1), 1);
    refused(await client.post(order.headers['location'] ?? '', undefined), 'malformed', 404);
  });

  test('an authorization that was given up', async () => {
    const world = acmeWorld();
    const client = await registered(world);
    const order = await client.order(NAME);
    await client.prove(order);
    const [authorization = ''] = listIn(order, 'authorizations');
    refused(await client.post(authorization, { status: 'valid' }), 'malformed', 400);
    assert.equal((await client.post(authorization, { status: 'deactivated' })).json['status'], 'deactivated');
    refused(await client.post(textIn(order, 'finalize'), { csr: csrOf(accountKey(), [NAME]) }), 'orderNotReady', 403);
  });

  test('revocation: by account, by key; once; with a reason that there is', async () => {
    const world = acmeWorld();
    const client = await registered(world);
    const [first, second] = [await certified(client), await certified(client)];
    const revoke = (by: AcmeClient, der: Uint8Array, reason?: number): Promise<Reply> =>
      by.post('/acme/revoke-cert', { certificate: base64url(der), ...(reason === undefined ? {} : { reason }) });
    for (const reason of [2, 6, 7, 8, 9, 10, -1, 99])
      refused(await revoke(client, first.der, reason), 'badRevocationReason', 400);
    refused(await revoke(new AcmeClient(world), first.der), 'unauthorized', 403);
    refused(await revoke(client, first.der.slice(0, -1)), 'malformed', 404);
    assert.equal((await revoke(client, first.der, 1)).status, 200);
    refused(await revoke(client, first.der), 'alreadyRevoked', 400);
    assert.equal((await revoke(new AcmeClient(world, second.key), second.der)).status, 200);
    const [one, two] = [first, second].map(({ der }) => world.ledger.get(parseCertificate(der)?.serial ?? ''));
    assert.deepEqual(
      [one?.state, one?.reason, two?.state, two?.reason],
      ['revoked', 'keyCompromise', 'revoked', 'unspecified'],
    );
    // Revoked is no predecessor: what comes next is a new certificate.
    const third = await certified(client);
    assert.equal(world.ledger.get(parseCertificate(third.der)?.serial ?? '')?.state, 'active');
  });

  test('too many: orders of an account, strangers at the door', async () => {
    const world = acmeWorld(3);
    const client = await registered(world);
    for (let count = 0; count < 3; count++) assert.equal((await client.order(NAME)).status, 201);
    const more = await client.order(NAME);
    refused(more, 'rateLimited', 429);
    assert.equal(more.headers['retry-after'], '1200');
    assert.equal((await (await registered(world)).order(NAME)).status, 201, 'others are not touched');
    let last: Reply | undefined;
    for (let count = 0; count < 25; count++) last = await new AcmeClient(world).post('/acme/new-account', {});
    assert.equal(last?.problem, 'rateLimited');
    assert.equal((await client.post(client.account ?? '', undefined)).status, 200, 'an account goes on');
  });
});

describe('ACME: when the program ends in the middle', () => {
  test('a challenge that was being looked at goes on', async () => {
    const world = acmeWorld();
    const client = await registered(world);
    const order = await client.order(NAME);
    const { json } = await client.post(listIn(order, 'authorizations')[0] ?? '', undefined);
    const [challenge] = json['challenges'] as { url: string; token: string }[];
    await client.post(challenge?.url ?? '', {});
    await world.clock.settle();
    await world.restart();
    await client.prove(order);
    await world.clock.advance(20_000);
    assert.equal((await client.post(order.headers['location'] ?? '', undefined)).json['status'], 'ready');
  });

  test('signed, and not written down: the certificate that is there is the order’s', async () => {
    const world = acmeWorld();
    const client = await registered(world);
    const order = await client.order(NAME);
    await client.prove(order);
    const key = accountKey();
    world.door = 'dies after signing';
    const processing = world.store.order(idOf(order));
    assert.ok(processing !== undefined);
    refused(await client.post(textIn(order, 'finalize'), { csr: csrOf(key, [NAME]) }), 'serverInternal', 500);
    const [issued] = world.ledger.find({});
    assert.ok(issued !== undefined);
    // As a death leaves it: processing, with the key.
    const publicKey = Buffer.from(parseCertificate(issued.certificate)?.publicKey ?? []).toString('hex');
    world.store.saveOrder({ ...processing, status: 'processing', publicKey, beganAt: issued.issuedAt });
    world.door = 'closed';
    await world.restart();
    const after = await client.post(order.headers['location'] ?? '', undefined);
    assert.equal(after.json['status'], 'valid');
    assert.match(textIn(after, 'certificate'), new RegExp(`${issued.serial}$`));
    assert.equal(world.ledger.find({}).length, 1);
  });

  test('not signed yet: it is signed then; a door that is closed leaves the order ready', async () => {
    const world = acmeWorld();
    const client = await registered(world);
    const order = await client.order(NAME);
    await client.prove(order);
    world.door = 'closed';
    const finalize = textIn(order, 'finalize');
    const csr = csrOf(accountKey(), [NAME]);
    const failed = await client.post(finalize, { csr });
    refused(failed, 'serverInternal', 500);
    assert.equal(failed.headers['retry-after'], '60');
    assert.doesNotMatch(failed.text, /locked/, 'why is for the operator');
    assert.ok(world.events.some((event) => event.kind === 'trouble' && /locked/.test(event.detail)));
    assert.equal((await client.post(order.headers['location'] ?? '', undefined)).json['status'], 'ready');
    world.door = 'open';
    const stored = world.store.order(idOf(order));
    assert.ok(stored !== undefined);
    const publicKey = Buffer.from(parsedKey(csr)).toString('hex');
    world.store.saveOrder({ ...stored, status: 'processing', publicKey, beganAt: world.clock.now(), error: undefined });
    await world.restart();
    assert.equal((await client.post(order.headers['location'] ?? '', undefined)).json['status'], 'valid');
    assert.equal(world.ledger.find({}).length, 1);
  });
});

function parsedKey(csr: string): Uint8Array {
  const reading = readRequest(Buffer.from(csr, 'base64url'));
  assert.ok(reading.kind === 'request');
  return reading.request.publicKey;
}

function idOf({ headers }: Reply): string {
  return headers['location']?.split('/').at(-1) ?? '';
}

function idOfAccount({ account }: AcmeClient): string {
  return account?.split('/').at(-1) ?? '';
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
