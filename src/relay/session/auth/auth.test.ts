import assert from 'node:assert/strict';
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { describe, test } from 'node:test';
import type { FakeConnection } from '../../../../test/fakes/connection.ts';
import { TLS, WITH_CERTIFICATE, send, stage, type Stage } from '../../../../test/fakes/inbound.ts';
import { fakeClock } from '../../../../test/fakes/clock.ts';
import { seededRandom } from '../../../../test/fakes/random.ts';
import { passwordCrypto } from '../../../platform/process/password-crypto.ts';
import { memoryPasswords } from '../../../storage/memory/passwords.ts';
import type { TlsFacts } from '../../connection/connection.ts';
import type { PasswordCrypto } from '../../credential/crypto.ts';
import type { PasswordStore } from '../../credential/store.ts';
import { makeVerifiers } from '../../credential/verifier.ts';
import { Guesses, guessMemory } from './guesses.ts';
import { PasswordLogins } from './password.ts';

const MADE = 'k7wd-2mpa-x3fh-9qrt';

interface Rig {
  readonly at: Stage;
  readonly store: PasswordStore;
  /** Argon2id hashes that were computed. */
  readonly hashed: () => number;
  add(holder: string, password?: string, over?: { id?: string; expires?: number; scram?: boolean }): Promise<void>;
  /** Says a line and gives the reply, when hash and delay are over. */
  ask(connection: FakeConnection, line: string): Promise<string>;
}

function rig(settings: { realm?: string; clear?: boolean; mechanisms?: readonly string[]; holder?: string } = {}): Rig {
  const store = memoryPasswords();
  const real = passwordCrypto();
  let hashed = 0;
  const crypto: PasswordCrypto = {
    ...real,
    // The real cost is for real servers.
    argon2id: async (password, salt) => {
      hashed += 1;
      return new Uint8Array(createHash('sha256').update(password).update(salt).digest());
    },
  };
  const own = fakeClock();
  const logins = new PasswordLogins({
    lookup: store,
    crypto,
    guesses: new Guesses(
      guessMemory(new Uint8Array(16), own.now()),
      () => at.clock.now(),
      () => ({ byAddress: 10, byName: 50, window: 600_000 }),
    ),
    get clock() {
      return at.clock;
    },
    random: seededRandom(4),
    realm: () => settings.realm,
  });
  const at = stage({
    ...(settings.holder === undefined ? {} : { holder: settings.holder }),
    limits: { connections: 100, connectionsByAddress: 100 },
    policy: { trustedMechanisms: new Set(['PLAIN', 'LOGIN', 'SCRAM-SHA-256', 'SCRAM-SHA-256-PLUS']) },
    auth: {
      settings: () => ({
        mechanisms: settings.mechanisms ?? 'auto',
        plaintextWithoutTls: settings.clear === true,
      }),
      passwords: logins,
    },
  });
  return {
    at,
    store,
    hashed: () => hashed,
    async add(holder, password = MADE, { id = `id-${holder}`, expires, scram = true } = {}) {
      const verifiers = await makeVerifiers(crypto, store.secret(), holder, password, scram);
      hashed = 0;
      store.add({
        id,
        holder,
        label: 'x',
        kind: 'made',
        createdAt: 0,
        by: 'test',
        expires,
        usedAt: undefined,
        withdrawnAt: undefined,
        ...verifiers,
      });
    },
    async ask(connection, line) {
      connection.say(`${line}\r\n`);
      for (let times = 0; times < 12; times++) {
        await at.clock.settle();
        const heard = connection.heard();
        if (heard !== '') return heard.trimEnd();
        await at.clock.advance(500);
      }
      return 'nothing';
    },
  };
}

function base64(text: string | Uint8Array): string {
  return Buffer.from(text).toString('base64');
}

const plain = (name: string, password = MADE, authorization = ''): string =>
  `AUTH PLAIN ${base64(`${authorization}\0${name}\0${password}`)}`;

/** The AUTH line of EHLO inside TLS. */
async function offered(at: Stage, tls: TlsFacts = TLS): Promise<string | undefined> {
  const connection = await at.secured(tls);
  connection.say('EHLO x\r\n');
  await at.clock.settle();
  return /250[ -]AUTH (.*)\r\n/.exec(connection.heard())?.[1];
}

/** A client's side of SCRAM, written apart from ours (RFC 5802 §3). */
function scramClient(name: string, password: string, header: string, binding: Uint8Array | string = '') {
  const bare = `n=${name},r=fyko+d2lbbFgONRv9qkxdawL`;
  return {
    first: base64(header + bare),
    final(challenge: string): { readonly response: string; readonly verifier: string } {
      const said = Buffer.from(challenge, 'base64').toString();
      const [, nonce = '', salt = '', count = ''] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(said) ?? [];
      const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(count), 32, 'sha256');
      const hmac = (key: Uint8Array, data: string): Buffer => createHmac('sha256', key).update(data).digest();
      const clientKey = hmac(salted, 'Client Key');
      const stored = createHash('sha256').update(clientKey).digest();
      const without = `c=${base64(Buffer.concat([Buffer.from(header), Buffer.from(binding)]))},r=${nonce}`;
      const message = `${bare},${said},${without}`;
      const mask = hmac(stored, message);
      const proof = clientKey.map((octet, index) => octet ^ (mask[index] ?? 0));
      return {
        response: base64(`${without},p=${base64(proof)}`),
        verifier: base64(`v=${base64(hmac(hmac(salted, 'Server Key'), message))}`),
      };
    },
  };
}

async function scramLogin(
  r: Rig,
  connection: FakeConnection,
  mechanism: string,
  client: ReturnType<typeof scramClient>,
) {
  const challenge = await r.ask(connection, `AUTH ${mechanism} ${client.first}`);
  if (!challenge.startsWith('334 ')) return challenge;
  const { response, verifier } = client.final(challenge.slice(4));
  const answer = await r.ask(connection, response);
  if (!answer.startsWith('334 ')) return answer;
  assert.equal(answer.slice(4), verifier, 'the server proves itself too');
  return await r.ask(connection, '');
}

describe('AUTH: what is offered', () => {
  test('passwords once there is one, under TLS, strongest first', async () => {
    const r = rig();
    assert.equal(await offered(r.at), undefined);
    assert.equal(await offered(r.at, WITH_CERTIFICATE), 'EXTERNAL');
    await r.add('alice');
    assert.equal(await offered(r.at), 'SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN');
    assert.equal(await offered(r.at, WITH_CERTIFICATE), 'EXTERNAL SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN');
  });

  test('in clear nothing, and a command says what is missing', async () => {
    const r = rig();
    await r.add('alice');
    const { connection } = r.at.start();
    await r.at.clock.settle();
    connection.say('EHLO x\r\n');
    assert.doesNotMatch(connection.heard(), /AUTH/);
    assert.match(await r.ask(connection, plain('alice')), /^538 5\.7\.11 Encryption is required.*STARTTLS/);
    assert.equal(r.hashed(), 0);
  });

  test('as the configuration says, in its order, in clear too where it says so', async () => {
    const r = rig({ clear: true, mechanisms: ['LOGIN', 'PLAIN'] });
    const { connection } = r.at.start();
    await r.at.clock.settle();
    connection.say('EHLO x\r\n');
    assert.match(connection.heard(), /250[ -]AUTH LOGIN PLAIN\r\n/);
    await r.add('alice');
    assert.match(await r.ask(connection, plain('alice')), /^235 /);
  });
});

describe('AUTH: passwords', () => {
  test('PLAIN, with and without an initial response; then mail goes out in the name of the holder', async () => {
    const r = rig();
    await r.add('alice@example.net');
    const connection = await r.at.secured(TLS);
    assert.equal(await r.ask(connection, 'AUTH PLAIN'), '334');
    assert.match(
      await r.ask(connection, base64(`\0Alice@Example.NET\0${MADE}`)),
      /^235 2\.7\.0 Authenticated as alice@example\.net$/,
    );
    assert.match(await send(r.at, connection), /Message accepted/);
    assert.deepEqual(r.at.entries[0]?.origin, { holder: 'alice@example.net', serial: undefined });
    const [told] = r.at.told('authenticated');
    assert.deepEqual(
      [told?.mechanism, told?.identity, told?.password, told?.peer.holder],
      ['PLAIN', 'alice@example.net', 'id-alice@example.net', 'alice@example.net'],
    );
    assert.match(
      Buffer.from(r.at.entries[0]?.content.kind === 'inline' ? r.at.entries[0].content.bytes : []).toString(),
      /\r\n\t\(authenticated bits=0\)\r\n.* with ESMTPSA id /,
    );
    assert.match(await r.ask(connection, plain('alice@example.net')), /^503 5\.5\.1 Already/);
  });

  test('LOGIN, with and without the name beforehand', async () => {
    const r = rig();
    await r.add('alice');
    const one = await r.at.secured(TLS);
    assert.equal(await r.ask(one, 'AUTH LOGIN'), `334 ${base64('Username:')}`);
    assert.equal(await r.ask(one, base64('alice')), `334 ${base64('Password:')}`);
    assert.match(await r.ask(one, base64(MADE)), /^235 /);
    const other = await r.at.secured(TLS);
    assert.equal(await r.ask(other, `AUTH LOGIN ${base64('alice')}`), `334 ${base64('Password:')}`);
    assert.match(await r.ask(other, base64('nonsense')), /^535 5\.7\.8 .*name or password is wrong/);
  });

  test('one of several, each of which can be taken back alone', async () => {
    const r = rig();
    await r.add('alice', 'first password', { id: 'aa' });
    await r.add('alice', 'second password', { id: 'bb' });
    for (const password of ['first password', 'second password']) {
      const connection = await r.at.secured(TLS);
      assert.match(await r.ask(connection, plain('alice', password)), /^235 /);
      assert.match(
        await scramLogin(r, await r.at.secured(TLS), 'SCRAM-SHA-256', scramClient('alice', password, 'n,,')),
        /^235 /,
      );
    }
    r.store.withdraw('aa', 1);
    assert.match(await r.ask(await r.at.secured(TLS), plain('alice', 'first password')), /^535 /);
    assert.match(await r.ask(await r.at.secured(TLS), plain('alice', 'second password')), /^235 /);
  });

  test('an unknown name costs the same work and gets the same words; its name is not told', async () => {
    const r = rig();
    await r.add('alice');
    const connection = await r.at.secured(TLS);
    const wrong = await r.ask(connection, plain('alice', 'wrong'));
    const byKnown = r.hashed();
    const unknown = await r.ask(connection, plain('my-secret-typed-as-name', 'wrong'));
    assert.equal(unknown, wrong);
    assert.equal(r.hashed(), 2 * byKnown);
    const rules = r.at.told('refused').map(({ rule }) => rule);
    assert.deepEqual(rules, ['a wrong password of alice', 'a name without a password here']);
    assert.doesNotMatch(JSON.stringify(r.at.events), /my-secret|AHdyb25n/);
  });

  test('the salt of a name that nobody has looks like any, and stays the same', async () => {
    const r = rig();
    await r.add('alice');
    const connection = await r.at.secured(TLS);
    const first = async (name: string): Promise<string> => {
      const said = await r.ask(await r.at.secured(TLS), `AUTH SCRAM-SHA-256 ${scramClient(name, 'x', 'n,,').first}`);
      return Buffer.from(said.slice(4), 'base64')
        .toString()
        .replace(/r=[^,]+/, '');
    };
    assert.equal(await first('nobody'), await first('nobody'));
    assert.match(await first('nobody'), /^,s=[A-Za-z0-9+/]{22}==,i=65536$/);
    assert.match(await first('alice'), /^,s=[A-Za-z0-9+/]{22}==,i=65536$/);
    assert.notEqual(await first('alice'), await first('nobody'));
    assert.match(await scramLogin(r, connection, 'SCRAM-SHA-256', scramClient('nobody', 'x', 'n,,')), /^535 /);
  });

  test('with a realm, salts tell of no name whether anybody has it', async () => {
    const r = rig({ realm: 'relay.test' });
    await r.add('alice@relay.test');
    await r.add('printer-2');
    const salt = async (name: string): Promise<string | undefined> => {
      const said = await r.ask(await r.at.secured(TLS), `AUTH SCRAM-SHA-256 ${scramClient(name, 'x', 'n,,').first}`);
      return /,s=[^,]+/.exec(Buffer.from(said.slice(4), 'base64').toString())?.[0];
    };
    for (const name of ['alice', 'printer-2', 'nobody'])
      assert.equal(await salt(name), await salt(`${name}@relay.test`), name);
  });

  test('names with and without the realm', async () => {
    const r = rig({ realm: 'relay.test' });
    await r.add('korogi@relay.test');
    await r.add('printer-2', 'another password');
    const login = async (name: string, password = MADE): Promise<string> =>
      await r.ask(await r.at.secured(TLS), plain(name, password));
    assert.match(await login('korogi'), /^235 /);
    assert.match(await login('KOROGI@relay.test'), /^235 /);
    assert.match(await login('printer-2@relay.test', 'another password'), /^235 /);
    assert.match(await login('korogi@other.test'), /^535 /);
  });

  test('nobody acts for another, and one may say whom one is', async () => {
    const r = rig();
    await r.add('alice');
    await r.add('bob');
    assert.match(await r.ask(await r.at.secured(TLS), plain('alice', MADE, 'bob')), /^535 .*may not act for another/);
    assert.match(await r.ask(await r.at.secured(TLS), plain('alice', MADE, 'alice')), /^235 /);
  });

  test('what is none of the mechanism', async () => {
    const r = rig();
    await r.add('alice');
    const connection = await r.at.secured(TLS);
    assert.match(await r.ask(connection, `AUTH PLAIN ${base64('no nul')}`), /^501 5\.5\.2 /);
    assert.match(await r.ask(connection, 'AUTH PLAIN !'), /^501 5\.5\.2 /);
    assert.match(await r.ask(connection, `AUTH SCRAM-SHA-256 ${base64('n,,hello')}`), /^501 5\.5\.2 /);
    assert.equal(await r.ask(connection, 'AUTH LOGIN'), `334 ${base64('Username:')}`);
    assert.match(await r.ask(connection, '*'), /^501 5\.7\.0 /);
    assert.match(await r.ask(connection, plain('alice')), /^235 /);
  });

  test('too many wrong ones are put off, then the session is ended; from elsewhere the holder logs in', async () => {
    const r = rig();
    await r.add('alice');
    const replies: string[] = [];
    for (let times = 0; times < 4; times++) {
      const connection = await r.at.secured(TLS);
      for (let guess = 0; guess < 3; guess++) replies.push(await r.ask(connection, plain('alice', `wrong ${guess}`)));
      connection.hangUp();
      await r.at.clock.settle();
    }
    assert.equal(replies.filter((reply) => reply.startsWith('535')).length, 10);
    assert.deepEqual(
      replies.slice(-2).map((reply) => reply.slice(0, 9)),
      ['454 4.7.0', '421 4.7.0'],
    );
    const { connection } = r.at.start({}, '198.51.100.5');
    await r.at.clock.settle();
    connection.say('STARTTLS\r\n');
    connection.secure(TLS);
    connection.say('EHLO x\r\n');
    await r.at.clock.settle();
    connection.heard();
    assert.match(await r.ask(connection, plain('alice')), /^235 /);
  });

  test('a store that does not answer is a temporary failure, told as ours', async () => {
    const r = rig();
    await r.add('alice');
    const connection = await r.at.secured(TLS);
    r.store.need = () => {
      throw new Error('disk');
    };
    assert.match(await r.ask(connection, plain('alice')), /^454 4\.7\.0 /);
    assert.equal(r.at.told('trouble').length, 1);
  });
});

describe('AUTH: SCRAM', () => {
  const exporter = new TextEncoder().encode('binding of tls-exporter');

  test('with channel binding, and without', async () => {
    const r = rig();
    await r.add('alice');
    const login = async (mechanism: string, header: string, binding: Uint8Array | string = ''): Promise<string> =>
      await scramLogin(r, await r.at.secured(TLS), mechanism, scramClient('alice', MADE, header, binding));
    assert.match(await login('SCRAM-SHA-256', 'n,,'), /^235 /);
    assert.match(await login('SCRAM-SHA-256-PLUS', 'p=tls-exporter,,', exporter), /^235 /);
    assert.match(
      await login('SCRAM-SHA-256-PLUS', 'p=tls-server-end-point,,', 'binding of tls-server-end-point'),
      /^235 /,
    );
    assert.match(await login('SCRAM-SHA-256', 'n,a=alice,'), /^235 /);
  });

  test('a channel that is not ours, or a type that we have not', async () => {
    const r = rig();
    await r.add('alice');
    const login = async (mechanism: string, header: string, binding: Uint8Array | string = ''): Promise<string> =>
      await scramLogin(r, await r.at.secured(TLS), mechanism, scramClient('alice', MADE, header, binding));
    assert.match(
      await login('SCRAM-SHA-256-PLUS', 'p=tls-exporter,,', 'of the man in the middle'),
      /^535 .*do not match/,
    );
    assert.match(await login('SCRAM-SHA-256-PLUS', 'p=tls-unique,,', 'x'), /^535 .*no channel binding of this type/);
    assert.match(await login('SCRAM-SHA-256-PLUS', 'n,,'), /^535 .*needs channel binding/);
    assert.match(await login('SCRAM-SHA-256', 'p=tls-exporter,,', exporter), /^535 .*has no channel binding/);
  });

  test('"y" after -PLUS was offered is somebody in the middle (RFC 5802 §6); where it was not, it is the truth', async () => {
    const r = rig();
    await r.add('alice');
    const login = async (at: Rig): Promise<string> =>
      await scramLogin(at, await at.at.secured(TLS), 'SCRAM-SHA-256', scramClient('alice', MADE, 'y,,'));
    assert.match(await login(r), /^535 .*SCRAM-SHA-256-PLUS was offered/);
    const without = rig({ mechanisms: ['SCRAM-SHA-256'] });
    await without.add('alice');
    assert.match(await login(without), /^235 /);
  });

  test('a wrong proof, another nonce, a password that is for PLAIN alone', async () => {
    const r = rig();
    await r.add('alice');
    await r.add('bob', MADE, { scram: false });
    const wrong = await scramLogin(r, await r.at.secured(TLS), 'SCRAM-SHA-256', scramClient('alice', 'wrong', 'n,,'));
    assert.match(wrong, /^535 .*name or password is wrong/);
    assert.equal(await scramLogin(r, await r.at.secured(TLS), 'SCRAM-SHA-256', scramClient('bob', MADE, 'n,,')), wrong);
    const connection = await r.at.secured(TLS);
    const client = scramClient('alice', MADE, 'n,,');
    const said = await r.ask(connection, `AUTH SCRAM-SHA-256 ${client.first}`);
    const { response } = client.final(said.slice(4));
    const forged = Buffer.from(response, 'base64')
      .toString()
      .replace(/r=[^,]+/, 'r=fyko+d2lbbFgONRv9qkxdawL');
    assert.match(await r.ask(connection, base64(forged)), /^501 /);
  });
});

describe('AUTH: what a holder needs', () => {
  test('both: a password within a session of the same holder, and neither alone', async () => {
    const r = rig();
    await r.add('alice@example.net');
    await r.add('bob');
    r.store.setNeed('alice@example.net', 'both');
    r.store.setNeed('bob', 'both');
    assert.match(await r.ask(await r.at.secured(TLS), plain('alice@example.net')), /^535 .*own client certificate/);
    assert.match(await r.ask(await r.at.secured(), plain('bob')), /^535 .*own client certificate/);
    const connection = await r.at.secured();
    assert.match(await r.ask(connection, 'MAIL FROM:<alice@example.net>'), /^530 5\.7\.0 /);
    assert.match(await r.ask(connection, 'AUTH EXTERNAL ='), /^235 /);
    assert.match(await r.ask(connection, 'MAIL FROM:<alice@example.net>'), /^530 5\.7\.0 /);
    const good = await r.at.secured();
    assert.match(await r.ask(good, plain('alice@example.net')), /^235 /);
    assert.match(await send(r.at, good), /Message accepted/);
    assert.deepEqual(r.at.entries[0]?.origin, { holder: 'alice@example.net', serial: '0a1b' });
  });

  test('both: the password of somebody else does not stand for the own', async () => {
    const r = rig();
    await r.add('bob');
    r.store.setNeed('alice@example.net', 'both');
    const connection = await r.at.secured();
    assert.match(await r.ask(connection, plain('bob')), /^235 /);
    assert.match(await r.ask(connection, 'MAIL FROM:<alice@example.net>'), /^530 5\.7\.0 /);
    const bob = await r.at.secured(TLS);
    assert.match(await r.ask(bob, plain('bob')), /^235 /);
    assert.match(await send(r.at, bob), /Message accepted/);
  });

  test('what a holder needs holds however the certificate writes the name', async () => {
    const r = rig({ holder: '\uff21lice@Example.net' });
    r.store.setNeed('alice@example.net', 'both');
    assert.match(await r.ask(await r.at.secured(), 'MAIL FROM:<alice@example.net>'), /^530 5\.7\.0 /);
  });

  test('certificate: a right password is refused; password: the certificate alone is', async () => {
    const r = rig();
    await r.add('alice@example.net');
    r.store.setNeed('alice@example.net', 'certificate');
    assert.match(await r.ask(await r.at.secured(), plain('alice@example.net')), /^535 .*by certificate only/);
    assert.match(await send(r.at, await r.at.secured()), /Message accepted/);
    r.store.setNeed('alice@example.net', 'password');
    assert.match(await r.ask(await r.at.secured(), 'MAIL FROM:<alice@example.net>'), /^530 5\.7\.0 /);
    assert.match(await r.ask(await r.at.secured(TLS), plain('alice@example.net')), /^235 /);
  });
});

describe('AUTH: what is taken back', () => {
  test('a withdrawn password ends its sessions, and no others', async () => {
    const r = rig();
    await r.add('alice', MADE, { id: 'aa' });
    await r.add('bob', MADE, { id: 'bb' });
    const [alice, bob] = [await r.at.secured(TLS), await r.at.secured(TLS)];
    await r.ask(alice, plain('alice'));
    await r.ask(bob, plain('bob'));
    r.store.withdraw('aa', 1);
    assert.equal(r.at.sessions.recheck(), 1);
    assert.match(alice.heard(), /^421 4\.7\.0 .*your password has been withdrawn/);
    assert.match(await send(r.at, bob), /Message accepted/);
  });

  test('it sends nothing more, even in the middle of a message', async () => {
    const r = rig();
    await r.add('alice', MADE, { id: 'aa' });
    const connection = await r.at.secured(TLS);
    await r.ask(connection, plain('alice'));
    assert.match(await r.ask(connection, 'MAIL FROM:<alice@example.net>'), /^250/);
    assert.match(await r.ask(connection, 'RCPT TO:<bob@example.com>'), /^250/);
    assert.match(await r.ask(connection, 'DATA'), /^354/);
    r.store.withdraw('aa', 1);
    assert.match(await r.ask(connection, 'Subject: x\r\n\r\nx\r\n.'), /^550 5\.7\.1 Your password has been withdrawn/);
    assert.match(await r.ask(connection, 'MAIL FROM:<alice@example.net>'), /^550 5\.7\.1 Your password/);
    assert.equal(r.at.entries.length, 0);
  });

  test('an expired one ends at the next MAIL; a need that was made stricter ends the session', async () => {
    const r = rig();
    await r.add('alice', MADE, { expires: r.at.clock.now() + 60_000 });
    await r.add('bob');
    const [alice, bob] = [await r.at.secured(TLS), await r.at.secured(TLS)];
    await r.ask(alice, plain('alice'));
    await r.ask(bob, plain('bob'));
    await r.at.clock.advance(61_000);
    assert.match(await r.ask(alice, 'MAIL FROM:<alice@example.net>'), /^550 5\.7\.1 Your password/);
    r.store.setNeed('bob', 'certificate');
    assert.ok(r.at.sessions.recheck() >= 1);
    assert.match(bob.heard(), /^421 /);
  });
});
