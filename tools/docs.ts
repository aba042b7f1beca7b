/**
 * Writes the reference documents that are made from the program itself; with `--check` it only says which of them are
 * out of date. `docs/reference/`: cli.md from the commands, config.md from the schema, replies.md from the status table,
 * sendmail-macros.md from what the reader of sendmail.mc knows.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Application, type CommandContext, generateHelpTextForAllCommands } from '@stricli/core';
import { type StatusKey, statuses, statusesOf } from '../src/base/status.ts';
import { exits } from '../src/cli/exit.ts';
import { en } from '../src/cli/messages/en.ts';
import { sealpost } from '../src/cli/program.ts';
import { featureJudgements } from '../src/config/sendmail/features.ts';
import { type Judgement, optionJudgements } from '../src/config/sendmail/options.ts';
import { accessFeatures } from '../src/relay/access/feature.ts';
import { type SchemaNode, configJsonSchema, exampleOf, expectation } from '../src/config/json-schema.ts';

const root = fileURLToPath(new URL('../docs/reference/', import.meta.url));
const NOTE = '<!-- Made by `node tools/docs.ts`; change the source, not this file. -->';

const documents: Readonly<Record<string, () => string>> = {
  'cli.md': cliReference,
  'config.md': configReference,
  'replies.md': replyReference,
  'sendmail-macros.md': macroReference,
};

function cliReference(): string {
  const meanings: Readonly<Record<keyof typeof exits, string>> = {
    ok: 'done',
    failed: 'refused, or failed; `access test`: the mail would be refused',
    usage: 'the command line is wrong',
    notFound: 'no such holder, certificate, queue id or setting',
    conflict: 'something is there already, or in another state',
    unavailable: 'the running relay does not answer, or belongs to another user',
    configuration: 'no data directory, or mistakes in configuration or access map',
  };
  const program = sealpost(en, { root: false, colour: false });
  const commands = generateHelpTextForAllCommands(program as unknown as Application<CommandContext>).map(
    ([route, help]) => `## ${route}\n\n\`\`\`text\n${help.trimEnd()}\n\`\`\`\n`,
  );
  const codes = Object.entries(exits).map(([name, code]) => `| ${code} | ${meanings[name as keyof typeof exits]} |`);
  return [
    '# Commands\n',
    `${NOTE}\n`,
    'Every command takes `--help`. Those that print data take `--json`; times in JSON are milliseconds since 1970-01-01 UTC.',
    'The data directory is the one given by `-d` (before or after the command), else that of `SEALPOST_DIR`, else `./sealpost-data`, for root `/var/lib/sealpost`.',
    'While the relay runs, commands reach it by its control socket, which only its user may open; when it is stopped they work on its files.',
    'Colours appear on terminals alone and not with `NO_COLOR`; `LC_ALL`, `LC_MESSAGES` or `LANG` beginning with `ja` gives Japanese.\n',
    '## Exit codes\n',
    '| code | meaning |\n|---|---|',
    `${codes.join('\n')}\n`,
    ...commands,
  ].join('\n');
}

function configReference(): string {
  const parts = [
    '# Configuration\n',
    `${NOTE}\n`,
    'The file is `sealpost.yaml` in the data directory, YAML 1.2. Times are written `30s`, `5m`, `4h`, `2d` or `1h30m`, sizes `64KB` or `50MB`',
    '(KB is 1,024 octets). Paths are relative to the data directory. An unknown key is an error; a key with nothing after it is as if it were not there.',
    '`sealpost config check` reports mistakes with line and column, `sealpost config show` what counts and where it comes from,',
    '`sealpost config schema` prints the JSON Schema. SIGHUP makes the running relay read the file again.\n',
  ];
  const top = Object.entries(configJsonSchema().properties ?? {});
  const plain = top.filter(([, node]) => node.properties === undefined);
  parts.push('## At the top\n', keyTable(plain, ''));
  for (const [key, node] of plain)
    if (node.items?.properties)
      parts.push(`### Each element of \`${key}\`\n`, keyTable(Object.entries(node.items.properties), ''));
  for (const [key, node] of top) if (node.properties) parts.push(...sectionReference(key, node, '##'));
  return parts.join('\n');
}

function sectionReference(name: string, node: SchemaNode, heading: string): string[] {
  const entries = Object.entries(node.properties ?? {});
  const isSection = (inner: SchemaNode): boolean => inner.properties !== undefined && exampleOf(inner) === undefined;
  return [
    `${heading} ${name}\n`,
    `${node.description ?? ''}\n`,
    keyTable(
      entries.filter(([, inner]) => !isSection(inner)),
      `${name}.`,
    ),
    ...entries.flatMap(([key, inner]) =>
      inner.items?.properties
        ? [`${heading}# Each element of \`${name}.${key}\`\n`, keyTable(Object.entries(inner.items.properties), '')]
        : [],
    ),
    ...entries.flatMap(([key, inner]) =>
      isSection(inner) ? sectionReference(`${name}.${key}`, inner, `${heading}#`) : [],
    ),
  ];
}

function keyTable(entries: readonly (readonly [string, SchemaNode])[], prefix: string): string {
  const rows = entries.map(([key, node]) => {
    const initial =
      node.default === undefined
        ? ''
        : Array.isArray(node.default) && typeof node.default[0] === 'object'
          ? 'see below'
          : `\`${JSON.stringify(node.default).replaceAll('"', '')}\``;
    return `| \`${prefix}${key}\` | ${cell(expectation(node))} | ${initial} | ${cell(node.description ?? '')} |`;
  });
  return `| key | value | default | meaning |\n|---|---|---|---|\n${rows.join('\n')}\n`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function replyReference(): string {
  const sections = replyGroups().map(([group, keys]) => {
    const rows = keys.map((key) => {
      const { code, enhanced, text, source } = statuses[key];
      return `| ${code} | ${enhanced ?? ''} | ${cell(text)} | ${sendmailReply(key)} | \`${key}\` | ${cell(source)} |`;
    });
    return `## ${group}\n\n| code | enhanced | text | as Sendmail | key | source |\n|---|---|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  return [
    '# Replies and conclusions\n',
    `${NOTE}\n`,
    'Every reply that Sealpost gives, and every conclusion about a delivery (in reports and logs), is in this table. `{name}` is filled in.',
    'Where `smtp.dialect` is `sendmail`, the column "as Sendmail" counts, if there is something in it.\n',
    ...sections,
  ].join('\n');
}

/** What is said where the dialect is Sendmail's; empty: the same. */
function sendmailReply(key: StatusKey): string {
  const ours = statuses[key];
  const theirs = statusesOf('sendmail')[key];
  if (theirs === ours) return '';
  return [theirs.code, theirs.enhanced, cell(theirs.text)].filter((part) => part !== undefined).join(' ');
}

/** The statuses in the order of the table, under the comments that part it. */
function replyGroups(): [string, StatusKey[]][] {
  const file = readFileSync(new URL('../src/base/status.ts', import.meta.url), 'utf8');
  const source = file.slice(0, file.indexOf('} as const;'));
  const groups: [string, StatusKey[]][] = [];
  for (const [, group, quoted, plain] of source.matchAll(/^ {2}(?:\/\/ (.+)|(?:'([a-z0-9-]+)'|([a-z]+)): ?\[)/gm)) {
    if (group !== undefined) groups.push([group, []]);
    else groups.at(-1)?.[1].push((quoted ?? plain) as StatusKey);
  }
  const found = groups.flatMap(([, keys]) => keys);
  const all = Object.keys(statuses);
  if (found.join() !== all.join())
    throw new Error(
      `src/base/status.ts was not understood: ${all.filter((key) => !found.includes(key as StatusKey)).join(', ')}`,
    );
  return groups;
}

function macroReference(): string {
  return [
    '# Macros of sendmail.mc\n',
    `${NOTE}\n`,
    'What becomes of each FEATURE and of each macro that Sendmail itself looks at, in the words of the report of `sealpost import`. *kept*: it works',
    'as it did; *changed*: it works otherwise; *dropped*: it has no effect; *dangerous*: it works, and lets in more than it seems. A test defines each',
    'that is kept and looks whether the configuration changes. A macro that is not here is dropped with a note, one of your own (`CERT_DIR`) is expanded.\n',
    '## FEATURE\n',
    fateTable(featureJudgements),
    '## define\n',
    'All others whose names begin with `confTO_`: changed, as `confMESSAGE_TIMEOUT`.\n',
    fateTable(optionJudgements),
    '## access.features\n',
    'Names for that key of the configuration; an import writes them.\n',
    `| name | meaning |\n|---|---|\n${Object.entries(accessFeatures)
      .map(([name, meaning]) => `| \`${name}\` | ${cell(meaning)} |`)
      .join('\n')}\n`,
  ].join('\n');
}

/** Names with one fate for one reason share a row. */
function fateTable(judgements: ReadonlyMap<string, Judgement>): string {
  const rows = new Map<string, string[]>();
  for (const [name, { fate, note }] of judgements) {
    const why = note === undefined ? '' : en[note.key].replace(/^\{name\}:? /, '');
    const key = `${fate} | ${cell(why)}`;
    rows.set(key, [...(rows.get(key) ?? []), `\`${name}\``]);
  }
  const lines = [...rows].map(([key, names]) => `| ${names.join(', ')} | ${key} |`);
  return `| name | fate | how |\n|---|---|---|\n${lines.join('\n')}\n`;
}

const check = process.argv.includes('--check');
const stale: string[] = [];
for (const [name, make] of Object.entries(documents)) {
  const text = make();
  if (readIfThere(root + name) === text) continue;
  stale.push(name);
  if (check) continue;
  mkdirSync(dirname(root + name), { recursive: true });
  writeFileSync(root + name, text);
  console.log(`wrote docs/reference/${name}`);
}
if (check && stale.length > 0) {
  console.error(`out of date: ${stale.map((name) => `docs/reference/${name}`).join(', ')}; run 'node tools/docs.ts'`);
  process.exitCode = 1;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
