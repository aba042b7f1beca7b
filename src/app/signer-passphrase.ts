/** Passphrases on their way to the signer: octets, which can be wiped, and never text. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { DoorOptions } from './signer-client.ts';

/** The name of the credential that systemd hands over (LoadCredential=). */
export const PASSPHRASE_CREDENTIAL = 'sealpost-ca-passphrase';

/** The first line of what a passphrase came in, without its end. Undefined when it is empty. */
export function firstLine(bytes: Uint8Array): Buffer | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = buffer.indexOf(10);
  const line = buffer.subarray(0, end === -1 ? buffer.length : end);
  const whole = line.at(-1) === 13 ? line.subarray(0, -1) : line;
  return whole.length === 0 ? undefined : whole;
}

/**
 * What a daemon gives without anybody to ask: `given` once, for whoever gave it keeps it; a credential of systemd as
 * often as a signer starts, for it stays where it is. Neither after it was wrong.
 */
export function givenPassphrases(given: Buffer | undefined): NonNullable<DoorOptions['passphrase']> {
  let once = given;
  return (wrongBefore) => {
    const first = once;
    once = undefined;
    if (first !== undefined) return Promise.resolve(first);
    return Promise.resolve(wrongBefore === 0 ? credential() : undefined);
  };
}

function credential(): Buffer | undefined {
  const directory = process.env['CREDENTIALS_DIRECTORY'];
  if (directory === undefined || directory === '') return undefined;
  try {
    return firstLine(readFileSync(join(directory, PASSPHRASE_CREDENTIAL)));
  } catch {
    return undefined; // the service has other credentials
  }
}
