import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Config } from './schema.ts';
import { parseConfig } from './load.ts';
import {
  accessMapFile,
  accessSettings,
  authorityTerms,
  controlSocket,
  deliverySettings,
  frontThreads,
  inDirectory,
  listeners,
  sessionLimits,
} from './settings.ts';

function configOf(text = ''): Config {
  const { config, problems } = parseConfig(`hostname: relay.example.net\n${text}`, 'x');
  assert.deepEqual(problems, []);
  return config as Config;
}

const ports = (config: Config, root: boolean): number[] => listeners(config, { root }).map(({ port }) => port);

describe('ports', () => {
  test('root has the standard ports, others those plus 2000', () => {
    assert.deepEqual(ports(configOf(), true), [587, 465, 25]);
    assert.deepEqual(ports(configOf(), false), [2587, 2465, 2025]);
  });
  test('a port that anyone may use is left alone, and so is 0', () => {
    assert.deepEqual(ports(configOf('listeners: [{name: a, port: 1024}, {name: b, port: 0}]'), false), [1024, 0]);
  });
  test('an offset of our own counts for all, root or not', () => {
    assert.deepEqual(ports(configOf('portOffset: 20000'), true), [20587, 20465, 20025]);
    assert.deepEqual(ports(configOf('portOffset: 0'), false), [587, 465, 25]);
    assert.deepEqual(ports(configOf('portOffset: 5\nlisteners: [{name: a, port: 0}]'), false), [0]);
  });
});

test('without IPv6 the addresses are those of IPv4', () => {
  const config = configOf(
    'listeners: [{name: a, port: 1}, {name: b, port: 2, address: "::1"}, {name: c, port: 3, address: 192.0.2.1}]',
  );
  assert.deepEqual(
    listeners(config, { root: true, ipv6: false }).map(({ address }) => address),
    ['0.0.0.0', '127.0.0.1', '192.0.2.1'],
  );
  assert.deepEqual(
    listeners(config, { root: true }).map(({ address }) => address),
    ['::', '::1', '192.0.2.1'],
  );
});

test('limits of a role stand before the common ones', () => {
  const config = configOf(
    'limits: {recipients: 10, messageSize: 1MB, submission: {recipients: 5}, relay: {messageSize: 2MB, sessionTime: 1m}}\nspool: {inlineContent: 1KB}',
  );
  const [submission, relay] = [sessionLimits(config, 'submission'), sessionLimits(config, 'relay')];
  assert.deepEqual([submission.recipients, submission.messageSize, submission.sessionTime], [5, 1_048_576, 7_200_000]);
  assert.deepEqual([relay.recipients, relay.messageSize, relay.sessionTime], [10, 2_097_152, 60_000]);
  assert.equal(submission.inlineContent, 1_024);
  assert.deepEqual(Object.keys(submission).sort(), [
    'authLine',
    'buffer',
    'commandLine',
    'connections',
    'connectionsByAddress',
    'errors',
    'handshakeTime',
    'header',
    'hops',
    'idleCommands',
    'inlineContent',
    'messageSize',
    'messagesPerSession',
    'recipients',
    'sessionTime',
  ]);
});

test('routes with absolute paths and lower-case domains', () => {
  const config = configOf(
    'delivery: {routes: [{domains: [Example.COM], to: "mx.example.com:25", tls: verify, identity: {certificate: tls/c.crt, key: /k}, authorities: ca.pem}]}',
  );
  const settings = deliverySettings(config, '/data', [{ address: '192.0.2.1', port: 25 }]);
  assert.deepEqual(settings.routes, [
    {
      domains: ['example.com'],
      to: 'mx.example.com:25',
      tls: 'verify',
      implicit: false,
      identity: { certificate: '/data/tls/c.crt', key: '/k' },
      authorities: { files: ['/data/ca.pem'], directories: [] },
      tlsFallback: false,
    },
  ]);
  assert.equal(settings.hostname, 'relay.example.net');
  assert.deepEqual(settings.ownAddresses, [{ address: '192.0.2.1', port: 25 }]);
  assert.equal(
    deliverySettings(configOf('delivery: {hostname: out.example.net}'), '/data', []).hostname,
    'out.example.net',
  );
});

test('the access policy, its domains in lower case', () => {
  const policy = accessSettings(
    configOf(
      'access: {localDomains: [Example.Net.], relayDomains: [A.example], trustedNetworks: [10.0.0.0/8], delayChecks: true}',
    ),
  );
  assert.deepEqual([...policy.localDomains], ['example.net']);
  assert.deepEqual([...policy.relayDomains], ['a.example']);
  assert.deepEqual([policy.trustedNetworks, policy.delayChecks, policy.features.size], [['10.0.0.0/8'], true, 0]);
});

test('where the access map lies', () => {
  const there = (): boolean => true;
  const gone = (): boolean => false;
  assert.equal(accessMapFile(configOf(), '/data', there), '/data/access');
  assert.equal(accessMapFile(configOf(), '/data', gone), undefined);
  assert.equal(accessMapFile(configOf('access: {map: none}'), '/data', there), undefined);
  assert.equal(accessMapFile(configOf('access: {map: /etc/mail/access}'), '/data', gone), '/etc/mail/access');
});

test('paths and threads', () => {
  assert.equal(inDirectory('/data', 'tls/x'), '/data/tls/x');
  assert.equal(inDirectory('/data', '/x'), '/x');
  assert.equal(controlSocket(configOf(), '/data'), '/data/control.sock');
  assert.equal(frontThreads(configOf(), 4), 3);
  assert.equal(frontThreads(configOf(), 1), 1);
  assert.equal(frontThreads(configOf(), 64), 30);
  assert.equal(frontThreads(configOf('threads: {fronts: 2}'), 8), 2);
});

describe('terms of the authority', () => {
  test('lives, subject and addresses', () => {
    const terms = authorityTerms(
      configOf('ca: {url: "http://a.example:80", subject: "C=JP, CN={holder}", lifetimes: {person: 7d}}'),
    );
    assert.equal(terms.lifetimes.person, 604_800_000);
    assert.equal(terms.lifetimes.server, 397 * 86_400_000);
    assert.equal(terms.subject, 'C=JP, CN={holder}');
    assert.deepEqual(terms.urls.ocsp, ['http://a.example:80/ocsp']);
  });
  test('a subject that is none, and a life that is too long, are told with their place', () => {
    const { problems } = parseConfig(
      'hostname: a.example\nca:\n  subject: "C=JP, O={name}"\n  lifetimes: {server: 900d}\n',
      'x',
    );
    assert.match(
      problems.map((problem) => JSON.stringify(problem)).join('\n'),
      /character 7: braces stand around holder/,
    );
    assert.match(problems.map((problem) => JSON.stringify(problem)).join('\n'), /1h to 825d/);
  });
});
