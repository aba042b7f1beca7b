/**
 * ACME as hosts do it: certbot proves names over HTTP, the npm package acme-client by DNS. Their certificates relay,
 * are renewed and revoked; the relay is killed in the middle; and an account gets what its key is for, and no more.
 */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:https';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import acme from 'acme-client';
import { renewalId } from '../../src/protocol/acme/renewal-id.ts';
import { parseCertificate } from '../../src/protocol/pki/certificate.ts';
import { letter } from './message.ts';
import { NameServer } from './names.ts';
import { freePorts } from './port.ts';
import { missing, mustRun, run, type Ran } from './program.ts';
import { HOSTNAME, Relay, until } from './relay.ts';
import { Sink } from './sink.ts';
import { Talk, tlsOptions, type Identity } from './talk.ts';

interface ShownKey {
  readonly id: string;
  readonly hmacKey: string;
  readonly directory: string;
  /** Fetch the root, look at it, certbot. */
  readonly certbot: readonly [string, string, string];
}

interface ListedKey {
  readonly id: string;
  readonly state: string;
  readonly serial: string | null;
}

/** Certbot takes seconds to load. */
const PATIENCE = 60_000;

describe('ACME', () => {
  let sink: Sink;
  let relay: Relay;
  let names: NameServer;
  let httpPort: number;

  before(async () => {
    sink = await Sink.open();
    names = await NameServer.open();
    const ports = await freePorts(2);
    httpPort = ports[0] as number;
    relay = await Relay.start(sink.port, {
      delivery: { resolver: [names.place] },
      acme: { httpPort, networks: ['127.0.0.1'] },
      // URLs of accounts and orders have the port, so it must be the same after a restart.
      web: { https: { port: ports[1] } },
    });
  });
  after(async () => {
    await relay?.[Symbol.asyncDispose]();
    await names?.[Symbol.asyncDispose]();
    await sink?.[Symbol.asyncDispose]();
  });

  const makeKey = async (...args: readonly string[]): Promise<ShownKey> =>
    JSON.parse(await relay.cli('acme', 'key', ...args, '--json')) as ShownKey;
  const listed = async (id: string): Promise<ListedKey | undefined> =>
    (JSON.parse(await relay.cli('acme', 'list', '--all', '--json')) as ListedKey[]).find((key) => key.id === id);
  /** The relay's name has no address; its certificate names localhost as well. */
  const here = (text: string): string => text.replaceAll(`https://${HOSTNAME}:`, 'https://localhost:');

  /** The reply to a whole message for an outside address. */
  async function mails(identity: Identity, marker: string): Promise<string> {
    using talk = await Talk.open(relay.port('server'));
    await talk.greet();
    await talk.starttls(tlsOptions(relay.root, identity));
    await talk.ask('EHLO client.example');
    return await talk.message(letter(marker), 'bob@outside.example', 'root@mx.example.net');
  }

  describe('certbot', { skip: missing('certbot', 'curl', 'openssl') }, () => {
    const RENEW = 'REQUESTS_CA_BUNDLE=root.crt certbot renew --force-renewal --no-random-sleep-on-renew';
    let home: string;

    before(() => {
      home = relay.path('host');
      mkdirSync(home);
    });

    const shell = (command: string): Promise<Ran> =>
      run('sh', ['-c', command], { cwd: home, env: { HOME: home }, patience: PATIENCE });

    /** A certbot command, with all it keeps in one folder of the host. What it said includes the end of its log. */
    async function certbot(command: string, folder: string): Promise<Ran> {
      const places = ['config', 'work', 'logs'].map((place) => `--${place}-dir ${folder}/${place}`).join(' ');
      const listens = command.includes('certonly') ? ` --http-01-port ${httpPort} --http-01-address 127.0.0.1` : '';
      const { code, output } = await shell(`${here(command)} -n ${places}${listens}`);
      const log = readFileSync(join(home, folder, 'logs', 'letsencrypt.log'), 'utf8');
      return { code, output: code === 0 ? output : `${output}\n${log.slice(-6_000)}` };
    }

    async function certified(command: string, folder: string): Promise<void> {
      const { code, output } = await certbot(command, folder);
      assert.equal(code, 0, output);
    }

    async function refused(command: string, folder: string, why: RegExp): Promise<void> {
      const { code, output } = await certbot(command, folder);
      assert.notEqual(code, 0);
      assert.match(output, why);
    }

    const live = (name: string, folder: string): Identity => ({
      certificate: join(home, folder, 'config', 'live', name, 'fullchain.pem'),
      key: join(home, folder, 'config', 'live', name, 'privkey.pem'),
    });
    const serialOf = ({ certificate }: Identity): string =>
      new X509Certificate(readFileSync(certificate)).serialNumber.toLowerCase();

    it('the printed commands get a certificate that mails; it is renewed, and revoked', async () => {
      names.addresses.set('mx.example.net', ['127.0.0.1']);
      names.addresses.set('mail.example.net', ['127.0.0.1']);
      const key = await makeKey('mx.example.net', '--dns', 'mx.example.net,mail.example.net');
      assert.equal((await shell(here(key.certbot[0]))).code, 0);
      await certified(key.certbot[2], 'mx');

      const identity = live('mx.example.net', 'mx');
      const seen = await mustRun('openssl', [
        ['x509', '-noout', '-subject', '-ext', 'extendedKeyUsage,subjectAltName', '-in', identity.certificate],
      ]);
      assert.match(seen, /CN\s?=\s?mx\.example\.net/);
      assert.match(seen, /DNS:mx\.example\.net, DNS:mail\.example\.net/);
      assert.match(seen, /TLS Web Client Authentication/);
      assert.doesNotMatch(seen, /Server/);
      assert.match(await mails(identity, 'by-acme'), /^250 /);
      assert.match((await sink.message('by-acme')).text, /verify=OK/);
      const serial = serialOf(identity);
      const view = await listed(key.id);
      assert.deepEqual([view?.state, view?.serial], ['used', serial]);

      const old: Identity = { certificate: join(home, 'old.pem'), key: join(home, 'old.key') };
      writeFileSync(old.certificate, readFileSync(identity.certificate));
      writeFileSync(old.key, readFileSync(identity.key));
      await certified(RENEW, 'mx');
      assert.notEqual(serialOf(identity), serial);
      assert.match(await relay.cli('audit', 'list', '--holder', 'mx.example.net'), new RegExp(`renews ${serial}`));
      assert.match(await mails(old, 'old-one'), /^250 /);
      assert.match(await mails(identity, 'new-one'), /^250 /);

      const revoke = `certbot revoke --server ${key.directory} --cert-name mx.example.net --reason keycompromise`;
      await certified(`REQUESTS_CA_BUNDLE=root.crt ${revoke} --no-delete-after-revoke`, 'mx');
      assert.match(await mails(identity, 'revoked-one'), /^550 5\.7\.1 .*revoked/);
      const crl = await mustRun('openssl', ['crl', '-noout', '-text', '-in', relay.path('ca/crl.pem')]);
      assert.match(crl, new RegExp(`Serial Number: 0*${serialOf(identity)}[^]*Key Compromise`, 'i'));
    });

    it('no names but its own, no proof from where none may be fetched, no second account with a key', async () => {
      names.addresses.set('web.example.net', ['127.0.0.2']);
      const key = await makeKey('web.example.net');
      const [fetchRoot, , first] = key.certbot;
      await shell(here(fetchRoot));
      await refused(first, 'web', /127\.0\.0\.2, from which nothing is fetched/);
      await refused(
        first.replace(/-d \S+/, '-d mx.example.net'),
        'web',
        /mx\.example\.net: not among the names of web\.example\.net/,
      );
      await refused(first, 'another', /has opened an account already/);
      await refused(first.replaceAll(/--eab-\S+/g, ''), 'bare', /external account binding/i);
      const log = await relay.cli('audit', 'list', '--json');
      assert.match(log, /not among the names/);
      assert.doesNotMatch(log, new RegExp(key.hmacKey));
    });

    it('what an operator revokes is not made anew by the next renewal', async () => {
      names.addresses.set('shop.example.net', ['127.0.0.1']);
      const key = await makeKey('shop.example.net', '--days', '90');
      await shell(here(key.certbot[0]));
      await certified(key.certbot[2], 'shop');
      const { validTo } = new X509Certificate(readFileSync(live('shop.example.net', 'shop').certificate));
      assert.ok(Math.abs(Date.parse(validTo) - Date.now() - 90 * 86_400_000) < 3_600_000, validTo);

      assert.match(await relay.cli('revoke', 'shop.example.net'), new RegExp(key.id));
      assert.equal((await listed(key.id))?.state, 'withdrawn');
      await refused(RENEW, 'shop', /the account is revoked/);
    });
  });

  describe('acme-client', () => {
    let root: string;

    before(() => {
      root = readFileSync(relay.root, 'utf8');
      acme.axios.defaults.httpsAgent = new Agent({ ca: root });
    });

    interface Host {
      readonly client: acme.Client;
      readonly key: ShownKey;
      readonly accountKey: Buffer;
    }

    async function host(...args: readonly string[]): Promise<Host> {
      const key = await makeKey(...args);
      const accountKey = await acme.crypto.createPrivateEcdsaKey();
      const client = new acme.Client({
        directoryUrl: here(key.directory),
        accountKey,
        externalAccountBinding: { kid: key.id, hmacKey: key.hmacKey },
        backoffMin: 200,
        backoffMax: 1_000,
        backoffAttempts: 40,
      });
      await client.createAccount({ termsOfServiceAgreed: true, contact: ['mailto:root@example.net'] });
      return { client, key, accountKey };
    }

    /** Orders by dns-01 and gives key and chain, as files. */
    async function order({ client }: Host, domains: readonly string[], file: string): Promise<Identity> {
      const [privateKey, csr] = await acme.crypto.createCsr({ commonName: domains[0] ?? '', altNames: [...domains] });
      const chain = await client.auto({
        csr,
        challengePriority: ['dns-01'],
        skipChallengeVerification: true,
        challengeCreateFn({ identifier }, _challenge, proof) {
          const record = `_acme-challenge.${identifier.value}`;
          names.texts.set(record, [...(names.texts.get(record) ?? []), proof]);
          return Promise.resolve();
        },
        challengeRemoveFn: () => Promise.resolve(),
      });
      return save(file, chain, privateKey);
    }

    function save(file: string, chain: string, privateKey: Buffer): Identity {
      const files = { certificate: relay.path(`${file}.pem`), key: relay.path(`${file}.key`) };
      writeFileSync(files.certificate, chain);
      writeFileSync(files.key, privateKey);
      return files;
    }

    const leafOf = ({ certificate }: Identity): X509Certificate => new X509Certificate(readFileSync(certificate));

    it('dns-01: it mails; the account key is replaced; its account revokes it, once', async () => {
      const box = await host('box.example.net', '--profile', 'service');
      const identity = await order(box, ['box.example.net'], 'box');
      assert.match(await mails(identity, 'by-dns'), /^250 /);
      assert.match((await sink.message('by-dns')).text, /verify=OK/);

      await box.client.updateAccountKey(await acme.crypto.createPrivateEcdsaKey());
      const former = new acme.Client({ directoryUrl: here(box.key.directory), accountKey: box.accountKey });
      await assert.rejects(former.createAccount({ onlyReturnExisting: true }), /no account has this key/);

      const pem = readFileSync(identity.certificate, 'utf8');
      await box.client.revokeCertificate(pem);
      assert.match(await mails(identity, 'by-dns-late'), /^550 5\.7\.1 .*revoked/);
      await assert.rejects(box.client.revokeCertificate(pem), /revoked before/);
    });

    it('a wildcard, for a server, is proved by DNS alone; other accounts have no part in it', async () => {
      const wild = await host('w.example.net', '--profile', 'server', '--dns', 'w.example.net,*.w.example.net');
      const identity = await order(wild, ['w.example.net', '*.w.example.net'], 'wild');
      const leaf = leafOf(identity);
      assert.equal(leaf.subjectAltName, 'DNS:w.example.net, DNS:*.w.example.net');
      assert.equal(leaf.checkHost('a.w.example.net'), '*.w.example.net');
      // It serves, and is no login.
      assert.match(await mails(identity, 'by-server'), /^550 5\.7\.1 /);

      const other = await host('x.example.net');
      const pem = readFileSync(identity.certificate, 'utf8');
      await assert.rejects(other.client.revokeCertificate(pem), /neither the account nor the key/);
    });

    it('renewal information: in the last third of the life, and at once when it was revoked', async () => {
      const old = await host('ari.example.net');
      const leaf = leafOf(await order(old, ['ari.example.net'], 'ari'));
      const parsed = parseCertificate(new Uint8Array(leaf.raw));
      const url = here(old.key.directory).replace('directory', `renewal-info/${parsed && renewalId(parsed)}`);
      const { start, end } = (await fetched(url, root)).suggestedWindow;
      const [from, to] = [Date.parse(leaf.validFrom), Date.parse(leaf.validTo)];
      assert.ok(Date.parse(start) > from + ((to - from) * 2) / 3 - 2_000, start);
      assert.ok(Date.parse(end) < to && Date.parse(end) > Date.parse(start), end);
      await relay.cli('revoke', 'ari.example.net', '--reason', 'superseded');
      assert.ok(Date.parse((await fetched(url, root)).suggestedWindow.end) < Date.now());
      assert.equal((await listed(old.key.id))?.state, 'used');
    });

    it('the relay is killed while it looks for the proof, and goes on when it comes back', async () => {
      const { client } = await host('slow.example.net');
      const wanted = await client.createOrder({ identifiers: [{ type: 'dns', value: 'slow.example.net' }] });
      const [authorization] = await client.getAuthorizations(wanted);
      const challenge = authorization?.challenges.find(({ type }) => type === 'dns-01');
      assert.ok(authorization !== undefined && challenge !== undefined);
      const record = '_acme-challenge.slow.example.net';
      await client.completeChallenge(challenge);
      await until('it has looked once', () => names.asked.includes(record));
      await relay.stop('SIGKILL');
      names.texts.set(record, [await client.getChallengeKeyAuthorization(challenge)]);
      await relay.begin();
      await client.waitForValidStatus(authorization);
      const [privateKey, csr] = await acme.crypto.createCsr({ commonName: 'slow.example.net' });
      const valid = await client.finalizeOrder(wanted, csr);
      assert.match(await mails(save('slow', await client.getCertificate(valid), privateKey), 'after-kill'), /^250 /);
    });
  });
});

interface RenewalInformation {
  readonly suggestedWindow: { readonly start: string; readonly end: string };
}

async function fetched(url: string, ca: string): Promise<RenewalInformation> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  get(url, { agent: new Agent({ ca }) }, (response) => {
    let text = '';
    response
      .setEncoding('utf8')
      .on('data', (more: string) => (text += more))
      .on('end', () => resolve(text));
  }).on('error', reject);
  return JSON.parse(await promise) as RenewalInformation;
}
