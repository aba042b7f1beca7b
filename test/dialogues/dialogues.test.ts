import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { play } from './play.ts';

const folder = new URL('./', import.meta.url);

describe('dialogues', () => {
  const names = readdirSync(folder).filter((name) => name.endsWith('.txt'));

  test('are there', () => assert.ok(names.length >= 25));

  for (const name of names) {
    const transcript = readFileSync(new URL(name, folder), 'utf8');
    test(name, () => play(name, transcript, 'whole'));
    test(`${name}, octet by octet`, () => play(name, transcript, 'octets'));
  }
});

describe('a wrong dialogue is told', () => {
  const greeting = 'S: 220 mx.example ESMTP Sealpost\n';
  for (const [what, transcript] of [
    ['a reply that differs', `${greeting}C: NOOP\nS: 250 2.0.0 No\n`],
    ['a reply that is missing', `${greeting}C: NOOP\nS: 250 2.0.0 OK\nS: 250 2.0.0 OK\n`],
    [
      'a reply too many',
      `${greeting}C: NOOP\nC: NOOP\nS: 250 2.0.0 OK\nC: QUIT\nS: 221 2.0.0 mx.example closing connection\n`,
    ],
    ['a reply too many at the end', `${greeting}C: NOOP\n`],
    ['an event that is missing', `${greeting}C: NOOP\nS: 250 2.0.0 OK\nE: reset\n`],
    ['a line that is none', 'X: y\n'],
  ] as const)
    test(what, () => assert.throws(() => play('wrong.txt', transcript, 'whole'), assert.AssertionError));
});
