/**
 * Takes over the configuration of another mail server: its files become our `sealpost.yaml`, and a report tells what
 * became of each line. The other's files are only read; those that ours names (certificates, keys, the access map) stay
 * where they are.
 */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { OperationError } from '../admin/errors.ts';
import { authorityFiles } from '../ca/setup.ts';
import { formatProblem, parseConfig } from '../config/load.ts';
import { type BesideFile, readPostfix } from '../config/postfix/read-postfix.ts';
import { CONFIG_FILE } from '../config/schema.ts';
import type { RawConfig } from '../config/sendmail/convert.ts';
import { siteRoutes } from '../config/sendmail/mailertable.ts';
import type { Finding } from '../config/sendmail/site.ts';
import { configurationOf, fullHostname, siteFiles, siteIn, type SiteChoices } from './sendmail-site.ts';

export interface ImportChoices extends SiteChoices {
  /** Files that are there already are kept, with `.old` behind their names. */
  readonly replace: boolean;
}

export interface ImportedSite {
  /** The configuration that was written. */
  readonly file: string;
  /** What was written beside it, and what lay there before and lies elsewhere now. */
  readonly beside: readonly string[];
  readonly kept: readonly string[];
  readonly hostname: string;
  readonly findings: readonly Finding[];
}

/** What another server's directory comes to. */
interface Foreign {
  readonly config: RawConfig;
  readonly files: readonly BesideFile[];
  readonly findings: readonly Finding[];
}

/** Writes `sealpost.yaml` of the site into the data directory. Throws an OperationError, and then nothing was changed. */
export function importSite(site: string, directory: string, { replace, ...choices }: ImportChoices): ImportedSite {
  const { config: raw, files, findings } = foreignIn(site, choices);
  const file = join(directory, CONFIG_FILE);
  const hasAuthority = existsSync(join(directory, authorityFiles.rootCertificate));
  const text = `# Taken over from ${site}.\n\n${stringify(withAuthority(raw, hasAuthority), { lineWidth: 0 })}`;
  const { config, problems } = parseConfig(text, file);
  if (config === undefined) throw new OperationError('configuration', problems.map(formatProblem).join('\n'));
  // The configuration comes last: it is what makes the rest count.
  const written = [...files.map((one) => ({ path: join(directory, one.path), text: one.text })), { path: file, text }];
  const taken = written.map(({ path }) => path).filter((path) => existsSync(path));
  if (taken.length > 0 && !replace) {
    throw new OperationError(
      'conflict',
      `${taken.join(', ')}: there already`,
      'give another directory with -d, or --replace, which keeps what is there with .old behind its name',
    );
  }
  for (const { path, text: content } of written) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // Never into a link, or a file with other modes, that somebody put there.
    rmSync(`${path}.new`, { force: true });
    writeFileSync(`${path}.new`, content, { mode: 0o600, flag: 'wx' });
  }
  for (const path of taken) renameSync(path, `${path}.old`);
  for (const { path } of written) renameSync(`${path}.new`, path);
  const beside = written.slice(0, -1).map(({ path }) => path);
  return { file, beside, kept: taken.map((path) => `${path}.old`), hostname: config.hostname, findings };
}

/** By its main.cf a directory is known as Postfix's, else it has to be Sendmail's. */
function foreignIn(directory: string, choices: SiteChoices): Foreign {
  const postfix = readPostfix(directory, siteFiles, fullHostname());
  if (postfix !== undefined) return postfix;
  const site = siteIn(directory);
  const findings = [...site.findings, ...siteRoutes(site).findings];
  return { config: configurationOf(site, choices), files: [], findings };
}

/** Where `sealpost init` made a CA, its holders are believed beside those whom the site names, and its lists are served. */
function withAuthority(config: RawConfig, hasAuthority: boolean): RawConfig {
  const { web, acme, tls, ...rest } = config;
  if (hasAuthority) return { ...rest, tls: { ...(tls as object), ownAuthority: true } };
  const off = { web: { http: { enabled: false }, https: { enabled: false } }, acme: { enabled: false } };
  return { ...off, ...config, ...(web === undefined ? {} : { web }), ...(acme === undefined ? {} : { acme }) };
}
