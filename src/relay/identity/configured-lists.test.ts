import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chainCrypto } from '../../ca/chain-crypto.ts';
import { readCrl } from '../../protocol/pki/crl-read.ts';
import { listOf, NOON, outsider, shown, type ListWish, type Outsider } from '../../../test/fakes/outsider.ts';
import { uncheckedList, type UncheckedList } from './configured-lists.ts';
import { authorityCertificate, foreignTrust } from './foreign.ts';

const crypto = chainCrypto();
const DAY = 86_400_000;

function list(ca: Pick<Outsider, 'name' | 'key'>, wish: ListWish = {}): UncheckedList {
  const der = listOf(ca, wish);
  const reading = readCrl(der);
  assert.ok(reading.kind === 'list');
  // As it comes to a front thread.
  return structuredClone(uncheckedList(der, reading.list, crypto));
}

/** What is said of a certificate whose chain TLS verified up to one of these roots. */
function said(
  roots: readonly Outsider[],
  lists: readonly UncheckedList[],
  chain: readonly [Outsider, ...Outsider[]],
  { incomplete = false, now = NOON }: { readonly incomplete?: boolean; readonly now?: number } = {},
): string {
  const trust = foreignTrust(crypto);
  const certificates = roots.map((root) => authorityCertificate(root.der, undefined, true, crypto));
  trust.replace({
    authorities: [],
    certificates: certificates.filter((one) => one !== undefined),
    pem: [],
    lists: { lists, incomplete },
  });
  const judgement = trust.judge(shown(...chain), now);
  return judgement.kind === 'refused' ? judgement.reason : judgement.kind;
}

describe('revocation lists that the configuration names', () => {
  const root = outsider(undefined, { commonName: 'Root', ca: true });
  const middle = outsider(root, { commonName: 'Middle', ca: true });
  const alice = outsider(root, { commonName: 'alice', serial: 7 });
  const bob = outsider(middle, { commonName: 'bob', serial: 8 });

  it('refuse whom their CA lists, and nobody else', () => {
    const lists = [list(root, { revoked: [[7]] })];
    assert.equal(said([root], lists, [alice]), 'revoked');
    assert.equal(said([root], lists, [outsider(root, { serial: 9 })]), 'other');
    assert.equal(said([root], [list(root, { revoked: [[7, 6]] })], [alice]), 'suspended');
  });

  it('are not needed of a CA: one that publishes none is believed as before', () => {
    const other = outsider(undefined, { commonName: 'Other', ca: true });
    assert.equal(said([root, other], [list(other, { revoked: [[7]] })], [alice]), 'other');
    assert.equal(said([root], [list(root)], [bob, middle]), 'other', 'the CA between has none');
  });

  it('say something of every CA in the chain, one that the peer sent too', () => {
    assert.equal(said([root], [list(root, { revoked: [[middle.serial]] })], [bob, middle]), 'revoked');
    assert.equal(said([root], [list(middle, { revoked: [[8]] })], [bob, middle]), 'revoked');
    assert.equal(said([root], [list(root, { revoked: [[8]] })], [bob, middle]), 'other', 'a number of another CA');
  });

  it('that ran out refuse everybody of their CA', () => {
    const old = list(root, { nextUpdate: NOON - DAY, thisUpdate: NOON - 2 * DAY });
    assert.equal(said([root], [old], [alice]), 'no-status');
    assert.equal(said([root], [old, list(root)], [alice]), 'other', 'with a new one beside');
    assert.equal(said([root], [list(root)], [alice], { now: NOON + 8 * DAY }), 'no-status');
  });

  it('that somebody else signed in the name of the CA prove nothing, so nobody of it is let in', () => {
    const forger = outsider(undefined, { commonName: 'Root', ca: true });
    assert.equal(said([root], [list(forger)], [alice]), 'no-status');
    const deaf = outsider(undefined, { commonName: 'Deaf', ca: true, keyUsage: [5] });
    assert.equal(said([deaf], [list(deaf)], [outsider(deaf, {})]), 'no-status', 'its key may not sign lists');
  });

  it('of a CA that had the same name with another key are not about this one', () => {
    const before = outsider(undefined, { commonName: 'Root', ca: true });
    assert.equal(said([root, before], [list(before, { revoked: [[7]] })], [alice]), 'other');
    assert.equal(
      said([root, before], [list(before, { revoked: [[7]] })], [outsider(before, { serial: 7 })]),
      'revoked',
    );
  });

  it('that could not be read may name anybody', () => {
    assert.equal(said([root], [], [alice], { incomplete: true }), 'no-status');
    assert.equal(said([root], [list(root, { revoked: [[7]] })], [alice], { incomplete: true }), 'revoked');
  });

  it('do not shut out a self-signed certificate that is believed itself and may sign nothing', () => {
    const lonely = outsider(undefined, { commonName: 'lonely', keyUsage: [0] });
    assert.equal(said([root, lonely], [list(root)], [lonely]), 'other');
    // Sending it along does not make it believed.
    const stranger = outsider(undefined, { commonName: 'stranger', keyUsage: [0] });
    assert.equal(said([root], [list(root)], [stranger, stranger]), 'no-chain');
  });

  it('cost nothing where there are none', () => {
    const trust = foreignTrust(crypto);
    trust.replace({ authorities: [], certificates: [], pem: [] });
    assert.equal(trust.active, false);
  });
});
