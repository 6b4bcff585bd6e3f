import { isLoopbackHost } from '../../registry/model/web-address.ts';
import { UsageError } from '../runtime/command.ts';

/** The address of a server, without a trailing slash. Tokens go there: it is https, or on this machine. */
export function serverAddress(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new UsageError('--url is an http or https address');
  if (url.protocol === 'http:' && !isLoopbackHost(url.hostname)) {
    throw new UsageError('--url must be https, unless it is a loopback address');
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new UsageError('--url has no user name, query or fragment');
  }
  return url.origin + url.pathname.replace(/\/+$/, '');
}
