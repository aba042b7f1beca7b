import { type Command, buildCommand } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { helpText } from '../flags.ts';
import type { Messages } from '../messages/en.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

/** The word that makes the program propose completions; `run.ts` looks for it before all else. */
export const PROPOSE = '__propose';

export function completionCommand(messages: Messages): Command<CliContext> {
  return buildCommand<object, [Shell], CliContext>({
    func(_flags, shell) {
      this.process.stdout.write(scripts[shell]);
    },
    parameters: {
      positional: {
        kind: 'tuple',
        parameters: [
          {
            parse: (input): Shell => {
              const shell = SHELLS.find((known) => known === input);
              if (shell === undefined) throw new Error(messages['completion.shell']);
              return shell;
            },
            proposeCompletions: () => [...SHELLS],
            brief: messages['completion.shell'],
            placeholder: 'SHELL',
          },
        ],
      },
    },
    docs: {
      brief: messages['completion.brief'],
      fullDescription: helpText(messages, messages['completion.more'], [
        'completion bash > ~/.local/share/bash-completion/completions/sealpost',
        'completion zsh > ~/.zfunc/_sealpost',
        'completion fish > ~/.config/fish/completions/sealpost.fish',
      ]),
    },
  });
}

// Each gives the words up to the cursor to the program, which prints proposals one a line, `word<TAB>description`.
const scripts: Readonly<Record<Shell, string>> = {
  bash: `_sealpost() {
  local line
  COMPREPLY=()
  while IFS=$'\\t' read -r line _; do
    COMPREPLY+=("$line")
  done < <("\${COMP_WORDS[0]}" ${PROPOSE} "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _sealpost sealpost
`,
  zsh: `#compdef sealpost
_sealpost() {
  local -a proposals
  local line
  while IFS=$'\\t' read -r line description; do
    proposals+=("\${line//:/\\\\:}:$description")
  done < <("\${words[1]}" ${PROPOSE} "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#proposals} )); then _describe 'sealpost' proposals; else _files; fi
}
if [ "$funcstack[1]" = "_sealpost" ]; then _sealpost "$@"; else compdef _sealpost sealpost; fi
`,
  fish: `function __sealpost_propose
  set -l words (commandline -opc) (commandline -ct)
  $words[1] ${PROPOSE} $words[2..-1] 2>/dev/null
end
complete -c sealpost -a '(__sealpost_propose)'
`,
};
