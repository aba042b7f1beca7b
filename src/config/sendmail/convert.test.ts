import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseConfig } from '../load.ts';
import { stringify } from 'yaml';
import { convertSite, type RawConfig } from './convert.ts';
import { featureJudgements } from './features.ts';
import { siteRoutes } from './mailertable.ts';
import { optionJudgements } from './options.ts';
import { readSite } from './read-site.ts';
import type { SendmailSite } from './site.ts';

const surroundings = { hostname: 'mail.example.net', users: ['root'], resolver: [], compatibility: [] };

const TABLES: Readonly<Record<string, string>> = {
  access: 'To:example.org RELAY\n',
  'local-host-names': 'example.net\n',
  'relay-domains': 'partner.example\n',
  mailertable: 'a.example\tesmtp:[b.example]\n',
  virtusertable: 'info@shop.example\tjoe\n',
  genericstable: 'joe\tjoe@example.net\n',
  domaintable: 'old.example\tnew.example\n',
  authinfo: 'AuthInfo:hub "U:a" "P:b"\n',
  aliases: 'postmaster: root\n',
  other: 'other.example\n',
};

/** The configuration of a sendmail.mc beside those tables; sealpost.yaml must take it. */
function convert(mc: string): RawConfig {
  const raw = convertSite(siteOf(mc), surroundings);
  assert.deepEqual(parseConfig(stringify(raw), 'sealpost.yaml').problems, [], mc);
  return raw;
}

function siteOf(mc: string): SendmailSite {
  return readSite('/etc/mail', {
    read: (path) => (path === '/etc/mail/sendmail.mc' ? mc : TABLES[path.replace('/etc/mail/', '')]),
    list: (path) => (path.replace(/\/$/, '') === '/etc/mail' ? ['sendmail.mc', ...Object.keys(TABLES)] : []),
  });
}

const TLS = ['confCACERT_PATH', 'confCACERT', 'confSERVER_CERT', 'confSERVER_KEY']
  .map((name) => `define(\`${name}', \`/etc/ssl/x')\n`)
  .join('');
const ACCESS = "FEATURE(`access_db')\n";
const DOMAINS = "VIRTUSER_DOMAIN(`shop.example')\nGENERICS_DOMAIN(`in.example')\n";

describe('a Sendmail site as our configuration', () => {
  test('class w has the name of the machine, in full and without its domain', () => {
    const { access } = convert("define(`confDOMAIN_NAME', `mx.example.net')");
    assert.deepEqual((access as { localDomains: string[] }).localDomains, [
      'mx.example.net',
      'localhost',
      '[127.0.0.1]',
      'mail.example.net',
      'mail',
    ]);
  });

  test("a part of a certificate's name may be what the map has", () => {
    const parts = (mc: string): unknown => (convert(`${ACCESS}${mc}`)['access'] as RawConfig)['certificateParts'];
    assert.equal(parts(''), undefined);
    assert.equal(parts("define(`_CERT_REGEX_ISSUER_', `-n CN=')"), undefined, 'dropped, and told');
    assert.deepEqual(parts("define(`_CERT_REGEX_SUBJECT_', `-s1 CN=([^/]*)')"), {
      subject: { pattern: 'CN=([^/]*)', groups: [1], between: '', after: '', exactCase: false },
    });
  });

  test('names without a domain are taken where each daemon takes them', () => {
    const features = (modifiers: string): string[] =>
      (
        convert(`FEATURE(\`no_default_msa')\nDAEMON_OPTIONS(\`Port=25, M=${modifiers}')`)['access'] as {
          features: string[];
        }
      ).features;
    assert.equal(features('Au').includes('accept_unqualified_senders'), true);
    assert.equal(features('A').includes('accept_unqualified_senders'), false);
  });

  test('daemons: TLS from the first octet, none, and AUTH', () => {
    const { listeners } = convert(
      [
        "FEATURE(`no_default_msa')",
        "DAEMON_OPTIONS(`Port=25, Name=MTA, M=A')",
        "DAEMON_OPTIONS(`Port=465, Name=TLS, M=sa')",
        "DAEMON_OPTIONS(`Port=2525, Name=Plain, M=S')",
      ].join('\n'),
    );
    assert.deepEqual(
      (listeners as { name: string; tls: string; auth?: string }[]).map(({ name, tls, auth }) => [name, tls, auth]),
      [
        ['MTA', 'starttls', 'no'],
        ['TLS', 'implicit', 'require'],
        ['Plain', 'none', undefined],
      ],
    );
  });

  test('VIRTUSER_DOMAIN is looked up and relayed for, with subdomains when the FEATURE says so', () => {
    const of = (features: string): [unknown, unknown] => {
      const { recipients, access } = convert(`FEATURE(\`virtusertable')\n${features}\n${DOMAINS}`);
      return [(recipients as RawConfig)['virtualDomains'], (access as RawConfig)['relayDomains']];
    };
    assert.deepEqual(of(''), [['shop.example'], ['partner.example', 'shop.example']]);
    assert.deepEqual(of("FEATURE(`virtuser_entire_domain')")[0], ['shop.example', '.shop.example']);
  });

  test('senders are written by the masquerade that a site has', () => {
    const macros =
      "MASQUERADE_AS(`example.net.')MASQUERADE_DOMAIN(`in.example')MASQUERADE_EXCEPTION(`x.in.example')EXPOSED_USER(`root')";
    const of = (features: string): unknown =>
      convert(`define(\`confDOMAIN_NAME', \`m.example')${macros}${features}`)['senders'];
    const own = ['m.example', 'localhost', '[127.0.0.1]', 'mail.example.net', 'mail'];
    const masquerade = { as: 'example.net', exceptions: ['x.in.example'], exposed: ['root'] };
    const plain = { envelope: false, recipients: false, qualify: true };
    assert.deepEqual(of(''), { ...plain, masquerade: { ...masquerade, domains: ['in.example', ...own] } });
    assert.deepEqual(
      of(
        "FEATURE(`masquerade_envelope')FEATURE(`allmasquerade')FEATURE(`masquerade_entire_domain')FEATURE(`limited_masquerade')",
      ),
      {
        ...plain,
        envelope: true,
        recipients: true,
        masquerade: { ...masquerade, domains: ['in.example', '.in.example'] },
      },
    );
  });

  test('mail for local users waits, or goes to their hub, which knows them', () => {
    const of = (mc: string): [unknown, unknown] => {
      const { delivery, access } = convert(`FEATURE(\`use_cw_file')define(\`confDOMAIN_NAME', \`m.example')\n${mc}`);
      return [(delivery as RawConfig)['routes'], (access as RawConfig)['localUsers']];
    };
    const domains = ['m.example', 'localhost', 'example.net', 'mail.example.net', 'mail'];
    const waits = { domains, hold: 'no mailbox is kept here; give this domain a route, then release its mail' };
    assert.deepEqual(of(''), [[waits], ['postmaster', 'root']]);
    assert.deepEqual(of("define(`MAIL_HUB', `relay:[hub.example]')"), [[{ domains, to: 'hub.example:25' }], undefined]);
    assert.deepEqual(of("define(`LOCAL_RELAY', `hub.example')"), [[{ domains, to: 'mx:hub.example:25' }], undefined]);
    assert.deepEqual(of("define(`MAIL_HUB', `local:')")[0], [waits]);
    assert.deepEqual(of("define(`MAIL_HUB', `esmtp:[h]')define(`SMART_HOST', `[s]')FEATURE(`mailertable')")[0], [
      { domains: ['a.example'], to: 'b.example:25' },
      { domains, to: 'h:25' },
      { domains: ['*'], to: 's:25' },
    ]);
  });

  test('the report tells that local mail is held, and where it would be told otherwise', () => {
    const of = (mc: string): unknown =>
      siteRoutes(siteOf(`define(\`confDOMAIN_NAME', \`m.example')\n${mc}`)).findings.map((found) => [
        found.fate,
        found.note?.key,
        found.text,
      ]);
    assert.deepEqual(of(''), [['changed', 'sendmail.localHeld', 'm.example localhost']]);
    assert.deepEqual(of("define(`MAIL_HUB', `esmtp:[h]')"), []);
  });

  test('limits are taken over as far as they can be in force', () => {
    const of = (name: string, value: string): unknown => convert(`define(\`${name}', \`${value}')`)['limits'];
    const errors = 10_000;
    assert.deepEqual(of('confMAX_MESSAGE_SIZE', '1000'), { messageSize: 1000, errors });
    assert.deepEqual(of('confMAX_MESSAGE_SIZE', '99999999999'), { messageSize: 10 * 2 ** 30, errors });
    assert.deepEqual(of('confMAX_RCPTS_PER_MESSAGE', '7'), { recipients: 7, errors });
    assert.deepEqual(of('confMAX_RCPTS_PER_MESSAGE', '1000000'), { recipients: 100_000, errors });
  });

  test('logins at next hops stand in the access map where they have no table', () => {
    const of = (access: string, mc: string): unknown => {
      const site = readSite('/etc/mail', {
        read: (path) => ({ '/etc/mail/sendmail.mc': mc, '/etc/mail/access': access, '/etc/mail/authinfo': '' })[path],
        list: () => ['sendmail.mc', 'access', 'authinfo'],
      });
      return (convertSite(site, surroundings)['delivery'] as RawConfig)['authinfo'];
    };
    assert.equal(of('AuthInfo:hub "U:a" "P:b"\n', ACCESS), '/etc/mail/access');
    assert.equal(of('To:hub RELAY\n', ACCESS), undefined);
    assert.notEqual(of('AuthInfo:hub "U:a" "P:b"\n', `${ACCESS}FEATURE(\`authinfo')`), '/etc/mail/access');
  });

  test('times are taken over where they can be in force here', () => {
    const of = (name: string, value: string): unknown => convert(`define(\`confTO_${name}', \`${value}')`)['schedule'];
    assert.deepEqual(of('QUEUERETURN', '3'), { expiry: '3d' });
    assert.deepEqual(of('QUEUEWARN', '90m'), { delayNotice: '90m' });
    assert.deepEqual(of('QUEUEWARN', '2'), { delayNotice: '2h' });
    assert.deepEqual(of('QUEUERETURN', '1d12h'), { expiry: '1d12h' });
    assert.deepEqual(of('QUEUERETURN', 'now'), {});
    assert.deepEqual(of('QUEUERETURN', '52w'), {});
  });

  // What the report calls kept or dangerous has to come to something.
  const always = new Set(
    'use_cw_file nocanonify notsticky lookupdotdomain virtuser_entire_domain generics_entire_domain masquerade_entire_domain limited_masquerade'.split(
      ' ',
    ),
  );
  const argument: Readonly<Record<string, string>> = {
    access_db: ", `hash -o /etc/mail/access'",
    nopercenthack: ", `r'",
    nouucp: ", `r'",
  };
  for (const [name, { fate }] of featureJudgements) {
    if (fate === 'dropped' || fate === 'changed' || always.has(name)) continue;
    test(`FEATURE(${name}), ${fate}, changes the configuration`, () => {
      const before = `${TLS}${name === 'access_db' ? '' : ACCESS}`;
      assert.notDeepEqual(convert(`${before}FEATURE(\`${name}'${argument[name] ?? ''})`), convert(before));
    });
  }

  test('so do those that only matter beside others', () => {
    const table = "FEATURE(`virtusertable')\n";
    assert.notDeepEqual(convert(`${DOMAINS}${table}FEATURE(\`virtuser_entire_domain')`), convert(`${DOMAINS}${table}`));
    const generics = `FEATURE(\`genericstable')\n${DOMAINS}`;
    assert.notDeepEqual(convert(`${generics}FEATURE(\`generics_entire_domain')`), convert(generics));
    assert.notDeepEqual(convert("FEATURE(`use_cw_file')"), convert(''));
    assert.notDeepEqual(convert(`${ACCESS}FEATURE(\`lookupdotdomain')`), convert(ACCESS));
  });

  const values: Readonly<Record<string, string>> = {
    ALIAS_FILE: '/etc/mail/other',
    ESMTP_MAILER_ARGS: 'TCP $h 2600',
    RELAY_MAILER_ARGS: 'TCP $h 2600',
    SMART_HOST: 'hub.example',
    confAUTH_MECHANISMS: 'PLAIN',
    confAUTH_OPTIONS: 'p',
    confCR_FILE: '/etc/mail/other',
    confCW_FILE: '/etc/mail/other',
    confDOMAIN_NAME: 'other.example.net',
    confMAX_MESSAGE_SIZE: '1000000',
    confMAX_RCPTS_PER_MESSAGE: '7',
    confPRIVACY_FLAGS: 'noexpn',
    confSERVER_SSL_OPTIONS: '+SSL_OP_NO_TLSv1_2',
    confTLS_FALLBACK_TO_CLEAR: 'true',
    confTLS_SRV_OPTIONS: 'V',
    confTO_QUEUERETURN: '3d',
    confTO_QUEUEWARN: '3h',
    confCIPHER_LIST: 'HIGH',
  };
  // What they ask for is so here in any case, or shows only in where files lie.
  const idle = [
    'confALLOW_BOGUS_HELO',
    'confDONT_PROBE_INTERFACES',
    'confSAFE_QUEUE',
    '_USE_ETC_MAIL_',
    'MAIL_SETTINGS_DIR',
  ];
  for (const [name, { fate }] of optionJudgements) {
    if (fate !== 'kept' || idle.includes(name)) continue;
    test(`${name}, kept, changes the configuration`, () => {
      const around = (inner: string): RawConfig =>
        convert(
          [
            TLS,
            "define(`SMART_HOST', `relay:hub')",
            "FEATURE(`use_cw_file')FEATURE(`access_db')",
            name === 'confCLIENT_KEY' ? "define(`confCLIENT_CERT', `/c')" : "define(`confCLIENT_KEY', `/k')",
            inner,
          ].join('\n'),
        );
      assert.notDeepEqual(around(`define(\`${name}', \`${values[name] ?? '/etc/other'}')`), around(''));
    });
  }
});
