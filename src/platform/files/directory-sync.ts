import { open } from 'node:fs/promises';

/**
 * Syncs a directory, so that names made in it survive a power cut. All who ask while one sync runs share the next:
 * the one that runs may have begun before their name was there.
 */
export class DirectorySync {
  readonly #path: string;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Resolves when every name made before the call is durable. */
  sync(): Promise<void> {
    if (this.#running === undefined) return this.#start();
    this.#next ??= this.#running.then(
      () => this.#start(),
      () => this.#start(), // whoever asked for the one before was told of its failure
    );
    return this.#next;
  }

  #start(): Promise<void> {
    this.#next = undefined;
    const running = this.#syncNow().finally(() => {
      if (this.#running === running) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }

  async #syncNow(): Promise<void> {
    await using directory = await open(this.#path, 'r');
    await directory.sync();
  }
}
