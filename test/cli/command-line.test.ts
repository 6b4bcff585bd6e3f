/** The command line itself: wrong usage, help, completion, documentation. */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withReference } from '../../config/cli-reference.ts';
import { allCommands } from '../../src/cli/table.ts';
import { runCommand, tryCommand } from '../support/command.ts';

describe('the command line', () => {
  it.each([
    ['there is no command usr add, did you mean "user add"?', 'usr add'],
    ['there is no option --relm, did you mean "--realm"?', 'keys rotate --relm acme'],
    ['--realm <name> is missing', 'keys list'],
    ['--realm needs <name>', 'keys list --realm'],
    ['--realm needs <name>', 'keys rotate --realm --now'],
    ['--now takes no value', 'keys rotate --realm acme --now=yes'],
    ['--realm is there twice', 'keys list --realm a --realm b'],
    ['"Sup3r-Geheim-1" is one argument too many', 'user set-password --realm acme --user ada Sup3r-Geheim-1'],
    [
      '--session must hold no control characters',
      `token revoke-all --realm acme --session a${String.fromCharCode(9)}b`,
    ],
    ['either --client or --user, not both', 'token revoke-all --realm acme --client a --user b'],
  ])('says %s', async (message, args) => {
    const result = await tryCommand(args.split(' '));

    expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining(`${message}\n`) });
  });

  it('tells all commands, those of one kind, and the options of one', async () => {
    const [all, keys, rotate] = await Promise.all(
      ['help', 'keys', 'keys rotate --help'].map((args) => runCommand(args.split(' '))),
    );

    expect(all).toMatchObject({ code: 0, stdout: expect.stringContaining('token revoke-all') });
    expect(keys).toMatchObject({ code: 0, stdout: expect.not.stringContaining('token revoke-all') });
    expect(rotate).toMatchObject({ code: 0, stdout: expect.stringMatching(/--realm <name> \[--now\]/) });
  });

  it('documents every command as --help does', async () => {
    const text = await readFile(new URL('../../docs/cli.md', import.meta.url), 'utf8');
    const named = await allCommands();

    expect(named.length).toBeGreaterThan(20);
    // `npm run docs` writes it.
    expect(text).toBe(withReference(text, named));
  });

  it.each(['user add --help', 'help user add'])('gives an example with %s', async (args) => {
    const { stdout } = await runCommand(args.split(' '));

    expect(stdout).toContain('daypass user add --realm <name> --user <name>');
    expect(stdout).toContain('Examples:\n  daypass user add --realm acme --user ada');
  });

  it.each([
    ['user ', 'set-password'],
    ['token rev', 'revoke-all'],
    ['user add --em', '--email'],
    ['apply --', '--help'],
    ['comp', 'completion'],
  ])('completes "daypass %s" in bash', async (typed, expected) => {
    const { stdout } = await runCommand(['completion', 'bash']);
    const words = ['daypass', ...typed.split(' ')];
    const ask = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _daypass`;

    const completed = execFileSync('bash', ['-c', `${stdout}\n${ask}; echo "\${COMPREPLY[@]}"`]).toString();

    expect(completed.trim().split(' ')).toContain(expected);
  });

  it('completes in zsh and fish, and in no other shell', async () => {
    const zsh = await runCommand(['completion', 'zsh']);
    const fish = await runCommand(['completion', 'fish']);
    const other = await tryCommand(['completion', 'csh']);

    expect(zsh.stdout).toContain('bashcompinit');
    expect(fish.stdout).toContain('-l email -r');
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('bash, zsh or fish') });
  });

  it('tells all faults of the settings and of the realm files at once', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'daypass-cli-'));
    await mkdir(join(folder, 'realms'));
    await writeFile(join(folder, 'realms', 'acme.yaml'), 'name: acme\nclientz: []\n');

    const result = await tryCommand(['config', 'check', folder], { env: { PORT: 'x', DAYPASS_KEE: '1' } });

    expect(result.code).toBe(1);
    expect(result.stderr).toContain('PORT: must be a port number');
    expect(result.stderr).toContain('did you mean "DAYPASS_KEY"?');
    expect(result.stderr).toContain('acme.yaml:2:1 clientz: there is no such field, did you mean "clients"?');
    await rm(folder, { recursive: true });
  });

  it('finds nothing wrong with the configuration that comes with the source', async () => {
    const result = await runCommand(['config', 'check'], { env: { DAYPASS_CONFIG: './config' } });

    expect(result).toMatchObject({ code: 0, stdout: 'settings and 2 realm files are in order\n' });
  });
});
