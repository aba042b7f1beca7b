import type { Status } from './status.ts';

/** The reply of a remote server as it came: code, enhanced code if given, and text lines joined by a blank, cut when it is far too long. */
export interface RemoteReply {
  readonly code: number;
  readonly enhanced: string | undefined;
  readonly text: string;
  /** The command it answered, for a reader: `RCPT TO`, `end of DATA`. */
  readonly command: string;
}

/** Where an attempt went. `address` and `port` are undefined when no connection was tried. */
export interface Hop {
  readonly host: string;
  readonly address: string | undefined;
  readonly port: number;
}

/**
 * What became of one recipient in one attempt.
 * `status` is our conclusion; `remote` is what the other side said, kept apart.
 */
export type Outcome =
  | {
      readonly kind: 'delivered';
      readonly status: Status;
      readonly remote: RemoteReply;
      readonly hop: Hop;
      readonly dsnRelayed: boolean;
    }
  | {
      readonly kind: 'deferred';
      readonly status: Status;
      readonly remote: RemoteReply | undefined;
      readonly hop: Hop | undefined;
      readonly detail: string;
      /** Not to be tried again, nor given up, until an operator lets it go. */
      readonly held?: boolean;
    }
  | {
      readonly kind: 'failed';
      readonly status: Status;
      readonly remote: RemoteReply | undefined;
      readonly hop: Hop | undefined;
      readonly detail: string;
    }
  | {
      readonly kind: 'expired';
      readonly status: Status;
      readonly remote: RemoteReply | undefined;
      readonly hop: Hop | undefined;
      readonly detail: string;
    };
