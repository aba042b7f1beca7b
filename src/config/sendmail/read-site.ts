/**
 * Reads an /etc/mail directory: sendmail.mc by our own m4, then the tables it names. What comes of it is a SendmailSite;
 * what cannot be understood is a SiteFault, with file, line and what to do.
 */
import { isAbsolute, join } from 'node:path/posix';
import type { Problem } from '../load.ts';
import { type Recipe, readLocalLines } from './local-lines.ts';
import { Locator } from './locate.ts';
import { M4Fault, type M4Problem } from './m4-machine.ts';
import { SendmailMacros } from './macros.ts';
import { note } from './note.ts';
import { settingsOf } from './settings.ts';
import {
  type Finding,
  type Given,
  type SendmailSettings,
  type SendmailSite,
  SiteFault,
  type SiteFiles,
} from './site.ts';
import { TableReader } from './site-tables.ts';

const MAIN = 'sendmail.mc';

/** Throws a SiteFault when the directory holds no site that can be understood. */
export function readSite(directory: string, files: SiteFiles): SendmailSite {
  const locator = new Locator(directory, files);
  const file = mainFile(directory, files);
  const text = files.read(file) ?? '';
  // Paths that are not absolute are below the directory.
  const settingsDirectory = isAbsolute(directory) ? `${directory.replace(/\/+$/, '')}/` : '';
  const { macros, recipes } = expand(text, file, locator, settingsDirectory);
  const { settings: written, problems } = settingsOf(
    macros.facts,
    recipes,
    macros.m4.body('MAIL_SETTINGS_DIR') ?? settingsDirectory,
  );
  if (problems.length > 0) throw new SiteFault(problems);
  const findings: Finding[] = [...macros.facts.findings];
  const settings = withFiles(written, locator, findings);
  const reader = new TableReader(locator, findings, file);
  const tables = reader.read(settings, macros.facts);
  return { directory, settings: reader.accessFile(settings), tables, findings: inOrder(findings) };
}

function mainFile(directory: string, files: SiteFiles): string {
  const names = files.list(directory);
  const sources = names.filter((name) => name.endsWith('.mc') && name !== 'submit.mc');
  const [only] = sources;
  if (sources.includes(MAIN)) return join(directory, MAIN);
  if (only !== undefined && sources.length === 1) return join(directory, only);
  const where = { file: directory, line: 1, column: 1 };
  if (sources.length > 1)
    throw new SiteFault([
      { ...where, what: `has ${sources.toSorted().join(', ')} and no ${MAIN}`, todo: `copy the one in use to ${MAIN}` },
    ]);
  const onlyCf = names.includes('sendmail.cf');
  throw new SiteFault([
    {
      ...where,
      what: onlyCf
        ? `has sendmail.cf only, which is made of ${MAIN} and says not what it was made of`
        : `has no ${MAIN}`,
      todo: onlyCf
        ? `put the ${MAIN} beside it that m4 made it of; its comments name that file`
        : 'give the directory of the Sendmail to take over, such as /etc/mail',
    },
  ]);
}

function expand(
  text: string,
  file: string,
  locator: Locator,
  settingsDirectory: string,
): { readonly macros: SendmailMacros; readonly recipes: ReadonlySet<Recipe> } {
  const read = (path: string): { text: string; file: string } | undefined => {
    const { path: found, exists } = locator.find(path);
    const content = exists ? locator.files.read(found) : undefined;
    return content === undefined ? undefined : { text: content, file: found };
  };
  const macros = new SendmailMacros(read, file);
  try {
    macros.read(text, file, settingsDirectory);
    if (macros.m4.problems.length > 0) throw new SiteFault(macros.m4.problems.map(asProblem));
    return { macros, recipes: readLocalLines(macros) };
  } catch (error) {
    if (error instanceof M4Fault) throw new SiteFault([...macros.m4.problems, error.problem].map(asProblem));
    throw error;
  }
}

function asProblem(problem: M4Problem): Problem {
  return { ...problem, column: 1 };
}

/** Settings whose files lie elsewhere than written, because the directory is a copy, with the paths where they are. */
function withFiles(settings: SendmailSettings, locator: Locator, findings: Finding[]): SendmailSettings {
  const moved = (given: Given<string> | undefined): Given<string> | undefined => {
    if (given === undefined) return undefined;
    const { path, copied } = locator.find(given.value);
    if (!copied) return given;
    const where = given.place ?? { file: locator.directory, line: 1 };
    findings.push({
      file: where.file,
      line: where.line,
      fate: 'changed',
      text: given.value,
      note: note('sendmail.copied', { written: given.value, path }),
    });
    return { ...given, value: path };
  };
  const { tls } = settings;
  return {
    ...settings,
    tls: {
      ...tls,
      authorityPath: moved(tls.authorityPath),
      authorityFile: moved(tls.authorityFile),
      serverCertificate: moved(tls.serverCertificate),
      serverKey: moved(tls.serverKey),
      clientCertificate: moved(tls.clientCertificate),
      clientKey: moved(tls.clientKey),
      revocationFile: moved(tls.revocationFile),
      revocationPath: moved(tls.revocationPath),
    },
  };
}

/** Files in the order in which they were read, their lines in order. */
function inOrder(findings: readonly Finding[]): Finding[] {
  const files = [...new Set(findings.map(({ file }) => file))];
  return findings.toSorted((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line);
}
