/**
 * `npm run demo`: walks the guide on the real program, step by step, on loopback: CA, certificates, relay, a mail by
 * certificate, refusals, revocation. Ends with 0 only when every step did what it says.
 */
import { strict as assert } from 'node:assert';
import { X509Certificate } from 'node:crypto';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { hasColour } from '../src/cli/context.ts';
import { Sink } from '../test/peers/sink.ts';
import { OpenSession, send, type ClientSettings, type Sent } from './mail-client.ts';
import { demoMessages, type DemoMessages } from './messages.ts';
import { Program } from './program.ts';
import { found, Stage, StepFailed } from './stage.ts';
import { stranger } from './stranger.ts';

const RELAY = 'relay.example.net';
const OUTSIDE = 'bob@outside.test';
const MAIL = {
  from: 'alice@example.net',
  to: OUTSIDE,
  subject: 'Sent by certificate',
  text: 'No password was used for this.\n',
};

class Demo {
  readonly #stage: Stage;
  readonly #say: DemoMessages;
  readonly #program: Program;
  readonly #hop: Sink;
  #port = 0;
  #passphrase = '';

  constructor(stage: Stage, messages: DemoMessages, program: Program, hop: Sink) {
    this.#stage = stage;
    this.#say = messages;
    this.#program = program;
    this.#hop = hop;
  }

  async run(): Promise<void> {
    const { step, ...say } = { step: this.#stage.step.bind(this.#stage), ...this.#say };
    await step(say.ca, say.caGuide, () => this.#createAuthority());
    await step(say.server, say.serverGuide, () => this.#serverCertificate());
    await step(say.alice, say.aliceGuide, () => this.#addAlice());
    await step(say.start, say.startGuide, () => this.#start());
    await step(say.relays, say.relaysGuide, () => this.#aliceRelays());
    await step(say.received, say.receivedGuide, () => this.#received());
    await step(say.without, say.withoutGuide, () => this.#withoutCertificate());
    await step(say.unknown, say.unknownGuide, () => this.#unknownAuthority());
    await step(say.revoke, say.revokeGuide, () => this.#revokeAlice());
    await step(say.after, say.afterGuide, () => this.#aliceAgain());
    await step(say.stop, say.stopGuide, () => this.#stop());
  }

  // The steps, each giving what happened

  async #createAuthority(): Promise<string> {
    this.#stage.say(this.#say.caAlso);
    await this.#command('init', '-d', 'data', '--hostname', RELAY);
    const [root, issuing] = [this.#certificate('data/ca/root.crt'), this.#certificate('data/ca/issuing.crt')];
    assert(issuing.verify(root.publicKey), 'the issuing CA is not signed by the root');
    assert(issuing.ca && root.ca);
    for (const key of ['data/ca/root.key', 'data/ca/issuing.key'])
      assert.equal(statSync(this.#program.path(key)).mode & 0o777, 0o600, `${key} can be read by others`);
    return this.#say.caDone;
  }

  async #serverCertificate(): Promise<string> {
    const certificate = this.#certificate('data/tls/server.crt');
    this.#stage.say(this.#say.serverAlso);
    this.#stage.show(['data/tls/server.crt', ...certificateFacts(certificate).map((line) => `  ${line}`)].join('\n'));
    assert(certificate.verify(this.#certificate('data/ca/issuing.crt').publicKey), 'it is not signed by the CA');
    assert.equal(certificate.checkHost(RELAY), RELAY);
    return this.#say.serverDone(RELAY);
  }

  async #addAlice(): Promise<string> {
    this.#stage.say(this.#say.aliceAlso);
    const added = await this.#command('add', 'alice@example.net', '--make-key', '--for', 'openssl', '-d', 'data');
    this.#passphrase = found(added, /\b[a-z0-9]{4}(?:-[a-z0-9]{4}){5}\b/);
    await this.#command('show', 'alice@example.net', '-d', 'data');
    const pfx = Buffer.from(this.#program.read('alice@example.net.p12', 'latin1'), 'latin1');
    createSecureContext({ pfx, passphrase: this.#passphrase });
    assert.throws(() => createSecureContext({ pfx, passphrase: 'another one' }));
    return this.#say.aliceDone;
  }

  async #start(): Promise<string> {
    this.#stage.say(this.#say.startAlso);
    const config = [
      `hostname: ${RELAY}`,
      'listeners:',
      '  - { name: submission, address: 127.0.0.1, port: 0, role: submission, tls: starttls, certificates: ask }',
      'delivery:',
      '  routes:',
      `    - { domains: ["*"], to: "127.0.0.1:${this.#hop.port}" }`,
      'log: { destination: relay.log, format: text }',
      'web: { http: { enabled: false }, https: { enabled: false } }',
      '',
    ].join('\n');
    writeFileSync(this.#program.path('data/sealpost.yaml'), config);
    this.#stage.command('cat data/sealpost.yaml');
    this.#stage.show(config);
    await this.#command('config', 'check', '-d', 'data');
    this.#stage.command('./sealpost start -d data');
    const banner = await this.#program.start(['start', '-d', 'data']);
    this.#stage.show(banner);
    this.#port = Number(found(banner, /submission 127\.0\.0\.1:(\d+)/));
    return this.#say.startDone(this.#port);
  }

  async #aliceRelays(): Promise<string> {
    this.#stage.say(this.#say.relaysAlso);
    const from = this.#logLength();
    const sent = await this.#send(this.#alice());
    assert(sent.accepted, `it was refused: ${sent.reply}`);
    assert.match(sent.reply, /^250 2\.0\.0 \S+ Message accepted for delivery/);
    const log = await this.#program.log('data/relay.log', from, /INFO {2}delivered /);
    this.#stage.show(log);
    assert.match(log, /verify=OK, holder alice@example\.net serial [0-9a-f]{32}/);
    return this.#say.relaysDone;
  }

  async #received(): Promise<string> {
    const message = await this.#hop.message(MAIL.subject);
    this.#stage.show(`MAIL FROM:<${message.reversePath}>\nRCPT TO:<${message.recipients.join('>, <')}>\n`);
    const content = message.text.replaceAll('\r\n', '\n');
    this.#stage.show(content);
    assert.deepEqual(message.recipients, [OUTSIDE]);
    assert.match(
      content,
      /^Received: from laptop\.example\.net \(\[127\.0\.0\.1\]\)\n\tby relay\.example\.net \(Sealpost\//,
    );
    assert.match(content, /\n\t\(version=TLSv1\.3 cipher=\S+ bits=\d+ verify=OK\)\n/);
    assert.match(content, /\n\nNo password was used for this\.\n$/);
    return this.#say.receivedDone;
  }

  async #withoutCertificate(): Promise<string> {
    const from = this.#logLength();
    const sent = await this.#send(this.#client({}));
    this.#stage.show(await this.#program.log('data/relay.log', from, /refused at content/));
    assert.match(
      sent.reply,
      /^550 5\.7\.1 <bob@outside\.test>\.\.\. Relaying denied: no client certificate was shown$/,
    );
    return this.#say.withoutDone;
  }

  async #unknownAuthority(): Promise<string> {
    const from = this.#logLength();
    const identity = await stranger('ca.example.org', 'mallory@example.org');
    const sent = await this.#send(this.#client(identity), { ...MAIL, from: 'mallory@example.org' });
    assert.match(
      sent.reply,
      /^550 5\.7\.1 .*Relaying denied: the client certificate was issued by a CA that is not trusted/,
    );
    const log = await this.#program.log('data/relay.log', from, /refused at content/);
    this.#stage.say(this.#say.unknownAlso);
    this.#stage.show(log);
    assert.match(log, /certificate \/CN=mallory@example\.org of \S+: verify=FAIL \(unknown-ca\)/);
    return this.#say.unknownDone;
  }

  async #revokeAlice(): Promise<string> {
    const session = await OpenSession.open(this.#alice());
    try {
      await session.command('EHLO laptop.example.net');
      this.#stage.say(this.#say.revokeOpen);
      for (const line of [`MAIL FROM:<alice@example.net>`, `RCPT TO:<${OUTSIDE}>`]) {
        const reply = await session.command(line);
        this.#stage.show(`C: ${line}\nS: ${reply}`);
        assert.match(reply, /^250 /);
      }
      const from = this.#logLength();
      const typed = Date.now();
      const [{ reply, at }] = await Promise.all([
        session.reply().then((told) => ({ reply: told, at: Date.now() })),
        this.#command('revoke', 'alice@example.net', '--reason', 'keyCompromise', '-d', 'data'),
      ]);
      const log = await this.#program.log('data/relay.log', from, /revoked certificate/);
      this.#stage.show(log);
      const ms = at - Date.parse(found(log, /^(\S+Z) INFO {2}revoked certificate/m));
      this.#stage.say(this.#say.revokeCut(ms, at - typed));
      this.#stage.show(`S: ${reply}`);
      assert.equal(reply, `421 4.7.0 ${RELAY} your certificate has been withdrawn`);
      await session.ended();
      await this.#command('list', '--all', '-d', 'data');
      return this.#say.revokeDone(ms);
    } finally {
      session.close();
    }
  }

  async #aliceAgain(): Promise<string> {
    const sent = await this.#send(this.#alice());
    assert.match(sent.reply, /^550 5\.7\.1 .*Relaying denied: the client certificate has been revoked$/);
    assert.equal(this.#hop.messages.length, 1, 'the next hop got something it should not have');
    return this.#say.afterDone;
  }

  async #stop(): Promise<string> {
    await this.#command('queue', 'list', '-d', 'data');
    const status = await this.#program.run(['status', '--json', '-d', 'data']);
    assert.match(status.text, /"entries": 0/);
    const from = this.#logLength();
    this.#stage.command(`kill ${this.#program.relayPid}`);
    assert.equal(await this.#program.stop(), 0, 'the exit code of the relay');
    this.#stage.say(this.#say.stopAlso);
    this.#stage.show(this.#program.read('data/relay.log').slice(from));
    return this.#say.stopDone;
  }

  // What the steps have in common

  /** Runs a command as it is shown; it must succeed. Gives its output. */
  async #command(...args: readonly string[]): Promise<string> {
    this.#stage.command(['./sealpost', ...args].join(' '));
    const { code, text } = await this.#program.run(args);
    this.#stage.show(text);
    assert.equal(code, 0, 'the exit code');
    return text;
  }

  async #send(client: ClientSettings, message: typeof MAIL = MAIL): Promise<Sent> {
    const sent = await send(client, message);
    this.#stage.dialogue(sent.dialogue);
    return sent;
  }

  #alice(): ClientSettings {
    const pfx = Buffer.from(this.#program.read('alice@example.net.p12', 'latin1'), 'latin1');
    return this.#client({ pfx, passphrase: this.#passphrase });
  }

  #client(identity: ClientSettings['tls']): ClientSettings {
    return { port: this.#port, servername: RELAY, tls: { ca: this.#program.read('data/ca/root.crt'), ...identity } };
  }

  #certificate(path: string): X509Certificate {
    return new X509Certificate(this.#program.read(path));
  }

  #logLength(): number {
    return this.#program.read('data/relay.log').length;
  }
}

function certificateFacts(certificate: X509Certificate): string[] {
  return [
    `subject  ${certificate.subject.replaceAll('\n', ', ')}`,
    `issuer   ${certificate.issuer.replaceAll('\n', ', ')}`,
    `names    ${certificate.subjectAltName ?? ''}`,
    `until    ${certificate.validTo}`,
    `key      ${certificate.publicKey.asymmetricKeyDetails?.namedCurve ?? certificate.publicKey.asymmetricKeyType}`,
  ];
}

const messages = demoMessages(process.env);
const stage = new Stage(process.stdout, messages, hasColour(process.stdout, process.env));
const program = new Program();
process.on('exit', () => program.clear());
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));

const begun = performance.now();
try {
  await using hop = await Sink.open();
  process.stdout.write(`${messages.title}\n# ${messages.where(program.directory)}\n`);
  await new Demo(stage, messages, program, hop).run();
  program.clear();
  assert(!existsSync(program.directory), `${program.directory} is still there`);
  stage.summary(performance.now() - begun);
} catch (thrown) {
  stage.failure(thrown instanceof StepFailed ? thrown : new StepFailed('-', thrown));
  process.exit(1);
}
