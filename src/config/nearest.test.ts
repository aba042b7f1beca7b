import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from './nearest.ts';

const keys = ['recipients', 'messageSize', 'hostname', 'hops', 'relay'];

test('the candidate that was meant', () => {
  assert.equal(nearest('recipents', keys), 'recipients');
  assert.equal(nearest('messagesize', keys), 'messageSize');
  assert.equal(nearest('hsotname', keys), 'hostname');
  assert.equal(nearest('rely', keys), 'relay');
});

test('nothing near is nothing', () => {
  assert.equal(nearest('colour', keys), undefined);
  assert.equal(nearest('x', keys), undefined);
  assert.equal(nearest('relay', []), undefined);
});
