/** The access policy and the tables of recipients in force, and what is wrong in their files. */
import { join } from 'node:path';
import type { Config } from '../../config/schema.ts';
import {
  isSamePolicy,
  policyErrors,
  PolicyReader,
  policyWarnings,
  problemText,
  refuseBroken,
  type PolicySource,
} from '../policy.ts';
import type { Running } from './running.ts';

export class PolicyInForce {
  readonly #running: Running;
  readonly #reader: PolicyReader;
  #source: PolicySource;

  private constructor(running: Running, reader: PolicyReader, source: PolicySource) {
    this.#running = running;
    this.#reader = reader;
    this.#source = source;
  }

  /** Rejects when a file that is named cannot be read. */
  static async read(running: Running): Promise<PolicyInForce> {
    const reader = new PolicyReader(running.directory);
    return new PolicyInForce(running, reader, await reader.read(running.config));
  }

  get source(): PolicySource {
    return this.#source;
  }

  /** What it is made of; the file `access` too when it is not there, for it may come. */
  files(): readonly string[] {
    const { config, directory } = this.#running;
    return [join(directory, 'access'), ...this.#reader.files(config)];
  }

  /** Rejects when a configuration that is to come names files that cannot take the place of those in force. */
  async check(config: Config): Promise<void> {
    refuseBroken(await this.#reader.read(config), this.#source);
  }

  /** Takes the files as they are now; false when nothing in them is new. */
  async takeFiles(): Promise<boolean> {
    const next = await this.#reader.read(this.#running.config);
    if (isSamePolicy(next, this.#source)) return false;
    refuseBroken(next, this.#source);
    this.#source = next;
    this.tellProblems();
    return true;
  }

  tellProblems(): void {
    const { trouble } = this.#running;
    for (const problem of policyErrors(this.#source)) trouble('tables', problemText(problem));
    // A large map is looked at for long: it is in force meanwhile.
    void policyWarnings(this.#source)
      .then((warnings) => warnings.forEach((problem) => trouble('access map', problemText(problem))))
      .catch((error: unknown) => trouble('access map', error));
  }
}
