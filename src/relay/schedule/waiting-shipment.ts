import type { Bytes } from '../../base/bytes.ts';
import type { Ms } from '../../base/clock.ts';
import type { Id } from '../../base/id.ts';
import type { Shipment, ShipmentRecipient } from '../message/shipment.ts';
import type { ContentStore, Due } from '../spool/spool.ts';
import type { Contents } from './contents.ts';

/** Rows of one entry and one destination as the carrier takes them. Inline content must be wanted until the attempt is over. */
export class WaitingShipment implements Shipment {
  readonly entry: Id;
  readonly dest: string;
  readonly at: Ms;
  readonly envelope: Shipment['envelope'];
  readonly origin: Shipment['origin'];
  readonly size: number;
  readonly recipients: readonly ShipmentRecipient[];
  readonly #ref: string | undefined;
  readonly #inline: Contents;
  readonly #stored: ContentStore;

  constructor(rows: readonly Due[], inline: Contents, stored: ContentStore) {
    const first = rows[0] as Due;
    this.entry = first.entry;
    this.dest = first.dest;
    this.at = first.at;
    this.envelope = first.envelope;
    this.origin = first.origin;
    this.size = first.size;
    this.recipients = rows.map((row) => ({ id: row.id, address: row.recipient, notify: row.notify, orcpt: row.orcpt }));
    this.#ref = first.contentRef;
    this.#inline = inline;
    this.#stored = stored;
  }

  content(): Promise<Bytes | AsyncIterable<Uint8Array>> {
    return this.#ref === undefined ? this.#inline.get(this.entry) : Promise.resolve(this.#stored.read(this.#ref));
  }
}
