/**
 * The import table of ARCHITECTURE §3, once and typed. `oxlint.config.ts` turns each row into an allow-list,
 * `test/fences/` checks that it has no cycle, that every folder of `src` is in it, and that a violation is reported.
 */
export interface Layer {
  /** Folder below `src`; the most specific row counts. */
  readonly folder: string;
  /** Folders it may import besides itself and `base`; `protocol` means all below it. */
  readonly mayImport: readonly string[];
  /** Modules that touch the operating system, allowed here. */
  readonly touchesSystem: boolean;
}

const pure = (folder: string, ...mayImport: string[]): Layer => ({ folder, mayImport, touchesSystem: false });
const edge = (folder: string, ...mayImport: string[]): Layer => ({ folder, mayImport, touchesSystem: true });

export const layers: readonly Layer[] = [
  pure('base'),
  pure('protocol/smtp'),
  pure('protocol/mime'),
  pure('protocol/dsn', 'protocol/mime'),
  pure('protocol/pki'),
  pure('protocol/sasl'),
  pure('protocol/acme', 'protocol/pki'),
  pure('relay/connection', 'protocol'),
  pure('relay/message', 'protocol'),
  pure('relay/identity', 'protocol', 'relay/connection'),
  // Keys and values of files, compiled and looked up; knows nothing of what they mean.
  pure('relay/table'),
  pure('relay/recipients', 'protocol', 'relay/table'),
  pure('relay/access', 'protocol', 'relay/connection', 'relay/identity', 'relay/table'),
  pure('relay/credential'),
  pure('relay/spool', 'protocol', 'relay/message'),
  pure(
    'relay/session',
    'protocol',
    'relay/connection',
    'relay/identity',
    'relay/access',
    'relay/credential',
    'relay/message',
    'relay/recipients',
    'relay/spool',
  ),
  pure('relay/schedule', 'relay/message', 'relay/spool'),
  pure('relay/delivery', 'protocol', 'relay/access', 'relay/message'),
  pure('relay/outcome', 'protocol', 'relay/message', 'relay/spool'),
  // The spine, relay.ts, wires the steps.
  pure('relay', 'protocol', 'relay'),
  pure('ca', 'protocol/pki', 'protocol/acme'),
  pure('config', 'protocol', 'relay', 'ca'),
  edge('storage/memory', 'relay/credential', 'relay/message', 'relay/spool', 'ca'),
  edge('storage/sqlite', 'relay/credential', 'relay/message', 'relay/spool', 'ca'),
  edge('platform', 'protocol', 'relay', 'ca'),
  pure('admin', 'protocol', 'relay', 'ca', 'config'),
  edge('app', 'protocol', 'relay', 'ca', 'config', 'storage', 'platform', 'admin'),
  // The control socket's other end.
  edge('cli', 'app', 'admin', 'config', 'platform/process'),
];

/** Modules only an edge may import; `node:crypto` is `ca`'s too, whose purpose it is. */
export const systemModules: readonly string[] = [
  'net',
  'tls',
  'dns',
  'fs',
  'http',
  'https',
  'http2',
  'child_process',
  'worker_threads',
  'cluster',
  'dgram',
  'os',
  'process',
  'sqlite',
  'timers',
];

/** The row of a folder below `src`, or undefined. */
export function layerOf(folder: string): Layer | undefined {
  return layers
    .filter((layer) => folder === layer.folder || folder.startsWith(`${layer.folder}/`))
    .toSorted((a, b) => b.folder.length - a.folder.length)[0];
}

/** Whether a file in `from` may import one in `to` (folders below `src`). */
export function mayImport(from: string, to: string): boolean {
  const layer = layerOf(from);
  if (layer === undefined) return false;
  return ['base', layer.folder, ...layer.mayImport].some((allowed) => to === allowed || to.startsWith(`${allowed}/`));
}
