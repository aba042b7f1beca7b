import { run } from './program.ts';

/** Python, which has pseudo-terminals. */
const TYPIST = `
import json, os, pty, sys
command, lines = json.loads(sys.argv[1]), json.loads(sys.argv[2])
pid, terminal = pty.fork()
if pid == 0: os.execv(command[0], command)
shown = b''
while True:
    try: part = os.read(terminal, 4096)
    except OSError: break
    if not part: break
    shown += part
    if part.endswith(b': ') and lines: os.write(terminal, lines.pop(0).encode())
print(shown.decode(), 'ended', os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), end='')
`;

/** Runs a command on a terminal, and types each line when there is a prompt for it; gives what was shown, and `ended CODE`. */
export async function onTerminal(words: readonly string[], lines: readonly string[]): Promise<string> {
  return (await run('python3', ['-c', TYPIST, JSON.stringify(words), JSON.stringify(lines)], { patience: 60_000 }))
    .output;
}
