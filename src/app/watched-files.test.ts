import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fakeClock } from '../../test/fakes/clock.ts';
import type { RelayEvent } from '../base/event.ts';
import { WatchedFiles } from './watched-files.ts';

describe('files that others change', () => {
  let root = '';
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'sealpost-watch-'));
  });
  after(() => rmSync(root, { recursive: true }));

  /** Two files that must say the same, as certificate and key belong together. */
  function pair(name: string) {
    const directory = join(root, name);
    mkdirSync(directory);
    const paths = [join(directory, 'one'), join(directory, 'two')] as const;
    const put = (index: 0 | 1, text: string): void => writeFileSync(paths[index], text);
    put(0, 'first');
    put(1, 'first');
    const clock = fakeClock();
    const events: RelayEvent[] = [];
    const state = { inForce: 'first', reads: 0 };
    const files = new WatchedFiles({
      what: 'pair',
      files: () => paths,
      async take() {
        state.reads += 1;
        const [one, two] = paths.map((path) => readFileSync(path, 'utf8'));
        if (one !== two) throw new Error(`${one} is not ${two}`);
        if (one === state.inForce) return false;
        state.inForce = one as string;
        return true;
      },
      events: { tell: (event) => events.push(event) },
      clock,
    });
    const look = async (): Promise<void> => {
      await files.look();
      await clock.advance(1_000);
    };
    return { directory, paths, put, clock, events, state, files, look };
  }

  test('are read when they change and not otherwise', async () => {
    const { put, look, state, events } = pair('plain');
    await look();
    assert.equal(state.reads, 0);
    put(0, 'second');
    put(1, 'second');
    await look();
    assert.equal(state.inForce, 'second');
    for (let i = 0; i < 5; i++) await look();
    assert.equal(state.reads, 2, 'once more after the change, and then no more');
    assert.deepEqual(events, [{ kind: 'reloaded', what: 'pair' }]);
  });

  test('half a change is not taken, nor spoken of; the whole is', async () => {
    const { put, look, state, events } = pair('half');
    put(0, 'second');
    await look();
    await look();
    assert.equal(state.inForce, 'first');
    put(1, 'second');
    await look();
    assert.equal(state.inForce, 'second');
    assert.deepEqual(events, [{ kind: 'reloaded', what: 'pair' }]);
  });

  test('a fault that lasts is told once, another one anew, and the end of it', async () => {
    const { put, look, state, events } = pair('fault');
    put(0, 'second');
    for (let i = 0; i < 20; i++) await look();
    put(0, 'third');
    for (let i = 0; i < 20; i++) await look();
    assert.equal(state.inForce, 'first');
    put(1, 'third');
    await look();
    assert.deepEqual(events, [
      { kind: 'trouble', where: 'reload of pair', detail: 'second is not first' },
      { kind: 'trouble', where: 'reload of pair', detail: 'third is not first' },
      { kind: 'reloaded', what: 'pair' },
    ]);
  });

  test('the symlink of a mounted secret, a rename over it, and a file that goes and comes back', async () => {
    const { directory, paths, look, state, events } = pair('mounted');
    for (const path of paths) rmSync(path);
    const data = (name: string, text: string): void => {
      mkdirSync(join(directory, name));
      writeFileSync(join(directory, name, 'one'), text);
      writeFileSync(join(directory, name, 'two'), text);
      symlinkSync(name, join(directory, '..tmp'));
      renameSync(join(directory, '..tmp'), join(directory, '..data'));
    };
    // As the kubelet does it: ..data leads to the folder of the day, and is swapped whole.
    data('..2026_11_24', 'second');
    for (const name of ['one', 'two']) symlinkSync(join('..data', name), join(directory, name));
    await look();
    assert.equal(state.inForce, 'second');
    data('..2026_11_25', 'third');
    await look();
    assert.equal(state.inForce, 'third');
    for (const path of paths) {
      writeFileSync(`${path}.new`, 'fourth');
      renameSync(`${path}.new`, path);
    }
    await look();
    assert.equal(state.inForce, 'fourth');
    rmSync(paths[0]);
    await look();
    assert.equal(state.inForce, 'fourth');
    writeFileSync(paths[0], 'fourth');
    await look();
    assert.equal(events.filter(({ kind }) => kind === 'trouble').length, 0);
  });

  test('a second change within one tick of the clock of the file system is seen', async () => {
    const { paths, put, look, state } = pair('tick');
    const at = new Date('2026-11-24T00:00:00Z');
    const both = (text: string): void => {
      put(0, text);
      put(1, text);
      for (const path of paths) utimesSync(path, at, at);
    };
    both('again');
    await look();
    assert.equal(state.inForce, 'again');
    both('AGAIN');
    await look();
    assert.equal(state.inForce, 'AGAIN', 'same file, size and time');
  });

  test('by the wish of the operator they are read at once, and a fault is told at once', async () => {
    const { put, files, state, events } = pair('now');
    put(0, 'second');
    await files.takeNow();
    await files.takeNow();
    assert.equal(events.length, 2);
    assert.equal(state.inForce, 'first');
  });
});
