import { toASCII } from 'tr46';
import { formatAddress, type Address } from '../../protocol/smtp/address.ts';
import type { BodyType, Notify, RecipientParameters } from '../../protocol/smtp/server-event.ts';
import { encodeXtext } from '../../protocol/smtp/xtext.ts';

/** One recipient that was answered 250. */
export interface Recipient {
  /** `local@domain`, quoted where needed, domain in lower case and A-labels unless the local part is not ASCII. */
  readonly address: string;
  /** The domain part alone, lower case, A-labels; the routing key comes from it. */
  readonly domain: string;
  readonly notify: Notify | undefined;
  readonly orcpt: string | undefined;
  /** Those that get the mail in its place (aliases, virtual users); undefined: itself. */
  readonly others?: readonly Recipient[] | undefined;
  /** The reverse-path of its mail where that is not the message's: the owner of the list that it is on. */
  readonly reversePath?: string | undefined;
}

/** The envelope of RFC 5321 §2.3.1, with the DSN parameters of RFC 3461. */
export interface Envelope {
  /** `local@domain`, '' for the null reverse-path. */
  readonly reversePath: string;
  readonly recipients: readonly Recipient[];
  readonly body: BodyType;
  readonly smtputf8: boolean;
  readonly ret: 'FULL' | 'HDRS' | undefined;
  readonly envid: string | undefined;
}

/** By which certificate a message came; both undefined for mail of our own (bounces) or of strangers. */
export interface Origin {
  readonly holder: string | undefined;
  readonly serial: string | undefined;
}

/**
 * The recipient of an accepted RCPT. `hostname` is the domain of `<postmaster>`, the one address that may come
 * without (RFC 5321 §4.5.1). Undefined when the domain is no domain name (RFC 5891, UTS #46 in its strict form).
 */
export function recipientOf(
  address: Address,
  parameters: RecipientParameters,
  hostname: string,
): Recipient | undefined {
  const typed = (address.domain === '' ? hostname : address.domain).toLowerCase();
  const domain = asciiDomain(typed);
  if (domain === undefined) return undefined;
  // An internationalized local part goes out by SMTPUTF8 anyway, so its domain may stay as its owner writes it.
  const shown = isAscii(address.local) ? domain : typed;
  return {
    address: formatAddress({ local: address.local, domain: shown }),
    domain,
    notify: parameters.notify,
    orcpt: parameters.orcpt,
  };
}

/** ORCPT of a recipient that came without one (RFC 3461 §4.2); undefined when only UTF-8 could say it. */
export function originalRecipient(address: string): string | undefined {
  return isAscii(address) ? `rfc822;${encodeXtext(address)}` : undefined;
}

/** The reverse-path of MAIL as the envelope keeps it: '' for the null path; undefined when its domain is none. */
export function reversePathOf(address: Address | undefined): string | undefined {
  if (address === undefined) return '';
  if (isAscii(address.domain)) return formatAddress(address);
  if (!isAscii(address.local)) return asciiDomain(address.domain) === undefined ? undefined : formatAddress(address);
  const domain = asciiDomain(address.domain);
  return domain === undefined ? undefined : formatAddress({ local: address.local, domain });
}

/** Domain in A-labels, lower case; an address literal and a plain ASCII name as they are. */
export function asciiDomain(domain: string): string | undefined {
  if (isAscii(domain)) return domain.toLowerCase();
  const ascii = toASCII(domain, {
    checkBidi: true,
    checkHyphens: true,
    checkJoiners: true,
    useSTD3ASCIIRules: true,
    verifyDNSLength: true,
  });
  return ascii ?? undefined;
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}
