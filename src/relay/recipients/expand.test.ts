import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatAddress, parseAddress, type Address } from '../../protocol/smtp/address.ts';
import { replyText } from '../../protocol/smtp/reply.ts';
import { compileTable } from '../table/compile.ts';
import { openTable } from '../table/table.ts';
import { compileAliases } from './alias-file.ts';
import { expandRecipient } from './expand.ts';
import { writtenSender } from './masquerade.ts';
import { canonical, noRules, type RecipientRules } from './rules.ts';

const ALIASES = String.raw`postmaster: root
# c
list: alice, bob@far.test,
  carol+x
self: self, other@far.test
loop1: loop2
loop2: loop1
chain: list, self
prog: "|/usr/bin/vacation x", dave
onlyprog: |/bin/x
bslash: \alice
nul: /dev/null
alice: alice@final.test
Inc: :include:/inc
incno: :include:/nope
plus+*: plusstar
plus+one: plusone
quoted: "a b"@far.test, <x@y.test>, Real Name <z@y.test>
full@relay.test: fullhit
fullu: hit@local2.test
dup: bob@far.test, list
deep1: deep2
deep2: deep3
deep3: deep4
deep4: deep5
deep5: deep6
deep6: deep7
deep7: deep8
deep8: deep9
deep9: deep10
deep10: deep11
deep11: deep12
deep12: end@far.test
virtal: u@virt.test
"quo ted": qt@far.test
comm: a@b.test (comment, here), "c,d"@b.test
selfo: selfo@relay.test, x@far.test
`;
const INCLUDED: Readonly<Record<string, string>> = {
  '/inc': '# list\nm1@far.test, m2\n\nalice\n"Some, One" <q@far.test>\n:include:/inc2\n',
  '/inc2': 'deepinc@far.test\n',
};
const VIRTUAL = `u@virt.test ux@far.test
u@a.below.test below@far.test
u@below.test above@far.test
@virt.test catch-%1@far.test
u+*@virt.test up-%1-%2-%3@far.test
u+d@virt.test exact
v++@virt.test vpp-%2
err@virt.test error:5.7.0:550 go away
no@virt.test error:nouser No such user here
no2@virt.test error:nouser 550 No such user here
later@virt.test error:4.2.2:452 full box
own@virt.test error:5.1.1:550 5.9.9 text
loc@relay.test far@far.test
+*@local2.test plus-%1-%2@far.test
@local2.test %1@virt2.test
me@relay.test me@relay.test
ab@virt.test list
`;
const DOMAINS = 'old.test relay.test\noldfar.test newfar.test\nchain1.test old.test\n';
const GENERIC = `joe joe@gen.example
jane@gen.test jane.d@gen.example
plain plainout
@gen.test any-%1@gen.example
pl+*@gen.test plus-%1@gen.example
`;

const table = (text: string) => openTable(compileTable(Buffer.from(text)).table);

function rules(): RecipientRules {
  const { table: aliases } = compileAliases([{ file: 'aliases', text: Buffer.from(ALIASES) }], (path) => {
    const text = INCLUDED[path];
    if (text === undefined) throw new Error('no such file');
    return Buffer.from(text);
  });
  return {
    ...noRules,
    aliases: openTable(aliases),
    virtual: table(VIRTUAL),
    domains: table(DOMAINS),
    generic: table(GENERIC),
    localDomains: new Set(['relay.test', 'local2.test']),
    virtualDomains: new Set(['virt.test', '.below.test']),
    genericDomains: new Set(['gen.test']),
    hostname: 'mail.relay.test',
  };
}

const addressOf = (text: string): Address => parseAddress(text) ?? assert.fail(text);

/** What a recipient becomes: addresses in order of the alphabet, or the reply. */
function becomes(text: string): string | readonly string[] {
  const all = rules();
  const address = canonical(all, addressOf(text));
  const expansion = expandRecipient(all, address, `<${text}>`);
  if (expansion.kind === 'same') return [formatAddress(address)];
  return expansion.kind === 'refused' ? replyText(expansion.reply) : expansion.to.map(formatAddress).toSorted();
}

const LIST = ['alice@final.test', 'bob@far.test', 'carol+x@relay.test'];

// As `sendmail -bv` of 8.17.1 has it; where it has `local`, we have the domain.
const CASES: Readonly<Record<string, string | readonly string[]>> = {
  'list@relay.test': LIST,
  'LIST@RELAY.test': LIST.with(2, 'carol+x@RELAY.test'),
  'list@old.test': LIST,
  'dup@relay.test': LIST,
  'self@relay.test': ['other@far.test', 'self@relay.test'],
  'selfo@relay.test': ['selfo@relay.test', 'x@far.test'],
  'chain@relay.test': [...LIST, 'other@far.test', 'self@relay.test'],
  'loop1@relay.test': '554 5.4.6 <loop1@relay.test>... aliasing/forwarding loop broken',
  'deep1@relay.test': '554 5.4.6 <deep1@relay.test>... aliasing/forwarding loop broken',
  'deep2@relay.test': '554 5.4.6 <deep2@relay.test>... aliasing/forwarding loop broken',
  'deep3@relay.test': ['end@far.test'],
  'prog@relay.test': ['dave@relay.test'],
  'onlyprog@relay.test': '550 5.2.4 <onlyprog@relay.test>... This address leads to a program or a file',
  'bslash@relay.test': ['alice@relay.test'],
  'nul@relay.test': [],
  'inc@relay.test': ['alice@final.test', 'deepinc@far.test', 'm1@far.test', 'm2@relay.test', 'q@far.test'],
  'incno@relay.test': '550 5.2.4 <incno@relay.test>... This address leads to none that can be used',
  'plus+one@relay.test': ['plusone@relay.test'],
  'plus+two@relay.test': ['plusstar@relay.test'],
  'plus@relay.test': ['plus@relay.test'],
  'quoted@relay.test': ['"a b"@far.test', 'x@y.test', 'z@y.test'],
  'full@relay.test': ['fullhit@relay.test'],
  'fullu@relay.test': ['hit@virt2.test'],
  'u@a.below.test': ['below@far.test'],
  'u@below.test': ['u@below.test'],
  'virtal@relay.test': ['ux@far.test'],
  '"quo ted"@relay.test': ['qt@far.test'],
  'comm@relay.test': ['"c,d"@b.test', 'a@b.test'],
  'list@local2.test': ['list@virt2.test'],
  'x@oldfar.test': ['x@newfar.test'],
  'list@chain1.test': ['list@old.test'],
  'u@virt.test': ['ux@far.test'],
  'u+z@virt.test': ['up-u-z-+z@far.test'],
  'w@virt.test': ['catch-w@far.test'],
  'w+q@virt.test': ['catch-w@far.test'],
  'err@virt.test': '550 5.7.0 <err@virt.test>... go away',
  'no@virt.test': '553 5.3.0 <no@virt.test>... No such user here',
  'no2@virt.test': '550 5.0.0 <no2@virt.test>... No such user here',
  'later@virt.test': '452 4.2.2 full box',
  'own@virt.test': '550 5.9.9 <own@virt.test>... text',
  'loc@relay.test': ['far@far.test'],
  'foo+bar@local2.test': ['plus-foo-bar@far.test'],
  'me@relay.test': '554 5.4.6 <me@relay.test>... aliasing/forwarding loop broken',
  'elsewhere@far.test': ['elsewhere@far.test'],
  'alice@relay.test': ['alice@final.test'],
};

describe('what recipients become', () => {
  for (const [text, expected] of Object.entries(CASES)) {
    it(text, () => assert.deepEqual(becomes(text), typeof expected === 'string' ? expected : expected.toSorted()));
  }

  it('gives local users of virtual domains to the local host', () => {
    assert.deepEqual(becomes('u+d@virt.test'), ['exact@mail.relay.test']);
    assert.deepEqual(becomes('v+q@virt.test'), ['vpp-q@mail.relay.test']);
    assert.equal((becomes('ab@virt.test') as readonly string[]).length, 3);
  });

  it('tells the one user of ours that a virtual user is, but none behind an alias', () => {
    const user = (text: string): string | undefined => {
      const all = rules();
      const expansion = expandRecipient(all, canonical(all, addressOf(text)), text);
      return expansion.kind === 'others' ? expansion.user : undefined;
    };
    assert.equal(user('v+q@virt.test'), 'vpp-q');
    assert.equal(user('ab@virt.test'), undefined, 'a list');
    assert.equal(user('bslash@relay.test'), undefined, 'an alias');
    assert.equal(user('x@oldfar.test'), undefined, 'elsewhere');
  });

  it('leaves all as it is without tables', () => {
    assert.deepEqual(expandRecipient(noRules, addressOf('a@b.test'), '<a@b.test>'), { kind: 'same' });
  });
});

// Each as Sendmail 8.17.1 had it in MAIL FROM at the next hop.
describe('lists with an owner', () => {
  const lists = `list: a@dest.test, b@dest.test
owner-list: boss@dest.test
two: list, c@dest.test
owner-two: root
multi: m@dest.test
owner-multi: r1@dest.test, r2@dest.test
selfl: s@dest.test
owner-selfl: owner-selfl-req
owner-selfl-req: q@dest.test
owner-owner: z@dest.test
noown: list
`;
  const { table: aliases } = compileAliases([{ file: 'aliases', text: Buffer.from(lists) }], () => assert.fail());
  const all = { ...rules(), virtual: undefined, aliases: openTable(aliases) };
  const owned: Readonly<Record<string, readonly string[]>> = {
    list: ['boss@dest.test a@dest.test', 'boss@dest.test b@dest.test'],
    two: ['boss@dest.test a@dest.test', 'boss@dest.test b@dest.test', 'root@mail.relay.test c@dest.test'],
    multi: ['owner-multi@mail.relay.test m@dest.test'],
    selfl: ['owner-selfl-req@mail.relay.test s@dest.test'],
    noown: ['boss@dest.test a@dest.test', 'boss@dest.test b@dest.test'],
    'list+foo': ['boss@dest.test a@dest.test', 'boss@dest.test b@dest.test'],
  };
  for (const [local, expected] of Object.entries(owned)) {
    it(local, () => {
      const expansion = expandRecipient(all, { local, domain: 'relay.test' }, `<${local}@relay.test>`);
      assert.ok(expansion.kind === 'others');
      const members = expansion.to.map(({ owner, ...one }) => `${owner && formatAddress(owner)} ${formatAddress(one)}`);
      assert.deepEqual(members.toSorted(), expected);
    });
  }
});

describe('how senders are written', () => {
  const written: Readonly<Record<string, string>> = {
    'joe@gen.test': 'any-joe@gen.example',
    'jane@gen.test': 'jane.d@gen.example',
    'jane+x@gen.test': 'jane.d@gen.example',
    'pl+a@gen.test': 'plus-a@gen.example',
    'joe@other.test': 'joe@other.test',
    joe: 'joe@gen.example',
    plain: 'plainout@mail.relay.test',
  };
  for (const [text, expected] of Object.entries(written))
    it(text, () => assert.equal(formatAddress(writtenSender(rules(), addressOf(text))), expected));
});

describe('files of aliases', () => {
  it('include lists whose keepers can neither stop the rest nor multiply without end', () => {
    const lists: Readonly<Record<string, string>> = {
      '/a': 'no good\njoe@far.test\n:include:/b\n:include:/b\n:include:/missing\n:include:/a\n',
      '/b': ':include:/c\n'.repeat(1_000),
      '/c': ':include:/d\n'.repeat(1_000),
      '/d': ':include:/e\n'.repeat(1_000),
      '/e': 'jane@far.test\n',
    };
    const read: string[] = [];
    const { table: aliases, problems } = compileAliases(
      [{ file: 'aliases', text: Buffer.from('list: :include:/a\n') }],
      (path, nested) => {
        read.push(`${path}${nested ? ' nested' : ''}`);
        const text = lists[path] ?? assert.fail('gone');
        return Buffer.from(text);
      },
    );
    assert.deepEqual(read, ['/a', '/b nested', '/c nested', '/d nested', '/e nested', '/missing nested']);
    assert.deepEqual(
      problems.map(({ severity, file, line, text }) => `${severity} ${file}:${line} ${text}`),
      [
        'warning /a:1 "no good" is no address',
        'warning /a:5 cannot read the list /missing: gone',
        'warning /a:6 /a includes itself',
      ],
    );
    assert.equal(openTable(aliases).find('list')?.value, 'joe@far.test\njane@far.test\n:include:/missing');
  });

  it('tell what is wrong with them', () => {
    const text = 'a: b\n  , c\n: x\nnothing\nd:\nA: e\nf: |prog\ng: /var/mail/g\nh: :include:/nope\ni: no good\n';
    const { problems } = compileAliases([{ file: 'aliases', text: Buffer.from(text) }], () => assert.fail('gone'));
    assert.deepEqual(
      problems.map(({ severity, line, text: what }) => `${severity} ${line} ${what}`),
      [
        'error 3 this is no alias',
        'error 4 this is no alias',
        'error 5 the alias d goes nowhere',
        'error 6 the alias A is there already, in line 1; the first one counts',
        'warning 7 |prog is not run: this relay starts no programs',
        'warning 8 /var/mail/g is not written: this relay has no mailboxes',
        'warning 9 cannot read the list /nope: gone',
        'error 10 "no good" is no address',
      ],
    );
  });
});
