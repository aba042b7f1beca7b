/** Values that are an error text by mistake, or a word that is not switched on. */
import { nearest } from '../nearest.ts';
import { isWord } from '../../relay/access/rule.ts';
import { aboutValue, rewrite } from './about.ts';
import { type AccessLine, isTag } from './access-line.ts';
import type { LintFinding } from './finding.ts';
import type { LintInput } from './input.ts';

const WORDS = ['OK', 'RELAY', 'REJECT', 'DISCARD', 'SKIP'] as const;

export function lintValues(input: LintInput): LintFinding[] {
  return input.lines.flatMap((line) => {
    if (line.key === undefined) return [];
    if (!['', 'Connect', 'From', 'To'].some((tag) => isTag(line, tag))) return [];
    return lintValue(input, line);
  });
}

function lintValue(input: LintInput, line: AccessLine): LintFinding[] {
  const { value } = line;
  if (isWord(value, 'SKIP')) return input.features.has('skip') ? [] : [aboutValue(input, line, 'error', 'skip-off')];
  // What has a code, blanks or a colon is meant for a text.
  if (!/^[A-Za-z]+$/.test(value) || WORDS.some((word) => isWord(value, word))) return [];
  const word = nearest(value, WORDS);
  if (word === undefined) return [aboutValue(input, line, 'warning', 'value-word')];
  // What was misspelt refuses today; a word that refuses too takes nothing away from anybody.
  const fix = word === 'REJECT' || word === 'DISCARD' ? rewrite(line, undefined, word) : undefined;
  return [aboutValue(input, line, 'error', 'value-misspelt', { word }, fix)];
}
