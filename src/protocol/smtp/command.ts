/**
 * Commands as text (RFC 5321 §4.1): what stands on one line, without its line end. It knows no state: whether a command
 * may come now is the engine's to say. parseCommand(formatCommand(x)) = x.
 */
import { fromUtf8, latin1 } from '../../base/bytes.ts';
import type { Dialect, StatusKey } from '../../base/status.ts';
import { formatAddress, parsePath, type Address } from './address.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import type { Draft, Extension, ParameterRule } from './extensions/extension.ts';
import { extensions } from './extensions/registry.ts';
import { loosePath } from './loose-path.ts';
import type { MailParameters, RecipientParameters } from './server-event.ts';

export interface MailCommand {
  readonly verb: 'MAIL';
  readonly address: Address | undefined;
  /** What stood between `FROM:` and the parameters. */
  readonly typed: string;
  /** In Sendmail's dialect: `typed` is no path of our grammar, and `address` none of its meaning. */
  readonly unread?: boolean;
  readonly parameters: MailParameters;
}

export interface RecipientCommand {
  readonly verb: 'RCPT';
  readonly address: Address;
  readonly typed: string;
  readonly unread?: boolean;
  readonly parameters: RecipientParameters;
}

export type Command =
  | { readonly verb: 'HELO' | 'EHLO'; readonly client: string }
  | MailCommand
  | RecipientCommand
  | { readonly verb: 'BDAT'; readonly size: number; readonly last: boolean }
  /** `initial` undefined: none was sent; length 0: `=` was sent (RFC 4954 §4). */
  | { readonly verb: 'AUTH'; readonly mechanism: string; readonly initial: Uint8Array | undefined }
  | { readonly verb: 'NOOP' | 'VRFY' | 'EXPN' | 'HELP'; readonly text: string }
  | { readonly verb: 'DATA' | 'RSET' | 'QUIT' | 'STARTTLS' };

export type Verb = Command['verb'];

/** Every verb we know. */
export const verbs: readonly Verb[] = [
  'HELO',
  'EHLO',
  'MAIL',
  'RCPT',
  'DATA',
  'BDAT',
  'RSET',
  'NOOP',
  'VRFY',
  'EXPN',
  'HELP',
  'QUIT',
  'STARTTLS',
  'AUTH',
];

/** Verbs that others know and we do not take (RFC 5321 §4.2.4: 502 and not 500), and what is said to them. */
const foreignVerbs: Readonly<Record<Dialect, ReadonlyMap<string, StatusKey>>> = {
  sealpost: new Map(
    ['ATRN', 'BURL', 'ETRN', 'SAML', 'SEND', 'SOML', 'TURN'].map((verb) => [verb, 'not-implemented'] as const),
  ),
  sendmail: new Map<string, StatusKey>([
    ['ETRN', 'etrn-refused'],
    ['SAML', 'not-implemented'],
    ['SEND', 'not-implemented'],
    ['SOML', 'not-implemented'],
    ['TURN', 'not-implemented'],
    ['VERB', 'verbose-refused'],
  ]),
};

/** What a command is read by, beside its line. */
export interface CommandContext {
  /** The transaction was begun with SMTPUTF8, so that RCPT may hold UTF-8 (RFC 6531 §3.3). */
  readonly utf8: boolean;
  readonly dialect: Dialect;
  /** Keywords of extensions that the peer was not offered: their parameters are none. */
  readonly withheld: ReadonlySet<string>;
}

/** Everything is offered, and the dialect is ours. */
export const plainContext: CommandContext = { utf8: false, dialect: 'sealpost', withheld: new Set() };

/** Why a line is no command; status and what its text needs. `verb` is undefined when that is the reason. */
export interface CommandRefusal {
  readonly verb: Verb | undefined;
  readonly status: StatusKey;
  readonly values: Readonly<Record<string, string | number>>;
}

export type CommandResult =
  | { readonly kind: 'command'; readonly command: Command }
  | ({ readonly kind: 'refused' } & CommandRefusal);

const verbSet: ReadonlySet<string> = new Set(verbs);
/** A parameter, and the extension that it belongs to. */
interface OwnedRule<P> {
  readonly owner: string;
  readonly rule: ParameterRule<P>;
}

const owned = <P>(
  which: (extension: Extension) => readonly ParameterRule<P>[] | undefined,
): Map<string, OwnedRule<P>> =>
  new Map(
    extensions.flatMap((extension) =>
      (which(extension) ?? []).map((rule) => [rule.keyword, { owner: extension.keyword, rule }] as const),
    ),
  );
const mailRules = owned((extension) => extension.mail);
const recipientRules = owned((extension) => extension.recipient);

/** Parameters of which Sendmail takes the last. */
const repeatable: ReadonlySet<string> = new Set(['SIZE', 'NOTIFY']);

/** Octets of a BDAT chunk that can be counted with whole numbers. */
const CHUNK_DIGITS = 15;
const HELLO_LENGTH = 255;

/** A line as text: UTF-8, or when it is not UTF-8 with NUL for every octet above 127, which no grammar takes. */
export function lineText(bytes: Uint8Array): string {
  const text = latin1(bytes);
  if (!/[\u0080-\u00ff]/.test(text)) return text;
  return fromUtf8(bytes) ?? text.replace(/[\u0080-\u00ff]/g, '\u0000');
}

/** The first word of a line, as typed. */
export function firstWord(line: string): string {
  const blank = line.indexOf(' ');
  return blank < 0 ? line : line.slice(0, blank);
}

/** An unknown first word as it may be shown: a word like a verb, else `?`. It may be a password at the wrong place. */
export function shownWord(word: string): string {
  return /^[A-Za-z]{1,12}$/.test(word) ? word : '?';
}

/** The command on a line. */
export function parseCommand(line: string, context: CommandContext): CommandResult {
  const { dialect } = context;
  const word = firstWord(line);
  const verb = word.toUpperCase();
  if (!isVerb(verb) || (verb === 'BDAT' && dialect === 'sendmail'))
    return refused(undefined, foreignVerbs[dialect].get(verb) ?? 'unknown-command', { command: shownWord(word) });
  const text = withoutBlanks(line.slice(word.length));
  switch (verb) {
    case 'HELO':
    case 'EHLO':
      if (isClientName(text, dialect)) return parsed({ verb, client: text });
      return refused(verb, text === '' ? 'hello-without-name' : 'syntax-hello', { verb });
    case 'MAIL':
      return parseMail(text, context);
    case 'RCPT':
      return parseRecipient(text, context);
    case 'BDAT':
      return parseChunk(text);
    case 'AUTH':
      return parseAuth(text);
    case 'NOOP':
    case 'VRFY':
    case 'EXPN':
    case 'HELP':
      return parsed({ verb, text });
    case 'STARTTLS':
      return text === '' ? parsed({ verb }) : refused(verb, 'no-parameters', {});
    default:
      // Sendmail does not look at what stands behind these.
      return text === '' || dialect === 'sendmail' ? parsed({ verb }) : refused(verb, 'no-parameters', {});
  }
}

/** The command as a line, without line end. `typed` of MAIL and RCPT is not looked at, and need not be there. */
export function formatCommand(
  command:
    | Exclude<Command, MailCommand | RecipientCommand>
    | Omit<MailCommand, 'typed'>
    | Omit<RecipientCommand, 'typed'>,
): string {
  switch (command.verb) {
    case 'HELO':
    case 'EHLO':
      return `${command.verb} ${command.client}`;
    case 'MAIL':
      return `MAIL FROM:<${command.address === undefined ? '' : formatAddress(command.address)}>${formatParameters(mailRules, command.parameters)}`;
    case 'RCPT':
      return `RCPT TO:<${formatAddress(command.address)}>${formatParameters(recipientRules, command.parameters)}`;
    case 'BDAT':
      return `BDAT ${command.size}${command.last ? ' LAST' : ''}`;
    case 'AUTH':
      return `AUTH ${command.mechanism}${command.initial === undefined ? '' : ` ${encodeBase64(command.initial) || '='}`}`;
    case 'NOOP':
    case 'VRFY':
    case 'EXPN':
    case 'HELP':
      return command.text === '' ? command.verb : `${command.verb} ${command.text}`;
    default:
      return command.verb;
  }
}

function parseMail(text: string, context: CommandContext): CommandResult {
  const at = afterKeyword(text, 'FROM');
  if (at < 0) return refused('MAIL', 'syntax-mail', { word: scannedWord(text) });
  // Read as UTF-8 first: whether it may be is known only behind the parameters (RFC 6531 §3.4).
  const path = parsePath(text.slice(at), true) ?? unreadPath(text.slice(at), context);
  if (path === undefined) return badPath('MAIL', text.slice(at));
  const parameters: Draft<MailParameters> = {
    size: undefined,
    body: '7BIT',
    smtputf8: false,
    ret: undefined,
    envid: undefined,
    auth: undefined,
  };
  const refusal = readParameters('MAIL', path.rest, mailRules, parameters, context);
  if (refusal !== undefined) return refusal;
  if (parameters.body === 'BINARYMIME' && context.withheld.has('BINARYMIME'))
    return refused('MAIL', 'bad-parameter', { parameter: 'BODY', value: parameters.body });
  if (!parameters.smtputf8 && !isAscii(text)) return refused('MAIL', 'utf8-needed', {});
  const unread = 'unread' in path ? { unread: true } : {};
  return parsed({ verb: 'MAIL', address: path.address, typed: path.typed, ...unread, parameters });
}

function parseRecipient(text: string, context: CommandContext): CommandResult {
  const at = afterKeyword(text, 'TO');
  if (at < 0) return refused('RCPT', 'syntax-rcpt', { word: scannedWord(text) });
  const read = parsePath(text.slice(at), true);
  const path = read?.address === undefined ? unreadPath(text.slice(at), context) : { ...read, address: read.address };
  if (path === undefined) return badPath('RCPT', text.slice(at));
  const parameters: Draft<RecipientParameters> = { notify: undefined, orcpt: undefined };
  const refusal = readParameters('RCPT', path.rest, recipientRules, parameters, context);
  if (refusal !== undefined) return refusal;
  if (!context.utf8 && !isAscii(text)) return refused('RCPT', 'utf8-needed', {});
  const unread = 'unread' in path ? { unread: true } : {};
  return parsed({ verb: 'RCPT', address: path.address, typed: path.typed, ...unread, parameters });
}

/** Where the path starts behind `FROM:` or `TO:`; -1 without these. Blanks around the colon are borne: clients send them. */
function afterKeyword(text: string, keyword: string): number {
  if (text.slice(0, keyword.length).toUpperCase() !== keyword) return -1;
  let at = afterBlanks(text, keyword.length);
  if (text[at] !== ':') return -1;
  at = afterBlanks(text, at + 1);
  return at < text.length ? at : -1;
}

/** Without the blanks at both ends; a client may leave some at the end of a line (RFC 5321 §4.1.1). */
function withoutBlanks(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === ' ') end--;
  return text.slice(afterBlanks(text, 0), end);
}

function afterBlanks(text: string, at: number): number {
  while (text[at] === ' ') at++;
  return at;
}

/** The word where Sendmail says that it lost its way. */
function scannedWord(text: string): string {
  return /^[^: ]*/.exec(text)?.[0] ?? '';
}

function badPath(verb: 'MAIL' | 'RCPT', text: string): CommandResult {
  const close = text.lastIndexOf('>');
  if (!text.startsWith('<') || close < 0) return refused(verb, verb === 'MAIL' ? 'syntax-mail' : 'syntax-rcpt', {});
  return refused(verb, verb === 'MAIL' ? 'bad-sender-address' : 'bad-recipient-address', {
    address: text.slice(0, close + 1),
  });
}

/** In Sendmail's dialect any text is passed on: what is wrong with it is told by who reads it as Sendmail does. */
function unreadPath(
  text: string,
  { dialect }: CommandContext,
): { readonly address: Address; readonly typed: string; readonly rest: string; readonly unread: true } | undefined {
  if (dialect !== 'sendmail') return undefined;
  const { typed, rest } = loosePath(text);
  return { address: { local: typed, domain: '' }, typed, rest, unread: true };
}

/** Reads ` KEYWORD=value KEYWORD…` into the draft (RFC 5321 §4.1.1.11); a refusal when that fails. */
function readParameters<P>(
  verb: Verb,
  text: string,
  rules: ReadonlyMap<string, OwnedRule<P>>,
  draft: Draft<P>,
  { withheld, dialect }: CommandContext,
): CommandResult | undefined {
  if (text === '') return undefined;
  const seen: string[] = [];
  for (const written of text.split(' ')) {
    if (written === '') continue;
    const equals = written.indexOf('=');
    const typed = equals < 0 ? written : written.slice(0, equals);
    const parameter = typed.toUpperCase();
    const value = equals < 0 ? undefined : written.slice(equals + 1);
    const known = rules.get(parameter);
    if (known?.owner === 'DSN' && withheld.has('DSN')) return refused(verb, 'dsn-not-offered', { parameter });
    if (known === undefined || withheld.has(known.owner))
      return refused(verb, 'unknown-parameter', { parameter: typed.slice(0, 40) });
    if (seen.includes(parameter) && !(dialect === 'sendmail' && repeatable.has(parameter)))
      return refused(verb, 'double-parameter', { parameter });
    seen.push(parameter);
    const taken = dialect === 'sendmail' && parameter === 'SIZE' ? leadingNumber(value) : value;
    if (known.rule.read(taken, draft)) continue;
    return refused(verb, taken === undefined ? 'parameter-without-value' : badParameter(parameter), {
      parameter,
      value: taken ?? '',
    });
  }
  return undefined;
}

/** Sendmail reads a size as strtoul(3) does: as far as it is a number, and 0 where it is none. */
function leadingNumber(value: string | undefined): string | undefined {
  if (value === undefined || value.startsWith('-')) return value;
  return /^\d+/.exec(value)?.[0] ?? '0';
}

function badParameter(parameter: string): StatusKey {
  return parameter === 'RET' ? 'bad-return' : parameter === 'SIZE' ? 'bad-size' : 'bad-parameter';
}

function formatParameters<P>(rules: ReadonlyMap<string, OwnedRule<P>>, parameters: P): string {
  let text = '';
  for (const { rule } of rules.values()) {
    const value = rule.write(parameters);
    if (value !== undefined) text += value === '' ? ` ${rule.keyword}` : ` ${rule.keyword}=${value}`;
  }
  return text;
}

function parseChunk(text: string): CommandResult {
  const match = /^(\d+)( +LAST)?$/i.exec(text);
  if (match === null || match[1]!.length > CHUNK_DIGITS) return refused('BDAT', 'syntax-bdat', {});
  return parsed({ verb: 'BDAT', size: Number(match[1]), last: match[2] !== undefined });
}

function parseAuth(text: string): CommandResult {
  const match = /^([A-Za-z0-9_-]{1,20})(?: +([^ ]+))?$/.exec(text);
  if (match === null) return refused('AUTH', 'syntax-auth', {});
  const mechanism = match[1]!.toUpperCase();
  if (match[2] === undefined) return parsed({ verb: 'AUTH', mechanism, initial: undefined });
  const initial = match[2] === '=' ? new Uint8Array() : decodeBase64(match[2]);
  if (initial === undefined) return refused('AUTH', 'auth-bad-base64', {});
  return parsed({ verb: 'AUTH', mechanism, initial });
}

/**
 * A domain or address literal (RFC 5321 §4.1.1.1), and what else hosts call themselves: with `_`, or by a bare address.
 * Nothing that means something in a header or a log line. Sendmail takes some characters anywhere, and others nowhere.
 */
function isClientName(text: string, dialect: Dialect): boolean {
  if (text.length > HELLO_LENGTH) return false;
  if (dialect === 'sendmail') return /^[A-Za-z0-9[\].\-_#:]+$/.test(text);
  return /^[A-Za-z0-9_][A-Za-z0-9_.:/+~%-]*$/.test(text) || /^\[[A-Za-z0-9.:-]+\]$/.test(text);
}

function isAscii(text: string): boolean {
  return !/[\u0080-\uffff]/.test(text);
}

/** Whether a word in upper case is one of ours. */
export function isVerb(word: string): word is Verb {
  return verbSet.has(word);
}

function parsed(command: Command): CommandResult {
  return { kind: 'command', command };
}

function refused(verb: Verb | undefined, status: StatusKey, values: CommandRefusal['values']): CommandResult {
  return { kind: 'refused', verb, status, values };
}
