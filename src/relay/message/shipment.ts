import type { Bytes } from '../../base/bytes.ts';
import type { Ms } from '../../base/clock.ts';
import type { Id } from '../../base/id.ts';
import type { Outcome } from '../../base/outcome.ts';
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

/** What one attempt came to. `hop` and `tls` are for events: `mx.example.net [192.0.2.1]:25`, `TLSv1.3 verify=OK`. */
export interface CarryResult {
  /** One for each recipient of the shipment, in its order. */
  readonly recipients: readonly { readonly id: Id; readonly outcome: Outcome }[];
  readonly hop: string | undefined;
  readonly tls: string | undefined;
}

/**
 * Makes one attempt to take a shipment one hop further. Implemented by `relay/delivery/attempt.ts`, used by
 * `relay/schedule`. It neither retries later nor tells events: that is the schedule's and the outcome's.
 */
export interface Carrier {
  /** Rejects only on a bug of ours. An aborted signal ends the attempt with deferred outcomes. */
  carry(shipment: Shipment, signal: AbortSignal): Promise<CarryResult>;
  /** Closes kept connections; attempts under way end with their connection. */
  close(): void;
}
