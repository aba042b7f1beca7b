import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';

/** The system's own table: names in lower case to addresses, addresses to names, each in the order of the file. */
export interface HostsFile {
  readonly addresses: ReadonlyMap<string, readonly string[]>;
  readonly names: ReadonlyMap<string, readonly string[]>;
}

/** Reads a hosts file; one that is not there is empty. Other errors are thrown. */
export function readHosts(path: string): HostsFile {
  try {
    return parseHosts(readFileSync(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return parseHosts('');
    throw error;
  }
}

/** Lines of an address and its names; `#` starts a comment, what is no address is left out as the system does. */
export function parseHosts(text: string): HostsFile {
  const addresses = new Map<string, string[]>();
  const names = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address, ...listed] = (line.split('#')[0] as string).trim().split(/\s+/);
    if (address === undefined || address === '' || isIP(address) === 0) continue;
    for (const written of listed) {
      const name = written.toLowerCase();
      add(addresses, name, address);
      add(names, address, name);
    }
  }
  return { addresses, names };
}

function add(table: Map<string, string[]>, key: string, value: string): void {
  const values = table.get(key);
  if (values === undefined) table.set(key, [value]);
  else if (!values.includes(value)) values.push(value);
}
