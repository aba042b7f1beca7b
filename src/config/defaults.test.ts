import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultsFile } from './defaults.ts';
import { type SchemaNode, configJsonSchema } from './json-schema.ts';
import { parseConfig } from './load.ts';

const HOSTNAME = 'relay.example.net';

/** The settings that are commented out, each with its lines. */
function commentedSettings(text: string): { readonly key: string; readonly from: number; readonly to: number }[] {
  const lines = text.split('\n');
  const settings: { key: string; from: number; to: number }[] = [];
  for (const [index, line] of lines.entries()) {
    const key = /^ *#([A-Za-z]+):/.exec(line)?.[1];
    if (key !== undefined) settings.push({ key, from: index, to: index });
    else if (/^ *# {2}\S| {4}\S/.test(line) && /^ *#  /.test(line) && settings.at(-1)?.to === index - 1)
      (settings.at(-1) as { to: number }).to = index;
  }
  return settings;
}

function uncomment(text: string, from: number, to: number): string {
  return text
    .split('\n')
    .map((line, index) => (index >= from && index <= to ? line.replace('#', '') : line))
    .join('\n');
}

function leaves(node: SchemaNode): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, inner]) =>
    inner.properties && !inner.examples ? leaves(inner) : [key],
  );
}

test('the file gives the defaults', () => {
  const { config, problems } = parseConfig(defaultsFile(HOSTNAME), 'sealpost.yaml');
  assert.deepEqual(problems, []);
  assert.deepEqual(config, parseConfig(`hostname: ${HOSTNAME}\n`, 'x').config);
});

test('every key of the schema stands in it, only the name without #', () => {
  const text = defaultsFile(HOSTNAME);
  const commented = commentedSettings(text).map(({ key }) => key);
  assert.deepEqual([...commented, 'hostname'].sort(), leaves(configJsonSchema()).sort());
  assert.deepEqual(text.match(/^ *[A-Za-z]+: .+$/gm), [`hostname: ${HOSTNAME}`]);
});

test('each setting can be uncommented alone and changes nothing where it shows the default', () => {
  const text = defaultsFile(HOSTNAME);
  const plain = parseConfig(text, 'x').config;
  const settings = commentedSettings(text);
  assert.ok(settings.length > 60, String(settings.length));
  const shown: string[] = [];
  for (const { key, from, to } of settings) {
    const { config, problems } = parseConfig(uncomment(text, from, to), 'x');
    assert.deepEqual(problems, [], key);
    try {
      assert.deepEqual(config, plain);
    } catch {
      shown.push(key); // it shows an example, not a default
    }
  }
  assert.deepEqual([...new Set(shown)].sort(), [
    'aliases',
    'authinfo',
    'authorityPaths',
    'certificateParts',
    'ciphers',
    'compatibility',
    'connectionsByAddress',
    'domains',
    'generic',
    'groups',
    'hostname',
    'identity',
    'localUsers',
    'masquerade',
    'messageSize',
    'messagesPerSession',
    'networks',
    'operator',
    'options',
    'privacy',
    'realm',
    'recipients',
    'revocationLists',
    'revocationPaths',
    'routes',
    'sessionTime',
    'signer',
    'spam',
    'subject',
    'url',
    'virtual',
  ]);
});

test('all together can be uncommented', () => {
  const text = defaultsFile(HOSTNAME);
  const all = commentedSettings(text).reduce((changed, { from, to }) => uncomment(changed, from, to), text);
  assert.deepEqual(parseConfig(all, 'x').problems, []);
});

test('no line is longer than a terminal is wide, but for the heading', () => {
  const long = defaultsFile(HOSTNAME)
    .split('\n')
    .slice(5)
    .filter((line) => line.length > 112);
  assert.deepEqual(long, []);
});
