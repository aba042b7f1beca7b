import { fromUtf8 } from '../../base/bytes.ts';

/** What a client says by PLAIN. */
export interface PlainMessage {
  /** Whom it wants to act for; '' for itself. */
  readonly authorization: string;
  readonly name: string;
  readonly password: string;
}

/** Octets that each of the three may have (RFC 4616 §2). */
const LONGEST = 255;

/** `[authzid] NUL authcid NUL passwd` (RFC 4616 §2); undefined when it is not that. */
export function readPlain(message: Uint8Array): PlainMessage | undefined {
  const text = message.length > 3 * LONGEST + 2 ? undefined : fromUtf8(message);
  const parts = text?.split('\0');
  if (parts?.length !== 3) return undefined;
  const [authorization = '', name = '', password = ''] = parts;
  return name === '' || password === '' ? undefined : { authorization, name, password };
}
