import { describe, expect, it } from 'vitest';
import { type Command, parseInput, UsageError } from '../../src/cli/runtime/command.ts';
import { allCommands } from '../../src/cli/table.ts';

const commands = (await allCommands()).map(({ name, command }): [string, Command] => [name, command]);
const options = commands.flatMap(([command, { options: all = {} }]) =>
  Object.entries(all)
    .filter(([, { value }]) => value !== undefined)
    .map(([option]): [string, string] => [command, option]),
);

describe.each(options)('%s --%s', (name, option) => {
  const command = commandOf(name);
  const names = ['help', ...Object.keys(command.options ?? {})].map((one) => `--${one}`);

  it.each(['-b_x', '-', '--b_x', '-abc=d', '--no-realm'])('takes %s for its value', (value) => {
    const input = parseInput(command, [...requiredBeside(command, option), `--${option}`, value]);

    expect(input).not.toBe('help');
    expect(input !== 'help' && input.find(option)).toBe(value);
  });

  it.each([...names, '--help=x', '-h', '--'])('takes %s for no value', (value) => {
    expect(() => parseInput(command, [`--${option}`, value])).toThrow(UsageError);
    expect(() => parseInput(command, [`--${option}`, value])).toThrow(`--${option} needs`);
  });
});

it('looks at the options of all commands', () => {
  expect(commands.length).toBeGreaterThan(10);
  expect(options.length).toBeGreaterThan(10);
});

function commandOf(name: string): Command {
  const command = new Map(commands).get(name);
  if (command === undefined) throw new Error(`there is no ${name}`);
  return command;
}

function requiredBeside({ options: all = {} }: Command, option: string): readonly string[] {
  return Object.entries(all).flatMap(([name, { isRequired }]) =>
    isRequired === true && name !== option ? [`--${name}`, 'x'] : [],
  );
}
