import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fill, messagesFor } from './choose.ts';
import { type MessageKey, en } from './en.ts';
import { ja } from './ja.ts';
import { lintEn } from './lint-en.ts';
import { lintJa } from './lint-ja.ts';

const names = (text: string): string[] => [...new Set(text.match(/\{[A-Za-z]+\}/g))].sort();

test('both catalogues have the same keys, and the same names in each message', () => {
  assert.deepEqual(Object.keys(ja).sort(), Object.keys(en).sort());
  for (const key of Object.keys(en) as MessageKey[]) assert.deepEqual(names(ja[key]), names(en[key]), key);
});

test('lint has the same words in both languages', () => {
  assert.deepEqual(Object.keys(lintJa).sort(), Object.keys(lintEn).sort());
  for (const rule of Object.keys(lintEn) as (keyof typeof lintEn)[])
    for (const part of [0, 1] as const) assert.deepEqual(names(lintJa[rule][part]), names(lintEn[rule][part]), rule);
});

test('no message is empty or left in English', () => {
  const same = (Object.keys(en) as MessageKey[]).filter((key) => ja[key] === en[key]);
  assert.deepEqual(same, ['show.subject', 'show.issuer', 'show.fingerprint']);
  assert.ok(Object.values(ja).every((text) => text.length > 0));
});

test('the environment chooses: LC_ALL, then LC_MESSAGES, then LANG', () => {
  assert.equal(messagesFor({}), en);
  assert.equal(messagesFor({ LANG: 'ja_JP.UTF-8' }), ja);
  assert.equal(messagesFor({ LANG: 'ja' }), ja);
  assert.equal(messagesFor({ LANG: 'ja_JP.UTF-8', LC_ALL: 'C' }), en);
  assert.equal(messagesFor({ LANG: 'ja_JP.UTF-8', LC_ALL: '' }), ja);
  assert.equal(messagesFor({ LANG: 'C', LC_MESSAGES: 'ja_JP' }), ja);
  assert.equal(messagesFor({ LANG: 'jam_JM' }), en);
});

test('names are filled in, also twice; a value is not searched again', () => {
  assert.equal(fill(en, 'error.readFile', { path: '{detail}', detail: 'x' }), 'cannot read {detail}: x');
  assert.equal(fill(en, 'error.readFile', { path: 'p' }), 'cannot read p: {detail}');
});
