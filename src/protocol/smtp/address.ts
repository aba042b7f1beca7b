/**
 * A mailbox (RFC 5321 §4.1.2, RFC 6531). `local` is without quotes and escapes; `domain` is as typed, without a
 * trailing dot; an address literal keeps its brackets; '' where no domain was given.
 * Route addresses (`@a,@b:c@d`) are accepted and the route dropped (RFC 5321 §3.6.1, appendix C).
 */
export interface Address {
  readonly local: string;
  readonly domain: string;
}
