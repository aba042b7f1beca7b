/**
 * Mail programs that people have, against the running relay: each sends by certificate alone, is refused without one
 * and with one of a strange CA, and is told why. What counts is what the next hop received, and what the program says.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { issue, makeAuthority } from './authority.ts';
import {
  byCurl,
  byGnutls,
  byMsmtp,
  byMutt,
  byNodemailer,
  byOpenssl,
  byPerl,
  byPython,
  bySnail,
  bySwaks,
  FROM,
  type Sending,
} from './clients.ts';
import { assertTrace, type Trace } from './message.ts';
import { missing, missingPerlModule, type Ran } from './program.ts';
import { LOCAL_DOMAIN, Relay, type Holder } from './relay.ts';
import { Sink } from './sink.ts';
import type { Identity } from './talk.ts';

const OUTSIDE = 'bob@outside.example';
const INSIDE = `carol@${LOCAL_DOMAIN}`;

interface Client {
  readonly name: string;
  readonly implicit?: boolean;
  readonly skip: string | false;
  readonly protocol: Trace['protocol'];
  readonly version?: Trace['version'];
  /** It shows only a certificate of a CA that the server names (RFC 8446 §4.2.4), so a strange one stays at home. */
  readonly picks?: boolean;
  /** It insists on AUTH, which it cannot even try without a verified certificate. */
  readonly authenticates?: boolean;
  send(sending: Sending): Promise<Ran>;
}

const clients: readonly Client[] = [
  ...(['TLSv1.3', 'TLSv1.2'] as const).flatMap((version) =>
    [false, true].map((implicit): Client => ({
      name: `openssl s_client, ${version}, ${implicit ? 'implicit TLS' : 'STARTTLS'}`,
      implicit,
      skip: missing('openssl'),
      protocol: 'ESMTPS',
      version,
      send: (sending) => byOpenssl(sending, version),
    })),
  ),
  {
    name: 'gnutls-cli, STARTTLS',
    skip: missing('gnutls-cli'),
    protocol: 'ESMTPS',
    send: byGnutls,
  },
  ...[false, true].map((implicit): Client => ({
    name: `swaks, ${implicit ? 'implicit TLS' : 'STARTTLS'}`,
    implicit,
    skip: missing('swaks'),
    protocol: 'ESMTPS',
    send: bySwaks,
  })),
  ...[false, true].map((implicit): Client => ({
    name: `curl, ${implicit ? 'smtps' : 'smtp with --ssl-reqd'}`,
    implicit,
    skip: missing('curl'),
    protocol: 'ESMTPS',
    send: (sending) => byCurl(sending, []),
  })),
  {
    name: 'curl, AUTH=EXTERNAL',
    skip: missing('curl'),
    protocol: 'ESMTPSA',
    authenticates: true,
    send: (sending) => byCurl(sending, ['--login-options', 'AUTH=EXTERNAL', '--user', `${FROM}:`]),
  },
  ...[false, true].map((implicit): Client => ({
    name: `msmtp, ${implicit ? 'implicit TLS' : 'STARTTLS'}, auth off`,
    implicit,
    skip: missing('msmtp'),
    protocol: 'ESMTPS',
    picks: true,
    send: (sending) => byMsmtp(sending, ['--auth=off']),
  })),
  {
    name: 'msmtp, auth external',
    skip: missing('msmtp'),
    protocol: 'ESMTPSA',
    picks: true,
    authenticates: true,
    send: (sending) => byMsmtp(sending, ['--auth=external', `--user=${FROM}`]),
  },
  {
    // It says HELO when it does not authenticate, inside TLS too.
    name: 's-nail, smtp-auth=none',
    skip: missing('s-nail'),
    protocol: 'SMTP',
    send: (sending) => bySnail(sending, 'none'),
  },
  {
    name: 's-nail, smtp-auth=external, implicit TLS',
    implicit: true,
    skip: missing('s-nail'),
    protocol: 'ESMTPSA',
    authenticates: true,
    send: (sending) => bySnail(sending, 'external'),
  },
  {
    // It always authenticates where AUTH is offered: EXTERNAL is what lets it in.
    name: 'mutt, smtp_authenticators=external',
    skip: missing('mutt'),
    protocol: 'ESMTPSA',
    picks: true,
    send: byMutt,
  },
  ...[false, true].map((implicit): Client => ({
    name: `nodemailer, pfx, ${implicit ? 'implicit TLS' : 'STARTTLS'}`,
    implicit,
    skip: false,
    protocol: 'ESMTPS',
    send: byNodemailer,
  })),
  ...[false, true].map((implicit): Client => ({
    name: `Python smtplib, ${implicit ? 'implicit TLS' : 'STARTTLS'}`,
    implicit,
    skip: missing('python3'),
    protocol: 'ESMTPS',
    send: byPython,
  })),
  ...[false, true].map((implicit): Client => ({
    name: `Perl Net::SMTP, ${implicit ? 'implicit TLS' : 'STARTTLS'}`,
    implicit,
    skip: missing('perl') || missingPerlModule('IO::Socket::SSL'),
    protocol: 'ESMTPS',
    send: byPerl,
  })),
];

describe('clients', { skip: missing('openssl') }, () => {
  let sink: Sink;
  let relay: Relay;
  let alice: Holder;
  let stranger: Identity;
  const relayed: string[] = [];

  before(async () => {
    sink = await Sink.open();
    relay = await Relay.start(sink.port);
    alice = await relay.add(FROM);
    const foreign = await makeAuthority(relay.path('foreign'), '/O=Elsewhere/CN=Elsewhere Root');
    stranger = await issue(foreign, 'mallory', { subject: '/CN=alice@example.net' });
  });
  after(async () => {
    await relay?.[Symbol.asyncDispose]();
    await sink?.[Symbol.asyncDispose]();
  });

  clients.forEach((client, number) => {
    describe(client.name, { skip: client.skip }, () => {
      const implicit = client.implicit ?? false;
      // Submission ports take nothing from strangers; what is for local domains goes to the others.
      const ports = { [OUTSIDE]: ['submission', 'submissions'], [INSIDE]: ['server', 'servers'] } as const;
      /** Sends, waits for the end of the session, and gives the verdict on its certificate as well. */
      const send = async (
        name: string,
        identity: Identity | undefined,
        to: keyof typeof ports,
      ): Promise<Ran & { verify: unknown }> => {
        const port = relay.port(ports[to][implicit ? 1 : 0]);
        const from = relay.log.length;
        const ran = await client.send({ relay, port, implicit, identity, to, marker: `${name}-${number}-end` });
        const { verify } = await relay.event(({ event }) => event === 'disconnected', 5_000, from);
        return { ...ran, verify };
      };
      const trace = { protocol: client.protocol, ...(client.version && { version: client.version }) };

      it('relays by certificate', async () => {
        const { code, output, verify } = await send('good', alice, OUTSIDE);
        assert.equal(code, 0, output);
        assert.equal(verify, 'OK');
        const message = await sink.message(`good-${number}-end`);
        relayed.push(`good-${number}-end`);
        assertTrace(message, { ...trace, verify: 'OK', recipient: OUTSIDE });
        assert.equal(message.reversePath, FROM);
        assert.deepEqual(message.recipients, [OUTSIDE]);
        assert.match(message.text, /\r\n\r\nGood morning\.\r\n/);
      });

      it('is told that there is no certificate', async () => {
        const { code, output, verify } = await send('bare', undefined, OUTSIDE);
        assert.notEqual(code, 0, output);
        if (client.authenticates !== true)
          assert.match(output, /550\W.{0,3}5\.7\.1 .*Relaying denied: no client certificate was shown/);
        assert.equal(verify, 'NO');
      });

      it('is told that its CA is not trusted', async () => {
        const { code, output, verify } = await send('strange', stranger, OUTSIDE);
        assert.notEqual(code, 0, output);
        if (client.authenticates !== true) {
          const reason = client.picks
            ? 'no client certificate was shown'
            : 'the client certificate was issued by a CA that is not trusted here';
          assert.ok(output.includes(`Relaying denied: ${reason}`), output);
        }
        assert.equal(verify, client.picks ? 'NO' : 'FAIL');
      });

      if (client.authenticates !== true)
        it('sends to a local domain all the same, with its verdict in the header', async () => {
          const { code, output } = await send('local', stranger, INSIDE);
          assert.equal(code, 0, output);
          const message = await sink.message(`local-${number}-end`);
          relayed.push(`local-${number}-end`);
          // Without a verified certificate there is no AUTH to use.
          const protocol = client.protocol === 'ESMTPSA' ? 'ESMTPS' : client.protocol;
          assertTrace(message, { ...trace, protocol, verify: client.picks ? 'NO' : 'FAIL', recipient: INSIDE });
        });
    });
  });

  it('sent nothing else: no refused message reached the next hop', async () => {
    await relay.idle();
    const markers = sink.messages.map(({ text }) => /[a-z]+-\d+-end/.exec(text)?.[0]);
    assert.equal(markers.length, relayed.length);
    assert.deepEqual(new Set(markers), new Set(relayed));
    assert.equal(relay.noise, '');
  });
});
