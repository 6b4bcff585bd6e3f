import { describe, expect, it } from 'vitest';
import { addressesIn, resolveHost } from '../../src/guest/introspection/resolve-host.ts';

const file = `
127.0.0.1   localhost
# 10.0.0.9  commented
10.0.0.1\toffice.example.com office   # the office
10.0.0.2    Office.Example.COM
::1         ip6-localhost
`;

describe('the hosts that a token is bound to', () => {
  it.each<[string, readonly string[]]>([
    ['office.example.com', ['10.0.0.1', '10.0.0.2']],
    ['OFFICE', ['10.0.0.1']],
    ['ip6-localhost', ['::1']],
    ['commented', []],
    ['the', []],
    ['example.com', []],
    ['10.0.0.1', []],
  ])('are read from the file of hosts: %s', (host, addresses) => {
    expect(addressesIn(file, host)).toEqual(addresses);
  });

  it.each(['localhost', 'LOCALHOST', 'app.localhost'])('are this machine: %s', async (host) => {
    expect(await resolveHost(host)).toEqual(['127.0.0.1', '::1']);
  });
});
