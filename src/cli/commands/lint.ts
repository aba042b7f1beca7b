/**
 * `lint`: whether the files of a mail server say what was meant. With a directory it is a Sendmail site's; without, our own
 * access map with the configuration around it.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, buildCommand } from '@stricli/core';
import type { FixedAccess, LintReport } from '../../admin/lint.ts';
import type { LintFinding } from '../../config/lint/finding.ts';
import { type CliContext, Printer, directoryOf, operate } from '../context.ts';
import { exits } from '../exit.ts';
import { openOutputs } from '../files.ts';
import { type CommonFlags, commonFlags, directoryAlias, helpText } from '../flags.ts';
import type { LintWords } from '../messages/lint.ts';
import type { Messages } from '../messages/en.ts';
import { safe } from '../output.ts';

interface LintFlags extends CommonFlags {
  readonly fix: boolean;
  readonly ca?: readonly string[];
  readonly compat?: readonly string[];
}

export function lintCommand(messages: Messages): Command<CliContext> {
  const many = (key: 'lint.ca' | 'lint.compat', placeholder: string) =>
    ({ kind: 'parsed', parse: String, optional: true, variadic: ',', brief: messages[key], placeholder }) as const;
  return buildCommand<LintFlags, [string?], CliContext>({
    async func(flags, directory) {
      await runLint(this, flags, directory);
    },
    parameters: {
      flags: {
        fix: { kind: 'boolean', default: false, withNegated: false, brief: messages['lint.fix'] },
        ca: many('lint.ca', 'DIR'),
        compat: many('lint.compat', 'NAME'),
        ...commonFlags(messages),
      },
      aliases: directoryAlias,
      positional: {
        kind: 'tuple',
        parameters: [{ parse: String, optional: true, brief: messages['lint.directory'], placeholder: 'DIR' }],
      },
    },
    docs: {
      brief: messages['lint.brief'],
      fullDescription: helpText(messages, messages['lint.more'], [
        'lint /etc/mail',
        'lint /etc/mail --ca /var/ssl/CA --fix',
        'lint --json',
      ]),
    },
  });
}

async function runLint(context: CliContext, flags: LintFlags, directory: string | undefined): Promise<void> {
  const printer = new Printer(context, flags.json);
  const { lintWords } = await import('../messages/lint.ts');
  const words = lintWords(context.messages);
  const report = await reportOf(context, flags, directory);
  const at = directory === undefined ? directoryOf(context, flags.directory) : context.workingDirectory;
  const written = report.fixed === null ? null : writeFixed(context, at, report.fixed);
  const findings = report.findings.map((finding) => ({ ...finding, ...words(finding) }));
  const fixed = report.fixed === null ? null : { ...report.fixed, path: written };
  printer.data(
    { findings, fixed },
    () => findingWords(printer, report, words) + fixWords(printer, report.fixed, written, words),
  );
  if (report.findings.some(({ severity }) => severity === 'error')) context.process.exitCode = exits.configuration;
}

async function reportOf(context: CliContext, flags: LintFlags, directory: string | undefined): Promise<LintReport> {
  if (directory === undefined) return (await operate(context, flags, 'lint', { fix: flags.fix })) as LintReport;
  const { lintDirectory } = await import('../../app/lint-site.ts');
  const authorities = (flags.ca ?? []).map((path) => resolve(context.workingDirectory, path));
  const choices = { fix: flags.fix, compatibility: flags.compat ?? [], authorities };
  return lintDirectory(resolve(context.workingDirectory, directory), Date.now(), choices);
}

/** Beside the file, never over it; what an earlier lint wrote there is replaced. */
function writeFixed(context: CliContext, directory: string, { file, text }: FixedAccess): string {
  const path = `${resolve(directory, file)}.fixed`;
  const outputs = openOutputs(context, [path], existsSync(path));
  outputs.write(path, Buffer.from(text));
  return path;
}

function findingWords(printer: Printer, { findings }: LintReport, words: LintWords): string {
  const colours = { error: 'red', warning: 'yellow', note: 'dim' } as const;
  const lines = findings.map((finding) => {
    const { severity, rule } = finding;
    const { text, hint } = words(finding);
    const kind = printer.paint(colours[severity], printer.say(`lint.${severity}`));
    return `${whereOf(finding)}: ${kind}: ${safe(text)} [${rule}]; ${safe(hint)}`;
  });
  const count = (kind: LintFinding['severity']): number => findings.filter(({ severity }) => severity === kind).length;
  const end =
    findings.length === 0
      ? printer.paint('green', printer.say('lint.ok'))
      : printer.say('lint.found', { errors: count('error'), warnings: count('warning'), notes: count('note') });
  return `${[...lines, end].join('\n')}\n`;
}

function whereOf({ file, line, column }: LintFinding): string {
  return `${safe(file)}:${line}:${column}`;
}

function shownRow(row: string): string {
  return row.split('\t').map(safe).join('\t');
}

function fixWords(printer: Printer, fixed: FixedAccess | null, path: string | null, words: LintWords): string {
  if (fixed === null || path === null) return '';
  const lines = fixed.changes.flatMap(({ first, before, after, reasons }) => [
    ...new Set(reasons.map((reason) => printer.say('lint.changed', { line: first, reason: safe(words(reason).text) }))),
    ...before.map((row) => printer.paint('red', `- ${shownRow(row)}`)),
    ...after.map((row) => printer.paint('green', `+ ${shownRow(row)}`)),
  ]);
  const rights = [
    ...fixed.gained.map((subject) => printer.paint('yellow', printer.say('lint.gained', { subject: safe(subject) }))),
    ...fixed.lost.map((subject) => printer.say('lint.lost', { subject: safe(subject) })),
  ];
  return `\n${[printer.say('lint.written', { path }), ...lines, ...rights].join('\n')}\n`;
}
