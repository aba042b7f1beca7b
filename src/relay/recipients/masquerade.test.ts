import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatAddress, parseAddress, type Address } from '../../protocol/smtp/address.ts';
import { compileTable } from '../table/compile.ts';
import { openTable } from '../table/table.ts';
import { headerRewriter, writtenRecipient, writtenReversePath, writtenSender } from './masquerade.ts';
import { noRules, type Masquerade, type RecipientRules, type SenderRules } from './rules.ts';

const table = (text: string) => openTable(compileTable(Buffer.from(text)).table);
const GENERICS = table(
  'joe@in.test\tJoe.User@world.test\nbob\tBob.Boss@world.test\nann\tann.name\nann+*@in.test\tx-%1@world.test\n@all.test\t%1@everybody.test\n',
);
const local = ['mail.relay.test', 'relay.test'];

const masquerade = (given: Partial<Record<keyof Masquerade, readonly string[]>>): Masquerade => ({
  as: 'world.test',
  domains: new Set(given.domains ?? local),
  exceptions: new Set(given.exceptions),
  exposed: new Set(given.exposed),
});

const rulesOf = (senders: Partial<SenderRules>, others: Partial<RecipientRules> = {}): RecipientRules => ({
  ...noRules,
  hostname: 'mail.relay.test',
  genericDomains: new Set(['in.test', 'all.test']),
  ...others,
  senders: { ...noRules.senders, headers: true, qualify: true, ...senders },
});

const addressOf = (text: string): Address => parseAddress(text) ?? assert.fail(text);
const senders = (rules: RecipientRules, text: string): string =>
  text
    .split(' ')
    .map((one) => formatAddress(writtenSender(rules, addressOf(one))))
    .join(' ');

// Each as Sendmail 8.17.1 wrote it in mail that it handed on.
describe('how senders are written', () => {
  it('by the genericstable', () => {
    const rules = rulesOf({}, { generic: GENERICS });
    const given =
      'joe@in.test Joe@IN.TEST joe+list@in.test ann ann+w@in.test zoe+q@all.test unknown@in.test joe@sub.in.test';
    const written =
      'Joe.User@world.test Joe.User@world.test Joe.User@world.test ann.name@mail.relay.test x-w@world.test zoe+q@everybody.test unknown@in.test joe@sub.in.test';
    assert.equal(senders(rules, given), written);
  });

  it('by MASQUERADE_AS', () => {
    const rules = rulesOf({ masquerade: masquerade({}) });
    assert.equal(
      senders(rules, 'joe@relay.test ann@mail.relay.test ann x@in.test'),
      'joe@world.test ann@world.test ann@world.test x@in.test',
    );
    assert.equal(formatAddress(writtenRecipient(rules, addressOf('ann'))), 'ann@mail.relay.test');
    assert.equal(formatAddress(writtenRecipient(rules, addressOf('ann@relay.test'))), 'ann@relay.test');
  });

  it('with domains, exposed users and recipients', () => {
    const given = masquerade({ domains: ['in.test', ...local], exposed: ['root'] });
    const rules = rulesOf({ masquerade: given, recipients: true });
    assert.equal(
      senders(rules, 'root@relay.test ann@sub.in.test ann@in.test root root@in.test'),
      'root@relay.test ann@sub.in.test ann@world.test root@mail.relay.test root@in.test',
    );
    assert.equal(formatAddress(writtenRecipient(rules, addressOf('c@in.test'))), 'c@world.test');
  });

  it('with whole domains and exceptions', () => {
    const domains = ['in.test', '.in.test'];
    const rules = rulesOf({ masquerade: masquerade({ domains, exceptions: ['not.in.test', '.not.in.test'] }) });
    assert.equal(
      senders(rules, 'joe@relay.test root@sub.in.test ann@not.in.test ann@x.not.in.test ann'),
      'joe@relay.test root@world.test ann@not.in.test ann@x.not.in.test ann@world.test',
    );
  });

  it('by both: a name from the table without a domain gets that of the masquerade', () => {
    const rules = rulesOf({ masquerade: masquerade({}) }, { generic: GENERICS });
    assert.equal(
      senders(rules, 'ann@in.test joe@relay.test bob@relay.test bob ann'),
      'ann.name@world.test joe@world.test bob@world.test Bob.Boss@world.test ann.name@world.test',
    );
  });

  it('by the domaintable first', () => {
    const rules = rulesOf({}, { generic: GENERICS, domains: table('old.test\tin.test\n') });
    assert.equal(senders(rules, 'joe@old.test x@old.test'), 'Joe.User@world.test x@in.test');
    assert.equal(formatAddress(writtenRecipient(rules, addressOf('joe@old.test'))), 'joe@in.test');
  });

  it('the reverse-path only where that is wanted, apart from the domaintable', () => {
    const tables = { generic: GENERICS, domains: table('old.test\tin.test\n') };
    const path = (envelope: boolean): string =>
      formatAddress(writtenReversePath(rulesOf({ envelope }, tables), addressOf('joe@old.test')));
    assert.deepEqual([path(false), path(true)], ['joe@in.test', 'Joe.User@world.test']);
  });

  it('nothing where there are no rules, or header fields are to be left alone', () => {
    assert.equal(headerRewriter(noRules), undefined);
    assert.equal(headerRewriter(rulesOf({ qualify: false })), undefined);
    assert.equal(headerRewriter(rulesOf({ headers: false }, { generic: GENERICS })), undefined);
    assert.notEqual(headerRewriter(rulesOf({})), undefined);
  });
});
