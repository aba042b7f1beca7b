/** Randomness as a port. The real one is in `platform/process/random.ts`; the fake is seeded. */
export interface Random {
  /** `length` bytes fit for keys and serial numbers. */
  bytes(length: number): Uint8Array;
  /** A number in [0, 1), for jitter only. */
  fraction(): number;
}
