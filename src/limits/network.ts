import { isIPv6 } from 'node:net';

/**
 * The network of an address. An IPv4 address is a network by itself. An IPv6 address counts as its /64, because a
 * subscriber can use any address in it. Other text stands for itself.
 */
export function networkOf(address: string): string {
  const [plain = ''] = address.split('%');
  if (!isIPv6(plain)) return address;
  const groups = groupsOf(plain);
  // `::ffff:192.0.2.1` is 192.0.2.1 (RFC 4291 §2.5.5.2). As an IPv6 address it would share a /64 with every other
  // IPv4 address.
  if (groups.slice(0, 6).join(':') === '0:0:0:0:0:ffff') return ipv4Of(groups);
  return `${groups.slice(0, 4).join(':')}::/64`;
}

/** The eight groups, in lower case and without leading zeros. */
function groupsOf(address: string): readonly string[] {
  // The URL parser is the only part of the platform that normalises every form of an IPv6 address.
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
