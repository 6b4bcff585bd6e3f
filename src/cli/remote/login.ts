import { systemClock } from '../../base/clock.ts';
import type { Command } from '../runtime/command.ts';
import { print } from '../runtime/command.ts';
import { serverAddress } from './address.ts';
import { createLogins } from './logins.ts';
import { revoke, signIn } from './sign-in.ts';

const url = { value: '<address>', isRequired: true, help: 'the server, as its public address is' } as const;

/** DAYPASS_ADMIN_REALM of a server that names no other. */
const ADMIN_REALM = 'daypass-admin';

export const login: Command = {
  about:
    'Signs you in at a running server, for commands with --url: it shows an address and a code, and waits until you\n' +
    'have agreed there in a browser (RFC 8628). The token has the permissions of administration that your roles give,\n' +
    'and is kept in $XDG_CONFIG_HOME/daypass/logins.json, readable by you alone. Signing in again replaces it.',
  options: {
    url,
    realm: { value: '<name>', help: `the realm that you are a user of (${ADMIN_REALM})` },
  },
  examples: ['login --url https://id.example.com', 'login --url https://id.example.com --realm acme'],
  async run(input) {
    const address = serverAddress(input.need('url'));
    const realm = input.find('realm') ?? ADMIN_REALM;
    const logins = createLogins();
    const made = await signIn({ url: address, realm, clock: systemClock }, (prompt) => {
      process.stderr.write(`Open ${prompt.address}\nand compare the code: ${prompt.code}\n`);
    });
    await logins.put(address, made);
    print(`signed in at ${address}, realm ${realm}`);
    return 0;
  },
};

export const logout: Command = {
  about: 'Signs you out at a server: revokes the tokens of the command line there, and forgets them here.',
  options: { url },
  examples: ['logout --url https://id.example.com'],
  async run(input) {
    const address = serverAddress(input.need('url'));
    const logins = createLogins();
    const found = await logins.find(address);
    await logins.put(address, undefined);
    if (found !== undefined) await revoke({ url: address, realm: found.realm }, found);
    print(found === undefined ? `you were not signed in at ${address}` : `signed out at ${address}`);
    return 0;
  },
};
