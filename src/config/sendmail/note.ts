/** Why a line is not kept as it stands, as keys of the message catalogue: this folder speaks no language. */

import type { PostfixNoteKey } from '../postfix/note.ts';

/** What can be noted. */
export type NoteKey =
  | PostfixNoteKey
  | 'sendmail.aliasCommand'
  | 'sendmail.aliasFile'
  | 'sendmail.aliasInclude'
  | 'sendmail.aliasTwice'
  | 'sendmail.badLine'
  | 'sendmail.clientOptions'
  | 'sendmail.complaint'
  | 'sendmail.copied'
  | 'sendmail.daemonModifiers'
  | 'sendmail.databaseMap'
  | 'sendmail.dnsList'
  | 'sendmail.featureAfterMailer'
  | 'sendmail.featureArgument'
  | 'sendmail.featureNeedsAccess'
  | 'sendmail.fileMissing'
  | 'sendmail.hub'
  | 'sendmail.keyTwice'
  | 'sendmail.ldap'
  | 'sendmail.localDelivery'
  | 'sendmail.localHeld'
  | 'sendmail.localRuleset'
  | 'sendmail.looseCheck'
  | 'sendmail.mailer'
  | 'sendmail.mailFilter'
  | 'sendmail.rewritten'
  | 'sendmail.mechanisms'
  | 'sendmail.noAccessMap'
  | 'sendmail.noCommand'
  | 'sendmail.noHost'
  | 'sendmail.nullClient'
  | 'sendmail.oldName'
  | 'sendmail.openRelay'
  | 'sendmail.optionUnused'
  | 'sendmail.overridden'
  | 'sendmail.ownLimits'
  | 'sendmail.ownName'
  | 'sendmail.ownResolver'
  | 'sendmail.ownSpool'
  | 'sendmail.ownTimes'
  | 'sendmail.ownUser'
  | 'sendmail.recipe'
  | 'sendmail.regexIssuer'
  | 'sendmail.relayByMx'
  | 'sendmail.relayBySender'
  | 'sendmail.rewriting'
  | 'sendmail.safety'
  | 'sendmail.strayText'
  | 'sendmail.systemDefaults'
  | 'sendmail.tableRows'
  | 'sendmail.unknownFeature'
  | 'sendmail.unknownMacro'
  | 'sendmail.unknownOption'
  | 'sendmail.unresolvable';

export interface Note {
  readonly key: NoteKey;
  readonly values: Readonly<Record<string, string | number>>;
}

export function note(key: NoteKey, values: Readonly<Record<string, string | number>> = {}): Note {
  return { key, values };
}
