/**
 * Logins by password with programs that people have: what counts is what the next hop received, in whose name, and what
 * the program says when it is refused. gsasl is the other side for SCRAM and its channel binding.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { createTransport } from 'nodemailer';
import { letter } from './message.ts';
import { missing, run, type Ran } from './program.ts';
import { Relay } from './relay.ts';
import { Sink } from './sink.ts';
import { Talk, tlsOptions, type Identity } from './talk.ts';

const USER = 'alice@example.net';
const TO = 'bob@outside.example';

interface Login {
  readonly relay: Relay;
  readonly user: string;
  readonly password: string;
  readonly marker: string;
}

interface Client {
  readonly name: string;
  readonly skip: string | false;
  readonly mechanism: string;
  send(login: Login): Promise<Ran>;
}

function swaks(mechanism: string): Client {
  return {
    name: `swaks, ${mechanism}`,
    skip: missing('swaks'),
    mechanism,
    send: ({ relay, user, password, marker }) =>
      run('swaks', [
        ['--server', `localhost:${relay.port('submission')}`, '--tls'],
        ['--auth', mechanism, '--auth-user', user, '--auth-password', password],
        ['--from', user, '--to', TO, '--header', `Subject: ${marker}`],
      ]),
  };
}

const clients: readonly Client[] = [
  swaks('PLAIN'),
  swaks('LOGIN'),
  {
    name: 'curl',
    skip: missing('curl'),
    mechanism: 'PLAIN',
    send: ({ relay, user, password, marker }) =>
      run(
        'curl',
        [
          [
            '--disable',
            '--silent',
            '--show-error',
            '--noproxy',
            '*',
            '--verbose',
            '--ssl-reqd',
            '--cacert',
            relay.root,
            '--user',
            `${user}:${password}`,
          ],
          ['--mail-from', user, '--mail-rcpt', TO, '--upload-file', '-'],
          `smtp://localhost:${relay.port('submission')}`,
        ],
        { input: letter(marker).replaceAll('\n', '\r\n') },
      ),
  },
  {
    name: 'msmtp, implicit TLS',
    skip: missing('msmtp'),
    mechanism: 'PLAIN',
    send: ({ relay, user, password, marker }) => {
      writeFileSync(relay.path('msmtp.pw'), password, { mode: 0o600 });
      return run(
        'msmtp',
        [
          [
            '--file=/dev/null',
            '--host=localhost',
            `--port=${relay.port('submissions')}`,
            '--tls=on',
            '--tls-starttls=off',
          ],
          [`--tls-trust-file=${relay.root}`, '--auth=on', `--user=${user}`, `--from=${user}`],
          [`--passwordeval=cat ${relay.path('msmtp.pw')}`, TO],
        ],
        { input: letter(marker) },
      );
    },
  },
  {
    name: 's-nail',
    skip: missing('s-nail'),
    mechanism: 'PLAIN',
    send: ({ relay, user, password, marker }) => {
      const name = encodeURIComponent(user);
      return run(
        's-nail',
        [
          ['-:/', '-s', marker, '-r', user, '-Sv15-compat', '-Ssendwait', '-Ssave=/dev/null', '-Ssmtp-auth=plain'],
          ['-Stls-verify=strict', `-Stls-ca-file=${relay.root}`, '-Stls-ca-no-defaults', '-Ssmtp-use-starttls'],
          [`-Smta=smtp://${name}:${password}@localhost:${relay.port('submission')}`, TO],
        ],
        { input: 'Good morning.\n', env: { HOME: relay.directory, MAILRC: '/dev/null' } },
      );
    },
  },
  {
    name: "Python's smtplib",
    skip: missing('python3'),
    mechanism: 'PLAIN',
    send: ({ relay, user, password, marker }) =>
      run(
        'python3',
        [
          '-c',
          `import smtplib,ssl,sys
root,port,user,to,password=sys.argv[1:]
s=smtplib.SMTP('localhost',int(port))
s.starttls(context=ssl.create_default_context(cafile=root))
s.login(user,password)
s.sendmail(user,[to],sys.stdin.read())
s.quit()`,
          relay.root,
          String(relay.port('submission')),
          user,
          TO,
          password,
        ],
        { input: letter(marker) },
      ),
  },
  {
    name: 'nodemailer, LOGIN',
    skip: false,
    mechanism: 'LOGIN',
    async send({ relay, user, password, marker }) {
      const transport = createTransport({
        host: 'localhost',
        port: relay.port('submissions'),
        secure: true,
        tls: { ca: readFileSync(relay.root) },
        auth: { user, pass: password },
        authMethod: 'LOGIN',
      });
      try {
        const { response } = (await transport.sendMail({ from: user, to: TO, raw: letter(marker) })) as {
          response: string;
        };
        return { code: 0, output: response };
      } catch (error) {
        return { code: 1, output: String(error) };
      } finally {
        transport.close();
      }
    },
  },
];

/** gsasl logs in and sends nothing: its client does SCRAM as GnuTLS binds it. */
function gsasl(relay: Relay, password: string, mechanism: string, ...more: readonly string[]): Promise<Ran> {
  return run('gsasl', [
    ['--smtp', '--connect', `localhost:${relay.port('submission')}`, '--starttls', `--x509-ca-file=${relay.root}`],
    ['--mechanism', mechanism, '--authentication-id', USER, '--password', password, ...more],
  ]);
}

describe('logins by password', () => {
  let sink: Sink;
  let relay: Relay;
  let password = '';

  before(async () => {
    sink = await Sink.open();
    relay = await Relay.start(sink.port, { auth: { failures: { byAddress: 1_000 } } });
    password = await made(relay, USER, 'tests');
  });

  after(async () => {
    await relay[Symbol.asyncDispose]();
    await sink[Symbol.asyncDispose]();
  });

  for (const client of clients) {
    const { name, skip, mechanism } = client;
    it(name, { skip }, async () => {
      const marker = `password-${name.replaceAll(/[^a-z]/gi, '')}`;
      const login = { relay, user: USER, password, marker };
      const from = relay.log.length;
      const sent = await client.send(login);
      assert.equal(sent.code, 0, sent.output);
      const { text } = await sink.message(marker);
      assert.match(text, /^Received: .*\r\n\t\(authenticated bits=0\)\r\n.* with ESMTPSA id /);
      const told = await relay.event(({ event }) => event === 'authenticated', 5_000, from);
      assert.deepEqual([told['mechanism'], told['identity'], told['holder']], [mechanism, USER, USER]);
      const refused = await client.send({ ...login, password: 'something else', marker: `${marker}-wrong` });
      assert.notEqual(refused.code, 0, refused.output);
      assert.ok(!sink.messages.some((one) => one.text.includes(`${marker}-wrong`)));
    });
  }

  it(
    'gsasl: SCRAM-SHA-256-PLUS with the channel of TLS 1.3, and SCRAM-SHA-256',
    { skip: missing('gsasl') },
    async () => {
      for (const [mechanism, ...more] of [['SCRAM-SHA-256-PLUS'], ['SCRAM-SHA-256', '--no-cb']] as const) {
        const from = relay.log.length;
        const { code, output } = await gsasl(relay, password, mechanism, ...more);
        assert.equal(code, 0, output);
        assert.match(output, /server trusted/);
        const told = await relay.event(({ event }) => event === 'authenticated', 5_000, from);
        assert.equal(told['mechanism'], mechanism);
        const wrong = await gsasl(relay, 'something else', mechanism, ...more);
        assert.match(wrong.output, /535 5\.7\.8 Authentication failed: name or password is wrong/);
      }
    },
  );

  it('-PLUS is not offered where clients would bind by tls-unique', { skip: missing('openssl') }, async () => {
    for (const [version, offered] of [
      ['-tls1_2', /250-AUTH SCRAM-SHA-256 PLAIN LOGIN/],
      ['-tls1_3', /250-AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN/],
    ] as const) {
      using talk = Talk.through('openssl', [
        ['s_client', '-quiet', '-connect', `localhost:${relay.port('submission')}`, '-starttls', 'smtp', version],
        ['-CAfile', relay.root],
      ]);
      assert.match(await talk.ask('EHLO x'), offered);
    }
  });

  it('in clear nothing is offered, and the reply says what is missing', async () => {
    using talk = await Talk.open(relay.port('submission'));
    assert.doesNotMatch(await talk.greet(), /AUTH/);
    assert.match(await talk.ask('AUTH PLAIN AGEAYg=='), /^538 5\.7\.11 .*STARTTLS/);
  });

  it('a password that is removed ends its session at once, and a new one works at once', async () => {
    const other = await made(relay, 'carol@example.net', 'phone');
    using talk = await open(relay);
    assert.match(await talk.ask(plain('carol@example.net', other)), /^235 /);
    await relay.cli('password', 'remove', 'carol@example.net', '--label', 'phone');
    assert.match(await talk.reply(), /^421 4\.7\.0 .*your password has been withdrawn/);
    using again = await open(relay);
    assert.match(await again.ask(plain('carol@example.net', other)), /^535 /);
    const next = await made(relay, 'carol@example.net', 'phone');
    assert.match(await again.ask(plain('carol@example.net', next)), /^235 /);
    await relay.cli('revoke', 'carol@example.net');
    assert.match(await again.reply(), /^421 /);
  });

  it('a holder who needs both is let in by neither alone', async () => {
    const dave = await relay.add('dave@example.net');
    const word = await made(relay, dave.name, 'laptop');
    await relay.cli('password', 'require', dave.name, 'both');
    using bare = await open(relay);
    assert.match(await bare.ask(plain(dave.name, word)), /^535 .*own client certificate/);
    using shown = await open(relay, dave);
    assert.match(await shown.ask(`MAIL FROM:<${dave.name}>`), /^530 5\.7\.0 /);
    assert.match(await shown.ask(plain(dave.name, word)), /^235 /);
    assert.match(await shown.message(letter('both'), TO, dave.name), /^250 /);
    await sink.message('both');
  });

  it('no password stands in log or list', async () => {
    const log = JSON.stringify(relay.log) + relay.noise;
    assert.ok(!log.includes(password) && !log.includes(Buffer.from(`\0${USER}\0${password}`).toString('base64')));
    const list = await relay.cli('password', 'list', '--all', '--json');
    assert.ok(!list.includes(password) && !/argon2|SCRAM-SHA-256\$/.test(list));
    assert.match(list, /"usedAt": \d+/);
  });
});

describe('guessing', () => {
  it('ten from one address, over all threads, and the rest is put off; from elsewhere the holder logs in', async () => {
    await using sink = await Sink.open();
    await using relay = await Relay.start(sink.port, { threads: { fronts: 2 }, limits: { connectionsByAddress: 200 } });
    const password = await made(relay, USER, 'tests');
    const replies = await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        using talk = await open(relay);
        return await talk.ask(plain(USER, `guess ${index}`));
      }),
    );
    assert.equal(replies.filter((reply) => reply.startsWith('535')).length, 10);
    assert.equal(replies.filter((reply) => reply.startsWith('454 4.7.0')).length, 30);
    using here = await open(relay);
    assert.match(await here.ask(plain(USER, password)), /^454 4\.7\.0 /);
    assert.match(await here.ask(plain(USER, password)), /^421 4\.7\.0 /);
    using elsewhere = await open(relay, undefined, '127.0.0.77');
    const begun = performance.now();
    assert.match(await elsewhere.ask(plain(USER, password)), /^235 /);
    assert.ok(performance.now() - begun < 5_000);
  });
});

async function made(relay: Relay, holder: string, label: string): Promise<string> {
  const printed = await relay.cli('password', 'add', holder, '--label', label, '--json');
  return (JSON.parse(printed) as { password: string }).password;
}

function plain(user: string, password: string): string {
  return `AUTH PLAIN ${Buffer.from(`\0${user}\0${password}`).toString('base64')}`;
}

/** Through STARTTLS and EHLO. */
async function open(relay: Relay, identity?: Identity, localAddress?: string): Promise<Talk> {
  const talk = await Talk.open(relay.port('submission'), localAddress);
  await talk.greet();
  await talk.starttls(tlsOptions(relay.root, identity));
  await talk.ask('EHLO client.example');
  return talk;
}
