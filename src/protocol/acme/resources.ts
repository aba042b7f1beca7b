/** What requests ask for (RFC 8555 §7): payloads read into values. All throw AcmeProblem. */
import type { Bytes } from '../../base/bytes.ts';
import { decodeBase64url } from './base64url.ts';
import { asObject, jsonObject, memberOf, optionalText, textOf, type JsonObject } from './json.ts';
import { readJwk, type Jwk } from './jwk.ts';
import { problem, AcmeProblem, refuse, type SubProblem } from './problem.ts';

/** Names of one order: as many as a certificate may have here. */
const MAX_NAMES = 100;
const MAX_CONTACTS = 10;

export interface NewAccount {
  readonly contacts: readonly string[];
  readonly onlyExisting: boolean;
  readonly binding: JsonObject | undefined;
}

export function readNewAccount(payload: Uint8Array): NewAccount {
  const object = jsonObject(payload, 'the account');
  const binding = memberOf(object, 'externalAccountBinding');
  return {
    contacts: contactsOf(object) ?? [],
    onlyExisting: memberOf(object, 'onlyReturnExisting') === true,
    binding: binding === undefined ? undefined : asObject(binding, 'externalAccountBinding'),
  };
}

export interface AccountChange {
  /** Undefined: as they are. */
  readonly contacts: readonly string[] | undefined;
  readonly deactivate: boolean;
}

/** RFC 8555 §7.3.2: members that are not known are left alone. */
export function readAccountChange(payload: Uint8Array): AccountChange {
  const object = jsonObject(payload, 'the account');
  return { contacts: contactsOf(object), deactivate: deactivates(object, 'an account') };
}

/** An authorization can only be given up (RFC 8555 §7.5.2). */
export function readAuthorizationChange(payload: Uint8Array): void {
  const object = jsonObject(payload, 'the authorization');
  if (!deactivates(object, 'an authorization'))
    refuse('malformed', 'an authorization can be read with an empty payload, or deactivated');
}

function deactivates(object: JsonObject, what: string): boolean {
  const status = memberOf(object, 'status');
  if (status === undefined) return false;
  if (status !== 'deactivated') refuse('malformed', `the client can set the status of ${what} to "deactivated" alone`);
  return true;
}

/** RFC 8555 §7.3: mailto of one address, without header fields. */
function contactsOf(object: JsonObject): string[] | undefined {
  const contacts = memberOf(object, 'contact');
  if (contacts === undefined) return undefined;
  if (!Array.isArray(contacts) || contacts.length > MAX_CONTACTS)
    refuse('malformed', `"contact" is no list of at most ${MAX_CONTACTS}`);
  return contacts.map((contact: unknown) => {
    if (typeof contact !== 'string' || contact.length > 300) refuse('invalidContact', 'a contact is no URL');
    if (!/^mailto:/i.test(contact)) refuse('unsupportedContact', `contacts are mailto: URLs, not "${contact}"`);
    if (!/^mailto:[^\s@,?]+@[^\s@,?]+$/i.test(contact))
      refuse('invalidContact', `"${contact}" is not mailto: and one address`);
    return contact;
  });
}

export interface NewOrder {
  /** Lower case, each once, in the order of the request; `*.` before those for a wildcard. */
  readonly names: readonly string[];
  /** Certificate that is to be replaced (RFC 9773 §5), as it was written. */
  readonly replaces: string | undefined;
}

export function readNewOrder(payload: Uint8Array): NewOrder {
  const object = jsonObject(payload, 'the order');
  const identifiers = memberOf(object, 'identifiers');
  if (!Array.isArray(identifiers) || identifiers.length === 0 || identifiers.length > MAX_NAMES)
    refuse('malformed', `"identifiers" is no list of 1 to ${MAX_NAMES}`);
  for (const time of ['notBefore', 'notAfter'])
    if (memberOf(object, time) !== undefined)
      refuse(
        'malformed',
        `"${time}" is not taken: how long a certificate lives is up to the key that the operator gave`,
      );
  const names = identifiers.map((identifier: unknown) => identifierName(asObject(identifier, 'an identifier')));
  const faults: SubProblem[] = names
    .filter((name) => !isDnsName(name))
    .map((name) => ({ type: 'rejectedIdentifier', detail: `"${name.slice(0, 253)}" is no DNS name`, name }));
  if (faults.length > 0)
    throw new AcmeProblem(
      problem('rejectedIdentifier', faults.map(({ detail }) => detail).join('; '), { subproblems: faults }),
    );
  return { names: [...new Set(names)], replaces: optionalText(object, 'replaces', 'the order', 256) };
}

function identifierName(identifier: JsonObject): string {
  const type = textOf(identifier, 'type', 'an identifier');
  if (type !== 'dns') refuse('unsupportedIdentifier', `identifiers are of type "dns" here, not "${type.slice(0, 64)}"`);
  return textOf(identifier, 'value', 'an identifier').toLowerCase();
}

/** Letters, digits, hyphens; a wildcard only as the whole first label, before two more at least. */
export function isDnsName(name: string): boolean {
  const wildcard = name.startsWith('*.');
  const labels = (wildcard ? name.slice(2) : name).split('.');
  return (
    name.length <= 253 &&
    labels.every((label) => /^(?!-)[a-z0-9-]{1,63}(?<!-)$/.test(label)) &&
    !/^\d+$/.test(labels.at(-1) ?? '') &&
    (!wildcard || labels.length >= 2)
  );
}

/** The CSR of a finalize request, DER. */
export function readFinalize(payload: Uint8Array): Bytes {
  const text = textOf(jsonObject(payload, 'the finalization'), 'csr', 'the finalization', 100_000);
  return decodeBase64url(text) ?? refuse('malformed', '"csr" is no base64url of DER; PEM has no place here');
}

export interface RevocationWish {
  /** Certificate, DER. */
  readonly certificate: Bytes;
  /** CRLReason (RFC 5280 §5.3.1); undefined: none given. */
  readonly reason: number | undefined;
}

export function readRevocation(payload: Uint8Array): RevocationWish {
  const object = jsonObject(payload, 'the revocation');
  const text = textOf(object, 'certificate', 'the revocation', 200_000);
  const reason = memberOf(object, 'reason');
  if (reason !== undefined && !Number.isInteger(reason)) refuse('badRevocationReason', '"reason" is no number');
  return {
    certificate: decodeBase64url(text) ?? refuse('malformed', '"certificate" is no base64url of DER'),
    reason: reason as number | undefined,
  };
}

export interface KeyChange {
  readonly account: string;
  readonly oldKey: Jwk;
}

export function readKeyChange(payload: Uint8Array): KeyChange {
  const object = jsonObject(payload, 'the key change');
  return { account: textOf(object, 'account', 'the key change'), oldKey: readJwk(memberOf(object, 'oldKey')) };
}
