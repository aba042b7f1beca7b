/** A reply as it goes over the wire. `lines` are text without code, enhanced code and line ends; never empty. */
export interface Reply {
  readonly code: number;
  readonly enhanced: string | undefined;
  readonly lines: readonly string[];
}
