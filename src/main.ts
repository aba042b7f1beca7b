/** Where the program begins: the real process, given to the command line. */
import { reach } from './cli/reach.ts';
import { runCli } from './cli/run.ts';

// A reader that has seen enough (`sealpost list | head -1`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

process.exitCode = await runCli(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  root: process.getuid?.() === 0,
  workingDirectory: process.cwd(),
  reach: (messages) => reach(messages, (text) => process.stdout.write(text)),
});
