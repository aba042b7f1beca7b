/** DAEMON_OPTIONS: what it listens on, with Sendmail's two daemons when nothing is said. */
import type { Problem } from '../load.ts';
import type { DaemonOptions, Given } from './site.ts';

/** Port names that are understood without /etc/services. */
const ports: Readonly<Record<string, number>> = { smtp: 25, submission: 587, smtps: 465, submissions: 465, urd: 465 };

export interface ReadDaemons {
  readonly daemons: readonly DaemonOptions[];
  readonly problems: readonly Problem[];
}

/** `bothFamilies`: the operating system's default is IPv4 and IPv6. `submission`: whether there is the daemon of port 587. */
export function readDaemons(lines: readonly Given<string>[], bothFamilies: boolean, submission: boolean): ReadDaemons {
  const problems: Problem[] = [];
  const daemons = lines.map((line, index) => readDaemon(line, index, problems));
  if (daemons.length === 0) {
    const plain = { address: undefined, port: 25, modifiers: '', place: undefined };
    if (bothFamilies)
      daemons.push({ ...plain, name: 'MTA-v4', family: 'inet' }, { ...plain, name: 'MTA-v6', family: 'inet6' });
    else daemons.push({ ...plain, name: 'MTA', family: 'inet' });
  }
  if (submission) {
    const msa = { name: 'MSA', family: 'inet', address: undefined, port: 587, modifiers: 'E', place: undefined };
    daemons.push(msa);
  }
  return { daemons, problems };
}

/** Letters of `M=` that have no meaning here. */
export function unknownModifiers(value: string): string {
  return modifiersOf(value).replaceAll(/[aAEsSu]/g, '');
}

function modifiersOf(value: string): string {
  const [, letters = ''] = /(?:^|,)\s*M[^=,]*=([^,]*)/i.exec(value) ?? [];
  return letters.replaceAll(/[^A-Za-z]/g, '');
}

function readDaemon({ value, place }: Given<string>, index: number, problems: Problem[]): DaemonOptions {
  const fields = new Map<string, string>();
  for (const part of value.split(',')) {
    const at = part.indexOf('=');
    // Sendmail looks at the first letter of the key.
    if (at > 0) fields.set(part.trim()[0]?.toUpperCase() ?? '', part.slice(at + 1).trim());
  }
  const portText = fields.get('P') ?? 'smtp';
  const port = /^\d{1,5}$/.test(portText) ? Number(portText) : ports[portText.toLowerCase()];
  if (port === undefined || port > 65_535) {
    problems.push({
      file: place?.file ?? '',
      line: place?.line ?? 1,
      column: 1,
      what: `DAEMON_OPTIONS has the port ${JSON.stringify(portText)}`,
      todo: `write its number, or one of ${Object.keys(ports).join(', ')}`,
    });
  }
  const address = fields.get('A');
  return {
    name: fields.get('N') ?? `Daemon${index}`,
    family: (fields.get('F') ?? 'inet').toLowerCase(),
    address: address === undefined || address === '' ? undefined : address,
    port: port ?? 25,
    modifiers: modifiersOf(value),
    place,
  };
}
