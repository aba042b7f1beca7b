import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FakeConnection } from '../../../test/fakes/connection.ts';
import {
  ALICE,
  CONTENT,
  ENVELOPE,
  TLS,
  WITH_CERTIFICATE,
  send,
  stage,
  text,
  type Stage,
} from '../../../test/fakes/inbound.ts';
import type { TlsFacts } from '../connection/connection.ts';

describe('session: certificates', () => {
  it('tells a client without rights why', async () => {
    const reasons = [
      [TLS, /Relaying denied: no client certificate was shown\r\n/],
      [
        { ...TLS, asked: false },
        /Relaying denied: no client certificate was shown, because this port does not ask for one\r\n/,
      ],
      [
        { ...WITH_CERTIFICATE, verifyError: 'CERT_HAS_EXPIRED' },
        /Relaying denied: the client certificate has expired\r\n/,
      ],
      [
        { ...WITH_CERTIFICATE, verifyError: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' },
        /Relaying denied: .* CA that is not trusted here\r\n/,
      ],
    ] as const;
    for (const [tls, reply] of reasons) {
      const at = stage();
      const connection = await at.secured(tls);
      connection.say('MAIL FROM:<alice@example.net>\r\nRCPT TO:<bob@example.com>\r\n');
      await at.clock.settle();
      assert.match(connection.heard(), reply);
    }
  });

  it('refuses MAIL without a verified certificate where one is required', async () => {
    const at = stage();
    const listener = { certificates: 'require' } as const;
    const { connection } = at.start(listener);
    await at.clock.settle();
    connection.say('EHLO x\r\nMAIL FROM:<alice@example.net>\r\n');
    assert.match(connection.heard(), /550 5\.7\.1 A client certificate is required here: .*use STARTTLS.*\r\n$/);
    const failed = await at.secured({ ...WITH_CERTIFICATE, verifyError: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, listener);
    failed.say('MAIL FROM:<alice@example.net>\r\n');
    assert.match(
      failed.heard(),
      /550 5\.7\.1 A client certificate is required here: the client certificate is self-signed/,
    );
    const good = await at.secured(WITH_CERTIFICATE, listener);
    assert.match(await send(at, good), /Message accepted/);
  });

  it('keeps the rights of a certificate after HELO inside TLS', async () => {
    const at = stage();
    const connection = await at.secured();
    connection.say('HELO nullmailer\r\n');
    connection.heard();
    assert.match(await send(at, connection), /Message accepted/);
    assert.match(text(at.entries[0]), /with SMTP id .*\r\n\t\(version=.*verify=OK\)/);
  });

  it('forgets the hello said in clear, and what came behind STARTTLS', async () => {
    const at = stage();
    const { connection } = at.start();
    await at.clock.settle();
    connection.say('EHLO x\r\n');
    assert.match(connection.heard(), /250[ -]STARTTLS\r\n/);
    connection.say('STARTTLS\r\nEHLO injected\r\n');
    assert.match(connection.heard(), /^220 2\.0\.0 Ready to start TLS\r\n$/);
    connection.secure(WITH_CERTIFICATE);
    assert.equal(connection.heard(), '');
    connection.say('MAIL FROM:<alice@example.net>\r\n');
    assert.match(connection.heard(), /^503 5\.5\.1 Say HELO or EHLO first\r\n$/);
    connection.say('EHLO x\r\n');
    assert.doesNotMatch(connection.heard(), /STARTTLS/);
  });

  it('serves implicit TLS: handshake first, then the greeting', async () => {
    const at = stage();
    const { connection } = at.start({ tls: 'implicit', port: 465 });
    await at.clock.settle();
    assert.equal(connection.state, 'handshake');
    assert.equal(connection.heard(), '');
    connection.secure(WITH_CERTIFICATE);
    await at.clock.settle();
    assert.equal(connection.heard(), '220 relay.example.net ESMTP Sealpost\r\n');
    connection.say('EHLO x\r\n');
    assert.doesNotMatch(connection.heard(), /STARTTLS/);
    assert.match(await send(at, connection), /Message accepted/);
  });

  it('relays by the access map with a foreign CA', async () => {
    const foreign = { ...ALICE, issuer: '/CN=Foreign', serial: '77' };
    const at = stage({ certificate: foreign, map: 'CERTISSUER:/CN=Foreign RELAY\n' });
    assert.match(await send(at, await at.secured()), /Message accepted/);
    assert.deepEqual(at.entries[0]?.origin, { holder: undefined, serial: '77' });
    const without = stage({ certificate: foreign });
    const connection = await without.secured();
    connection.say('MAIL FROM:<alice@example.net>\r\nRCPT TO:<bob@example.com>\r\n');
    await without.clock.settle();
    assert.match(connection.heard(), /550 5\.7\.1 .*Relaying denied: this certificate has no right to relay here/);
  });
});

describe('session: withdrawal of a certificate', () => {
  it('bites at the next MAIL and RCPT of an open session', async () => {
    const at = stage();
    const connection = await at.secured();
    connection.say('MAIL FROM:<alice@example.net>\r\n');
    connection.heard();
    at.revoke('suspended');
    connection.say('RCPT TO:<bob@example.com>\r\nRSET\r\nMAIL FROM:<alice@example.net>\r\n');
    await at.clock.settle();
    const refusal = '550 5.7.1 Your certificate has been withdrawn\r\n';
    assert.equal(connection.heard(), `${refusal}250 2.0.0 Reset state\r\n${refusal}`);
    assert.deepEqual(
      at.told('refused').map((event) => [event.stage, event.peer.verify]),
      [
        ['recipient', 'FAIL'],
        ['mail', 'FAIL'],
      ],
    );
  });

  it('bites when content is there but not yet durable', async () => {
    const at = stage();
    const connection = await at.secured();
    connection.say(ENVELOPE);
    await at.clock.settle();
    connection.say(CONTENT);
    at.revoke();
    connection.say('.\r\n');
    await at.clock.settle();
    assert.match(connection.heard(), /550 5\.7\.1 Your certificate has been withdrawn\r\n$/);
    assert.equal(at.entries.length, 0);
    assert.equal(at.told('accepted').length, 0);
  });

  it('leaves nothing of large content behind', async () => {
    const at = stage();
    const connection = await at.secured();
    connection.say(ENVELOPE);
    await at.clock.settle();
    connection.say(CONTENT + 'x\r\n'.repeat(20_000));
    at.revoke();
    connection.say('.\r\n');
    await at.clock.settle();
    assert.match(connection.heard(), /550 5\.7\.1 Your certificate has been withdrawn\r\n$/);
    assert.deepEqual(await at.contents.refs(), []);
  });

  it('closes all sessions of the certificate at once, and no others', async () => {
    const at = stage();
    const idle = await at.secured();
    const other = await at.secured(TLS);
    const inContent = await at.secured();
    inContent.say(ENVELOPE);
    await at.clock.settle();
    inContent.say(CONTENT);
    inContent.heard();
    at.revoke();
    assert.equal(at.sessions.recheck(new Set(['ffff'])), 0);
    assert.equal(at.sessions.recheck(new Set([ALICE.serial])), 2);
    const farewell = '421 4.7.0 relay.example.net your certificate has been withdrawn\r\n';
    assert.equal(idle.heard(), farewell);
    assert.equal(inContent.heard(), farewell);
    assert.equal(idle.state, 'ending');
    assert.equal(inContent.state, 'ending');
    assert.equal(other.heard(), '');
    assert.equal(other.state, 'open');
    assert.equal(at.sessions.recheck(), 0);
  });

  it('lets an entry that is being made durable have its reply first', async () => {
    const durable = Promise.withResolvers<number>();
    const at = stage({ accept: () => durable.promise });
    const connection = await at.secured();
    await send(at, connection);
    at.revoke();
    assert.equal(at.sessions.recheck(), 1);
    assert.equal(connection.heard(), '');
    durable.resolve(1);
    await at.clock.settle();
    assert.match(connection.heard(), /^250 2\.0\.0 .*accepted for delivery\r\n421 4\.7\.0 .*withdrawn\r\n$/);
    assert.equal(connection.state, 'ending');
  });

  it('never served: a certificate that was withdrawn before', async () => {
    const at = stage();
    at.revoke();
    const connection = await at.secured();
    connection.say('MAIL FROM:<alice@example.net>\r\nRCPT TO:<bob@example.com>\r\n');
    await at.clock.settle();
    assert.match(connection.heard(), /550 5\.7\.1 .*Relaying denied: the client certificate has been revoked/);
    assert.equal(at.told('secured')[0]?.reason, 'revoked');
  });
});

describe('session: AUTH EXTERNAL', () => {
  const offers = async (at: Stage, tls: TlsFacts): Promise<string> => {
    const connection = await at.secured(tls);
    connection.say('EHLO x\r\n');
    return connection.heard();
  };

  it('is offered with a verified certificate and only then', async () => {
    assert.match(await offers(stage(), WITH_CERTIFICATE), /250[ -]AUTH EXTERNAL\r\n/);
    assert.doesNotMatch(await offers(stage(), TLS), /AUTH/);
    assert.doesNotMatch(await offers(stage(), { ...WITH_CERTIFICATE, verifyError: 'CERT_HAS_EXPIRED' }), /AUTH/);
  });

  const auth = async (
    words: string,
    then?: string,
  ): Promise<{ replies: string; at: Stage; connection: FakeConnection }> => {
    const at = stage();
    const connection = await at.secured();
    connection.say(`AUTH EXTERNAL${words}\r\n`);
    if (then !== undefined) connection.say(`${then}\r\n`);
    return { replies: connection.heard(), at, connection };
  };
  const base64 = (plain: string): string => Buffer.from(plain).toString('base64');

  it('takes the holder for an empty identity, with and without initial response', async () => {
    assert.equal((await auth(' =')).replies, '235 2.7.0 Authenticated as alice@example.net\r\n');
    assert.equal((await auth('', '')).replies, '334 \r\n235 2.7.0 Authenticated as alice@example.net\r\n');
  });

  it('takes names that the certificate carries', async () => {
    for (const name of ['ALICE@example.net', 'sales@example.net', '/CN=alice@example.net']) {
      assert.equal((await auth(` ${base64(name)}`)).replies, `235 2.7.0 Authenticated as ${name}\r\n`);
    }
    assert.match((await auth('', base64('sales@example.net'))).replies, /235 /);
  });

  it('refuses others, and goes on', async () => {
    const { replies, at, connection } = await auth(` ${base64('bob@example.net')}`);
    assert.match(replies, /^535 5\.7\.8 Authentication failed: the certificate does not carry this identity\r\n$/);
    assert.equal(at.told('refused')[0]?.stage, 'auth');
    assert.match((await auth(` ${base64('a\0b')}`)).replies, /^535 /);
    assert.match((await auth(' /w==')).replies, /^535 /);
    assert.match(await send(at, connection), /Message accepted/);
    assert.match(text(at.entries[0]), /with ESMTPS id/);
  });

  it('shows in the trace header and among the events', async () => {
    const { at, connection } = await auth(' =');
    assert.match(await send(at, connection), /Message accepted/);
    assert.match(text(at.entries[0]), /\r\n\t\(authenticated bits=0\)\r\n\tby .* with ESMTPSA id/);
    const [event] = at.told('authenticated');
    assert.equal(event?.mechanism, 'EXTERNAL');
    assert.equal(event.identity, 'alice@example.net');
  });

  it('can be cancelled and begun again', async () => {
    const { replies, connection } = await auth('', '*');
    assert.match(replies, /^334 \r\n501 5\.7\.0 /);
    connection.say('AUTH EXTERNAL =\r\n');
    assert.match(connection.heard(), /^235 /);
  });
});
