import { addressMap } from '../../surfaces/address-map.ts';
import type { Command } from '../runtime/command.ts';
import { json, showList } from '../runtime/output.ts';

export const listRoutes: Command = {
  about:
    'Lists every address of the server: methods, path, who may call, and the surface that answers; one address a line,\n' +
    'columns separated by tabs. HEAD is answered wherever GET is. Reads no settings, and needs no store.',
  options: json,
  async run(input) {
    await showList(input, addressMap, [
      ['methods', ({ methods }) => methods.join(', ')],
      ['path', ({ path }) => path],
      ['who', ({ who }) => who],
      ['surface', ({ surface }) => surface],
    ]);
    return 0;
  },
};
