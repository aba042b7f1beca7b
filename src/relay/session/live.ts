/** The sessions of this front thread that are open, so that they can be told of what changes around them. */

/** What a live session can be told. None of these waits. */
export interface LiveSession {
  /** Serial number of the certificate it came with, lower-case hexadecimal. */
  readonly serial: string | undefined;
  /** Asks the directory again; a session whose certificate was withdrawn is ended by 421. True when it was. Throws when the directory does not answer. */
  recheck(): boolean;
  /** Ends it by 421 `shutting-down`: at once when it is idle, after its message when one is coming in. */
  drain(): void;
  /** Closes the connection at once. */
  abort(): void;
}

export class LiveSessions {
  readonly #sessions = new Set<LiveSession>();
  #emptied: (() => void)[] = [];

  get size(): number {
    return this.#sessions.size;
  }

  add(session: LiveSession): void {
    this.#sessions.add(session);
  }

  remove(session: LiveSession): void {
    this.#sessions.delete(session);
    if (this.#sessions.size > 0) return;
    const waiting = this.#emptied;
    this.#emptied = [];
    for (const resolve of waiting) resolve();
  }

  /**
   * After the holder directory changed: ends every session whose certificate counts no more. `serials` narrows it
   * to certificates with these serials. Returns how many were ended.
   */
  recheck(serials?: ReadonlySet<string>): number {
    let ended = 0;
    for (const session of this.#sessions) {
      if (serials !== undefined && (session.serial === undefined || !serials.has(session.serial))) continue;
      if (recheck(session)) ended += 1;
    }
    return ended;
  }

  /** Ends all sessions in good order; resolves when none is left. Stop listening first. */
  drain(): Promise<void> {
    for (const session of this.#sessions) session.drain();
    return this.#sessions.size === 0 ? Promise.resolve() : new Promise((resolve) => this.#emptied.push(resolve));
  }

  /** Closes what is still there after drain() had its time. */
  abort(): void {
    for (const session of this.#sessions) session.abort();
  }
}

/** A session that cannot be judged because the ledger does not answer is ended like one whose certificate was withdrawn. */
function recheck(session: LiveSession): boolean {
  try {
    return session.recheck();
  } catch {
    session.abort();
    return true;
  }
}
