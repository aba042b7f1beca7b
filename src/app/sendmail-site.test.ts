import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { inFolder } from '../../test/fakes/outside.ts';
import { importSite } from './import-site.ts';
import { followSite } from './sendmail-site.ts';

describe('the configuration that is made of a site', () => {
  test('is written into no link that somebody put in its place', () =>
    inFolder(({ path, put }) => {
      const victim = put('victim', 'mine\n');
      put('sendmail.mc', "OSTYPE(`linux')dnl\nMAILER(`smtp')dnl\n");
      const choices = { resolver: [], compatibility: [] };
      for (const name of ['followed', 'imported']) {
        const directory = join(path, name);
        mkdirSync(directory);
        symlinkSync(victim, join(directory, 'sealpost.yaml.new'));
        if (name === 'followed') followSite(path, directory, choices);
        else importSite(path, directory, { replace: false, ...choices });
        assert.equal(readFileSync(victim, 'utf8'), 'mine\n');
        const made = lstatSync(join(directory, 'sealpost.yaml'));
        assert.ok(made.isFile());
        assert.equal(made.mode & 0o777, 0o600);
      }
    }));
});
