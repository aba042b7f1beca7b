/** JSON of strangers: read once, asked for members of known types. */
import { fromUtf8 } from '../../base/bytes.ts';
import { refuse } from './problem.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** The object that octets are in JSON. `what` names it in the refusal. */
export function jsonObject(bytes: Uint8Array, what: string): JsonObject {
  const text = fromUtf8(bytes);
  let value: unknown;
  try {
    value = text === undefined ? undefined : JSON.parse(text);
  } catch {
    value = undefined; // the refusal below is all there is to say
  }
  return asObject(value, what);
}

export function asObject(value: unknown, what: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    refuse('malformed', `${what} is no JSON object`);
  return value as JsonObject;
}

/** A member that must be text, of at most `most` characters. */
export function textOf(object: JsonObject, member: string, what: string, most = 4_096): string {
  const value = optionalText(object, member, what, most);
  return value ?? refuse('malformed', `${what} has no "${member}"`);
}

export function optionalText(object: JsonObject, member: string, what: string, most = 4_096): string | undefined {
  const value = memberOf(object, member);
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value.length > most)
    refuse('malformed', `"${member}" of ${what} is no text of at most ${most} characters`);
  return value;
}

/** A member of the object itself, whatever it is called. */
export function memberOf(object: JsonObject, member: string): unknown {
  return Object.hasOwn(object, member) ? object[member] : undefined;
}
