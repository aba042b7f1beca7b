/**
 * Our m4 against GNU m4: the same text in, the same text out. Sendmail's macros are stood in for by definitions that both
 * are given; where Sendmail's own cf directory is installed, the whole sendmail.cf is compared too.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { M4 } from '../../src/config/sendmail/m4.ts';
import { m4Pairs } from '../../src/config/sendmail/m4.suite.ts';
import { missing } from '../fakes/outside.ts';

/** Prints what each macro was called with, and with what they are at the end. */
const standIns = [
  'divert(-1)changecom()',
  "undefine(`format')undefine(`hpux')",
  ...[
    'VERSIONID',
    'OSTYPE',
    'DOMAIN',
    'FEATURE',
    'MAILER',
    'DAEMON_OPTIONS',
    'TRUST_AUTH_MECH',
    'EXPOSED_USER',
    'LOCAL_DOMAIN',
  ].map((name) => `define(\`${name}', \`[\`${name}':$#:$1:$2:$3]')`),
  "define(`MAIL_SETTINGS_DIR', `/etc/mail/')",
  "define(`LOCAL_CONFIG', `divert(6)')define(`LOCAL_RULESETS', `divert(9)')define(`MAILER_DEFINITIONS', `divert(7)')",
  'm4wrap(`divert(20)',
  ...[
    'confCACERT_PATH',
    'confCACERT',
    'confSERVER_CERT',
    'confSERVER_KEY',
    'confCLIENT_CERT',
    'confCLIENT_KEY',
    'confDOMAIN_NAME',
    'confCW_FILE',
    'SMART_HOST',
    'confCIPHER_LIST',
  ].map((name) => `O \`${name}'=${name}`),
  "')divert(0)dnl",
  '',
].join('\n');

function gnu(text: string): string {
  const { stdout, error } = spawnSync('m4', ['-'], {
    input: text,
    encoding: 'utf8',
    timeout: 20_000,
    maxBuffer: 2 ** 26,
  });
  if (error !== undefined) throw error;
  return stdout;
}

function ours(text: string): string {
  const m4 = new M4({
    read: (path) => (existsSync(path) ? { text: readFileSync(path, 'utf8'), file: path } : undefined),
  });
  m4.run(text, 'stdin');
  return m4.text();
}

interface Case {
  readonly id: string;
  readonly config: Record<string, unknown>;
}

/** The sendmail.mc of each measured case, as the rig puts it together. */
function caseFiles(path: string): { readonly id: string; readonly text: string }[] {
  const { defaults, cases } = JSON.parse(readFileSync(path, 'utf8')) as {
    defaults: Record<string, unknown>;
    cases: readonly Case[];
  };
  return cases.map(({ id, config }) => {
    const merged = { ...defaults, ...config };
    const lines = (key: string): string[] => merged[key] as string[];
    const text = [
      'divert(-1)dnl',
      'divert(0)dnl',
      "VERSIONID(`rig case')dnl",
      ...['ostype', 'infra', 'tls', 'mc'].flatMap(lines),
      ...(merged['access'] === null ? [] : [merged['access_feature'] as string, ...lines('mc_after_access')]),
      "FEATURE(`no_default_msa')dnl",
      `DAEMON_OPTIONS(\`Family=inet, Addr=127.0.0.1, Port=25, ${merged['daemon'] as string}')dnl`,
      ...['mailers', 'mc_local'].flatMap(lines),
      '',
    ].join('\n');
    return { id, text: text.replaceAll('@DIR@', '/etc/mail') };
  });
}

const cases = process.env['SEALPOST_SENDMAIL_CASES'];
/** Debian's package sendmail-cf. */
const cf = '/usr/share/sendmail/cf/';

describe('our m4 and GNU m4', { skip: missing('m4') }, () => {
  for (const [text, output] of m4Pairs) {
    test(text, () => assert.equal(gnu(text), output));
  }

  const corpus = join(import.meta.dirname, '../corpus/sendmail');
  for (const name of readdirSync(corpus).filter((file) => !['loop', 'quotes'].includes(file))) {
    test(`corpus: ${name}`, () => {
      const text = standIns + readFileSync(join(corpus, name), 'utf8').replaceAll(/^include.*cf\.m4.*\n/gm, '');
      assert.equal(ours(text), gnu(text));
    });
  }

  test('every measured sendmail.mc', { skip: cases === undefined && 'SEALPOST_SENDMAIL_CASES is not set' }, () => {
    const files = caseFiles(cases ?? '');
    assert.ok(files.length > 100);
    // One run of GNU m4 for each different file.
    for (const text of new Set(files.map((file) => file.text)))
      assert.equal(ours(standIns + text), gnu(standIns + text));
  });

  test('sendmail.cf of Sendmail itself', { skip: !existsSync(cf) && 'sendmail-cf is not installed' }, () => {
    for (const type of ['linux', 'freebsd6', 'solaris8']) {
      const text = [
        `define(\`_NO_MAKEINFO_', 1)define(\`_CF_DIR_', \`${cf}')include(\`${cf}m4/cf.m4')dnl`,
        `VERSIONID(\`x')OSTYPE(\`${type}')define(\`confCACERT_PATH', \`/etc/mail/certs/')`,
        "define(`confCACERT', `confCACERT_PATH/cacert.pem')",
        "FEATURE(access_db)FEATURE(`delay_checks', `friend')FEATURE(`mailertable')FEATURE(`virtusertable')",
        "FEATURE(`genericstable')FEATURE(`blocklist_recipients')FEATURE(`dnsbl', `list.example')FEATURE(`relay_mail_from')",
        "DAEMON_OPTIONS(`Port=25')MODIFY_MAILER_FLAGS(`LOCAL', `+S')TRUST_AUTH_MECH(`EXTERNAL')",
        'MAILER(local)MAILER(smtp)',
        'LOCAL_RULESETS',
        'SLocal_check_rcpt',
        'R$*\t\t$: $&{verify}',
        '',
      ].join('\n');
      const written = ours(text);
      assert.ok(written.length > 40_000);
      assert.equal(written, gnu(text));
    }
  });
});
