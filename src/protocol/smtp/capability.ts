/** One line of an EHLO reply behind its first: a keyword in upper case, and what stands after it, '' for nothing (RFC 5321 §4.1.1.1). */
export interface Capability {
  readonly keyword: string;
  readonly value: string;
}

/** The capability as the text of a reply line. */
export function formatCapability(capability: Capability): string {
  return capability.value === '' ? capability.keyword : `${capability.keyword} ${capability.value}`;
}

/**
 * The keywords of an EHLO reply, in upper case, with what stands after each. `lines` are all lines of the reply;
 * the first is the server's name and greeting and says nothing. A keyword given twice has both values, with a blank
 * between; `AUTH=LOGIN`, a form older than RFC 2554, counts as `AUTH LOGIN`. Lines that are no keyword are left out.
 */
export function parseCapabilities(lines: readonly string[]): Map<string, string> {
  const capabilities = new Map<string, string>();
  for (const line of lines.slice(1)) {
    const match = /^ *([A-Za-z0-9][A-Za-z0-9-]*)(?:[ =]+(.*?))? *$/.exec(line);
    if (match === null) continue;
    const keyword = match[1]!.toUpperCase();
    const value = match[2] ?? '';
    const known = capabilities.get(keyword);
    capabilities.set(keyword, known === undefined || known === '' ? value : value === '' ? known : `${known} ${value}`);
  }
  return capabilities;
}
