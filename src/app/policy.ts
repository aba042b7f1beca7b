import { readFileSync } from 'node:fs';
import type { Config } from '../config/schema.ts';
import { accessMapFile, accessSettings } from '../config/settings.ts';
import { isFileNow } from '../platform/files/write-file.ts';
import { parseAccessMap, type AccessProblem } from '../relay/access/map.ts';
import type { AccessPolicy } from '../relay/access/policy.ts';

/** The access policy as it crosses to a front thread, which parses the map for itself. */
export interface PolicySource {
  readonly settings: Omit<AccessPolicy, 'map'>;
  /** Undefined: no map is configured. */
  readonly map: { readonly file: string; readonly text: string } | undefined;
}

export interface ReadPolicy {
  readonly source: PolicySource;
  readonly problems: readonly AccessProblem[];
}

/** The policy as the files have it now. Throws when a map that is named cannot be read. */
export function readPolicy(config: Config, directory: string): ReadPolicy {
  const settings = accessSettings(config);
  const file = accessMapFile(config, directory, isFileNow);
  if (file === undefined) return { source: { settings, map: undefined }, problems: [] };
  const { missingMap } = config.access;
  if (missingMap !== 'fault' && !isFileNow(file)) {
    const none = { settings: { ...settings, mapMissing: missingMap === 'defer' }, map: { file, text: '' } };
    return { source: none, problems: [] };
  }
  const text = readFileSync(file, 'utf8');
  return { source: { settings, map: { file, text } }, problems: parseAccessMap(text, file).problems };
}

/** The policy that a front thread decides by. */
export function makePolicy({ settings, map }: PolicySource): AccessPolicy {
  return { ...settings, map: map && parseAccessMap(map.text, map.file).map };
}
