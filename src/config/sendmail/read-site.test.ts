import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readSite } from './read-site.ts';
import { type Fate, type SendmailSite, SiteFault, type SiteFiles } from './site.ts';

/** Files by their paths, and no others. */
function filesOf(contents: Readonly<Record<string, string>>): SiteFiles {
  return {
    read: (path) => contents[path],
    list: (path) => {
      const folder = `${path.replace(/\/$/, '')}/`;
      const below = Object.keys(contents).filter((name) => name.startsWith(folder));
      return [...new Set(below.map((name) => name.slice(folder.length).split('/', 1)[0] ?? ''))];
    },
  };
}

function site(mc: string, others: Readonly<Record<string, string>> = {}, directory = '/etc/mail'): SendmailSite {
  return readSite(directory, filesOf({ [`${directory}/sendmail.mc`]: mc, ...others }));
}

function fates({ findings }: SendmailSite): [number, Fate, string | undefined][] {
  return findings
    .filter(({ file }) => file.endsWith('.mc'))
    .map(({ line, fate, note }) => [line, fate, note?.key.slice('sendmail.'.length)]);
}

const values = (given: SendmailSite['tables']['relayDomains']): string[] => given.map(({ key }) => key);

describe('readSite: sendmail.mc', () => {
  test('paths built on other macros are what they are at the end', () => {
    const { settings } = site(
      [
        "define(`confCACERT_PATH', `/etc/mail/certs/')",
        "define(`confCACERT', `confCACERT_PATH/cacert.pem')",
        "define(`CERT_DIR', `MAIL_SETTINGS_DIR`'tls')dnl",
        "define(`confSERVER_CERT', `CERT_DIR/cert.pem')dnl",
        "define(`CERT_DIR', `/srv')dnl",
      ].join('\n'),
    );
    assert.equal(settings.tls.authorityFile?.value, '/etc/mail/certs//cacert.pem');
    assert.deepEqual(settings.tls.authorityFile.place, { file: '/etc/mail/sendmail.mc', line: 2 });
    assert.equal(settings.tls.serverCertificate?.value, '/srv/cert.pem');
    assert.equal(settings.tls.serverKey, undefined);
  });

  test("Sendmail's defaults: two daemons, log level, class w", () => {
    const { settings, tables } = site("define(`confDOMAIN_NAME', `mail.example.net')");
    assert.deepEqual(
      settings.daemons.map(({ name, port, modifiers }) => [name, port, modifiers]),
      [
        ['MTA', 25, ''],
        ['MSA', 587, 'E'],
      ],
    );
    assert.equal(settings.logLevel, 9);
    assert.deepEqual([...settings.privacyFlags], ['authwarnings']);
    assert.deepEqual(values(tables.localDomains), ['mail.example.net', 'localhost', '[127.0.0.1]']);
    assert.equal(settings.access, undefined);
  });

  test('DAEMON_OPTIONS in its forms', () => {
    const { settings } = site(
      [
        "FEATURE(`no_default_msa', `dnl')dnl",
        "DAEMON_OPTIONS(`Family=inet,  Name=MSP-v4, Port=submission, M=Ea, Addr=127.0.0.1')dnl",
        "DAEMON_OPTIONS(`port=smtp,Addr=::1, Name=MTA-v6, Family=inet6')dnl",
        'DAEMON_OPTIONS(Port=2525)dnl',
        'LOCAL_CONFIG',
        'O DaemonPortOptions=Port=smtps, Name=TLSMTA, M=s',
      ].join('\n'),
    );
    assert.deepEqual(
      settings.daemons.map(({ name, family, address, port, modifiers }) => [name, family, address, port, modifiers]),
      [
        ['MSP-v4', 'inet', '127.0.0.1', 587, 'Ea'],
        ['MTA-v6', 'inet6', '::1', 25, ''],
        ['Daemon2', 'inet', undefined, 2525, ''],
        ['TLSMTA', 'inet', undefined, 465, 's'],
      ],
    );
    assert.throws(() => site("\nDAEMON_OPTIONS(`Port=post')"), /sendmail\.mc:2:1: .*"post"; write its number/);
  });

  test('access_db with its flags and options, with quotes and without', () => {
    const read = (mc: string): unknown => site(mc).settings.access?.value;
    const plain = { optional: false, skip: false, lookupDotDomain: false, relayToFullAddress: false };
    assert.deepEqual(read("FEATURE(`access_db')"), { ...plain, file: '/etc/mail/access' });
    assert.deepEqual(read('FEATURE(access_db)'), { ...plain, file: '/etc/mail/access' });
    assert.deepEqual(read("FEATURE(`access_db', , `skip')"), { ...plain, file: '/etc/mail/access', skip: true });
    assert.deepEqual(
      read("FEATURE(`access_db', `hash -T<TMPF> -o /x/access.db', `lookupdotdomain', `relaytofulladdress')"),
      {
        file: '/x/access',
        optional: true,
        skip: false,
        lookupDotDomain: true,
        relayToFullAddress: true,
      },
    );
    assert.equal(read("FEATURE(`access_db', `LDAP')"), undefined);
    // m4 reads what stands in the quotes once more where the feature uses it.
    assert.deepEqual(
      read(
        "define(`MAPS', `/x')\nFEATURE(`access_db', `DATABASE_MAP_TYPE -T<TMPF> MAPS/access')\ndefine(`MAPS', `/y')",
      ),
      { ...plain, file: '/x/access' },
    );
  });

  test('each call has its fate, and the reason', () => {
    const found = fates(
      site(
        [
          "VERSIONID(`x')dnl",
          "OSTYPE(`linux')dnl",
          "FEATURE(`blocklist_recipients')dnl",
          "FEATURE(`access_db')dnl",
          "FEATURE(`blacklist_recipients')dnl",
          "FEATURE(`promiscuous_relay')dnl",
          "FEATURE(`delay_check')dnl",
          "FEATURE(`nouucp')dnl",
          "define(`confTO_IDENT', `0')dnl",
          "define(`confNOSUCH', `0')dnl",
          "define(`SMART_HOST', `a')dnl",
          "define(`SMART_HOST', `b')dnl",
          "INPUT_MAIL_FILTER(`f', `S=local:/x')dnl",
          "MAILER(`local')dnl",
          "MAILER(`cyrus')dnl",
          "FEATURE(`require_rdns')dnl",
          'FEATUR(`x)',
          '-- stray',
          'Cwlocalhost.localdomain',
        ]
          .join('\n')
          .replace('FEATUR(`x)', 'FEATUR(x)'),
        { '/etc/mail/access': '' },
      ),
    );
    assert.deepEqual(found, [
      [1, 'kept', undefined],
      [2, 'kept', undefined],
      [3, 'dropped', 'featureNeedsAccess'],
      [4, 'kept', undefined],
      [5, 'changed', 'oldName'],
      [6, 'dangerous', 'openRelay'],
      [7, 'dropped', 'unknownFeature'],
      [8, 'changed', 'featureArgument'],
      [9, 'changed', 'ownTimes'],
      [10, 'dropped', 'unknownOption'],
      [11, 'dropped', 'overridden'],
      [12, 'kept', undefined],
      [13, 'dropped', 'mailFilter'],
      [14, 'kept', undefined],
      [15, 'dropped', 'mailer'],
      [16, 'kept', 'featureAfterMailer'],
      [17, 'dropped', 'unknownMacro'],
      [18, 'dropped', 'strayText'],
      [19, 'kept', undefined],
    ]);
  });

  test('rulesets: the recipes, and a loud word for every other line', () => {
    const rules = (lines: readonly string[]): SendmailSite => site(['LOCAL_RULESETS', ...lines].join('\n'));
    const verify = ['SLocal_check_rcpt', 'R$*\t\t$: $&{verify}\tcomment', 'ROK\t\t$# OK'];
    assert.deepEqual([...rules(verify).settings.recipes], ['verify-ok']);
    const login = ['SLocal_Relay_Auth', 'R$*\t\t$: $&{verify}', 'ROK\t\t$# RELAY'];
    assert.deepEqual([...rules(login).settings.recipes], ['verify-ok-auth']);
    assert.deepEqual(
      [
        ...rules([
          'SLocal_check_rcpt',
          'R$*\t\t$: $&{verify} $| $&{cn_subject}',
          'ROK $| $+\t$: $(access CERTCN:$1 $: NO $)',
          'RRELAY\t\t$# OK',
        ]).settings.recipes,
      ],
      ['cert-cn'],
    );
    const other = rules(['SLocal_check_mail', 'R$*\t$#error $: 550 no', ...verify, 'RNO\t$#error $: 550 no']);
    assert.deepEqual([...other.settings.recipes], []);
    assert.equal(other.findings.filter(({ note }) => note?.key === 'sendmail.localRuleset').length, 6);
  });

  test('Debian: cf.m4 by include, # comments before it, its OSTYPE and DOMAIN', () => {
    const { settings, tables } = site(
      [
        'divert(-1)dnl',
        "# it's a comment with a quote before cf.m4: `",
        'divert(0)dnl',
        "include(`/usr/share/sendmail/cf/m4/cf.m4')dnl",
        "OSTYPE(`debian')dnl",
        "DOMAIN(`debian-mta')dnl",
        "FEATURE(`use_cw_file')dnl",
        "include(`/etc/mail/tls/starttls.m4')dnl",
      ].join('\n'),
      {
        '/etc/mail/tls/starttls.m4': "\ndefine(`confSERVER_CERT', `/c.pem')",
        '/etc/mail/local-host-names': 'a.example # comment\nb.example c.example\n# no\n',
      },
    );
    assert.deepEqual(settings.tls.serverCertificate?.place, { file: '/etc/mail/tls/starttls.m4', line: 2 });
    assert.ok(settings.dontBlame.has('groupreadabledefaultauthinfofile'));
    assert.deepEqual(values(tables.localDomains).slice(-3), ['a.example', 'b.example', 'c.example']);
  });

  test("the guide's own file: its annotations are told, its paths are read", () => {
    const guide = readFileSync(join(import.meta.dirname, '../../../test/corpus/sendmail/guide'), 'utf8');
    const found = site(guide, { '/etc/mail/access': '' });
    assert.equal(found.settings.tls.serverKey?.value, '/etc/mail/certs//privkey.pem');
    assert.equal(found.settings.tls.clientKey?.value, '/etc/mail/certs//users/mail_korogi_key.pem');
    const stray = found.findings.filter(({ note }) => note?.key === 'sendmail.strayText').map(({ text }) => text);
    assert.deepEqual(stray, ['--カレントディレクトリ', '-----2', '----1', '-----3']);
  });
});

describe('readSite: files', () => {
  test('what is no site says what to do', () => {
    const failure = (contents: Readonly<Record<string, string>>): string => {
      try {
        readSite('/etc/mail', filesOf(contents));
      } catch (error) {
        assert.ok(error instanceof SiteFault);
        return error.message;
      }
      return 'read';
    };
    assert.match(failure({ '/etc/mail/sendmail.cf': '' }), /sendmail\.cf only/);
    assert.match(failure({ '/etc/mail/access': '' }), /has no sendmail\.mc/);
    assert.match(failure({ '/etc/mail/a.mc': '', '/etc/mail/b.mc': '' }), /has a\.mc, b\.mc and no sendmail\.mc/);
    assert.equal(failure({ '/etc/mail/host.mc': '', '/etc/mail/submit.mc': '' }), 'read');
    assert.match(
      failure({ '/etc/mail/sendmail.mc': "\ninclude(`/x')" }),
      /sendmail\.mc:2:1: include file \/x is not there/,
    );
    assert.match(failure({ '/etc/mail/sendmail.mc': "syscmd(`rm x')" }), /sendmail\.mc:1:1: syscmd runs a command/);
  });

  test('a copy of /etc/mail is read instead of /etc/mail', () => {
    const found = site(
      "define(`confCACERT', `/etc/mail/certs/ca.pem')\nFEATURE(`access_db', `hash -o /etc/mail/access')\nFEATURE(`mailertable', `hash -o /old/mailertable')",
      {
        '/copy/certs/ca.pem': 'x',
        '/copy/access': 'a RELAY',
        '/etc/mail/access': 'b RELAY',
        '/copy/mailertable': 'k v',
      },
      '/copy',
    );
    assert.equal(found.settings.tls.authorityFile?.value, '/copy/certs/ca.pem');
    assert.deepEqual(found.tables.access, { file: '/copy/access', text: 'a RELAY' });
    assert.equal(found.settings.access?.value.file, '/copy/access');
    assert.deepEqual(values(found.tables.mailertable), ['k']);
    assert.equal(found.findings.filter(({ note }) => note?.key === 'sendmail.copied').length, 3);
  });

  test('maps as makemap reads them, with places; what it would refuse is told', () => {
    const { tables, findings } = site("FEATURE(`virtusertable')\nVIRTUSER_DOMAIN(`v.example w.example')", {
      '/etc/mail/virtusertable': '# c\n@A.example\t%1@b.example \n\nbad\n leading x\n@a.example other\nk # v\n',
    });
    assert.deepEqual(
      tables.virtusertable.map(({ line, key, value }) => [line, key, value]),
      [
        [2, '@A.example', '%1@b.example'],
        [7, 'k', '# v'],
      ],
    );
    assert.deepEqual(
      findings
        .filter(({ file, fate }) => file.endsWith('table') && fate === 'dropped')
        .map(({ line, note }) => [line, note?.key]),
      [
        [4, 'sendmail.badLine'],
        [5, 'sendmail.badLine'],
        [6, 'sendmail.keyTwice'],
      ],
    );
    assert.deepEqual(values(tables.relayDomains), ['v.example', 'w.example']);
  });

  test('a map of which only the database is there', () => {
    const { findings } = site("FEATURE(`mailertable')", { '/etc/mail/mailertable.db': '' });
    assert.ok(findings.some(({ note }) => note?.key === 'sendmail.databaseMap'));
  });

  test('aliases: continued lines, quotes, lists, several files; programs and files are told', () => {
    const { tables, findings } = site("define(`ALIAS_FILE', `/etc/aliases, /etc/more')", {
      '/etc/aliases':
        '# c\nPostmaster: root,\n\tadmin@example.net\n"a: b": x\nprog: "|/bin/cat a, b"\nfile: /var/x\nlist: :include:/etc/list, last\nroot: me\nroot: you\nbroken\n',
      '/etc/more': 'root: other\nmore: 1\n',
      '/etc/list': '# c\none@example.net, two\n:include:/etc/list\n',
    });
    assert.deepEqual(
      tables.aliases.map(({ name, targets }) => [name, targets]),
      [
        ['postmaster', ['root', 'admin@example.net']],
        ['a: b', ['x']],
        ['prog', ['"|/bin/cat a, b"']],
        ['file', ['/var/x']],
        ['list', ['one@example.net', 'two', 'last']],
        ['root', ['me']],
        ['more', ['1']],
      ],
    );
    assert.deepEqual(
      findings
        .filter(({ file, fate }) => file === '/etc/aliases' && fate === 'dropped')
        .map(({ line, note }) => [line, note?.key]),
      [
        [5, 'sendmail.aliasCommand'],
        [6, 'sendmail.aliasFile'],
        [7, 'sendmail.aliasInclude'],
        [9, 'sendmail.aliasTwice'],
        [10, 'sendmail.badLine'],
      ],
    );
  });
});
