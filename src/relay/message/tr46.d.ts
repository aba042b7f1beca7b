// The package brings no types of its own.
declare module 'tr46' {
  export interface ToAsciiOptions {
    readonly checkBidi?: boolean;
    readonly checkHyphens?: boolean;
    readonly checkJoiners?: boolean;
    readonly ignoreInvalidPunycode?: boolean;
    readonly transitionalProcessing?: boolean;
    readonly useSTD3ASCIIRules?: boolean;
    readonly verifyDNSLength?: boolean;
  }
  /** The domain in A-labels, lower case; null when it cannot be one. */
  export function toASCII(domain: string, options?: ToAsciiOptions): string | null;
}
