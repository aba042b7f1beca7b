/** The name in a certificate: from words of the operator, from a template, or the holder alone. */
import { encodeNameOf } from '../protocol/pki/certificate-write.ts';
import { NameTextError, encodeWrittenName, parseNameText, type WrittenAttribute } from '../protocol/pki/name-text.ts';
import { upperBound } from '../protocol/pki/name-bound.ts';
import { oids } from '../protocol/pki/oid.ts';
import { RequestRefused } from './refusal.ts';

/** What a template may name in braces. */
const PLACEHOLDER = '{holder}';
const NAME_BOUND = upperBound(oids.commonName);

/** At which character a template of subjects is wrong, tried with a short holder; undefined when it is not. */
export function templateFault(template: string): string | undefined {
  try {
    encodeWrittenName(fill(parseNameText(template), 'holder'));
    return undefined;
  } catch (error) {
    if (error instanceof NameTextError) return error.message;
    throw error;
  }
}

/** The subject that a template gives to a holder, DER. Throws `RequestRefused`. */
export function templateSubject(template: string, holder: string): Uint8Array {
  return refusing(`the subject template ${JSON.stringify(template)}`, () =>
    encodeWrittenName(fill(parseNameText(template), holder)),
  );
}

/** The subject that somebody wrote for this one certificate, DER. Throws `RequestRefused`. */
export function writtenSubject(text: string): Uint8Array {
  return refusing(`the subject ${JSON.stringify(text)}`, () => encodeWrittenName(parseNameText(text)));
}

function refusing(what: string, act: () => Uint8Array): Uint8Array {
  try {
    return act();
  } catch (error) {
    if (error instanceof NameTextError) throw new RequestRefused(`${what}, ${error.message}`, 'RFC 4514 §3');
    throw error;
  }
}

function fill(attributes: readonly WrittenAttribute[], holder: string): WrittenAttribute[] {
  return attributes.map((attribute) => {
    const value = attribute.value.replaceAll(PLACEHOLDER, () => holder);
    if (/[{}]/.test(attribute.value.replaceAll(PLACEHOLDER, '')))
      throw new NameTextError(`character ${attribute.at}: braces stand around holder alone, as {holder}`);
    return { ...attribute, value };
  });
}

/** The holder as common name, DER. */
export function holderName(holder: string): Uint8Array {
  const length = Array.from(holder).length;
  if (length > NAME_BOUND) {
    throw new RequestRefused(
      `"${holder}" has ${length} characters, more than the ${NAME_BOUND} of a common name; give a subject of your own`,
      'RFC 5280 §A.1',
    );
  }
  return encodeNameOf([[oids.commonName, holder]]);
}

/** The name of a CA, DER: `O=hostname, CN=title hostname`. A host name too long for both is cut in the common name, at the end. */
export function caName(title: string, hostname: string): Uint8Array {
  return encodeNameOf([
    [oids.organizationName, hostname.slice(0, NAME_BOUND)],
    [oids.commonName, `${title} ${hostname}`.slice(0, NAME_BOUND)],
  ]);
}
