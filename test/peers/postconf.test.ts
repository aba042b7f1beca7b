/** main.cf as Postfix itself reads it: postconf is asked for the same values. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MainCf, parseMainCf } from '../../src/config/postfix/main-cf.ts';
import { inFolder, missing, run } from '../fakes/outside.ts';

const MAIN = [
  'compatibility_level = 3.6',
  '# comment',
  'myhostname = mx.example.net',
  'mydomain = example.net',
  'mydestination = $myhostname, localhost.$mydomain,',
  '# in between',
  '   localhost',
  'relayhost = [smart.${mydomain}]:587',
  'relay_domains = first',
  'relay_domains = ${mydomain?{$mydomain, sub.$mydomain}:{none}}',
  'mynetworks = 127.0.0.0/8 ${nothing:192.0.2.0/24} ${mydomain?198.51.100.0/24}',
  'smtpd_tls_cert_file = $(config_directory)/mx.pem',
  'smtpd_recipient_restrictions =',
  '\tpermit_mynetworks,',
  '\treject_unauth_destination',
  'smtpd_banner = $myhostname costs $$5',
  '',
].join('\n');

test('values are those that postconf expands', { skip: missing('postconf') }, async () => {
  await inFolder(({ path, put }) => {
    put('main.cf', MAIN);
    put('master.cf', 'smtp inet n - n - - smtpd\n');
    const parameters = parseMainCf(MAIN);
    const main = new MainCf(
      new Map([['config_directory', path], ...parameters.map(({ name, value }) => [name, value] as const)]),
    );
    for (const { name } of parameters) {
      if (name === 'smtpd_banner') continue; // postconf -x leaves $$ as it is
      const { code, text } = run('postconf', ['-c', path, '-x', '-h', name]);
      assert.equal(code, 0, text);
      assert.equal(
        main.get(name).replaceAll(/\s+/g, ' ').trim(),
        (text.split('\n')[0] ?? '').replaceAll(/\s+/g, ' ').trim(),
        name,
      );
    }
    assert.equal(main.get('smtpd_banner'), 'mx.example.net costs $5');
  });
});
