import type { Bytes } from '../../base/bytes.ts';
import type { Ms } from '../../base/clock.ts';
import type { Id } from '../../base/id.ts';
import type { Notify } from '../../protocol/smtp/server-event.ts';
import type { Envelope, Origin } from './envelope.ts';

/** One recipient of a shipment; `id` is its delivery's. */
export interface ShipmentRecipient {
  readonly id: Id;
  readonly address: string;
  readonly notify: Notify | undefined;
  readonly orcpt: string | undefined;
}

/** One message to one destination: what goes out in one SMTP transaction. */
export interface Shipment {
  readonly entry: Id;
  readonly dest: string;
  readonly at: Ms;
  readonly envelope: Omit<Envelope, 'recipients'>;
  readonly origin: Origin;
  readonly size: number;
  readonly recipients: readonly ShipmentRecipient[];
  /** The content, whole when it was stored inline, else in pieces. May be called again for another attempt. */
  content(): Promise<Bytes | AsyncIterable<Uint8Array>>;
}
