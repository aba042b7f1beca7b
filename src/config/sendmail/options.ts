/**
 * What becomes of the macros that sendmail.mc `define`s, and which option of the cf file each of them sets: LOCAL_CONFIG
 * may set it under that name.
 */
import { mechanisms } from '../../relay/session/auth/registry.ts';
import { type Note, type NoteKey, note } from './note.ts';
import { readRegexMap } from './regex-map.ts';
import type { Fate } from './site.ts';

export interface Judgement {
  readonly fate: Fate;
  readonly note: Note | undefined;
}

const kept: Judgement = { fate: 'kept', note: undefined };

/** Those that work here as they did there. */
const keptOptions = [
  'ALIAS_FILE',
  'ESMTP_MAILER_ARGS',
  'MAIL_SETTINGS_DIR',
  'RELAY_MAILER_ARGS',
  'SMART_HOST',
  'TLS_PERM_ERR',
  'confAUTH_MECHANISMS',
  'confAUTH_OPTIONS',
  'confCACERT',
  'confCACERT_PATH',
  'confCIPHER_LIST',
  'confCLIENT_CERT',
  'confCLIENT_KEY',
  'confCRL',
  'confCRL_PATH',
  'confCR_FILE',
  'confCW_FILE',
  'confDOMAIN_NAME',
  'confMAX_MESSAGE_SIZE',
  'confMAX_RCPTS_PER_MESSAGE',
  'confPRIVACY_FLAGS',
  'confSERVER_CERT',
  'confSERVER_KEY',
  'confSERVER_SSL_OPTIONS',
  'confTLS_FALLBACK_TO_CLEAR',
  'confTLS_SRV_OPTIONS',
  'confTO_QUEUERETURN',
  'confTO_QUEUEWARN',
  // What they ask for is so here in any case.
  'confALLOW_BOGUS_HELO',
  'confDONT_PROBE_INTERFACES',
  'confSAFE_QUEUE',
  '_NETINET6_',
  '_USE_ETC_MAIL_',
];

/** Those that have no effect, or another, for one reason each. */
const others: readonly (readonly [fate: Fate, key: NoteKey, names: string])[] = [
  [
    'changed',
    'sendmail.ownSpool',
    'QUEUE_DIR MSP_QUEUE_DIR confQUEUE_FILE_MODE confTEMP_FILE_MODE confDELIVERY_MODE confQUEUE_SORT_ORDER confMIN_QUEUE_AGE confMAX_QUEUE_AGE confMAX_QUEUE_CHILDREN confMAX_RUNNERS_PER_QUEUE confMAX_QUEUE_RUN_SIZE confQUEUE_FACTOR confQUEUE_LA confNICE_QUEUE_RUN confFAST_SPLIT confWORK_RECIPIENT_FACTOR confWORK_CLASS_FACTOR confWORK_TIME_FACTOR confSEPARATE_PROC confCHECKPOINT_INTERVAL confDF_BUFFER_SIZE confXF_BUFFER_SIZE confSHARED_MEMORY_KEY confSHARED_MEMORY_KEY_FILE confMIN_FREE_BLOCKS confHOST_STATUS_DIRECTORY confSINGLE_THREAD_DELIVERY confMCI_CACHE_SIZE confMCI_CACHE_TIMEOUT confREQUIRES_DIR_FSYNC confCON_EXPENSIVE confDIAL_DELAY',
  ],
  ['changed', 'sendmail.ownTimes', 'confMESSAGE_TIMEOUT confDELIVER_BY_MIN'],
  [
    'changed',
    'sendmail.ownLimits',
    'confMAX_DAEMON_CHILDREN confCONNECTION_RATE_THROTTLE confCONNECTION_RATE_WINDOW_SIZE confBAD_RCPT_THROTTLE confREFUSE_LA confDELAY_LA confREJECT_LOG_INTERVAL confMAX_HEADERS_LENGTH confMAX_MIME_HEADER_LENGTH confMAX_HOP confMAX_ALIAS_RECURSION confMAX_NOOP_COMMANDS',
  ],
  [
    'changed',
    'sendmail.ownUser',
    'confDEF_USER_ID confRUN_AS_USER confTRUSTED_USER confTRUSTED_USERS confDONT_INIT_GROUPS confUNSAFE_GROUP_WRITES confSAFE_FILE_ENV confMAILBOX_DATABASE',
  ],
  ['changed', 'sendmail.hub', 'MAIL_HUB LOCAL_RELAY'],
  ['changed', 'sendmail.safety', 'confDONT_BLAME_SENDMAIL'],
  [
    'changed',
    'sendmail.ownResolver',
    'confBIND_OPTS confSERVICE_SWITCH_FILE confHOSTS_FILE confTRY_NULL_MX_LIST confDONT_EXPAND_CNAMES confUSE_COMPRESSED_IPV6_ADDRESSES',
  ],
  [
    'changed',
    'sendmail.ownName',
    'confMAILER_NAME confSMTP_LOGIN_MSG confRECEIVED_HEADER confMESSAGEID_HEADER confFROM_HEADER confFROM_LINE confCF_VERSION confTIME_ZONE confLOG_LEVEL confPID_FILE confPROCESS_TITLE_PREFIX confCONTROL_SOCKET_NAME STATUS_FILE HELP_FILE confERROR_MESSAGE confERROR_MODE confCOPY_ERRORS_TO confDOUBLE_BOUNCE_ADDRESS confDEAD_LETTER_DROP confEBINDIR confSUBMITIT',
  ],
  [
    'dropped',
    'sendmail.localDelivery',
    'LOCAL_MAILER_PATH LOCAL_MAILER_ARGS LOCAL_MAILER_FLAGS LOCAL_MAILER_MAX LOCAL_SHELL_PATH LOCAL_SHELL_ARGS LUSER_RELAY PROCMAIL_MAILER_PATH PROCMAIL_MAILER_ARGS PROCMAIL_MAILER_FLAGS PROCMAIL_MAILER_MAX confLOCAL_MAILER confFORWARD_PATH confUSERDB_SPEC confALIAS_WAIT confCHECK_ALIASES confAUTO_REBUILD confMATCH_GECOS confME_TOO confBLANK_SUB UUCP_MAILER_PATH UUCP_MAILER_ARGS USENET_MAILER_PATH UUCP_RELAY BITNET_RELAY DECNET_RELAY FAX_RELAY CYRUS_MAILER_PATH CYRUS_MAILER_ARGS CYRUSV2_MAILER_ARGS confDIRECT_SUBMISSION_MODIFIERS confUSE_MSP',
  ],
  [
    'dropped',
    'sendmail.mailFilter',
    'confINPUT_MAIL_FILTERS confMILTER_LOG_LEVEL confMILTER_MACROS_CONNECT confMILTER_MACROS_HELO confMILTER_MACROS_ENVFROM confMILTER_MACROS_ENVRCPT confMILTER_MACROS_EOM confMILTER_MACROS_EOH confMILTER_MACROS_DATA',
  ],
  ['dropped', 'sendmail.ldap', 'confLDAP_DEFAULT_SPEC confLDAP_CLUSTER'],
  ['dropped', 'sendmail.regexIssuer', '_CERT_REGEX_ISSUER_ _CERT_REGEX_SUBJECT_'],
  [
    'dropped',
    'sendmail.rewriting',
    'confCOLON_OK_IN_ADDR confOPERATORS confOLD_STYLE_HEADERS confSAVE_FROM_LINES confSINGLE_LINE_FROM_HEADER confMUST_QUOTE_CHARS confSEVEN_BIT_INPUT confEIGHT_BIT_HANDLING confMIME_FORMAT_ERRORS confDEF_CHAR_SET confNO_RCPT_ACTION confUSE_ERRORS_TO confRRT_IMPLIES_DSN confDONT_PRUNE_ROUTES confIGNORE_DOTS confSMTP_MAILER confRELAY_MAILER confUUCP_MAILER SMTP_MAILER_FLAGS RELAY_MAILER_FLAGS ESMTP_MAILER_FLAGS SMTP_MAILER_MAX MASQUERADE_NAME',
  ],
  [
    'dropped',
    'sendmail.optionUnused',
    'confCLIENT_SSL_OPTIONS confCT_FILE confFALLBACK_MX confFALLBACK_SMARTHOST confCONNECT_ONLY_TO SMTP_MAILER_ARGS confREJECT_MSG confRELAY_MSG confRCPTREJ_MSG confDH_PARAMETERS confRAND_FILE confSSL_ENGINE confSSL_ENGINE_PATH confAUTH_REALM confAUTH_MAX_BITS confDEF_AUTH_INFO confCERT_FINGERPRINT_ALGORITHM confSOFT_BOUNCE confREJECT_NUL confDANE confUSERDB_SPEC confNOCANONIFY confCLIENT_OPTIONS confDAEMON_OPTIONS DATABASE_MAP_TYPE',
  ],
];

/** All macros that Sendmail itself looks at and that are known. */
export const optionJudgements: ReadonlyMap<string, Judgement> = new Map([
  ...keptOptions.map((name) => [name, kept] as const),
  ...others.flatMap(([fate, key, names]) =>
    names.split(' ').map((name): readonly [string, Judgement] => [name, { fate, note: note(key, { name }) }]),
  ),
]);

/** What becomes of a macro that is defined; one of the site's own is kept, it may be used in others. */
export function judgeOption(name: string, value = ''): Judgement {
  if (name === 'confAUTH_MECHANISMS') return judgeMechanisms(name, value);
  if (name.startsWith('_CERT_REGEX_') && readRegexMap(value) !== undefined) return kept;
  const known = optionJudgements.get(name);
  if (known !== undefined) return known;
  if (name.startsWith('confTO_')) return { fate: 'changed', note: note('sendmail.ownTimes', { name }) };
  if (/^conf[A-Z]/.test(name)) return { fate: 'dropped', note: note('sendmail.unknownOption', { name }) };
  return kept;
}

/** AUTH mechanisms as a macro was given them: those that are not offered here are told. */
export function judgeMechanisms(name: string, value: string): Judgement {
  const others = value.split(/[\s,]+/).filter((word) => /^[A-Za-z0-9_-]+$/.test(word) && !isMechanism(word));
  if (others.length === 0) return kept;
  return { fate: 'changed', note: note('sendmail.mechanisms', { name, others: others.join(' ') }) };
}

export function isMechanism(name: string): boolean {
  return mechanisms.some((one) => one.name === name);
}

/** Whether the macro is one of Sendmail's. */
export function isOption(name: string): boolean {
  return optionJudgements.has(name) || /^conf[A-Z]/.test(name);
}

/** Options of the cf file that are carried over, as LOCAL_CONFIG may have them, by their names in lower case. */
export const cfOptions: ReadonlyMap<string, string> = new Map([
  ['aliasfile', 'ALIAS_FILE'],
  ['authmechanisms', 'confAUTH_MECHANISMS'],
  ['authoptions', 'confAUTH_OPTIONS'],
  ['cacertfile', 'confCACERT'],
  ['cacertpath', 'confCACERT_PATH'],
  ['cipherlist', 'confCIPHER_LIST'],
  ['clientcertfile', 'confCLIENT_CERT'],
  ['clientkeyfile', 'confCLIENT_KEY'],
  ['clientssloptions', 'confCLIENT_SSL_OPTIONS'],
  ['crlfile', 'confCRL'],
  ['crlpath', 'confCRL_PATH'],
  ['dhparameters', 'confDH_PARAMETERS'],
  ['dontblamesendmail', 'confDONT_BLAME_SENDMAIL'],
  ['loglevel', 'confLOG_LEVEL'],
  ['maxmessagesize', 'confMAX_MESSAGE_SIZE'],
  ['maxrecipientspermessage', 'confMAX_RCPTS_PER_MESSAGE'],
  ['privacyoptions', 'confPRIVACY_FLAGS'],
  ['queuedirectory', 'QUEUE_DIR'],
  ['servercertfile', 'confSERVER_CERT'],
  ['serverkeyfile', 'confSERVER_KEY'],
  ['serverssloptions', 'confSERVER_SSL_OPTIONS'],
  ['tlsfallbacktoclear', 'confTLS_FALLBACK_TO_CLEAR'],
  ['tlssrvoptions', 'confTLS_SRV_OPTIONS'],
]);
