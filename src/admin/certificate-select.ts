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

/** A serial number as the ledger has it. */
export function normalSerial(text: string): string {
  return text.replaceAll(':', '').toLowerCase().replace(/^0+(?=..)/, '').replace(/^(?=(?:..)*.$)/, '0');
}

/** What is selected, in order of issue, never nothing. Throws OperationError `not-found`. */
export function select(context: CertificateContext, { holder, serial, name }: Selection): LedgerRecord[] {
  const wantedHolder = (holder ?? name)?.trim().toLowerCase();
  const wantedSerial = serial ?? name;
  if (wantedHolder === undefined && wantedSerial === undefined) throw new OperationError('usage', 'no holder and no serial number was given');
  if (wantedHolder !== undefined) {
    const found = context.ledger.find({ holder: wantedHolder });
    if (found.length > 0) return found;
  }
  if (wantedSerial !== undefined) {
    const found = context.ledger.find({ serial: normalSerial(wantedSerial.trim()) });
    if (found.length > 0) return found;
  }
  throw unknown(context, wantedHolder ?? wantedSerial ?? '', holder === undefined && name === undefined ? 'serial number' : 'holder');
}

/** The error for a name that is not in the ledger, with the names it may have meant. */
function unknown(context: CertificateContext, wanted: string, what: string): OperationError {
  const holders = [...new Set(context.ledger.find({}).map((record) => record.holder))];
  const close = nearest(wanted, holders);
  const begins = holders.filter((candidate) => candidate !== close && wanted.length > 2 && candidate.startsWith(wanted)).slice(0, 4);
  const meant = [...(close === undefined ? [] : [close]), ...begins];
  const hint = meant.length > 0 ? `did you mean ${meant.join(', ')}?` : 'see "sealpost list --all"';
  return new OperationError('not-found', `there is no certificate of ${what} "${wanted}"`, hint);
}
