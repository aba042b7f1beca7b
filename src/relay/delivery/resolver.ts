/** One MX record (RFC 5321 §5.1). `exchange` is without a trailing dot; '' is the null MX (RFC 7505). */
export interface MxRecord {
  readonly preference: number;
  readonly exchange: string;
}

/** Nothing of the kind asked for; `exists` false: the name itself does not exist (NXDOMAIN). */
export interface NoAnswer {
  readonly kind: 'none';
  readonly exists: boolean;
}

/** No usable answer now; asking later may help. `detail` is for the log. */
export interface TemporaryAnswer {
  readonly kind: 'temporary';
  readonly detail: string;
}

export type MxAnswer = { readonly kind: 'found'; readonly records: readonly MxRecord[] } | NoAnswer | TemporaryAnswer;

/** IPv4 and IPv6 addresses in the order to try them, in the usual text form; never empty when found. */
export type AddressAnswer =
  | { readonly kind: 'found'; readonly addresses: readonly string[] }
  | NoAnswer
  | TemporaryAnswer;

/** Names of an address (PTR), without trailing dots; never empty when found. */
export type NameAnswer = { readonly kind: 'found'; readonly names: readonly string[] } | NoAnswer | TemporaryAnswer;

/**
 * The name service as a port; implemented by `platform/dns/resolver.ts`, by `test/fakes/resolver.ts` in memory.
 * Never rejects: what went wrong is `temporary`. Names are A-labels. Each call ends within the resolver's own time limit.
 */
export interface Resolver {
  mx(domain: string): Promise<MxAnswer>;
  addresses(host: string): Promise<AddressAnswer>;
  reverse(address: string): Promise<NameAnswer>;
}
