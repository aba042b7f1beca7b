import assert from 'node:assert/strict';
import { fromUtf8, latin1 } from '../../src/base/bytes.ts';
import { readSite } from '../../src/config/sendmail/read-site.ts';
import { SiteFault, type SendmailSite } from '../../src/config/sendmail/site.ts';

/** A directory in which every file says the same. */
export function target(bytes: Uint8Array): void {
  const text = fromUtf8(bytes) ?? latin1(bytes);
  const lines = text.split('\n').length;
  for (const fixed of [text, whole]) {
    const site = read(fixed, text);
    for (const { file, line, text: shown } of site?.findings ?? []) {
      assert.ok(line >= 1 && line <= Math.max(lines, whole.split('\n').length) + 1, `${file}:${line}`);
      assert.ok(shown.length <= 200);
    }
  }
}

/** Reads all tables. */
const whole = [
  "OSTYPE(`linux')",
  "FEATURE(`access_db')",
  "FEATURE(`use_cw_file')",
  "FEATURE(`mailertable')",
  "FEATURE(`virtusertable')",
  "MAILER(`smtp')",
].join('\n');

function read(main: string, other: string): SendmailSite | undefined {
  const names = [
    'sendmail.mc',
    'access',
    'mailertable',
    'virtusertable',
    'aliases',
    'relay-domains',
    'local-host-names',
  ];
  try {
    return readSite('/etc/mail', {
      list: (path) => (path === '/etc/mail' ? names : path === '/' ? ['list'] : []),
      read: (path) => (path === '/etc/mail/sendmail.mc' ? main : other),
    });
  } catch (error) {
    // What is no site is told with a place; anything else thrown is ours.
    if (!(error instanceof SiteFault)) throw error;
    for (const problem of error.problems) assert.ok(problem.line >= 1 && problem.todo !== '');
    return undefined;
  }
}
