import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { formatProblem, parseConfig } from './load.ts';

function problems(text: string): string[] {
  return parseConfig(text, 'sealpost.yaml').problems.map(formatProblem);
}

test('a file with the name alone gives the defaults', () => {
  const { config, problems } = parseConfig('hostname: relay.example.net\n', 'sealpost.yaml');
  assert.deepEqual(problems, []);
  assert.equal(config?.hostname, 'relay.example.net');
  assert.deepEqual(
    config.listeners.map(({ name, port, role, tls }) => `${name} ${port} ${role} ${tls}`),
    ['submission 587 submission starttls', 'submissions 465 submission implicit', 'relay 25 relay starttls'],
  );
  assert.ok(config.listeners.every(({ address, certificates }) => address === '::' && certificates === 'ask'));
  assert.equal(config.limits.messageSize, 52_428_800);
  assert.equal(config.limits.recipients, 1_000);
  assert.equal(config.schedule.expiry, 432_000_000);
  assert.equal(config.spool.inlineContent, 65_536);
  assert.equal(config.spool.history, 2_592_000_000);
  assert.deepEqual(config.access.trustedNetworks, []);
  assert.equal(config.access.delayChecks, false);
});

test('each mistake has its place, what is wrong, and what to do', () => {
  const text = `hostnam: relay.example.net
limits:
  recipents: 3
  messageSize: 50 bananas
  hops: many
  sessionTime: 1s
listeners:
  - name: a
    port: 25
    role: submision
  - name: b
    tls: maybe
tls:
  minimum: 1.2
delivery:
  routes:
    - to: smarthost
      tls: verify
messageSize: 3
threads: {fronts: lots}
access:
  trustedNetworks: [10.0.0.0/8, loopback]
  delayChecks: "yes"
`;
  assert.deepEqual(problems(text), [
    'sealpost.yaml:1:1: hostname is missing; write hostname: relay.example.net',
    'sealpost.yaml:1:1: unknown key hostnam; did you mean hostname?',
    'sealpost.yaml:3:3: unknown key limits.recipents; did you mean recipients?',
    'sealpost.yaml:4:16: limits.messageSize is "50 bananas"; write a size from 1B to 10GB, such as 64KB or 50MB',
    'sealpost.yaml:5:9: limits.hops is "many"; write a whole number from 10 to 1000',
    'sealpost.yaml:6:16: limits.sessionTime is "1s"; write a time from 1m to 7d with its unit, such as 30s, 5m, 4h or 2d',
    'sealpost.yaml:10:11: listeners[0].role is "submision"; write submission or relay; did you mean submission?',
    'sealpost.yaml:11:5: listeners[1].port is missing; write port: 587',
    'sealpost.yaml:12:10: listeners[1].tls is "maybe"; write none, starttls or implicit',
    'sealpost.yaml:14:12: tls.minimum is 1.2; write TLSv1.2 or TLSv1.3',
    'sealpost.yaml:17:7: delivery.routes[0].domains is missing; write domains: [*]',
    'sealpost.yaml:17:11: delivery.routes[0].to is "smarthost"; write host:port such as mx.example.net:25, [192.0.2.1]:2525 or mx:example.net:25',
    'sealpost.yaml:19:1: unknown key messageSize; did you mean limits.messageSize? Mind the indentation',
    'sealpost.yaml:20:19: threads.fronts is "lots"; write auto, or a whole number from 1 to 30',
    'sealpost.yaml:22:33: access.trustedNetworks[1] is "loopback"; write a network in CIDR form such as 192.0.2.0/24 or 2001:db8::/32',
    'sealpost.yaml:23:16: access.delayChecks is "yes"; write true or false',
  ]);
});

test('a login goes to a hop that is named, not to whatever host a recipient has', () => {
  const route = (to: string): string =>
    `hostname: relay.example.net\ndelivery:\n  routes:\n    - {domains: ['*'], to: '${to}', login: {user: u, passwordFile: p}}\n`;
  assert.equal(problems(route('hop.example:587')).length, 0);
  assert.match(problems(route('%0:587')).join('\n'), /routes\[0\]\.login .*without %0 and %1/);
});

test('a key of an earlier version is told what took its place', () => {
  assert.deepEqual(problems('hostname: relay.example.net\naccess: {trustExternal: true}\n'), [
    'sealpost.yaml:2:10: access.trustExternal is no more; for true write trustedMechanisms: [EXTERNAL, PLAIN, LOGIN, SCRAM-SHA-256, SCRAM-SHA-256-PLUS], for false leave it out',
  ]);
});

describe('what is no YAML', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    [
      'a mapping within a line',
      'a: b: c\n',
      'sealpost.yaml:1:4: no YAML: nested mappings are not allowed in compact mappings; correct it; texts with : or # need quotes',
    ],
    [
      'a key twice',
      'hostname: a.b\nhostname: c.d\n',
      'sealpost.yaml:2:1: this key stands there twice; keep one of them',
    ],
    [
      'a tab',
      'hostname: a.b\nlimits:\n\trecipients: 3\n',
      'sealpost.yaml:3:1: a tab is used to indent; use blanks, as YAML asks for',
    ],
    ['a list', '- a\n', 'sealpost.yaml:1:1: the file is a list; write a section of keys'],
    [
      'a second document',
      'hostname: a.b\n---\nhostname: c.d\n',
      'sealpost.yaml:2:1: a second document begins here (---); keep one document in the file',
    ],
  ];
  for (const [name, text, expected] of cases) {
    test(name, () => {
      assert.deepEqual(problems(text), [expected]);
    });
  }
});

test('an empty file lacks the name', () => {
  assert.deepEqual(problems(''), ['sealpost.yaml:1:1: hostname is missing; write hostname: relay.example.net']);
});

test('keys with nothing after them are as if not there, unknown ones are not', () => {
  assert.deepEqual(problems('hostname: a.b\nlimits:\n  submission:\n  recipients:\ntls:\n'), []);
  assert.deepEqual(problems('hostname: a.b\nlimits:\n  colour:\n').length, 1);
});

test('values that contradict each other', () => {
  const twice = 'hostname: a.b\nlisteners:\n  - {name: a, port: 25}\n  - {name: a, port: 25}\n';
  assert.deepEqual(problems(twice), [
    'sealpost.yaml:4:12: listeners[1].name is "a"; write a name that no other listener has',
    'sealpost.yaml:4:21: listeners[1].port is 25; write a port that no other listener has on this address',
  ]);
  assert.deepEqual(problems('hostname: a.b\nschedule: {firstRetry: 3h}\n'), [
    'sealpost.yaml:2:24: schedule.firstRetry is "3h"; write a time not above schedule.longestRetry',
  ]);
});

test('aliases that multiply are refused', () => {
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]
b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]
c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]
d: [*c,*c,*c,*c,*c,*c,*c,*c,*c]
`;
  const [problem] = problems(bomb);
  assert.match(problem ?? '', /alias count/);
});

test('names, addresses and networks that must be taken', () => {
  const text = `hostname: Relay-1.example.net
listeners: [{name: v6, address: "::1", port: 0}, {name: v4, address: 127.0.0.1, port: 0}]
access: {trustedNetworks: ["2001:db8::/32", 10.0.0.0/8, 192.0.2.1], localDomains: [example.net, 例え.jp]}
delivery: {routes: [{domains: [.example.com, "*"], to: "[2001:db8::1]:2525"}], resolver: [127.0.0.1, "[::1]:5353", "::1"]}
`;
  assert.deepEqual(problems(text), []);
});

test('property: any text gives a configuration or problems within the text, and never throws', () => {
  const piece = fc.constantFrom(
    'hostname: a.b\n',
    'limits:\n',
    '  hops: 3\n',
    'tls: [',
    '}',
    '"',
    '\t',
    '- ',
    '&a *a ',
    ': ',
    '#',
    '\u0000',
    '例',
    'routes: ',
    '\n',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 12 }), (pieces) => {
      const text = pieces.join('');
      const lines = text.split('\n').length;
      const result = parseConfig(text, 'f');
      assert.notEqual(result.config === undefined, result.problems.length === 0);
      for (const { line, column } of result.problems)
        assert.ok(line >= 1 && line <= lines && column >= 1, `${line}:${column}`);
    }),
    { numRuns: 60 },
  );
});
