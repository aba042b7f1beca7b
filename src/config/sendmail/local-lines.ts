/**
 * What sendmail.mc hands to the cf file as it is: LOCAL_CONFIG, whose classes and options are understood, and rulesets, of
 * which two recipes for relaying by certificate are. A ruleset that is left out may have refused mail: it is always told.
 */
import { type SendmailMacros, meantMacro } from './macros.ts';
import type { M4Line } from './m4-output.ts';
import { note } from './note.ts';
import { cfOptions, judgeOption } from './options.ts';
import type { Given } from './site.ts';

export type Recipe = 'verify-ok' | 'verify-ok-auth' | 'cert-cn';

/** Goes through the lines; what they set is added to the facts. Gives the recipes that were found. */
export function readLocalLines(macros: SendmailMacros): ReadonlySet<Recipe> {
  for (const line of macros.m4.lines(0)) strayLine(macros, line);
  for (const line of macros.m4.lines(6)) configLine(macros, line);
  for (const diversion of [1, 2, 3, 4, 7, 8]) {
    for (const line of significant(macros.m4.lines(diversion)))
      macros.find('dropped', line, line.text, note('sendmail.localRuleset', { ruleset: sections[diversion] ?? '-' }));
  }
  return rulesets(macros, significant(macros.m4.lines(9)));
}

const sections: Readonly<Record<number, string>> = {
  1: 'LOCAL_NET_CONFIG',
  2: 'LOCAL_RULE_3',
  3: 'LOCAL_RULE_0',
  4: 'LOCAL_UUCP',
  7: 'MAILER_DEFINITIONS',
  8: 'LOCAL_DNSBL',
};

function significant(lines: readonly M4Line[]): M4Line[] {
  return lines.filter(({ text }) => text.trim() !== '' && !text.startsWith('#'));
}

/** Text beside the macros goes to the head of the cf file: a setting there, or what Sendmail would choke on. */
function strayLine(macros: SendmailMacros, line: M4Line): void {
  const text = line.text.trim();
  if (text === '' || text.startsWith('#') || takes(macros, line)) return;
  const macro = meantMacro(text);
  if (macro === undefined) macros.find('dropped', line, text, note('sendmail.strayText'));
  else macros.find('dropped', line, text, note('sendmail.unknownMacro', { near: macro }));
}

function configLine(macros: SendmailMacros, line: M4Line): void {
  const text = line.text.trimEnd();
  if (text === '' || text.startsWith('#') || takes(macros, line)) return;
  macros.find('dropped', line, text, note('sendmail.badLine', { what: text.slice(0, 60) }));
}

/** Takes a line of the cf file when it is one that is understood: words of a class, or an option. */
function takes(macros: SendmailMacros, line: M4Line): boolean {
  const text = line.text.trimEnd();
  const [, kind, long, short, rest = ''] = /^([CF])(?:\{([^}]+)\}|(\S))\s*(.*)$/.exec(text) ?? [];
  const letter = long ?? short;
  if (kind !== undefined && letter !== undefined && classes.has(letter)) {
    if (kind === 'C') for (const word of rest.split(/\s+/).filter(Boolean)) macros.addWord(letter, word, line);
    else macros.addFile(letter, rest, line);
    macros.find('kept', line, text, undefined);
    return true;
  }
  const [, option = '', value = ''] = /^O\s+([A-Za-z.]+)\s*=?\s*(.*)$/.exec(text) ?? [];
  if (option.toLowerCase() === 'daemonportoptions') {
    macros.facts.daemons.push({ value, place: line });
    macros.find('kept', line, text, undefined);
    return true;
  }
  const name = cfOptions.get(option.toLowerCase());
  if (name === undefined) return false;
  const given: Given<string> = { value, place: line };
  macros.facts.options.set(name, given);
  const { fate, note: why } = judgeOption(name, value);
  macros.find(fate, line, text, why);
  return true;
}

const classes: ReadonlySet<string> = new Set(['w', 'R', 'VirtHost', 't', 'TrustAuthMech']);

interface Ruleset {
  readonly name: string;
  readonly lines: M4Line[];
}

function rulesets(macros: SendmailMacros, lines: readonly M4Line[]): ReadonlySet<Recipe> {
  const found = new Set<Recipe>();
  let open: Ruleset = { name: '-', lines: [] };
  const all = [open];
  for (const line of lines) {
    const name = /^S\s*([\w.-]+)/.exec(line.text)?.[1];
    if (name !== undefined) all.push((open = { name, lines: [line] }));
    // A line that begins with a blank goes on with the one before.
    else open.lines.push(line);
  }
  for (const { name, lines: own } of all) {
    const recipe = recipes.get(`${name.toLowerCase()}\n${normal(own.slice(1))}`);
    if (recipe !== undefined) found.add(recipe);
    for (const line of own) {
      if (recipe === undefined)
        macros.find('dropped', line, line.text, note('sendmail.localRuleset', { ruleset: name }));
      else macros.find('kept', line, line.text, note('sendmail.recipe', { recipe }));
    }
  }
  return found;
}

/** Rules without what means nothing: comments behind the second tab, and the amount of blanks. */
function normal(lines: readonly M4Line[]): string {
  return lines.map(({ text }) => text.split(/\t+/).slice(0, 2).join('\t').replaceAll(/[ ]+/g, ' ').trim()).join('\n');
}

const recipes: ReadonlyMap<string, Recipe> = new Map([
  ['local_check_rcpt\nR$*\t$: $&{verify}\nROK\t$# OK', 'verify-ok'],
  ['local_relay_auth\nR$*\t$: $&{verify}\nROK\t$# RELAY', 'verify-ok-auth'],
  [
    'local_check_rcpt\nR$*\t$: $&{verify} $| $&{cn_subject}\nROK $| $+\t$: $(access CERTCN:$1 $: NO $)\nRRELAY\t$# OK',
    'cert-cn',
  ],
]);
