import type { ImportedSite } from '../../app/import-site.ts';
import type { Fate, Finding } from '../../config/sendmail/site.ts';
import type { Printer } from '../context.ts';
import { type Colour, safe } from '../output.ts';

interface Reported {
  readonly site: string;
  readonly directory: string;
  /** Also the lines that work as they did. */
  readonly all: boolean;
}

/** Worst first: this is the order in which they want to be read. */
const fates: readonly (readonly [Fate, Colour])[] = [
  ['dangerous', 'red'],
  ['dropped', 'yellow'],
  ['changed', 'yellow'],
  ['kept', 'green'],
];

/** What was written, what became of each line, and what comes next. */
export function reportWords(
  printer: Printer,
  { file, beside, kept, findings }: ImportedSite,
  reported: Reported,
): string {
  const groups = fates.flatMap(([fate, colour]) => {
    const found = findings.filter((finding) => finding.fate === fate);
    if (found.length === 0) return [];
    const head = printer.paint(colour, printer.say(`import.${fate}`, { count: found.length }));
    if (fate === 'kept' && !reported.all) return [`${head}\n`];
    return [`${head}\n${found.map((finding) => findingWords(printer, finding)).join('')}`];
  });
  return [
    `${printer.say('import.done', { site: reported.site, file: [...beside, file].join(', ') })}\n`,
    kept.length === 0 ? '' : `${printer.say('import.old', { old: kept.join(', ') })}\n`,
    '\n',
    groups.join('\n'),
    `\n${printer.say('import.next', { directory: reported.directory })}\n`,
  ].join('');
}

/** `  file:line: text`, and below it why and what to do. */
export function findingWords(printer: Printer, { file, line, text, note }: Finding): string {
  const where = `  ${safe(file)}:${line}: ${safe(text)}\n`;
  return note === undefined ? where : `${where}      ${safe(printer.say(note.key, note.values))}\n`;
}
