/** Which certificates an operation means: a person types a holder, or a serial number in any usual form. */
import type { LedgerRecord } from '../ca/ledger.ts';
import { nearest } from '../config/nearest.ts';
import type { CertificateContext } from './certificate-issue.ts';
import { OperationError } from './errors.ts';

/** Which certificates: by holder, by serial number, or by `name`, which is either. */
export interface Selection {
  readonly holder?: string | undefined;
  /** Hexadecimal; colons and case do not matter. */
  readonly serial?: string | undefined;
  readonly name?: string | undefined;
}

export interface Selected {
  readonly by: 'holder' | 'serial';
  /** In order of issue, never none. */
  readonly records: readonly LedgerRecord[];
}

/** What is selected. Throws OperationError: `not-found`, `conflict` when a serial number's beginning is that of several. */
export function select(context: CertificateContext, { holder, serial, name }: Selection): Selected {
  const wantedHolder = (holder ?? name)?.trim().toLowerCase();
  const wantedSerial = (serial ?? name)?.trim();
  if (wantedHolder === undefined && wantedSerial === undefined)
    throw new OperationError('usage', 'no holder and no serial number was given');
  if (wantedHolder !== undefined) {
    const records = context.ledger.find({ holder: wantedHolder });
    if (records.length > 0) return { by: 'holder', records };
  }
  const record = wantedSerial === undefined ? undefined : bySerial(context, normalSerial(wantedSerial));
  if (record !== undefined) return { by: 'serial', records: [record] };
  throw unknown(
    context,
    wantedHolder ?? wantedSerial ?? '',
    holder === undefined && name === undefined ? 'serial number' : 'holder',
  );
}

/** A serial number as people write it: colons and upper case are of no meaning, nor are zeros before it. */
function normalSerial(text: string): string {
  return text
    .replaceAll(':', '')
    .toLowerCase()
    .replace(/^0+(?=..)/, '');
}

/** Digits of a serial number that may stand for all of it, when no other begins so. */
const SERIAL_BEGINNING = 6;
/** Serial numbers with the same beginning that are counted. */
const ALIKE = 10;

/** The certificate of a serial number, or of enough of its beginning. */
function bySerial(context: CertificateContext, digits: string): LedgerRecord | undefined {
  if (!/^[0-9a-f]{1,40}$/.test(digits)) return undefined;
  const exact = context.ledger.get(digits.length % 2 === 0 ? digits : `0${digits}`);
  if (exact !== undefined || digits.length < SERIAL_BEGINNING) return exact;
  // The ledger writes whole octets: a zero may stand before what was typed.
  const [first, ...more] = [digits, `0${digits}`].flatMap((serialBegins) =>
    context.ledger.find({ serialBegins, limit: ALIKE }),
  );
  if (more.length > 0)
    throw new OperationError('conflict', `${more.length + 1} serial numbers begin with ${digits}`, 'give more digits');
  return first;
}

/** Neighbours in the order of the alphabet among which a name is sought that may have been meant. */
const NEIGHBOURS = 50;

/** The error for a name that is not in the ledger, with the names it may have meant. */
function unknown(context: CertificateContext, wanted: string, what: string): OperationError {
  // Most mistakes are behind the first letters: around what was typed, and around its beginning.
  const holders = [
    ...new Set([
      ...context.ledger.holdersNear(wanted, NEIGHBOURS),
      ...context.ledger.holdersNear(wanted.slice(0, 2), NEIGHBOURS),
    ]),
  ];
  const close = nearest(wanted, holders);
  const begins = holders
    .filter((candidate) => candidate !== close && wanted.length > 2 && candidate.startsWith(wanted))
    .slice(0, 4);
  const meant = [...(close === undefined ? [] : [close]), ...begins];
  const hint = meant.length > 0 ? `did you mean ${meant.join(', ')}?` : 'see "sealpost list --all"';
  return new OperationError('not-found', `there is no certificate of ${what} "${wanted}"`, hint);
}
