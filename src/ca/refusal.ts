/** The authority will not sign this: what is wrong, and by which section of which standard. */
export class RequestRefused extends Error {
  override readonly name = 'RequestRefused';
  readonly section: string;

  constructor(what: string, section: string) {
    super(`${what} (${section})`);
    this.section = section;
  }
}
