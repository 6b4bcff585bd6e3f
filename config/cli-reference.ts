/** The part of docs/cli.md that is made from the commands. */
import { helpOf } from '../src/cli/runtime/help.ts';
import type { Named } from '../src/cli/table.ts';

const BEGIN = '<!-- commands: begin; written by `npm run docs`, from src/cli -->';
const END = '<!-- commands: end -->';

/** The text with its generated part made anew. Throws where the two marks are missing. */
export function withReference(text: string, commands: readonly Named[]): string {
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from < 0 || to < from) throw new Error('docs/cli.md has lost the marks of its generated part');
  return `${text.slice(0, from)}${BEGIN}\n\n${referenceOf(commands)}\n${text.slice(to)}`;
}

function referenceOf(commands: readonly Named[]): string {
  const rows = commands.map(({ name, summary }) => `| [\`${name}\`](#${anchorOf(name)}) | ${summary} |`);
  const sections = commands.map(
    ({ name, command }) => `### ${name}\n\n\`\`\`text\n${helpOf(name, command)}\`\`\`\n`,
  );
  return ['| command | does |', '|---|---|', ...rows, '', ...sections].join('\n');
}

function anchorOf(name: string): string {
  return name.replaceAll(' ', '-');
}
