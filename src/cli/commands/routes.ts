import { addressMap } from '../../surfaces/address-map.ts';
import { type Command, print } from '../runtime/command.ts';

export const listRoutes: Command = {
  about:
    'Lists every address of the server: methods, path, who may call, and the surface that answers; one address a line,\n' +
    'columns separated by tabs. HEAD is answered wherever GET is. Reads no settings, and needs no store.',
  async run() {
    for (const { methods, path, who, surface } of addressMap) {
      print([methods.join(', '), path, who, surface].join('\t'));
    }
    return 0;
  },
};
