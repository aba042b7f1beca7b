import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { after, before, describe, test } from 'node:test';
import { parseHosts } from './hosts.ts';
import { defaultDnsSettings, dnsResolver, pointerName } from './resolver.ts';

const TYPES: Readonly<Record<number, string>> = { 1: 'A', 12: 'PTR', 15: 'MX', 28: 'AAAA' };

/** Answers by `TYPE name`: records as bytes, a response code, or `silent`. What is not listed does not exist (NXDOMAIN). */
const answers: Readonly<Record<string, readonly Uint8Array[] | number | 'silent'>> = {
  'MX example.net': [mx(20, 'b.example.net'), mx(10, 'a.example.net')],
  'MX null.example': [mx(0, '')],
  'MX plain.example': [],
  'MX broken.example': 2,
  'MX refused.example': 5,
  'MX silent.example': 'silent',
  'A both.example': [Uint8Array.of(192, 0, 2, 5)],
  'AAAA both.example': [Uint8Array.from([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])],
  'A four.example': [Uint8Array.of(192, 0, 2, 4)],
  'AAAA four.example': 2,
  'A none.example': [],
  'AAAA none.example': [],
  'A half.example': [],
  'AAAA half.example': 2,
  'PTR 5.2.0.192.in-addr.arpa': [name('both.example')],
  'PTR 6.2.0.192.in-addr.arpa': [],
  'PTR 7.2.0.192.in-addr.arpa': 2,
  [`PTR ${pointerName('2001:db8::1')}`]: [name('both.example')],
  'PTR 8.2.0.192.in-addr.arpa': [name('bad name\r\n.example')],
};

function name(text: string): Uint8Array {
  const labels = text === '' ? [] : text.split('.');
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label, 'latin1')])),
    Buffer.of(0),
  ]);
}

function mx(preference: number, exchange: string): Uint8Array {
  return Buffer.concat([Buffer.of(0, preference), name(exchange)]);
}

/** A response to a query with one question (RFC 1035 §4.1). */
function respond(query: Buffer): Buffer | undefined {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  const type = query.readUInt16BE(at + 1);
  const answer = answers[`${TYPES[type]} ${labels.join('.').toLowerCase()}`] ?? 3;
  if (answer === 'silent') return undefined;
  const records = typeof answer === 'number' ? [] : answer;
  const header = Buffer.from(query.subarray(0, 12));
  header.writeUInt16BE(0x8180 | (typeof answer === 'number' ? answer : 0), 2);
  header.writeUInt16BE(records.length, 6);
  header.writeUInt32BE(0, 8);
  const body = records.map((data) => {
    const fixed = Buffer.from([0xc0, 12, 0, 0, 0, 1, 0, 0, 0, 60, 0, 0]);
    fixed.writeUInt16BE(type, 2);
    fixed.writeUInt16BE(data.length, 10);
    return Buffer.concat([fixed, data]);
  });
  return Buffer.concat([header, query.subarray(12, at + 5), ...body]);
}

describe('DNS resolver', () => {
  let socket: Socket;
  let server = '';

  before(async () => {
    socket = createSocket('udp4');
    socket.on('message', (query, from) => {
      const response = respond(query);
      if (response !== undefined) socket.send(response, from.port, from.address);
    });
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    server = `127.0.0.1:${socket.address().port}`;
  });
  after(() => void socket.close());

  function resolver(timeout = 2_000): ReturnType<typeof dnsResolver> {
    return dnsResolver({ servers: [server], timeout, tries: 1, hostsFile: undefined });
  }

  test('MX: found, none, temporary, each for what it is', async () => {
    const dns = resolver();
    const found = await dns.mx('example.net');
    assert.ok(found.kind === 'found');
    assert.deepEqual(
      [...found.records].sort((a, b) => a.preference - b.preference),
      [
        { preference: 10, exchange: 'a.example.net' },
        { preference: 20, exchange: 'b.example.net' },
      ],
    );
    assert.deepEqual(await dns.mx('null.example'), { kind: 'found', records: [{ preference: 0, exchange: '' }] });
    assert.deepEqual(await dns.mx('plain.example'), { kind: 'none', exists: true });
    assert.deepEqual(await dns.mx('nowhere.example'), { kind: 'none', exists: false });
    assert.deepEqual(await dns.mx('broken.example'), {
      kind: 'temporary',
      detail: 'the name server failed (SERVFAIL)',
    });
    assert.deepEqual(await dns.mx('refused.example'), {
      kind: 'temporary',
      detail: 'the name server refused to answer (REFUSED)',
    });
    assert.deepEqual(await dns.mx('a..b'), { kind: 'none', exists: false });
  });

  test('a silent or absent name server is temporary', async () => {
    assert.deepEqual(await resolver(20).mx('silent.example'), {
      kind: 'temporary',
      detail: 'no name server answered in time',
    });
    const nobody = dnsResolver({ servers: ['127.0.0.1:9'], timeout: 500, tries: 1, hostsFile: undefined });
    for (const answer of [
      await nobody.mx('example.net'),
      await nobody.addresses('both.example'),
      await nobody.reverse('192.0.2.5'),
    ])
      assert.equal(answer.kind, 'temporary');
  });

  test('addresses: both families; trouble with one does not hide the other', async () => {
    const dns = resolver();
    assert.deepEqual(await dns.addresses('Both.example.'), { kind: 'found', addresses: ['192.0.2.5', '2001:db8::1'] });
    assert.deepEqual(await dns.addresses('four.example'), { kind: 'found', addresses: ['192.0.2.4'] });
    assert.deepEqual(await dns.addresses('none.example'), { kind: 'none', exists: true });
    assert.deepEqual(await dns.addresses('nowhere.example'), { kind: 'none', exists: false });
    assert.equal((await dns.addresses('half.example')).kind, 'temporary', 'a missing half may be the one that counts');
  });

  test('addresses and localhost are answered without asking', async () => {
    const dns = dnsResolver({ servers: ['127.0.0.1:9'], timeout: 20, tries: 1, hostsFile: undefined });
    assert.deepEqual(await dns.addresses('localhost'), { kind: 'found', addresses: ['127.0.0.1', '::1'] });
    assert.deepEqual(await dns.addresses('hop.localhost'), { kind: 'found', addresses: ['127.0.0.1', '::1'] });
    assert.deepEqual(await dns.addresses('192.0.2.7'), { kind: 'found', addresses: ['192.0.2.7'] });
    assert.deepEqual(await dns.addresses('2001:DB8::7'), { kind: 'found', addresses: ['2001:db8::7'] });
  });

  test('PTR: found, none, temporary; what is no host name is none', async () => {
    const dns = resolver();
    assert.deepEqual(await dns.reverse('192.0.2.5'), { kind: 'found', names: ['both.example'] });
    assert.deepEqual(await dns.reverse('2001:db8::1'), { kind: 'found', names: ['both.example'] });
    assert.deepEqual(await dns.reverse('192.0.2.6'), { kind: 'none', exists: true });
    assert.deepEqual(await dns.reverse('192.0.2.99'), { kind: 'none', exists: false });
    assert.equal((await dns.reverse('192.0.2.7')).kind, 'temporary');
    assert.equal((await dns.reverse('192.0.2.8')).kind, 'none');
  });

  test('a server that is no address is told', () => {
    assert.throws(
      () => dnsResolver({ ...defaultDnsSettings, servers: ['dns.example'] }),
      /dns\.example.*address:port/s,
    );
  });
});

describe('hosts file', () => {
  test('names and addresses both ways, comments and nonsense left out', () => {
    const hosts = parseHosts(
      '127.0.0.1 localhost loopback # here\n# 192.0.2.1 hidden\n192.0.2.2\tHop.Example hop\n192.0.2.3 hop.example\nnonsense hop\n\n',
    );
    assert.deepEqual(hosts.addresses.get('hop.example'), ['192.0.2.2', '192.0.2.3']);
    assert.deepEqual(hosts.addresses.get('hop'), ['192.0.2.2']);
    assert.equal(hosts.addresses.has('hidden'), false);
    assert.deepEqual(hosts.names.get('192.0.2.2'), ['hop.example', 'hop']);
  });
});

describe('names of PTR records', () => {
  test('are those of RFC 1035 §3.5 and RFC 3596 §2.5', () => {
    assert.equal(pointerName('192.0.2.1'), '1.2.0.192.in-addr.arpa');
    assert.equal(
      pointerName('4321:0:1:2:3:4:567:89ab'),
      'b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa',
    );
    assert.equal(pointerName('::1'), `1.${'0.'.repeat(31)}ip6.arpa`);
  });
});
