/** Settings that let in more than they seem to. */
import { aboutPlace, settingPlace } from './about.ts';
import type { LintFinding, LintRule, Severity } from './finding.ts';
import type { LintInput } from './input.ts';

/** FEATUREs that are worth a word, each with its rule. */
const features: Readonly<Record<string, readonly [severity: Severity, rule: LintRule]>> = {
  promiscuous_relay: ['error', 'promiscuous-relay'],
  relay_local_from: ['error', 'relay-local-from'],
  relay_mail_from: ['error', 'relay-mail-from'],
  relay_based_on_mx: ['warning', 'relay-based-on-mx'],
  loose_relay_check: ['warning', 'loose-relay-check'],
  accept_unresolvable_domains: ['note', 'accept-unresolvable'],
};

export function lintSettings(input: LintInput): LintFinding[] {
  const found: LintFinding[] = [];
  for (const [name, given] of input.features) {
    const told = Object.hasOwn(features, name.toLowerCase()) ? features[name.toLowerCase()] : undefined;
    if (told !== undefined) found.push(aboutPlace(settingPlace(input, given.place), told[0], told[1]));
  }
  const { settings } = input;
  if (settings === undefined) return found;
  if (settings.auth.trusted.some((mechanism) => mechanism.toUpperCase() === 'EXTERNAL'))
    found.push(aboutPlace(settingPlace(input, input.trustPlace), 'error', 'external-trusted'));
  if (settings.recipes.has('verify-ok'))
    found.push(aboutPlace(settingPlace(input, undefined), 'error', 'verify-ok-relays'));
  const named = settings.access;
  if (named === undefined) {
    if (input.files.named.some(({ setting }) => setting === 'confCACERT'))
      found.push(aboutPlace(settingPlace(input, undefined), 'warning', 'no-access-db'));
  } else if (input.access === undefined) {
    const rule = named.value.optional ? 'access-missing-optional' : 'access-missing';
    const severity = named.value.optional ? 'warning' : 'error';
    found.push(aboutPlace(settingPlace(input, named.place), severity, rule, { path: named.value.file }));
  }
  return found;
}
