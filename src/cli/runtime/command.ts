/** What a command is, and how its arguments are read: every option is known by name, nothing is guessed. */
import { parseArgs } from 'node:util';
import { didYouMean } from '../../config/faults.ts';

export type Option = {
  readonly help: string;
  /** The name of the value in the help. Absent for a switch. */
  readonly value?: string;
  readonly isRequired?: boolean;
  readonly isRepeatable?: boolean;
};

export type Command = {
  /** For `--help`: what the command does, and what it does not touch. */
  readonly about: string;
  readonly options?: Readonly<Record<string, Option>>;
  /** Name of the one argument that may stand without an option. */
  readonly argument?: string;
  /** Resolves to the exit code. */
  run(input: Input): Promise<number>;
};

export type Input = {
  /** The argument that stands without an option. */
  readonly argument: string | undefined;
  /** The value of a required option. */
  need(name: string): string;
  find(name: string): string | undefined;
  all(name: string): readonly string[];
  has(name: string): boolean;
};

/** The command line is wrong; the message says what to write instead. */
export class UsageError extends Error {}

/** Throws `UsageError` for the first thing that is wrong. */
export function parseInput(command: Command, args: readonly string[]): Input | 'help' {
  const options = command.options ?? {};
  const tokens = tokensOf(options, args);
  const given = tokens.filter((token) => token.kind === 'option');
  if (given.some(({ rawName }) => rawName === '--help' || rawName === '-h')) return 'help';
  const values = new Map<string, string[]>();
  for (const token of given) {
    values.set(token.name, [...(values.get(token.name) ?? []), textOf(options, token)]);
  }
  checkCounts(options, values);
  const words = tokens.filter((token) => token.kind === 'positional').map(({ value }) => value);
  const surplus = words[command.argument === undefined ? 0 : 1];
  if (surplus !== undefined) throw new UsageError(`"${surplus}" is one argument too many`);
  return inputOf(words[0], values);
}

type Tokens = NonNullable<ReturnType<typeof parseArgs>['tokens']>;
type OptionToken = Extract<Tokens[number], { kind: 'option' }>;
type Options = Readonly<Record<string, Option>>;

function tokensOf(options: Options, args: readonly string[]): Tokens {
  const types = Object.entries(options).map(([name, { value }]): [string, { type: 'string' | 'boolean' }] => [
    name,
    { type: value === undefined ? 'boolean' : 'string' },
  ]);
  const settings = { options: Object.fromEntries(types), strict: false, allowPositionals: true } as const;
  return parseArgs({ args: [...args], ...settings, tokens: true }).tokens ?? [];
}

function textOf(options: Options, { name, rawName, value, inlineValue }: OptionToken): string {
  const option = Object.hasOwn(options, name) ? options[name] : undefined;
  if (option === undefined) {
    const known = [...Object.keys(options), 'help'].map((each) => `--${each}`);
    throw new UsageError(`there is no option ${rawName}${didYouMean(rawName, known)}`);
  }
  if (option.value === undefined && value !== undefined) throw new UsageError(`${rawName} takes no value`);
  const isMissing = value === undefined || value === '' || (!inlineValue && value.startsWith('-'));
  if (option.value !== undefined && isMissing) throw new UsageError(`${rawName} needs ${option.value}`);
  return printable(rawName, value);
}

function printable(rawName: string, value = ''): string {
  if (/\p{Cc}/u.test(value)) throw new UsageError(`${rawName} must hold no control characters`);
  return value;
}

function checkCounts(options: Options, given: ReadonlyMap<string, readonly string[]>): void {
  for (const [name, { isRequired, isRepeatable, value }] of Object.entries(options)) {
    const count = given.get(name)?.length ?? 0;
    if (isRequired && count === 0) throw new UsageError(`--${name} ${value ?? ''} is missing`);
    if (!isRepeatable && count > 1) throw new UsageError(`--${name} is there twice`);
  }
}

function inputOf(argument: string | undefined, given: ReadonlyMap<string, readonly string[]>): Input {
  return {
    argument,
    need: (name) => {
      const value = given.get(name)?.[0];
      if (value === undefined) throw new UsageError(`--${name} is missing`);
      return value;
    },
    find: (name) => given.get(name)?.[0],
    all: (name) => given.get(name) ?? [],
    has: (name) => given.has(name),
  };
}

/** The text of `daypass <name> --help`. */
export function helpOf(name: string, { about, options = {}, argument }: Command): string {
  const words = Object.entries(options).map(([option, { value, isRequired, isRepeatable }]) => {
    const text = `--${option}${value === undefined ? '' : ` ${value}`}`;
    return (isRequired ? text : `[${text}]`) + (isRepeatable ? '…' : '');
  });
  const usage = ['daypass', name, ...words, ...(argument === undefined ? [] : [`[${argument}]`])].join(' ');
  const rows = Object.entries(options).map(([option, { help }]) => `  --${option.padEnd(12)}${help}`);
  return `${[usage, '', about, ...(rows.length > 0 ? ['', ...rows] : [])].join('\n')}\n`;
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
