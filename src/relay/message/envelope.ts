import type { BodyType, Notify } from '../../protocol/smtp/server-event.ts';

/** One recipient that was answered 250. */
export interface Recipient {
  /** `local@domain`, quoted where needed, domain in lower case and A-labels unless the local part is not ASCII. */
  readonly address: string;
  /** The domain part alone, lower case, A-labels; the routing key comes from it. */
  readonly domain: string;
  readonly notify: Notify | undefined;
  readonly orcpt: string | undefined;
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
