/**
 * A Sendmail site on disk, and the data directory that stands in for it: `sealpost.yaml` is made anew of the site's files
 * at each start and each SIGHUP, so that commands find the relay as they find any other.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname as machineName } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { OperationError } from '../admin/errors.ts';
import { CONFIG_FILE } from '../config/schema.ts';
import { convertSite, type RawConfig, type SiteSurroundings } from '../config/sendmail/convert.ts';
import { readSite } from '../config/sendmail/read-site.ts';
import type { SendmailSite, SiteFiles } from '../config/sendmail/site.ts';

/** By this a file is known that may be written over. */
const MARK = '# Made of a Sendmail site';

export interface SiteChoices {
  /** Name servers instead of those of the machine. */
  readonly resolver: readonly string[];
  readonly compatibility: readonly string[];
}

/** The site in a directory as it is now. Throws an OperationError when there is none, or its sendmail.mc cannot be understood. */
export function siteIn(directory: string): SendmailSite {
  try {
    return readSite(directory, siteFiles);
  } catch (error) {
    if (error instanceof OperationError) throw error;
    throw new OperationError('configuration', error instanceof Error ? error.message : String(error), undefined, error);
  }
}

/** What the site says as our configuration, as an object that `sealpost.yaml` would hold. */
export function configurationOf(site: SendmailSite, choices: SiteChoices): RawConfig {
  const surroundings: SiteSurroundings = { ...choices, hostname: fullHostname(), users: machineUsers() };
  return convertSite(site, surroundings);
}

/** Brings the data directory up to date with the site. Throws an OperationError rather than write over a file of somebody. */
export function followSite(site: string, directory: string, choices: SiteChoices): void {
  const file = join(directory, CONFIG_FILE);
  if (existsSync(file) && !readFileSync(file, 'utf8').startsWith(MARK)) {
    throw new OperationError(
      'conflict',
      `${file} was not made of a Sendmail site`,
      'give another data directory with --directory, or start that relay without --sendmail',
    );
  }
  const words = [
    `${MARK}, ${site}, by \`sealpost start --sendmail\`. It is made anew at each start: change the site, or`,
    '# make a configuration of your own of it with `sealpost import`.',
  ];
  const text = [...words, '', stringify(configurationOf(siteIn(site), choices), { lineWidth: 0 })].join('\n');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const beside = `${file}.new`;
  // Never into a link, or a file with other modes, that somebody put there.
  rmSync(beside, { force: true });
  writeFileSync(beside, text, { mode: 0o600, flag: 'wx' });
  renameSync(beside, file);
}

/** Files of a site; those that are missing are none. */
export const siteFiles: SiteFiles = {
  read(path) {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw new OperationError('configuration', `cannot read ${path}: ${code ?? String(error)}`, undefined, error);
    }
  },
  list(path) {
    try {
      return readdirSync(path);
    } catch {
      return [];
    }
  },
};

/** As sendmail finds $j: the machine's name when it is a full one. */
export function fullHostname(): string {
  const name = machineName().toLowerCase();
  return /^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/.test(name) ? name : 'localhost';
}

/** Whom mail can be delivered to on this machine, as getpwnam() knows them. */
function machineUsers(): string[] {
  const passwd = siteFiles.read('/etc/passwd') ?? '';
  return passwd
    .split('\n')
    .map((line) => line.slice(0, Math.max(0, line.indexOf(':'))))
    .filter((name) => name !== '' && !name.startsWith('#'));
}
