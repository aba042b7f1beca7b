/** The access map and the tables for recipients of a running relay: edits by hand, broken ones, large ones, and whom mail really goes to. */
import assert from 'node:assert/strict';
import { appendFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { letter } from './message.ts';
import { LOCAL_DOMAIN, Relay, until, type LogLine } from './relay.ts';
import { Sink } from './sink.ts';
import { Talk } from './talk.ts';

const VICTIM = 'victim@local.example';

describe('tables of the running relay', () => {
  let sink: Sink;
  let relay: Relay;

  before(async () => {
    sink = await Sink.open();
    relay = await Relay.start(
      sink.port,
      {
        threads: { fronts: 3 },
        access: { blocklistRecipients: true },
        recipients: {
          aliases: ['aliases'],
          virtual: 'virtusertable',
          virtualDomains: ['virtual.example'],
          domains: 'domaintable',
        },
        senders: { generic: 'genericstable', genericDomains: ['inside.example'] },
      },
      (directory) => {
        const at = (name: string): string => `${directory}/${name}`;
        writeFileSync(at('access'), 'To:first@local.example REJECT\n no key\nTo:second@local.example REJECT\n');
        writeFileSync(at('list'), '# people\nann@far.example\nBob <bob@far.example>, carol\n');
        writeFileSync(
          at('aliases'),
          `# aliases\nteam: ann@far.example, carol,\n  "|/usr/bin/archive"\nlist: :include:${at('list')}\ncarol: carol@far.example\nself: self, ann@far.example\nprogram: "|/usr/bin/vacation"\nnobody: /dev/null\nnews: ann@far.example, bob@far.example\nowner-news: editor@far.example\nround: trip\ntrip: round\n`,
        );
        writeFileSync(
          at('virtusertable'),
          'info@virtual.example team@local.example\n@virtual.example %1-at-virtual@far.example\ngone@local.example error:5.1.6:550 moved away\n',
        );
        writeFileSync(at('domaintable'), 'old.example local.example\n');
        writeFileSync(at('genericstable'), 'joe@inside.example joe.doe@outside.example\n');
      },
    );
  });
  after(async () => {
    await relay?.[Symbol.asyncDispose]();
    await sink?.[Symbol.asyncDispose]();
  });

  async function rcpt(address: string): Promise<string> {
    using talk = await Talk.open(relay.port('server'));
    await talk.greet();
    await talk.ask('EHLO client.example');
    await talk.ask('MAIL FROM:<a@client.example>');
    return await talk.ask(`RCPT TO:<${address}>`);
  }

  /** Recipients that the next hop was given for a message to these, in order of the alphabet. */
  async function goesTo(recipients: readonly string[], from = 'a@client.example'): Promise<readonly string[]> {
    const before = sink.messages.length;
    using talk = await Talk.open(relay.port('server'));
    await talk.greet();
    assert.match(await talk.message(letter('tables'), recipients, from), /^250/);
    await relay.idle();
    return sink.messages
      .slice(before)
      .flatMap((message) => message.recipients)
      .toSorted();
  }

  it('starts with the good lines of a map that has others, and tells these', async () => {
    assert.match(await rcpt('first@local.example'), /^550 5\.2\.1/);
    assert.match(await rcpt('second@local.example'), /^550 5\.2\.1/);
    await relay.event(({ detail }) => /access:2:1: the line starts with a blank/.test(String(detail)));
  });

  it('takes an edit within a second or so, in all threads at once', async () => {
    writeFileSync(relay.path('access'), `To:${VICTIM} REJECT\n`);
    const began = performance.now();
    await until('the edit counts', async () => (await rcpt(VICTIM)).startsWith('550'));
    assert.ok(performance.now() - began < 3_500, `${performance.now() - began} ms`);
    for (let i = 0; i < 12; i++) assert.match(await rcpt(VICTIM), /^550 5\.2\.1/);
    assert.match(await rcpt('first@local.example'), /^250/);
  });

  it('keeps what is in force when an edit is broken, and says where', async () => {
    const told = (pattern: RegExp): Promise<LogLine> =>
      relay.event(({ event, detail }) => event === 'trouble' && pattern.test(String(detail)));
    writeFileSync(relay.path('access'), `To:first@local.example REJECT\nkey-alone\n`);
    await told(/access:2:10: the key "key-alone" has no value[^]*stays in force/);
    assert.match(await rcpt(VICTIM), /^550/);
    assert.match(await rcpt('first@local.example'), /^250/);
    writeFileSync(relay.path('access'), Buffer.from('To:first@local.example REJECT\n', 'utf16le'));
    await told(/access:1:2: the line has a NUL octet/);
    rmSync(relay.path('access'));
    // Gone is no map: it is only taken when it is there by its usual name.
    await until('no map', async () => (await rcpt(VICTIM)).startsWith('250'));
    writeFileSync(relay.path('access.next'), `To:${VICTIM} REJECT\n`);
    renameSync(relay.path('access.next'), relay.path('access'));
    await until('the map counts again', async () => (await rcpt(VICTIM)).startsWith('550'));
  });

  it('sends what is for an alias to those behind it', async () => {
    assert.deepEqual(await goesTo(['team@local.example']), ['ann@far.example', 'carol@far.example']);
    assert.deepEqual(await goesTo(['list@local.example', 'TEAM@old.example']), [
      'ann@far.example',
      'bob@far.example',
      'carol@far.example',
    ]);
    assert.deepEqual(await goesTo(['self@local.example']), ['ann@far.example', 'self@local.example']);
    assert.deepEqual(await goesTo(['nobody@local.example']), []);
    assert.deepEqual(await goesTo(['plain@local.example']), ['plain@local.example']);
  });

  it('refuses what leads nowhere', async () => {
    assert.match(await rcpt('program@local.example'), /^550 5\.2\.4 <program@local\.example>/);
    assert.match(await rcpt('round@local.example'), /^554 5\.4\.6 .*loop/);
    assert.match(await rcpt('gone@local.example'), /^550 5\.1\.6 <gone@local\.example>\.\.\. moved away/);
    await relay.event(({ detail }) => /aliases:2:1: \|\/usr\/bin\/archive is not run/.test(String(detail)));
  });

  it('asks the virtual users first', async () => {
    writeFileSync(relay.path('access'), 'To:virtual.example RELAY\nTo:inside.example RELAY\n');
    await until('virtual.example is relayed for', async () => (await rcpt('x@virtual.example')).startsWith('250'));
    assert.deepEqual(await goesTo(['info@virtual.example']), ['ann@far.example', 'carol@far.example']);
    assert.deepEqual(await goesTo(['other@virtual.example']), ['other-at-virtual@far.example']);
  });

  it('writes the reverse-path as the world knows it', async () => {
    await goesTo(['plain@local.example'], 'joe@inside.example');
    assert.equal(sink.messages.at(-1)?.reversePath, 'joe.doe@outside.example');
  });

  it('tells trouble with a list to its owner, not to who wrote, with large content too', async () => {
    for (const body of ['short', 'long line\n'.repeat(40_000)]) {
      const before = sink.messages.length;
      using talk = await Talk.open(relay.port('server'));
      await talk.greet();
      const to = ['news@local.example', 'plain@local.example'];
      assert.match(await talk.message(letter('list', body), to, 'a@client.example'), /^250/);
      await relay.idle();
      const sent = sink.messages.slice(before);
      assert.deepEqual(
        sent.map(({ reversePath, recipients }) => [reversePath, ...recipients.toSorted()].join(' ')).toSorted(),
        ['a@client.example plain@local.example', 'editor@far.example ann@far.example bob@far.example'],
      );
      const contents = sent.map(({ content }) => content.toString());
      assert.ok(contents[0] === contents[1] && (contents[0]?.length ?? 0) > body.length);
      await until('no content is left', () => readdirSync(relay.path('content')).length === 0);
    }
  });

  it('reads included lists and aliases again when they change', async () => {
    appendFileSync(relay.path('list'), 'dora@far.example\n');
    await until('dora is on the list', async () => (await goesTo(['list@local.example'])).includes('dora@far.example'));
    appendFileSync(relay.path('aliases'), 'team: other@far.example\n');
    await relay.event(({ detail }) => /aliases:13:1: the alias team is there already, in line 2/.test(String(detail)));
    assert.deepEqual(await goesTo([`team@${LOCAL_DOMAIN}`]), ['ann@far.example', 'carol@far.example']);
  });
});
