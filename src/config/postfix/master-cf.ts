/** Postfix's master.cf: where smtpd listens, and what its `-o` options say otherwise there (master(5)). */
import { logicalLines, splitList } from './main-cf.ts';

export interface SmtpdService {
  /** `smtp`, `submission`, `587`, `192.0.2.1:25`. */
  readonly service: string;
  readonly line: number;
  /** Parameters set with -o. */
  readonly overrides: ReadonlyMap<string, string>;
}

export function parseMasterCf(text: string): SmtpdService[] {
  return logicalLines(text).flatMap(({ text: row, line }) => {
    const [service = '', type = '', , , , , , command = '', ...rest] = row.split(/\s+/);
    if (type !== 'inet' || (command !== 'smtpd' && command !== 'postscreen')) return [];
    return [{ service, line, overrides: optionsOf(rest.join(' ')) }];
  });
}

function optionsOf(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, bare, braced] of text.matchAll(/-o\s+(?:\{([^}]*)\}|(\S+))/g)) {
    const [, name, value] = /^\s*([A-Za-z0-9_]+)\s*=\s*(.*)$/s.exec(bare ?? braced ?? '') ?? [];
    if (name !== undefined) found.set(name, splitList(value ?? '').join(' '));
  }
  return found;
}

const PORTS: Readonly<Record<string, number>> = { smtp: 25, smtps: 465, submissions: 465, submission: 587 };

/** Address and port of a service; undefined: a name that is not known here. */
export function endpointOf(
  service: string,
): { readonly address: string | undefined; readonly port: number } | undefined {
  const [, bracketed, host, name = ''] = /^(?:\[([^\]]+)\]:|([^:]+):)?([A-Za-z0-9]+)$/.exec(service) ?? [];
  const port = PORTS[name] ?? (/^\d{1,5}$/.test(name) ? Number(name) : undefined);
  return port === undefined ? undefined : { address: bracketed ?? host, port };
}
