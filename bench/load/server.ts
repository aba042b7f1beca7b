import { connect } from 'node:net';
import type { ChildProcess } from 'node:child_process';

/** A mail server under measurement. */
export interface Server {
  readonly name: string;
  /** Root of its process tree. */
  readonly pid: number;
  /** Ports: `plain` relays for 127.0.0.1, `starttls` only for a certificate of the bench CA. */
  readonly plain: number;
  readonly starttls: number;
  stop(): Promise<void>;
}

/** `hold`: queue durably and keep; `relay`: deliver everything to the sink. */
export type Mode = 'hold' | 'relay';

export interface Start {
  (lab: string, mode: Mode, sink: number): Promise<Server>;
}

/** Resolves when a server greets on the port, rejects after ten seconds. */
export async function greets(port: number): Promise<void> {
  const until = Date.now() + 10_000;
  while (Date.now() < until) {
    const answered = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.setTimeout(1000, () => socket.destroy());
      socket.once('data', (data) => {
        resolve(String(data).startsWith('220'));
        socket.end('QUIT\r\n');
      });
      socket.once('error', () => resolve(false));
      socket.once('close', () => resolve(false));
    });
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nothing greets on port ${port}`);
}

/** Ends a child by its pid and waits for it; by force after `patience` ms. */
export async function end(child: ChildProcess, patience = 15_000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), patience);
  await gone;
  clearTimeout(force);
}
