/**
 * Takes over the configuration of another mail server: its files become our `sealpost.yaml`, and a report tells what
 * became of each line. The other's files are only read; those that ours names (certificates, keys, the access map) stay
 * where they are.
 */
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { OperationError } from '../admin/errors.ts';
import { authorityFiles } from '../ca/setup.ts';
import { formatProblem, parseConfig } from '../config/load.ts';
import { CONFIG_FILE } from '../config/schema.ts';
import type { RawConfig } from '../config/sendmail/convert.ts';
import { siteRoutes } from '../config/sendmail/mailertable.ts';
import type { Finding } from '../config/sendmail/site.ts';
import { configurationOf, siteIn, type SiteChoices } from './sendmail-site.ts';

export interface ImportChoices extends SiteChoices {
  /** A configuration that is there already is kept as `sealpost.yaml.old`. */
  readonly replace: boolean;
}

export interface ImportedSite {
  /** The configuration that was written. */
  readonly file: string;
  /** Where the one before it lies now. */
  readonly old: string | undefined;
  readonly hostname: string;
  readonly findings: readonly Finding[];
}

/** Writes `sealpost.yaml` of the site into the data directory. Throws an OperationError, and then nothing was changed. */
export function importSite(site: string, directory: string, { replace, ...choices }: ImportChoices): ImportedSite {
  const file = join(directory, CONFIG_FILE);
  const taken = existsSync(file);
  if (taken && !replace) {
    throw new OperationError(
      'conflict',
      `${file} is there already`,
      'give another directory with -d, or --replace, which keeps it as sealpost.yaml.old',
    );
  }
  const read = siteIn(site);
  const hasAuthority = existsSync(join(directory, authorityFiles.rootCertificate));
  const config = withAuthority(configurationOf(read, choices), hasAuthority);
  const text = `# Taken over from ${site}.\n\n${stringify(config, { lineWidth: 0 })}`;
  const { config: parsed, problems } = parseConfig(text, file);
  if (parsed === undefined) throw new OperationError('configuration', problems.map(formatProblem).join('\n'));
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const old = taken ? `${file}.old` : undefined;
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  if (old !== undefined) renameSync(file, old);
  renameSync(`${file}.new`, file);
  return { file, old, hostname: parsed.hostname, findings: [...read.findings, ...siteRoutes(read).findings] };
}

/** Where `sealpost init` made a CA, its holders are believed beside those whom the site names, and its lists are served. */
function withAuthority(config: RawConfig, hasAuthority: boolean): RawConfig {
  if (!hasAuthority) return config;
  const { web: _web, acme: _acme, tls, ...rest } = config;
  return { ...rest, tls: { ...(tls as object), ownAuthority: true } };
}
