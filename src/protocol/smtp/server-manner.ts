/**
 * How a server behaves where the standards leave it the choice, or where it takes the place of a Sendmail whose clients
 * must not notice. From the configuration; the engine and the session read it, nobody changes it.
 */
import { queueId, sendmailQueueId, type Id } from '../../base/id.ts';
import { statusesOf, type Dialect, type Statuses } from '../../base/status.ts';

const flagNames = [
  'needmailhelo',
  'needexpnhelo',
  'needvrfyhelo',
  'noexpn',
  'novrfy',
  'noetrn',
  'noverb',
  'noreceipts',
  'nobodyreturn',
  'authwarnings',
  'noactualrecipient',
  'restrictmailq',
  'restrictqrun',
  'restrictexpand',
  'goaway',
  'public',
] as const;

/** Sendmail's PrivacyOptions. Those without a meaning here are taken and do nothing, as the table says. */
export type PrivacyFlag = (typeof flagNames)[number];

export const privacyFlags: Readonly<Record<PrivacyFlag, string>> = {
  needmailhelo: 'MAIL only after HELO or EHLO',
  needexpnhelo: 'EXPN only after HELO or EHLO',
  needvrfyhelo: 'VRFY only after HELO or EHLO',
  noexpn: 'EXPN is refused',
  novrfy: 'VRFY tells nothing',
  noetrn: 'No effect: there is no ETRN',
  noverb: 'No effect: there is no VERB',
  noreceipts: 'DSN is not offered',
  nobodyreturn: 'Reports of failure do not return the content',
  authwarnings: 'No effect: there are no X-Authentication-Warning: lines',
  noactualrecipient: 'No effect: reports name no actual recipient',
  restrictmailq: 'No effect: the queue is shown to the user of the relay alone',
  restrictqrun: 'No effect: the queue is run by the user of the relay alone',
  restrictexpand: 'No effect: there is no -bv for other users',
  goaway: 'needmailhelo needexpnhelo needvrfyhelo noexpn novrfy noverb',
  public: 'No effect: nothing is private',
};

export interface ServerManner {
  readonly dialect: Dialect;
  /** What is said, in the words of the dialect. */
  readonly statuses: Statuses;
  /** A queue id as replies and headers have it. */
  readonly printId: (id: Id) => string;
  /** Program version, for the greeting in Sendmail's form. */
  readonly version: string;
  /** Whether MAIL, VRFY and EXPN come only after HELO or EHLO (RFC 5321 §4.1.4). */
  readonly needsHello: { readonly mail: boolean; readonly vrfy: boolean; readonly expn: boolean };
  /** Whether VRFY and EXPN say what they know. */
  readonly shows: { readonly vrfy: boolean; readonly expn: boolean };
  /** Against RFC 3207 §4.2: what was said before STARTTLS stays said. */
  readonly keepHello: boolean;
  /** Whether reports may return the content, as far as the sender wants it. */
  readonly returnsContent: boolean;
  /** Keywords of extensions that are not offered: Sendmail has them not, or a privacy flag takes them away. */
  readonly withheld: ReadonlySet<string>;
}

/** The manner that a dialect and privacy flags make. Ours is as strict as RFC 5321 §4.1.4, and shows nothing. */
export function serverManner(
  dialect: Dialect,
  privacy: ReadonlySet<PrivacyFlag>,
  version: string,
  keepHello: boolean,
): ServerManner {
  const ours = dialect === 'sealpost';
  const flag = (name: PrivacyFlag): boolean => privacy.has(name) || privacy.has('goaway');
  return {
    dialect,
    statuses: statusesOf(dialect),
    printId: ours ? queueId : sendmailQueueId,
    version,
    needsHello: { mail: ours || flag('needmailhelo'), vrfy: flag('needvrfyhelo'), expn: flag('needexpnhelo') },
    shows: { vrfy: !ours && !flag('novrfy'), expn: !ours && !flag('noexpn') },
    keepHello,
    returnsContent: !privacy.has('nobodyreturn'),
    withheld: new Set([...(ours ? [] : unknownToSendmail), ...(privacy.has('noreceipts') ? ['DSN'] : [])]),
  };
}

/** Extensions of ours that no client of a Sendmail has met. */
const unknownToSendmail = ['BINARYMIME', 'CHUNKING', 'SMTPUTF8', 'LIMITS'];

/** Ours, with nothing switched off. */
export const plainManner: ServerManner = serverManner('sealpost', new Set(), '', false);
