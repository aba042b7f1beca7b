import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { utf8 } from '../../base/bytes.ts';
import { readPlain } from './plain.ts';
import { prepare, prepareName } from './prepare.ts';
import { readClientFinal, readClientFirst, writeServerFinal, writeServerFirst } from './scram.ts';

describe('PLAIN', () => {
  test('three parts, the first of which may be empty', () => {
    assert.deepEqual(readPlain(utf8('\0tim\0tanstaaftanstaaf')), {
      authorization: '',
      name: 'tim',
      password: 'tanstaaftanstaaf',
    });
    assert.equal(readPlain(utf8('Ursel\0Kurt\0xipj3plmq'))?.authorization, 'Ursel');
  });

  test('nothing else', () => {
    for (const text of ['', 'a', 'a\0b', '\0\0b', '\0a\0', 'a\0b\0c\0d', `\0a\0${'x'.repeat(800)}`])
      assert.equal(readPlain(utf8(text)), undefined, JSON.stringify(text));
    assert.equal(readPlain(Uint8Array.of(0, 0xff, 0, 0x61)), undefined);
  });
});

describe('SCRAM messages', () => {
  test('of RFC 7677 §3', () => {
    const first = readClientFirst(utf8('n,,n=user,r=rOprNGfwEbeRWgbNEkqO'));
    assert.deepEqual(first, {
      header: { kind: 'none' },
      headerText: 'n,,',
      bare: 'n=user,r=rOprNGfwEbeRWgbNEkqO',
      authorization: '',
      name: 'user',
      nonce: 'rOprNGfwEbeRWgbNEkqO',
    });
    const final = readClientFinal(
      utf8(
        'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
      ),
    );
    assert.equal(final?.nonce, 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0');
    assert.equal(final.withoutProof, 'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0');
    assert.equal(Buffer.from(final.binding).toString(), 'n,,');
    assert.equal(final.proof.length, 32);
  });

  test('the header says who, and how the channel is bound', () => {
    const header = (text: string): unknown => readClientFirst(utf8(`${text}n=a,r=12345678`))?.header;
    assert.deepEqual(header('y,,'), { kind: 'unoffered' });
    assert.deepEqual(header('p=tls-exporter,,'), { kind: 'bound', type: 'tls-exporter' });
    assert.equal(readClientFirst(utf8('n,a=b=2Cc=3D,n=x=2Cy,r=12345678'))?.authorization, 'b,c=');
    assert.equal(readClientFirst(utf8('n,,n=x=2Cy,r=12345678,z=ignored'))?.name, 'x,y');
    for (const text of ['', ',,', 'x,,', 'p=,,', 'n,', 'n,a=,', 'n,,m=1,']) assert.equal(header(text), undefined, text);
  });

  test('what is not one', () => {
    for (const text of [
      'n,,n=a',
      'n,,n=a,r=',
      'n,,n=a,r=short',
      'n,,n=,r=12345678',
      'n,,n=a=,r=12345678',
      'n,,n=a=2c,r=12345678',
      'n,,n=a,r=1234 5678',
      'n,,n=a\0,r=12345678',
      `n,,n=${'a'.repeat(5_000)},r=12345678`,
    ])
      assert.equal(readClientFirst(utf8(text)), undefined, text.slice(0, 40));
    for (const text of ['', 'c=biws,r=12345678', 'c=biws,p=AAAA', 'c=b,r=12345678,p=AAAA', 'c=biws,r=12345678,p=A'])
      assert.equal(readClientFinal(utf8(text)), undefined, text);
  });

  test('of the server', () => {
    assert.equal(writeServerFirst('abc', Uint8Array.of(1, 2, 3), 4_096), 'r=abc,s=AQID,i=4096');
    assert.equal(writeServerFinal(Uint8Array.of(255)), 'v=/w==');
  });
});

describe('prepared texts (RFC 4013 §3)', () => {
  test('its examples', () => {
    assert.equal(prepare('I\u00ADX'), 'IX');
    assert.equal(prepare('user'), 'user');
    assert.equal(prepare('USER'), 'USER');
    assert.equal(prepare('\u00AA'), 'a');
    assert.equal(prepare('\u2168'), 'IX');
    assert.equal(prepare('\u0007'), undefined);
  });

  test('blanks, forms of letters, and what must not be there', () => {
    assert.equal(prepare('a\u3000b'), 'a b');
    assert.equal(prepare('パスワード'), prepare('ﾊﾟｽﾜｰﾄﾞ'));
    for (const text of ['', '\u200B', 'a\u0000', 'a\u202Eb', '\uE000', '\uD800', 'x'.repeat(1_025)])
      assert.equal(prepare(text), undefined, JSON.stringify(text));
    assert.equal(prepareName('Alice@Example.NET'), 'alice@example.net');
    assert.equal(prepareName('a b'), undefined);
  });
});
