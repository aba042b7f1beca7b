import assert from 'node:assert/strict';
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { describe, test } from 'node:test';
import { latin1, utf8 } from '../../base/bytes.ts';
import { authinfoLogin } from './authinfo.ts';
import { chooseExchange, type ClientExchange, type Login, type LoginCrypto, type Offer } from './login.ts';

const crypto: LoginCrypto = {
  pbkdf2: (password, salt, count) => Promise.resolve(new Uint8Array(pbkdf2Sync(password, salt, count, 32, 'sha256'))),
  hmac: (key, data) => new Uint8Array(createHmac('sha256', key).update(data).digest()),
  sha256: (data) => new Uint8Array(createHash('sha256').update(data).digest()),
};
/** The nonce of RFC 7677 §3. */
const random = { bytes: () => new Uint8Array(Buffer.from('rOprNGfwEbeRWgbNEkqO', 'base64')), fraction: () => 0 };

const USER: Login = { user: 'user', password: 'pencil', mechanisms: undefined };
const SECURE: Offer = { announced: '', secure: true, certified: false };

const choose = (offer: Partial<Offer>, login: Partial<Login> = {}): ClientExchange | string =>
  chooseExchange({ ...USER, ...login }, { ...SECURE, ...offer }, { crypto, random });
const chosen = (...given: Parameters<typeof choose>): string => {
  const exchange = choose(...given);
  return typeof exchange === 'string' ? `none: ${exchange}` : exchange.mechanism;
};
const begun = (...given: Parameters<typeof choose>): ClientExchange => {
  const exchange = choose(...given);
  assert.ok(typeof exchange !== 'string');
  return exchange;
};
const answer = async (exchange: ClientExchange, challenge: string): Promise<string | undefined> => {
  const response = await exchange.respond(utf8(challenge));
  return response && latin1(response);
};

describe('login: the mechanism', () => {
  test('is the best that is offered, and gives no password away in clear', () => {
    assert.equal(chosen({ announced: 'LOGIN PLAIN SCRAM-SHA-256 CRAM-MD5' }), 'SCRAM-SHA-256');
    assert.equal(chosen({ announced: 'login plain' }), 'PLAIN');
    assert.equal(chosen({ announced: 'LOGIN' }), 'LOGIN');
    assert.match(chosen({ announced: 'PLAIN LOGIN', secure: false }), /^none: .*without TLS/);
    assert.equal(chosen({ announced: 'PLAIN SCRAM-SHA-256', secure: false }), 'SCRAM-SHA-256');
    assert.match(chosen({ announced: '' }), /^none: the server offers no AUTH/);
  });

  test('is one of those that are named, in their order, in clear too', () => {
    assert.equal(chosen({ announced: 'PLAIN LOGIN SCRAM-SHA-256' }, { mechanisms: ['LOGIN', 'PLAIN'] }), 'LOGIN');
    assert.equal(chosen({ announced: 'PLAIN', secure: false }, { mechanisms: ['PLAIN'] }), 'PLAIN');
    assert.match(chosen({ announced: 'PLAIN' }, { mechanisms: ['SCRAM-SHA-256'] }), /^none: .*only SCRAM-SHA-256/);
  });

  test('is EXTERNAL where there is no password and a certificate was shown', () => {
    const bare = { password: undefined };
    assert.equal(chosen({ announced: 'PLAIN EXTERNAL', certified: true }, bare), 'EXTERNAL');
    assert.match(chosen({ announced: 'PLAIN EXTERNAL' }, bare), /^none: .*nothing may be used/);
    assert.equal(chosen({ announced: 'PLAIN EXTERNAL', certified: true }), 'PLAIN');
  });
});

describe('login: what is said', () => {
  test('PLAIN (RFC 4616), at once and once more when asked', async () => {
    const exchange = begun({ announced: 'PLAIN' });
    assert.equal(latin1(exchange.initial as Uint8Array), '\0user\0pencil');
    assert.equal(await answer(exchange, ''), '\0user\0pencil');
    assert.equal(await answer(exchange, ''), undefined);
  });

  test('LOGIN: name and password, whatever the server calls them', async () => {
    const exchange = begun({ announced: 'LOGIN' });
    assert.equal(exchange.initial, undefined);
    assert.deepEqual(
      [await answer(exchange, 'Username:'), await answer(exchange, 'Kennwort'), await answer(exchange, 'more?')],
      ['user', 'pencil', undefined],
    );
  });

  const FIRST = 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096';

  test('SCRAM-SHA-256: the example of RFC 7677 §3', async () => {
    const exchange = begun({ announced: 'SCRAM-SHA-256' });
    assert.equal(latin1(exchange.initial as Uint8Array), 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO');
    assert.equal(
      await answer(exchange, FIRST),
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    );
    assert.equal(exchange.complete, false, 'the server has shown nothing yet');
    assert.equal(await answer(exchange, 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='), '');
    assert.equal(exchange.complete, true);
    assert.equal(await answer(exchange, 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='), undefined, 'it is over');
  });

  test('SCRAM-SHA-256: a server that does not know the password, repeats our nonce, or asks for too much or too little', async () => {
    const exchange = begun({ announced: 'SCRAM-SHA-256' });
    await answer(exchange, FIRST);
    assert.equal(await answer(exchange, 'v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='), undefined);
    assert.equal(exchange.complete, false);
    for (const first of [
      FIRST.replace(/r=[^,]+/, 'r=rOprNGfwEbeRWgbNEkqO'),
      FIRST.replace('r=rOpr', 'r=other'),
      FIRST.replace('i=4096', 'i=4095'),
      FIRST.replace('i=4096', 'i=99999999'),
      'e=other-error',
      '',
    ])
      assert.equal(await answer(begun({ announced: 'SCRAM-SHA-256' }), first), undefined, first);
  });

  test('SCRAM-SHA-256: a name with a comma and an equals sign', () => {
    const exchange = begun({ announced: 'SCRAM-SHA-256' }, { user: 'a=b,c' });
    assert.match(latin1(exchange.initial as Uint8Array), /^n,,n=a=3Db=2Cc,r=/);
  });
});

describe('authinfo', () => {
  const TABLE = [
    '# comment',
    'AuthInfo:mx.peer.test "U:root" "I:relay" "P:secret word" "R:realm" "M:PLAIN LOGIN"',
    'AuthInfo:MX.peer.test "I:second" "P:never"',
    'authinfo:127.0.0.50\t"U:byaddress" "P=c2VjcmV0"',
    'AuthInfo: U:all P:rest',
    'AuthInfo:nobody.test "P:only"',
  ].join('\n');

  test('by host, by address, for all; the first line of a key; plain and base64', () => {
    const of = (host: string, address = '192.0.2.1'): Login | undefined => authinfoLogin(TABLE, { host, address });
    assert.deepEqual(of('mx.peer.test'), { user: 'relay', password: 'secret word', mechanisms: ['PLAIN', 'LOGIN'] });
    assert.deepEqual(of('other.test', '127.0.0.50'), { user: 'byaddress', password: 'secret', mechanisms: undefined });
    assert.deepEqual(of('other.test'), { user: 'all', password: 'rest', mechanisms: undefined });
    assert.equal(of('nobody.test'), undefined);
  });
});
