import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compileAliases } from '../recipients/alias-file.ts';
import { noRules, type RecipientRules } from '../recipients/rules.ts';
import { openTable } from '../table/table.ts';
import { verify } from './verify.ts';

const policy = {
  localDomains: new Set(['relay.test', 'mail.relay.test']),
  localUsers: new Set(['root']),
  hostname: 'mail.relay.test',
};
const { table } = compileAliases(
  [{ file: 'aliases', text: Buffer.from('postmaster: root\nstaff: root, x@dest.test\n') }],
  () => new Uint8Array(),
);
const rules: RecipientRules = {
  ...noRules,
  aliases: openTable(table),
  localDomains: policy.localDomains,
  hostname: policy.hostname,
};
const ask = (verb: 'VRFY' | 'EXPN', typed: string): string => {
  const { status, addresses } = verify(verb, typed, policy, rules);
  return `${status} ${addresses.join(' ')}`;
};

// As Sendmail 8.17.1 was seen to answer, but for the names in front of addresses.
describe('VRFY and EXPN', () => {
  it('know local users in any of the forms', () => {
    for (const typed of ['root', 'root@relay.test', '<root@relay.test>'])
      for (const verb of ['VRFY', 'EXPN'] as const) assert.equal(ask(verb, typed), 'verified <root@mail.relay.test>');
    assert.equal(ask('VRFY', 'nosuch'), 'user-unknown nosuch');
    assert.equal(ask('EXPN', 'nosuch'), 'user-unknown nosuch');
    assert.equal(ask('VRFY', 'no such'), 'user-unknown no such');
  });

  it('verify an alias by its own name, and expand it', () => {
    assert.equal(ask('VRFY', 'postmaster'), 'verified <postmaster@mail.relay.test>');
    assert.equal(ask('EXPN', 'postmaster'), 'verified <root@mail.relay.test>');
    assert.equal(ask('EXPN', 'staff'), 'verified <root@mail.relay.test> <x@dest.test>');
  });

  it('say no more of others than was asked', () => {
    assert.equal(ask('VRFY', 'x@dest.test'), 'verified-elsewhere <x@dest.test>');
    assert.equal(ask('EXPN', 'x@dest.test'), 'verified <x@dest.test>');
  });
});
