/** Passphrases for bundles: made here, shown once, kept nowhere. */
import type { Random } from '../base/random.ts';

/** No character that looks like another in a usual font: not 0 o, 1 l i. 31 characters, all ASCII. */
const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';
const GROUPS = 6;
const GROUP = 4;

/** Six groups of four characters, as `k7wd-2mpa-…`: 118 bits. */
export function makePassphrase(random: Random): string {
  const groups: string[] = [];
  for (let i = 0; i < GROUPS; i++) groups.push(characters(random, GROUP));
  return groups.join('-');
}

function characters(random: Random, count: number): string {
  let text = '';
  while (text.length < count) {
    for (const octet of random.bytes(count - text.length)) {
      // Five bits an octet; the one value without a character is thrown again, so that all are as likely.
      text += ALPHABET[octet & 31] ?? '';
    }
  }
  return text;
}

/** What is wrong with a passphrase someone chose; undefined when nothing is. */
export function passphraseFault(passphrase: string): string | undefined {
  if (passphrase.length < 8) return `the passphrase has ${passphrase.length} characters; at least 8`;
  // Programs disagree on how other characters become octets (RFC 7292 §B.1 and RFC 8018 §3 differ), and keytool refuses them.
  if (/[^\x20-\x7e]/.test(passphrase))
    return 'the passphrase has characters other than ASCII, which some programs cannot open';
  return undefined;
}
