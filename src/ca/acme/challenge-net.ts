/** The network as a challenge sees it: a port, so that no test needs a host, and no policy hides in a socket. */

export interface ChallengeNet {
  /**
   * GET of `http://NAME/PATH`, within bounds of size, time and redirects, and only from addresses that the configuration
   * allows. Never rejects.
   */
  fetch(name: string, path: string, signal: AbortSignal): Promise<Fetched>;
  /** The TXT records of a name, each as one text. Never rejects. */
  texts(name: string): Promise<TextAnswer>;
}

export type Fetched =
  /** `text` is the first line of the body; `from` the address that gave it. */
  | { readonly kind: 'answer'; readonly status: number; readonly text: string; readonly from: string }
  /** `why` names name, address and fault. */
  | { readonly kind: 'failed'; readonly fault: 'dns' | 'connection' | 'refused'; readonly why: string };

export type TextAnswer =
  | { readonly kind: 'found'; readonly texts: readonly string[] }
  | { readonly kind: 'none' }
  | { readonly kind: 'temporary'; readonly detail: string };
