/**
 * What an operator can ask of the configuration file. These work on its text, not on a context: a context cannot be
 * made while the file has mistakes.
 */
import { type EffectiveKey, effectiveConfig } from '../config/effective.ts';
import { type SchemaNode, configJsonSchema } from '../config/json-schema.ts';
import { type Problem, parseConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { accessMapFile, inDirectory } from '../config/settings.ts';

export interface ConfigCheck {
  readonly file: string;
  readonly problems: readonly Problem[];
  /** Files that the configuration names and that are not there. */
  readonly missing: readonly { readonly key: string; readonly path: string }[];
  /** What is allowed, and hardly meant. */
  readonly warnings: readonly ConfigWarning[];
}

/** Certificates name `ca.url`, and nothing listens that others could reach there; a proxy on this machine may. */
export interface ConfigWarning {
  readonly kind: 'url-loopback' | 'url-without-http';
  readonly url: string;
  readonly address: string;
}

export interface ConfigListing {
  readonly file: string;
  readonly problems: readonly Problem[];
  readonly keys: readonly EffectiveKey[];
}

/** `exists` says whether an absolute path is a file that can be read. */
export function checkConfig(
  text: string,
  file: string,
  directory: string,
  exists: (path: string) => boolean,
): ConfigCheck {
  const { config, problems } = parseConfig(text, file);
  if (config === undefined) return { file, problems, missing: [], warnings: [] };
  const map = accessMapFile(config, directory, exists);
  const named: (readonly [key: string, path: string])[] = [
    ['tls.certificate', config.tls.certificate],
    ['tls.key', config.tls.key],
    ...config.tls.authorities.map((path, index) => [`tls.authorities[${index}]`, path] as const),
    ...(map === undefined ? [] : [['access.map', map] as const]),
    ...config.delivery.routes.flatMap((route, index) => [
      ...(route.identity === undefined
        ? []
        : [
            [`delivery.routes[${index}].identity.certificate`, route.identity.certificate] as const,
            [`delivery.routes[${index}].identity.key`, route.identity.key] as const,
          ]),
      ...(route.authorities === undefined
        ? []
        : [[`delivery.routes[${index}].authorities`, route.authorities] as const]),
    ]),
  ];
  const missing = named
    .map(([key, path]) => ({ key, path: inDirectory(directory, path) }))
    .filter(({ path }) => !exists(path));
  return { file, problems, missing, warnings: warningsOf(config) };
}

function warningsOf({ ca: { url }, web: { http } }: Config): ConfigWarning[] {
  if (url === undefined || isLoopback(new URL(url).hostname)) return [];
  if (!http.enabled) return [{ kind: 'url-without-http', url, address: http.address }];
  return isLoopback(http.address) ? [{ kind: 'url-loopback', url, address: http.address }] : [];
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** Every key with its value and where it comes from. */
export function showConfig(text: string, file: string): ConfigListing {
  return { file, ...effectiveConfig(text, file) };
}

/** JSON Schema, for editors. */
export function configSchemaDocument(): SchemaNode {
  return configJsonSchema();
}
