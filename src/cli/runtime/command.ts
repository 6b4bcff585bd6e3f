/** What a command is, and how its arguments are read: every option is known by name, nothing is guessed. */
import { CommanderError, Command as Parser } from 'commander';
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
  /** Command lines for `--help`, without the name of the program. */
  readonly examples?: readonly string[];
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

type Options = Readonly<Record<string, Option>>;
type Values = Map<string, string[]>;

/** Throws `UsageError` for the first thing that is wrong. */
export function parseInput(command: Command, args: readonly string[]): Input | 'help' {
  const options = command.options ?? {};
  const values: Values = new Map();
  const parser = parserOf(options, args, values);
  const { operands, unknown } = parsed(parser, options, args);
  if (values.has('help')) return 'help';
  const [first] = unknown;
  if (first !== undefined) throw unknownOption(options, first);
  checkCounts(options, values);
  const surplus = operands[command.argument === undefined ? 0 : 1];
  if (surplus !== undefined) throw new UsageError(`"${surplus}" is one argument too many`);
  if (operands[0] !== undefined) printable(command.argument ?? '', operands[0]);
  return inputOf(operands[0], values);
}

/** Puts every value that it reads into `values`. */
function parserOf(options: Options, args: readonly string[], values: Values): Parser {
  const parser = new Parser()
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .helpOption(false)
    .option('-h, --help');
  parser.on('option:help', () => void values.set('help', ['']));
  for (const [name, option] of Object.entries(options)) {
    parser.option(option.value === undefined ? `--${name}` : `--${name} <value>`);
    parser.on(`option:${name}`, (text?: string) => {
      const value = option.value === undefined ? '' : optionValue(options, { name, text, args });
      values.set(name, [...(values.get(name) ?? []), value]);
    });
  }
  return parser;
}

function parsed(parser: Parser, options: Options, args: readonly string[]) {
  try {
    return parser.parseOptions([...args]);
  } catch (error) {
    // Only the last word can lack its value: every other has a word after it.
    if (!(error instanceof CommanderError && error.code === 'commander.optionMissingArgument')) throw error;
    const name = args.at(-1) ?? '';
    throw new UsageError(`${name} needs ${options[name.slice(2)]?.value ?? 'a value'}`);
  }
}

type Given = { readonly name: string; readonly text: string | undefined; readonly args: readonly string[] };

/** What follows an option is its value, whatever it begins with, unless it is an option itself. */
function optionValue(options: Options, { name, text = '', args }: Given): string {
  const isInline = args.includes(`--${name}=${text}`);
  if (text === '' || (!isInline && isOption(options, text))) {
    throw new UsageError(`--${name} needs ${options[name]?.value ?? 'a value'}`);
  }
  return printable(`--${name}`, text);
}

function isOption(options: Options, word: string): boolean {
  return word === '-h' || word === '--' || namesOf(options).includes(word.split('=')[0] ?? '');
}

function namesOf(options: Options): readonly string[] {
  return [...Object.keys(options), 'help'].map((name) => `--${name}`);
}

function unknownOption(options: Options, word: string): UsageError {
  const [name = word] = word.split('=');
  if (namesOf(options).includes(name)) return new UsageError(`${name} takes no value`);
  return new UsageError(`there is no option ${name}${didYouMean(name, namesOf(options))}`);
}

function printable(name: string, value: string): string {
  if (/\p{Cc}/u.test(value)) throw new UsageError(`${name} must hold no control characters`);
  return value;
}

function checkCounts(options: Options, given: Values): void {
  for (const [name, { isRequired, isRepeatable, value }] of Object.entries(options)) {
    const count = given.get(name)?.length ?? 0;
    if (isRequired && count === 0) throw new UsageError(`--${name} ${value ?? ''} is missing`);
    if (!isRepeatable && count > 1) throw new UsageError(`--${name} is there twice`);
  }
}

function inputOf(argument: string | undefined, given: Values): Input {
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

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
