import { isIPv6 } from 'node:net';

/**
 * The network that an address stands for: an IPv4 address is one; of IPv6 a line has a /64 to itself at least, in
 * which it may choose any address. What is no address stands for itself.
 */
export function networkOf(address: string): string {
  const [plain = ''] = address.split('%');
  if (!isIPv6(plain)) return address;
  const groups = groupsOf(plain);
  // ::ffff:192.0.2.1 is 192.0.2.1 (RFC 4291 §2.5.5.2), and not a neighbour of every other such address.
  if (groups.slice(0, 6).join(':') === '0:0:0:0:0:ffff') return ipv4Of(groups);
  return `${groups.slice(0, 4).join(':')}::/64`;
}

/** All eight, without leading zeros, in lower case. */
function groupsOf(address: string): readonly string[] {
  // The one writer of addresses in the platform that knows every form of them.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const first = head === '' ? [] : head.split(':');
  const last = tail === undefined || tail === '' ? [] : tail.split(':');
  return [...first, ...Array<string>(8 - first.length - last.length).fill('0'), ...last];
}

function ipv4Of(groups: readonly string[]): string {
  return groups
    .slice(6)
    .map((group) => Number.parseInt(group, 16))
    .flatMap((number) => [number >> 8, number & 0xff])
    .join('.');
}
