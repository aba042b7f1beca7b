import type { StatusKey } from '../../base/status.ts';
import type { ClientRecipient, ClientTransaction } from './client-event.ts';
import { encodeXtext } from './xtext.ts';

type Capabilities = ReadonlyMap<string, string>;

/** Why this transaction cannot be offered to a server with these capabilities; undefined when it can. */
export function unsupported(transaction: ClientTransaction, capabilities: Capabilities): StatusKey | undefined {
  // RFC 6531 §3.2: a message that needs SMTPUTF8 must not be sent where it is not offered.
  if (transaction.smtputf8 && !capabilities.has('SMTPUTF8')) return 'utf8-unsupported';
  // RFC 3030 §3: binary content goes by BDAT to a server that knows it. Plain 8-bit content is sent as it is, also where
  // 8BITMIME is not offered, which RFC 6152 §3 does not allow: to turn it into 7-bit would change what was signed, and
  // servers that spoil it are gone. (Exim does so too; Sendmail and Postfix encode it.)
  if (transaction.body === 'BINARYMIME' && !(capabilities.has('BINARYMIME') && capabilities.has('CHUNKING')))
    return '8bit-unsupported';
  const limit = sizeLimit(capabilities);
  if (limit !== undefined && transaction.size > limit) return 'remote-size';
  if (isUnwritable(transaction.reversePath)) return 'bad-sender-address';
  if (!transaction.smtputf8 && !isAscii(transaction.reversePath)) return 'utf8-unsupported';
  return undefined;
}

/** Why this recipient cannot be offered; undefined when it can. */
export function unsupportedRecipient(recipient: ClientRecipient, smtputf8: boolean): StatusKey | undefined {
  if (recipient.address === '' || isUnwritable(recipient.address)) return 'bad-recipient-address';
  return smtputf8 || isAscii(recipient.address) ? undefined : 'utf8-unsupported';
}

/** MAIL with the parameters that are offered, with its line end. */
export function mailCommand(transaction: ClientTransaction, capabilities: Capabilities): string {
  let line = `MAIL FROM:<${transaction.reversePath}>`;
  if (capabilities.has('SIZE')) line += ` SIZE=${transaction.size}`; // RFC 1870 §5
  if (transaction.body === '8BITMIME' && capabilities.has('8BITMIME')) line += ' BODY=8BITMIME'; // RFC 6152 §3
  if (transaction.body === 'BINARYMIME') line += ' BODY=BINARYMIME'; // RFC 3030 §3
  if (transaction.smtputf8) line += ' SMTPUTF8'; // RFC 6531 §3.4
  if (capabilities.has('DSN')) {
    if (transaction.ret !== undefined) line += ` RET=${transaction.ret}`; // RFC 3461 §4.3
    if (transaction.envid !== undefined) line += ` ENVID=${encodeXtext(transaction.envid)}`; // RFC 3461 §4.4
  }
  return `${line}\r\n`;
}

/** RCPT with the parameters that are offered, with its line end. */
export function recipientCommand(recipient: ClientRecipient, capabilities: Capabilities): string {
  let line = `RCPT TO:<${recipient.address}>`;
  if (capabilities.has('DSN')) {
    const { notify, orcpt } = recipient;
    if (notify === 'never') line += ' NOTIFY=NEVER'; // RFC 3461 §4.1
    else if (notify !== undefined && notify.length > 0) line += ` NOTIFY=${notify.join(',').toUpperCase()}`;
    if (orcpt !== undefined && isParameterValue(orcpt, capabilities)) line += ` ORCPT=${orcpt}`; // RFC 3461 §4.2
  }
  return `${line}\r\n`;
}

/** The size that EHLO declared (RFC 1870 §4); undefined: none, or no fixed one. */
export function sizeLimit(capabilities: Capabilities): number | undefined {
  const text = capabilities.get('SIZE');
  if (text === undefined || !/^[0-9]{1,20}$/.test(text)) return undefined;
  const limit = Number(text);
  return limit === 0 ? undefined : limit;
}

/** An address that would end the command line, or break it. */
function isUnwritable(address: string): boolean {
  // oxlint-disable-next-line no-control-regex -- just these must not get into a command
  return /[\u0000-\u001f\u007f]/.test(address);
}

function isAscii(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- the range is the point
  return /^[\u0000-\u007f]*$/.test(text);
}

/** RFC 5321 §4.1.2 esmtp-value; with SMTPUTF8 also what lies beyond ASCII (RFC 6533 §3). */
function isParameterValue(text: string, capabilities: Capabilities): boolean {
  if (isUnwritable(text) || text === '' || text.includes(' ')) return false;
  return capabilities.has('SMTPUTF8') || isAscii(text);
}
