import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseQueueId } from '../../base/id.ts';
import { serverManner, type PrivacyFlag } from '../../protocol/smtp/server-manner.ts';
import type { FakeConnection } from '../../../test/fakes/connection.ts';
import { ALICE, stage, text, WITH_CERTIFICATE, type Stage, type StageOptions } from '../../../test/fakes/inbound.ts';

const manner = (keepHello: boolean, ...privacy: PrivacyFlag[]): StageOptions => ({
  manner: serverManner('sendmail', new Set(privacy), '9.9', keepHello),
});
const MESSAGE = ['MAIL FROM:<a@example.org>', 'RCPT TO:<b@example.net>', 'DATA', 'x\r\n.'] as const;
/** Says a line, and gives what was said since the last one. */
async function talk(at: Stage, connection: FakeConnection, line?: string): Promise<string> {
  if (line !== undefined) connection.say(`${line}\r\n`);
  await at.clock.settle();
  return connection.heard();
}

describe("a session in Sendmail's dialect", () => {
  it('greets with program and date, and has one queue id in reply, trace and events', async () => {
    const at = stage(manner(false));
    const { connection } = at.start({ role: 'relay' });
    assert.match(await talk(at, connection), /^220 relay\.example\.net ESMTP Sealpost 9\.9; \w{3}, .* GMT\r\n$/);
    let said = '';
    for (const line of MESSAGE) said = await talk(at, connection, line);
    const id = /^250 2\.0\.0 (\S{14}) Message accepted for delivery/.exec(said)?.[1] ?? '';
    assert.equal(parseQueueId(id), at.entries[0]?.id);
    assert.match(
      text(at.entries[0]),
      new RegExp(
        `^Received: from client\\.example\\.org \\(client\\.example\\.org \\[.*\\]\\)\r\n\tby .* with SMTP id ${id}\r\n\tfor <b@example\\.net>; .* GMT\r\n`,
      ),
    );
    const [accepted] = at.told('accepted');
    assert.equal(accepted?.id, at.entries[0]?.id);
    assert.match(accepted?.peer.client ?? '', /^client\.example\.org \[/);
  });

  it('forgets the hello at STARTTLS, and keeps it where that is asked for: the trace then says ESMTP', async () => {
    for (const keep of [false, true]) {
      const at = stage({ ...manner(keep), certificate: ALICE });
      const { connection } = at.start({ role: 'relay' });
      await talk(at, connection, 'EHLO laptop');
      await talk(at, connection, 'STARTTLS');
      connection.secure(WITH_CERTIFICATE);
      for (const line of MESSAGE) await talk(at, connection, line);
      assert.match(
        text(at.entries[0]),
        keep ? /^Received: from laptop [^]*with ESMTP id/ : /^Received: from client\.example\.org [^]*with SMTP id/,
      );
    }
  });

  it('lets a client that logs in by its certificate name itself as it likes: nothing is decided by that', async () => {
    const at = stage({ ...manner(false), certificate: ALICE });
    const { connection } = at.start({ role: 'relay' });
    await talk(at, connection, 'STARTTLS');
    connection.secure(WITH_CERTIFICATE);
    assert.match(await talk(at, connection, `AUTH EXTERNAL ${btoa('somebody')}`), /^235 2\.0\.0 OK Authenticated/m);
    const [authenticated] = at.told('authenticated');
    assert.equal(authenticated?.identity, 'alice@example.net');
  });

  it('takes a name whose addresses cannot be asked for one that may be forged', async () => {
    const name = { state: 'temporary', name: 'client.example.org' } as const;
    const at = stage({ ...manner(false), name, map: 'To:partner.example RELAY' });
    const { connection } = at.start({ role: 'relay' });
    await talk(at, connection, 'MAIL FROM:<a@example.org>');
    assert.match(await talk(at, connection, 'EHLO laptop'), /\(may be forged\)/);
  });

  it('goes on after a 421 that the map has for an address', async () => {
    const at = stage({ ...manner(false), map: 'From:a@example.org ERROR:4.3.2:421 gone' });
    const { connection } = at.start({ role: 'relay' });
    await talk(at, connection);
    assert.match(await talk(at, connection, 'MAIL FROM:<a@example.org>'), /^421 4\.3\.2 .*gone/);
    assert.match(await talk(at, connection, 'MAIL FROM:<b@example.org>'), /^250 /);
  });

  it('returns no content in reports where privacy forbids it', async () => {
    const at = stage(manner(false, 'nobodyreturn'));
    const { connection } = at.start({ role: 'relay' });
    for (const line of ['MAIL FROM:<a@example.org> RET=FULL', ...MESSAGE.slice(1)]) await talk(at, connection, line);
    assert.equal(at.entries[0]?.envelope.ret, 'HDRS');
  });
});

describe('Srv_Features in a session', () => {
  const offers = async (
    letters: string,
  ): Promise<{ ehlo: string; mail: string; starttls: string; asked: boolean | undefined }> => {
    const at = stage({ ...manner(false), map: `Srv_Features:example.org ${letters}` });
    const { connection } = at.start({ role: 'relay' });
    await talk(at, connection);
    const ehlo = await talk(at, connection, 'EHLO laptop');
    const mail = await talk(at, connection, 'MAIL FROM:<a@example.org> RET=HDRS');
    await talk(at, connection, 'RSET');
    const starttls = await talk(at, connection, 'STARTTLS');
    return { ehlo, mail, starttls, asked: connection.asked };
  };

  it('takes away and gives', async () => {
    const off = await offers('D P S X');
    for (const keyword of ['DSN', 'PIPELINING', 'STARTTLS', 'EXPN']) assert.doesNotMatch(off.ehlo, new RegExp(keyword));
    assert.match(off.mail, /^504 5\.7\.0 Sorry, RET not supported/);
    assert.match(off.starttls, /^503 5\.5\.0 TLS not available/);
    const on = await offers('d p s x');
    for (const keyword of ['DSN', 'PIPELINING', 'STARTTLS', 'EXPN']) assert.match(on.ehlo, new RegExp(keyword));
    assert.match(on.starttls, /^220 /);
  });

  it('demands AUTH before MAIL, and says whether the handshake asks for a certificate', async () => {
    assert.match((await offers('l')).mail, /^530 5\.7\.0 Authentication required/);
    assert.match((await offers('L')).mail, /^250 /);
    assert.equal((await offers('V')).asked, false);
    assert.equal((await offers('v')).asked, true);
    assert.equal((await offers('L')).asked, undefined);
  });

  it('goes before what the listener says of AUTH', async () => {
    const mail = async (map: string | undefined): Promise<string> => {
      const at = stage({ ...manner(false), ...(map === undefined ? {} : { map }) });
      const { connection } = at.start({ role: 'relay', auth: 'require' });
      await talk(at, connection, 'EHLO laptop');
      return talk(at, connection, 'MAIL FROM:<a@example.org>');
    };
    assert.match(await mail(undefined), /530 5\.7\.0 Authentication required/);
    assert.match(await mail('Srv_Features:example.org L'), /250 2\.1\.0/);
  });
});
