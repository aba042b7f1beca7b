/**
 * A relay whose TLS files are no good when it starts, as a site that came from Sendmail may have them: it takes mail in
 * clear, says what is wrong, and goes over to TLS and to revocation lists as the files come, without a restart.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { issue, makeAuthority, type Authority } from './authority.ts';
import { missing, mustRun } from './program.ts';
import { Relay, until } from './relay.ts';
import { Sink } from './sink.ts';
import { Talk, tlsOptions, type Identity } from './talk.ts';

const SOON = 4_000;
const OUTSIDE = 'bob@elsewhere.example';

describe('TLS files that are no good at the start', { skip: missing('openssl') }, () => {
  let sink: Sink;
  let relay: Relay;
  let authority: Authority;
  let alice: Identity;
  let carol: Identity;
  const port = (): number => relay.port('server');

  before(async () => {
    sink = await Sink.open();
    const tls = {
      unusable: 'no-starttls',
      keyMode: 'owner',
      authorities: ['partner/ca.crt'],
      authorityPaths: ['cas'],
      revocationPaths: ['crls'],
    };
    relay = await Relay.start(sink.port, { tls }, async (directory) => {
      authority = await makeAuthority(`${directory}/partner`, '/O=Partner/CN=Partner');
      alice = await issue(authority, 'alice', { subject: '/O=Partner/CN=alice' });
      carol = await issue(authority, 'carol', { subject: '/O=Partner/CN=carol' });
      writeFileSync(
        `${directory}/access`,
        'CERTISSUER:/O=Partner/CN=Partner RELAY\nCERTISSUER:/O=Late/CN=Late RELAY\n',
      );
      mkdirSync(`${directory}/cas`);
      renameSync(`${directory}/tls/server.key`, `${directory}/tls/away.key`);
    });
  });
  after(async () => {
    await relay?.[Symbol.asyncDispose]();
    await sink?.[Symbol.asyncDispose]();
  });

  const offered = async (): Promise<boolean> => {
    using talk = await Talk.open(port());
    return (await talk.greet()).includes('STARTTLS');
  };
  /** What a holder of this certificate hears at RCPT for a stranger's domain. */
  const recipient = async (identity: Identity): Promise<string> => {
    using talk = await Talk.open(port());
    await talk.greet();
    await talk.starttls(tlsOptions(relay.root, identity));
    await talk.ask('EHLO client.example');
    await talk.ask('MAIL FROM:<alice@example.net>');
    return await talk.ask(`RCPT TO:<${OUTSIDE}>`);
  };
  const troubles = (): string =>
    relay.log
      .filter(({ event }) => event === 'trouble')
      .map((line) => JSON.stringify(line))
      .join('\n');
  /** The CA's list as it is now, in the directory under its hash. */
  async function publish(...revoked: readonly Identity[]): Promise<void> {
    const config = `${authority.directory}/ca.cnf`;
    for (const { certificate } of revoked)
      await mustRun('openssl', ['ca', '-config', config, '-md', 'sha256', '-revoke', certificate]);
    const crl = `${authority.directory}/crl.pem`;
    await mustRun('openssl', ['ca', '-config', config, '-md', 'sha256', '-gencrl', '-crldays', '7', '-out', crl]);
    const hash = (await mustRun('openssl', ['crl', '-in', crl, '-noout', '-hash'])).trim();
    writeFileSync(relay.path(`crls/${hash}.r0.new`), readFileSync(crl));
    renameSync(relay.path(`crls/${hash}.r0.new`), relay.path(`crls/${hash}.r0`));
  }

  it('no STARTTLS is offered, and the log says why', async () => {
    assert.equal(await offered(), false);
    assert.match(troubles(), /server\.key \(tls\.key\): ENOENT; STARTTLS is not offered until that is mended/);
    using talk = await Talk.open(port());
    await talk.greet();
    assert.match(await talk.ask('STARTTLS'), /^[45]\d\d /);
    assert.match(await talk.ask('NOOP'), /^250/, 'the session goes on');
  });

  it('with the key TLS is there, and without the list no certificate counts', async () => {
    renameSync(relay.path('tls/away.key'), relay.path('tls/server.key'));
    await until('STARTTLS is offered', offered, SOON);
    assert.match(await recipient(alice), /^550 .*cannot be told now whether the client certificate was revoked/);
    assert.match(
      troubles(),
      /crls \(tls\.revocationPaths\): ENOENT; no client certificate counts until that is mended/,
    );
  });

  it('with the list they do, but those that it names', async () => {
    mkdirSync(relay.path('crls'));
    await publish();
    await until('the list is in force', async () => (await recipient(alice)).startsWith('250'), SOON);
    assert.match(await recipient(carol), /^250/);
    using open = await Talk.open(port());
    await open.greet();
    await open.starttls(tlsOptions(relay.root, carol));
    await open.ask('EHLO client.example');
    await publish(carol);
    await until('the revocation is in force', async () => !(await recipient(carol)).startsWith('250'), SOON);
    assert.match(await recipient(carol), /^550 .*revoked/);
    assert.match(await recipient(alice), /^250/);
    // The session that was open is ended, or what it asks is refused.
    const answers = await open.ask('MAIL FROM:<carol@example.net>').then(
      async (mail) => (mail.startsWith('250') ? open.ask(`RCPT TO:<${OUTSIDE}>`) : mail),
      () => 'closed',
    );
    assert.doesNotMatch(answers, /^2/);
  });

  it('a list that breaks later leaves the one before in force', async () => {
    const [list] = (await mustRun('ls', [relay.path('crls')])).trim().split('\n');
    writeFileSync(relay.path(`crls/${list}`), 'nonsense');
    await relay.event(
      (line) => line.event === 'trouble' && /crls/.test(JSON.stringify(line)),
      15_000,
      relay.log.length,
    );
    assert.match(await recipient(alice), /^250/);
    assert.match(await recipient(carol), /^550/);
  });

  it('a CA that is linked into the directory is believed from then on', async () => {
    const late = await makeAuthority(relay.path('late'), '/O=Late/CN=Late');
    const dora = await issue(late, 'dora', { subject: '/O=Late/CN=dora' });
    assert.match(await recipient(dora), /^550 .*CA that is not trusted/);
    await publish(); // what is broken holds everything back
    const hash = (await mustRun('openssl', ['x509', '-in', late.certificate, '-noout', '-hash'])).trim();
    symlinkSync(late.certificate, relay.path(`cas/${hash}.0`));
    await until('the CA is believed', async () => (await recipient(dora)).startsWith('250'), SOON);
    rmSync(relay.path(`cas/${hash}.0`));
    await until('and no more', async () => (await recipient(dora)).startsWith('550'), SOON);
  });
});
