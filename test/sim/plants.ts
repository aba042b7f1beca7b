import type { NewEntry } from '../../src/relay/spool/spool.ts';
import type { StoragePorts } from './storage.ts';

/** A bug of a storage engine; `count` counts up with each call. */
export type Plant = (ports: StoragePorts, count: () => number) => StoragePorts;

/** Bugs to be noticed. */
export const plants: Readonly<Record<string, Plant>> = {
  'says that an entry is durable before it is': (ports) => ({
    ...ports,
    store: over(ports.store, {
      async accept(batch) {
        void ports.store.accept(batch);
        return batch.length;
      },
    }),
  }),
  'loses every third entry': (ports, count) => ({
    ...ports,
    store: over(ports.store, {
      async accept(batch) {
        return count() % 3 === 0 ? batch.length : ports.store.accept(batch);
      },
    }),
  }),
  'cuts the end off contents': (ports) => ({
    ...ports,
    store: over(ports.store, { accept: (batch) => ports.store.accept(batch.map(withoutEnd)) }),
  }),
  'loses every fifth settlement': (ports, count) => ({
    ...ports,
    store: over(ports.store, {
      settle: (batch, notices) =>
        ports.store.settle(
          batch.filter(() => count() % 5 !== 0),
          notices,
        ),
    }),
  }),
  'settles without the notices': (ports) => ({
    ...ports,
    store: over(ports.store, { settle: (batch) => ports.store.settle(batch, []) }),
  }),
  'takes what was put off as failed': (ports) => ({
    ...ports,
    store: over(ports.store, {
      settle: (batch, notices) =>
        ports.store.settle(
          batch.map((one) => ({ ...one, result: { kind: 'failed' } })),
          notices,
        ),
    }),
  }),
  'never removes a content': (ports) => ({
    ...ports,
    contents: over(ports.contents, { drop: () => Promise.resolve() }),
  }),
  'loses contents': (ports) => ({
    ...ports,
    contents: over(ports.contents, {
      create(id) {
        const writer = ports.contents.create(id);
        return over(writer, {
          async finish() {
            const ref = await writer.finish();
            await ports.contents.drop(ref);
            return ref;
          },
        });
      },
    }),
  }),
};

/** `target` with some of its methods replaced. */
function over<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get: (whole, name) => Reflect.get(methods, name) ?? Reflect.get(whole, name),
  });
}

function withoutEnd(entry: NewEntry): NewEntry {
  if (entry.content.kind === 'stored') return entry;
  return { ...entry, content: { kind: 'inline', bytes: entry.content.bytes.slice(0, -3) } };
}
