/** The sentences of lint's findings in one language; only the command that needs them loads them. */
import type { LintFinding, LintRule } from '../../config/lint/finding.ts';
import type { Messages } from './en.ts';
import { ja } from './ja.ts';
import { lintEn } from './lint-en.ts';
import { lintJa, trapsJa } from './lint-ja.ts';

export type LintWords = (finding: LintFinding) => { readonly text: string; readonly hint: string };

export function lintWords(messages: Messages): LintWords {
  const japanese = messages === ja;
  const rules: Readonly<Record<string, readonly [string, string]>> = japanese ? { ...lintJa, ...trapsJa } : lintEn;
  return ({ rule, values, said }) => {
    const own = Object.hasOwn(rules, rule) ? rules[rule] : undefined;
    if (said !== undefined && (own === undefined || !japanese)) return said;
    const [text, hint] = own ?? rules['access-line' satisfies LintRule] ?? ['', ''];
    return { text: filled(text, values), hint: filled(hint, values) };
  };
}

function filled(text: string, values: LintFinding['values']): string {
  return text.replace(/\{([A-Za-z]+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
