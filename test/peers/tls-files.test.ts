/**
 * Certificates that others put in place while the relay runs: a tool that writes one file after the other, a mounted
 * secret whose symlink is swapped, a file that comes in pieces, mistakes. In force is always a pair that fits; new
 * handshakes see a change within about a second; nobody restarts anything.
 */
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect as connectPlain } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { connect as connectTls, createServer, type Server, type TLSSocket } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { issue, makeAuthority, makeRequest, type Authority } from './authority.ts';
import { letter } from './message.ts';
import { missing, mustRun } from './program.ts';
import { HOSTNAME, LOCAL_DOMAIN, Relay, until } from './relay.ts';
import { Sink } from './sink.ts';
import { Talk, type Identity } from './talk.ts';

/** What a change may take: a look each second, and room for a busy machine. */
const SOON = 4_000;

/** A server certificate by openssl; the file has the leaf and, when asked, the CA. */
async function server(
  authority: Authority,
  name: string,
  host: string,
  days: readonly [number, number] = [-1, 30],
): Promise<Identity> {
  const { key, request } = await makeRequest(authority.directory, name, `/CN=${host}`);
  const [certificate, ext] = [join(authority.directory, `${name}.crt`), join(authority.directory, `${name}.ext`)];
  writeFileSync(ext, `subjectAltName=DNS:${host}\nextendedKeyUsage=serverAuth\n`);
  const stamp = (day: number): string =>
    `${new Date(Date.now() + day * 86_400_000).toISOString().replaceAll(/[-:T]|\.\d+Z/g, '')}Z`;
  await mustRun('openssl', [
    ['ca', '-batch', '-notext', '-config', join(authority.directory, 'ca.cnf'), '-md', 'sha256', '-extfile', ext],
    ['-startdate', stamp(days[0]), '-enddate', stamp(days[1]), '-in', request, '-out', certificate],
  ]);
  return { certificate, key };
}

/** The serial number that a new handshake shows. */
function shown(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.serialNumber ?? '');
      socket.end();
    });
    socket.on('error', reject);
  });
}

async function serialOf(path: string): Promise<string> {
  return (await mustRun('openssl', ['x509', '-in', path, '-noout', '-serial'])).trim().replace('serial=', '');
}

describe('the server certificate from outside', { skip: missing('openssl') }, () => {
  let sink: Sink;
  let relay: Relay;
  let authority: Authority;
  let first: Identity;
  const at = (name: string): string => relay.path(`tls/${name}`);
  const text = (path: string): string => readFileSync(path, 'utf8');
  const port = (): number => relay.port('submissions');

  before(async () => {
    sink = await Sink.open();
    relay = await Relay.start(sink.port, {}, async (directory) => {
      authority = await makeAuthority(`${directory}/public`, '/O=Public/CN=Public Root');
      first = await server(authority, 'first', HOSTNAME);
      writeFileSync(`${directory}/tls/server.crt`, text(first.certificate) + text(authority.certificate));
      writeFileSync(`${directory}/tls/server.key`, text(first.key));
    });
  });
  after(async () => {
    await relay?.[Symbol.asyncDispose]();
    await sink?.[Symbol.asyncDispose]();
  });

  const chain = (identity: Identity): string => text(identity.certificate) + text(authority.certificate);
  const troubles = (from: number): string[] =>
    relay.log
      .slice(from)
      .filter(({ event }) => event === 'trouble')
      .map((line) => String(line['detail'] ?? line['msg']));
  /** Waits for new handshakes to see it; ms it took. */
  async function seen(identity: Identity): Promise<number> {
    const [wanted, start] = [await serialOf(identity.certificate), Date.now()];
    await until('new handshakes see the new certificate', async () => (await shown(port())) === wanted, SOON);
    return Date.now() - start;
  }

  it('is never renewed by the relay, and nothing is found wrong with it', async () => {
    assert.equal(await shown(port()), await serialOf(first.certificate));
    assert.deepEqual(troubles(0), []);
  });

  it('files written one after the other: the old pair until both are there, without a word', async (t) => {
    const next = await server(authority, 'two-steps', HOSTNAME);
    const from = relay.log.length;
    writeFileSync(at('server.crt'), chain(next));
    const old = await serialOf(first.certificate);
    for (let look = 0; look < 6; look++) {
      await wait(200);
      assert.equal(await shown(port()), old);
    }
    writeFileSync(at('server.key'), text(next.key));
    t.diagnostic(`seen after ${await seen(next)} ms`);
    assert.deepEqual(troubles(from), []);
  });

  it('a file that comes in pieces is taken when it is whole', async () => {
    const next = await server(authority, 'pieces', HOSTNAME);
    const from = relay.log.length;
    writeFileSync(at('server.key'), text(next.key));
    const whole = chain(next);
    writeFileSync(at('server.crt'), '');
    const before = await shown(port());
    for (let piece = 0; piece < 4; piece++) {
      appendFileSync(at('server.crt'), whole.slice((piece * whole.length) / 5, ((piece + 1) * whole.length) / 5));
      await wait(400);
      const now = await shown(port());
      // The leaf alone fits the key, too; what is in force is never half a certificate.
      assert.ok(now === before || now === (await serialOf(next.certificate)));
    }
    appendFileSync(at('server.crt'), whole.slice((4 * whole.length) / 5));
    await seen(next);
    assert.ok(
      troubles(from).every((detail) => /does not follow in the file/.test(detail)),
      troubles(from).join('\n'),
    );
  });

  it('a secret of Kubernetes: the symlink of the folder is swapped; a plain symlink, and a rename', async (t) => {
    const mount = relay.path('mount');
    mkdirSync(mount);
    const put = (day: string, identity: Identity): void => {
      mkdirSync(join(mount, day));
      writeFileSync(join(mount, day, 'tls.crt'), chain(identity));
      writeFileSync(join(mount, day, 'tls.key'), text(identity.key));
      symlinkSync(day, join(mount, '..data_tmp'));
      renameSync(join(mount, '..data_tmp'), join(mount, '..data'));
    };
    const [one, two, three, four] = (await Promise.all(
      ['k8s-1', 'k8s-2', 'link', 'rename'].map((name) => makeLater(name)),
    )) as [Identity, Identity, Identity, Identity];
    put('..2026_11_24', one);
    for (const name of ['tls.crt', 'tls.key']) symlinkSync(join('..data', name), join(mount, name));
    relay.configure({ tls: { certificate: 'mount/tls.crt', key: 'mount/tls.key' } });
    process.kill(relay.pid, 'SIGHUP');
    await seen(one);
    put('..2026_11_25', two);
    t.diagnostic(`..data swapped: seen after ${await seen(two)} ms`);
    writeFileSync(relay.path('plain.crt'), chain(three));
    writeFileSync(relay.path('plain.key'), text(three.key));
    for (const kind of ['crt', 'key']) {
      rmSync(join(mount, `tls.${kind}`));
      symlinkSync(relay.path(`plain.${kind}`), join(mount, `tls.${kind}`));
    }
    t.diagnostic(`symlink: seen after ${await seen(three)} ms`);
    for (const [kind, content] of [
      ['crt', chain(four)],
      ['key', text(four.key)],
    ] as const) {
      writeFileSync(relay.path(`plain.${kind}.new`), content, { mode: 0o600 });
      renameSync(relay.path(`plain.${kind}.new`), relay.path(`plain.${kind}`));
    }
    t.diagnostic(`rename: seen after ${await seen(four)} ms`);
  });

  async function makeLater(name: string): Promise<Identity> {
    // One after the other: openssl ca keeps an index.
    return (queue = queue.then(() => server(authority, name, HOSTNAME)));
  }
  let queue: Promise<Identity> = Promise.resolve({ certificate: '', key: '' });

  it('mistakes are told once and change nothing; a wrong name is told and taken', async () => {
    const good = await server(authority, 'good', HOSTNAME);
    writeFileSync(relay.path('plain.key'), text(good.key));
    writeFileSync(relay.path('plain.crt'), chain(good));
    await seen(good);
    const inForce = await serialOf(good.certificate);
    const from = relay.log.length;
    const stray = await server(authority, 'stray', HOSTNAME);
    writeFileSync(relay.path('plain.key'), text(stray.key));
    await relay.event(({ event }) => event === 'trouble', 10_000, from);
    await wait(3_000);
    assert.equal(troubles(from).length, 1, troubles(from).join('\n'));
    assert.match(
      troubles(from)[0] ?? '',
      /mount\/tls\.key \(tls\.key\) is not the key of the first certificate in .*mount\/tls\.crt/,
    );
    assert.equal(await shown(port()), inForce);

    const ended = await server(authority, 'ended', HOSTNAME, [-20, -1]);
    const second = relay.log.length;
    writeFileSync(relay.path('plain.crt'), chain(ended));
    writeFileSync(relay.path('plain.key'), text(ended.key));
    await relay.event(({ event, detail }) => event === 'trouble' && /ended on/.test(String(detail)), 10_000, second);
    await wait(2_000);
    assert.equal(troubles(second).length, 1, troubles(second).join('\n'));
    assert.equal(await shown(port()), inForce);

    const wrong = await server(authority, 'wrong', 'other.example');
    const third = relay.log.length;
    writeFileSync(relay.path('plain.crt'), text(wrong.certificate));
    writeFileSync(relay.path('plain.key'), text(wrong.key));
    await seen(wrong);
    await relay.event(({ event }) => event === 'trouble', 10_000, third);
    await wait(1_500);
    assert.match(troubles(third).join('\n'), /does not name relay\.example\.net but DNS:other\.example/);
    assert.match(troubles(third).join('\n'), /does not follow in the file/);
    assert.equal(troubles(third).length, 2, troubles(third).join('\n'));
  });

  it('a revocation takes effect although the files are broken', async () => {
    const holder = await relay.add('alice@example.net');
    rmSync(relay.path('plain.crt'));
    const options = { rejectUnauthorized: false, cert: text(holder.certificate), key: text(holder.key) };
    using talk = await Talk.secure(port(), options);
    await talk.greet();
    assert.match(await talk.message(letter('before-revocation'), 'bob@outside.example'), /^250 /);
    await relay.revoke(holder);
    assert.match(await talk.reply(), /^421 4\.7\.0 /);
  });
});

describe('certificates that the relay shows to others, and by which it believes', { skip: missing('openssl') }, () => {
  it('a route’s identity and authorities, and the CAs of clients, are changed while mail goes out', async (t) => {
    await using sink = await Sink.open();
    // A next hop with TLS from the first byte, which notes whose certificate it was shown.
    const names: string[] = [];
    let hop: Server | undefined;
    let partner: Authority | undefined;
    let stranger: Authority | undefined;
    await using relay = await Relay.start(sink.port, {}, async (directory) => {
      partner = await makeAuthority(`${directory}/partner`, '/O=Partner/CN=Partner Root');
      stranger = await makeAuthority(`${directory}/stranger`, '/O=Stranger/CN=Stranger Root');
      const own = await server(partner, 'hop', 'localhost');
      hop = createServer(
        { cert: text(own.certificate), key: text(own.key), requestCert: true, rejectUnauthorized: false },
        (socket: TLSSocket) => {
          names.push(socket.getPeerX509Certificate()?.subject ?? 'none');
          const inner = connectPlain(sink.port, '127.0.0.1');
          socket.pipe(inner).pipe(socket);
          for (const one of [socket, inner]) one.on('error', () => {});
        },
      );
      await new Promise<void>((resolve) => hop?.listen(0, '127.0.0.1', resolve));
      const client = await issue(partner, 'client-1', { subject: '/CN=client 1' });
      mkdirSync(`${directory}/out`);
      writeFileSync(`${directory}/out/client.crt`, text(client.certificate));
      writeFileSync(`${directory}/out/client.key`, text(client.key));
      writeFileSync(`${directory}/out/roots.pem`, text(partner.certificate));
    });
    assert.ok(hop !== undefined && partner !== undefined && stranger !== undefined);
    await using _end = { [Symbol.asyncDispose]: async () => void hop?.close() };
    const route = {
      domains: ['*'],
      to: `localhost:${(hop.address() as AddressInfo).port}`,
      tls: 'verify',
      implicit: true,
      identity: { certificate: 'out/client.crt', key: 'out/client.key' },
      authorities: 'out/roots.pem',
    };
    relay.configure({ delivery: { routes: [route], idleTime: '0' } });
    const start = relay.log.length;
    process.kill(relay.pid, 'SIGHUP');
    await relay.event(({ event, what }) => event === 'reloaded' && what === 'configuration', 10_000, start);
    const send = async (marker: string): Promise<void> => {
      using talk = await Talk.open(relay.port('server'));
      await talk.greet();
      assert.match(await talk.message(letter(marker), `carol@${LOCAL_DOMAIN}`), /^250 /);
    };
    await send('identity-1');
    await sink.message('identity-1');
    assert.equal(names.at(-1), 'CN=client 1');

    // Half changed: the old one goes on. Whole: the new one, for the next connection.
    const next = await issue(partner, 'client-2', { subject: '/CN=client 2' });
    let from = relay.log.length;
    writeFileSync(relay.path('out/client.crt'), text(next.certificate));
    await wait(1_500);
    await send('identity-half');
    await sink.message('identity-half');
    assert.equal(names.at(-1), 'CN=client 1');
    const changed = Date.now();
    writeFileSync(relay.path('out/client.key'), text(next.key));
    await relay.event(({ event, what }) => event === 'reloaded' && what === 'certificate files of routes', SOON, from);
    t.diagnostic(`identity of a route: in force after ${Date.now() - changed} ms`);
    await send('identity-2');
    await sink.message('identity-2');
    assert.equal(names.at(-1), 'CN=client 2');
    assert.deepEqual(
      relay.log.slice(from).filter(({ event }) => event === 'trouble'),
      [],
    );

    // The hop is believed no more, and then again.
    from = relay.log.length;
    writeFileSync(relay.path('out/roots.pem'), text(stranger.certificate));
    await relay.event(({ event, what }) => event === 'reloaded' && what === 'certificate files of routes', SOON, from);
    await send('roots');
    await relay.event(({ event, outcome }) => event === 'attempted' && outcome === 'deferred', 10_000, from);
    assert.equal(sink.with('roots').length, 0);
    from = relay.log.length;
    writeFileSync(relay.path('out/roots.pem'), text(partner.certificate));
    await relay.event(({ event, what }) => event === 'reloaded' && what === 'certificate files of routes', SOON, from);
    await relay.cli('queue', 'retry', '--all');
    await sink.message('Subject: roots');

    // Whose client certificates are believed.
    const client = await issue(partner, 'visitor', { subject: '/CN=visitor' });
    const verdict = async (): Promise<string> => {
      const from = relay.log.length;
      using talk = await Talk.secure(relay.port('servers'), {
        rejectUnauthorized: false,
        cert: text(client.certificate),
        key: text(client.key),
      });
      await talk.greet();
      const line = await relay.event(({ event }) => event === 'secured', 10_000, from);
      return line['verify'] as string;
    };
    assert.equal(await verdict(), 'FAIL');
    writeFileSync(relay.path('clients.pem'), text(stranger.certificate));
    relay.configure({ delivery: { routes: [route], idleTime: '0' }, tls: { authorities: ['clients.pem'] } });
    process.kill(relay.pid, 'SIGHUP');
    await wait(1_500);
    assert.equal(await verdict(), 'FAIL');
    writeFileSync(relay.path('clients.pem'), text(partner.certificate));
    await until('its client certificate is believed', async () => (await verdict()) === 'OK', SOON);
    writeFileSync(relay.path('clients.pem'), text(stranger.certificate));
    await until('it is believed no more', async () => (await verdict()) === 'FAIL', SOON);
  });

  const text = (path: string): string => readFileSync(path, 'utf8');
});
