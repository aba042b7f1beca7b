import { createServer, type Server } from 'node:net';

/** First and last of the ports that are handed out: below those that outgoing connections get. */
const FIRST = 30_000;
const LAST = 32_700;

/**
 * Free loopback ports for servers that are started later, or again and again on the same port: nothing else takes one
 * in the meantime, and a client that tries it while nobody listens does not connect to itself.
 */
export async function freePorts(count: number): Promise<number[]> {
  const held = new Map<number, Server>();
  while (held.size < count) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    const server = await tried(port);
    if (server !== undefined) held.set(port, server);
  }
  for (const server of held.values()) await new Promise((resolve) => server.close(resolve));
  return [...held.keys()];
}

export async function freePort(): Promise<number> {
  return (await freePorts(1))[0] as number;
}

function tried(port: number): Promise<Server | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
