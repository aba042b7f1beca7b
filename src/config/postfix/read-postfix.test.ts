import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { parseConfig } from '../load.ts';
import type { Config } from '../schema.ts';
import { MainCf, parseMainCf } from './main-cf.ts';
import { type PostfixSite, readPostfix } from './read-postfix.ts';

function site(main: string, others: Readonly<Record<string, string>> = {}): PostfixSite & { readonly checked: Config } {
  const files: Readonly<Record<string, string>> = { '/etc/postfix/main.cf': main, ...others };
  const read = readPostfix('/etc/postfix', { read: (path) => files[path], list: () => [] }, 'mail.example.net');
  assert.ok(read);
  const { config, problems } = parseConfig(stringify(read.config), 'sealpost.yaml');
  assert.ok(config, JSON.stringify(problems));
  return { ...read, checked: config };
}

/** `line:fate:note`. */
const told = ({ findings }: PostfixSite): string[] =>
  findings.map(({ line, fate, note }) => `${line}:${fate}${note === undefined ? '' : `:${note.key}`}`);

test('lines that go on, comments between them, the last of two, and names in values', () => {
  const text = '# c\na = 1\na = 2,\n# between\n\n  3\nb = $a ${c?yes}${c:no} ${a?{set $a}:{unset}} $$x $(a)\n';
  const parameters = parseMainCf(text);
  assert.deepEqual(
    parameters.map(({ name, line }) => `${name}:${line}`),
    ['a:2', 'a:3', 'b:7'],
  );
  const main = new MainCf(new Map(parameters.map(({ name, value }) => [name, value])));
  assert.equal(main.get('b'), '2, 3 no set 2, 3 $x 2, 3');
  // What names itself has an end.
  assert.equal(new MainCf(new Map([['a', '$a']])).get('a'), '');
});

test('a relay with certificates, routes, policies and tables', () => {
  const print = Array.from({ length: 32 }, () => 'AB').join(':');
  const read = site(
    [
      'myhostname = mx.example.net',
      'relay_domains = example.com, example.org',
      'mynetworks = 127.0.0.0/8 [::1]/128 192.0.2.0/24 hash:/etc/postfix/nets',
      'relayhost = [smart.example.net]:587',
      'transport_maps = hash:/etc/postfix/transport',
      'smtp_tls_security_level = may',
      'smtp_tls_policy_maps = hash:/etc/postfix/policy',
      'smtp_tls_CAfile = /etc/ssl/ca.pem',
      'smtpd_tls_CAfile = /etc/ssl/ca.pem',
      'smtpd_tls_cert_file = /etc/ssl/mx.pem',
      'smtpd_tls_ask_ccert = yes',
      'smtpd_tls_security_level = may',
      'relay_clientcerts = hash:/etc/postfix/clients',
      'smtpd_relay_restrictions = permit_mynetworks, permit_tls_clientcerts, reject_unauth_destination',
      'message_size_limit = 20480000',
      'milter_protocol = 6',
    ].join('\n'),
    {
      '/etc/postfix/transport':
        'example.com smtp:[10.1.1.1]:2525\n.example.com :\nold.example.com error:5.1.2 moved\na@b x:y\n',
      '/etc/postfix/policy': '[smart.example.net]:587 secure\nother.example encrypt\n',
      '/etc/postfix/clients': `${print} alice\nAA:BB bob\n`,
      '/etc/ssl/ca.pem': 'PEM',
    },
  );
  const { checked } = read;
  assert.equal(checked.hostname, 'mx.example.net');
  assert.deepEqual(checked.access.trustedNetworks, ['127.0.0.0/8', '::1/128', '192.0.2.0/24']);
  assert.deepEqual(
    checked.delivery.routes.map(({ domains, to, tls, refuse }) => [domains[0], to ?? refuse, tls]),
    [
      ['example.com', '10.1.1.1:2525', 'opportunistic'],
      ['.example.com', undefined, 'opportunistic'],
      ['old.example.com', '5.1.2 moved', 'opportunistic'],
      ['*', 'smart.example.net:587', 'verify'],
    ],
  );
  assert.deepEqual(
    checked.listeners.map(({ port, tls, certificates }) => [port, tls, certificates]),
    [[25, 'starttls', 'ask']],
  );
  assert.equal(checked.limits.messageSize, 20_480_000);
  assert.deepEqual(
    read.files.map(({ path }) => path),
    ['access', 'trust/postfix/trust.yaml', 'trust/postfix/authority.pem'],
  );
  assert.equal(read.files[0]?.text, 'To:example.com\tRELAY\nTo:example.org\tRELAY\n');
  assert.ok(read.files[1]?.text.includes(`certificate:${'ab'.repeat(32)}`));
  const said = told(read);
  for (const one of ['3:changed:postfix.networks', '16:dropped:postfix.unused', '14:kept'])
    assert.ok(said.includes(one), `${one} in ${said.join()}`);
});

test('nobody gets a right that Postfix gives only in one of its two lists', () => {
  const both = (relay: string, recipient: string): Config =>
    site(
      `mynetworks = 192.0.2.0/24\nsmtpd_relay_restrictions = ${relay}\nsmtpd_recipient_restrictions = ${recipient}\n`,
    ).checked;
  const networks = (relay: string, recipient: string): number => both(relay, recipient).access.trustedNetworks.length;
  assert.equal(networks('permit_mynetworks reject_unauth_destination', ''), 1);
  assert.equal(networks('permit_mynetworks reject_unauth_destination', 'reject_unauth_destination'), 0);
  assert.equal(networks('', 'permit_mynetworks reject_unauth_destination'), 1);
  assert.equal(networks('reject_unauth_destination permit_mynetworks', ''), 0);
  assert.equal(networks('permit', 'permit'), 0);
});

test('every certificate may relay only where that was said, and it is told as dangerous', () => {
  const read = site('smtpd_relay_restrictions = permit_tls_all_clientcerts reject_unauth_destination\n');
  assert.deepEqual(read.checked.access.features, ['verify_ok_relays']);
  assert.ok(told(read).includes('1:dangerous:postfix.allClients'));
  assert.deepEqual(read.checked.access.trustedMechanisms, []);
});

test('services of master.cf with their own parameters', () => {
  const master = [
    'smtp inet n - y - - smtpd',
    'submission inet n - y - - smtpd',
    '  -o smtpd_tls_security_level=encrypt -o smtpd_tls_req_ccert=yes',
    '465 inet n - y - - smtpd -o smtpd_tls_wrappermode=yes -o { smtpd_tls_ask_ccert = yes }',
    'pickup unix n - y 60 1 pickup',
    'weird inet n - y - - smtpd',
  ].join('\n');
  const read = site('smtpd_tls_security_level = may\n', { '/etc/postfix/master.cf': master });
  assert.deepEqual(
    read.checked.listeners.map(({ port, role, tls, certificates }) => [port, role, tls, certificates]),
    [
      [25, 'relay', 'starttls', 'no'],
      [587, 'submission', 'starttls', 'require'],
      [465, 'submission', 'implicit', 'ask'],
    ],
  );
  assert.ok(told(read).includes('6:dropped:postfix.service'));
});

test('no main.cf is no site', () => {
  assert.equal(readPostfix('/etc/postfix', { read: () => undefined, list: () => [] }, 'h'), undefined);
});
