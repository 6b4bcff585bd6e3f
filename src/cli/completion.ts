/** Shell completion: scripts that know every command and option, so that completing starts no process. */
import { type Command, type Option, UsageError } from './runtime/command.ts';

type Named = { readonly name: string; readonly summary: string; readonly command: Command };
type Shell = 'bash' | 'zsh' | 'fish';

const scriptOf: Readonly<Record<Shell, (commands: readonly Named[]) => string>> = {
  bash: (commands) => `${bashScript(commands)}complete -o default -F _daypass daypass\n`,
  // zsh runs completions that were written for bash.
  zsh: (commands) =>
    `autoload -U +X compinit && compinit -u\nautoload -U +X bashcompinit && bashcompinit\n${bashScript(commands)}complete -o default -F _daypass daypass\n`,
  fish: fishScript,
};

/** `all` loads the commands; only this command needs them all. */
export function completionOf(all: () => Promise<readonly Named[]>): Command {
  return {
    about:
      'Prints a script for bash, zsh or fish that completes commands and their options. Load it where the shell\n' +
      'starts. Reads no settings, and needs no store.',
    argument: 'shell',
    examples: ['completion bash >> ~/.bashrc', 'completion fish > ~/.config/fish/completions/daypass.fish'],
    async run({ argument = '' }) {
      if (!isShell(argument)) throw new UsageError('name the shell: bash, zsh or fish');
      process.stdout.write(scriptOf[argument](await all()));
      return 0;
    },
  };
}

function isShell(text: string): text is Shell {
  return Object.hasOwn(scriptOf, text);
}

function optionsOf({ options = {} }: Command): readonly (readonly [string, Option])[] {
  return [...Object.entries(options), ['help', { help: 'what the command does' }]];
}

/** The words that may follow the name of the program, then those that may follow a kind (`user`). */
function wordsOf(commands: readonly Named[]): ReadonlyMap<string, readonly string[]> {
  const words = new Map<string, string[]>([['', []]]);
  for (const { name } of commands) {
    const [first = '', second] = name.split(' ');
    if (!words.get('')?.includes(first)) words.get('')?.push(first);
    if (second !== undefined) words.set(first, [...(words.get(first) ?? []), second]);
  }
  return words;
}

function bashScript(commands: readonly Named[]): string {
  const words = [...wordsOf(commands)].map(([kind, next]) => `    '${kind}') words='${next.join(' ')}' ;;`);
  const options = commands.map(({ name, command }) => {
    const flags = optionsOf(command).map(([option]) => `--${option}`);
    return `    '${name}') words='${flags.join(' ')}' ;;`;
  });
  return `_daypass() {
  local current="\${COMP_WORDS[COMP_CWORD]}" typed="\${COMP_WORDS[*]:1:COMP_CWORD-1}" words=''
  case "$typed" in
${words.join('\n')}
  esac
  local command="\${COMP_WORDS[*]:1:2}"
  [[ $COMP_CWORD -lt 3 ]] && command="\${COMP_WORDS[1]}"
  if [[ $current == -* ]]; then for name in "$command" "\${COMP_WORDS[1]}"; do case "$name" in
${options.join('\n')}
  esac; done; fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
`;
}

function fishScript(commands: readonly Named[]): string {
  const firsts = [...wordsOf(commands)].flatMap(([kind, next]) =>
    next.map((word) => fishWord(kind, word, summaryOf(commands, kind, word))),
  );
  const options = commands.flatMap(({ name, command }) => {
    const seen = name.split(' ').map((word) => `__fish_seen_subcommand_from ${word}`);
    return optionsOf(command).map(
      ([option, { help, value }]) =>
        `complete -c daypass -f -n '${seen.join('; and ')}' -l ${option}${value === undefined ? '' : ' -r'} -d ${quoted(help)}`,
    );
  });
  return `${[...firsts, ...options].join('\n')}\n`;
}

function fishWord(kind: string, word: string, summary: string): string {
  const when =
    kind === ''
      ? '__fish_use_subcommand'
      : `__fish_seen_subcommand_from ${kind}; and not __fish_seen_subcommand_from ${word}`;
  return `complete -c daypass -f -n '${when}' -a ${word} -d ${quoted(summary)}`;
}

function summaryOf(commands: readonly Named[], kind: string, word: string): string {
  return commands.find(({ name }) => name === `${kind} ${word}`.trim())?.summary ?? '';
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
