/** Which addresses are no public ones (IANA special-purpose registries, RFC 6890): nothing is fetched from them. */
import { BlockList, isIP, isIPv6 } from 'node:net';

const ipv4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  // Multicast, reserved, broadcast.
  '224.0.0.0/3',
];

/** Of the global unicast addresses. Among them are forms that carry an IPv4 address: Teredo, 6to4. */
const ipv6 = ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20'];

const special = listOf([...ipv4, ...ipv6]);
/** RFC 4291 §2.4: everything else is loopback, link-local, multicast, unassigned, or a form of an IPv4 address. */
const globalUnicast = listOf(['2000::/3']);

/** True for every text that is no address at all. */
export function isSpecialUse(address: string): boolean {
  if (isIP(address) === 0) return true;
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  return special.check(address, family) || (family === 'ipv6' && !globalUnicast.check(address, family));
}

function listOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', prefix = ''] = range.split('/');
    list.addSubnet(address, Number(prefix), isIPv6(address) ? 'ipv6' : 'ipv4');
  }
  return list;
}
