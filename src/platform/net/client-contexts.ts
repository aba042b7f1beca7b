import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { DialTls } from '../../relay/delivery/dialer.ts';

/** TLS contexts by identity and authorities. Files are read once; forget() makes changed ones count for new connections. */
export class ClientContexts {
  readonly #contexts = new Map<string, SecureContext>();

  /** The context, or why there is none: which file could not be used. */
  get(tls: DialTls): SecureContext | string {
    const { identity, authorities } = tls;
    const key = `${identity?.certificate ?? ''}\n${identity?.key ?? ''}\n${authorities ?? ''}`;
    const known = this.#contexts.get(key);
    if (known !== undefined) return known;
    try {
      const context = createSecureContext({
        minVersion: 'TLSv1.2',
        ...(identity === undefined
          ? {}
          : { cert: readFileSync(identity.certificate), key: readFileSync(identity.key) }),
        ...(authorities === undefined ? {} : { ca: readFileSync(authorities) }),
      });
      this.#contexts.set(key, context);
      return context;
    } catch (error) {
      const files = [identity?.certificate, identity?.key, authorities].filter((file) => file !== undefined);
      return `certificate files cannot be used (${files.join(', ')}): ${(error as Error).message}`;
    }
  }

  forget(): void {
    this.#contexts.clear();
  }
}
