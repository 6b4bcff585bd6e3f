/** What `--help` says of a command, and the documentation with it. */
import type { Command, Option } from './command.ts';

/** `daypass user add --realm <name> [--email <address>]`. */
export function usageOf(name: string, { options = {}, argument }: Command): string {
  const words = Object.entries(options).map(([option, { value, isRequired, isRepeatable }]) => {
    const text = flagOf(option, { value });
    return (isRequired ? text : `[${text}]`) + (isRepeatable ? '…' : '');
  });
  return ['daypass', name, ...words, ...(argument === undefined ? [] : [`[${argument}]`])].join(' ');
}

/** `--realm <name>`; of a switch only the name. */
export function flagOf(option: string, { value }: { readonly value?: Option['value'] | undefined }): string {
  return `--${option}${value === undefined ? '' : ` ${value}`}`;
}

/** The text of `daypass <name> --help`. */
export function helpOf(name: string, command: Command): string {
  const { about, options = {}, examples = [] } = command;
  const flags = Object.entries(options).map(([option, one]) => [flagOf(option, one), one.help] as const);
  const width = Math.max(0, ...flags.map(([flag]) => flag.length)) + 2;
  const parts = [
    usageOf(name, command),
    about,
    flags.map(([flag, help]) => `  ${flag.padEnd(width)}${help}`).join('\n'),
    examples.length === 0 ? '' : ['Examples:', ...examples.map((line) => `  daypass ${line}`)].join('\n'),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}
