/**
 * Commands as text (RFC 5321 §4.1): what stands on one line, without its line end. It knows no state: whether a command
 * may come now is the engine's to say. parseCommand(formatCommand(x)) = x.
 */
import { fromUtf8, latin1 } from '../../base/bytes.ts';
import type { StatusKey } from '../../base/status.ts';
import { formatAddress, parsePath, type Address } from './address.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import type { Draft, ParameterRule } from './extensions/extension.ts';
import { extensions } from './extensions/registry.ts';
import type { MailParameters, RecipientParameters } from './server-event.ts';

export interface MailCommand {
  readonly verb: 'MAIL';
  readonly address: Address | undefined;
  /** What stood between `FROM:` and the parameters. */
  readonly typed: string;
  readonly parameters: MailParameters;
}

export interface RecipientCommand {
  readonly verb: 'RCPT';
  readonly address: Address;
  readonly typed: string;
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

/** Verbs that others know and we do not take (RFC 5321 §4.2.4: 502 and not 500). */
const foreignVerbs: readonly string[] = ['ATRN', 'BURL', 'ETRN', 'SAML', 'SEND', 'SOML', 'TURN'];

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
const mailRules = new Map(extensions.flatMap((extension) => extension.mail ?? []).map((rule) => [rule.keyword, rule]));
const recipientRules = new Map(
  extensions.flatMap((extension) => extension.recipient ?? []).map((rule) => [rule.keyword, rule]),
);

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

/** The command on a line. `utf8`: the transaction was begun with SMTPUTF8, so that RCPT may hold UTF-8 (RFC 6531 §3.3). */
export function parseCommand(line: string, utf8: boolean): CommandResult {
  const word = firstWord(line);
  const verb = word.toUpperCase();
  if (!isVerb(verb))
    return refused(undefined, foreignVerbs.includes(verb) ? 'not-implemented' : 'unknown-command', {
      command: shownWord(word),
    });
  const text = withoutBlanks(line.slice(word.length));
  switch (verb) {
    case 'HELO':
    case 'EHLO':
      return isClientName(text) ? parsed({ verb, client: text }) : refused(verb, 'syntax-hello', { verb });
    case 'MAIL':
      return parseMail(text);
    case 'RCPT':
      return parseRecipient(text, utf8);
    case 'BDAT':
      return parseChunk(text);
    case 'AUTH':
      return parseAuth(text);
    case 'NOOP':
    case 'VRFY':
    case 'EXPN':
    case 'HELP':
      return parsed({ verb, text });
    default:
      return text === '' ? parsed({ verb }) : refused(verb, 'no-parameters', {});
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

function parseMail(text: string): CommandResult {
  const at = afterKeyword(text, 'FROM');
  if (at < 0) return refused('MAIL', 'syntax-mail', {});
  // Read as UTF-8 first: whether it may be is known only behind the parameters (RFC 6531 §3.4).
  const path = parsePath(text.slice(at), true);
  if (path === undefined) return badPath('MAIL', 'syntax-mail', 'bad-sender-address', text.slice(at));
  const parameters: Draft<MailParameters> = {
    size: undefined,
    body: '7BIT',
    smtputf8: false,
    ret: undefined,
    envid: undefined,
    auth: undefined,
  };
  const refusal = readParameters('MAIL', path.rest, mailRules, parameters);
  if (refusal !== undefined) return refusal;
  if (!parameters.smtputf8 && !isAscii(text)) return refused('MAIL', 'utf8-needed', {});
  return parsed({ verb: 'MAIL', address: path.address, typed: path.typed, parameters });
}

function parseRecipient(text: string, utf8: boolean): CommandResult {
  const at = afterKeyword(text, 'TO');
  if (at < 0) return refused('RCPT', 'syntax-rcpt', {});
  const path = parsePath(text.slice(at), true);
  if (path?.address === undefined) return badPath('RCPT', 'syntax-rcpt', 'bad-recipient-address', text.slice(at));
  const parameters: Draft<RecipientParameters> = { notify: undefined, orcpt: undefined };
  const refusal = readParameters('RCPT', path.rest, recipientRules, parameters);
  if (refusal !== undefined) return refusal;
  if (!utf8 && !isAscii(text)) return refused('RCPT', 'utf8-needed', {});
  return parsed({ verb: 'RCPT', address: path.address, typed: path.typed, parameters });
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

function badPath(verb: Verb, syntax: StatusKey, address: StatusKey, text: string): CommandResult {
  const close = text.lastIndexOf('>');
  if (!text.startsWith('<') || close < 0) return refused(verb, syntax, {});
  return refused(verb, address, { address: text.slice(0, close + 1) });
}

/** Reads ` KEYWORD=value KEYWORD…` into the draft (RFC 5321 §4.1.1.11); a refusal when that fails. */
function readParameters<P>(
  verb: Verb,
  text: string,
  rules: ReadonlyMap<string, ParameterRule<P>>,
  draft: Draft<P>,
): CommandResult | undefined {
  if (text === '') return undefined;
  const seen: string[] = [];
  for (const parameter of text.split(' ')) {
    if (parameter === '') continue;
    const equals = parameter.indexOf('=');
    const keyword = (equals < 0 ? parameter : parameter.slice(0, equals)).toUpperCase();
    const rule = rules.get(keyword);
    if (rule === undefined) return refused(verb, 'unknown-parameter', { parameter: keyword.slice(0, 40) });
    if (seen.includes(keyword)) return refused(verb, 'double-parameter', { parameter: keyword });
    seen.push(keyword);
    if (!rule.read(equals < 0 ? undefined : parameter.slice(equals + 1), draft))
      return refused(verb, 'bad-parameter', { parameter: keyword });
  }
  return undefined;
}

function formatParameters<P>(rules: ReadonlyMap<string, ParameterRule<P>>, parameters: P): string {
  let text = '';
  for (const rule of rules.values()) {
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
 * Nothing that means something in a header or a log line.
 */
function isClientName(text: string): boolean {
  if (text.length > HELLO_LENGTH) return false;
  return /^[A-Za-z0-9_][A-Za-z0-9_.:/+~%-]*$/.test(text) || /^\[[A-Za-z0-9.:-]+\]$/.test(text);
}

function isAscii(text: string): boolean {
  return !/[\u0080-\uffff]/.test(text);
}

function isVerb(word: string): word is Verb {
  return verbSet.has(word);
}

function parsed(command: Command): CommandResult {
  return { kind: 'command', command };
}

function refused(verb: Verb | undefined, status: StatusKey, values: CommandRefusal['values']): CommandResult {
  return { kind: 'refused', verb, status, values };
}
