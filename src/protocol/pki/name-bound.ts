/** Upper bounds of attributes of a name, in characters (RFC 5280 §A.1). */
const bounds: Readonly<Record<string, number>> = {
  '2.5.4.3': 64, // common name
  '2.5.4.5': 64, // serial number
  '2.5.4.6': 2, // country
  '2.5.4.7': 128, // locality
  '2.5.4.8': 128, // state or province
  '2.5.4.10': 64, // organization
  '2.5.4.11': 64, // organizational unit
  '2.5.4.12': 64, // title
  '2.5.4.65': 128, // pseudonym
  '1.2.840.113549.1.9.1': 255, // emailAddress
};
/** ub-name, and what we take at most of attributes for which nothing is said. */
const UPPER_BOUND_NAME = 32_768;

/** Most characters of a value of this attribute. */
export function upperBound(type: string): number {
  return bounds[type] ?? UPPER_BOUND_NAME;
}
