/** Every address of the server, from the same tables that requests are matched against. Needs no server and no store. */
import { demoSurface } from '../demo/demo.ts';
import { adminSurface } from '../http/admin-port.ts';
import type { Caller, Method, RouteInfo } from '../http/routes.ts';
import { OAUTH_METADATA } from '../oidc/provider/realm-router.ts';
import { protocolRoutes } from '../oidc/realm/addresses.ts';
import { admin } from './admin/admin.ts';
import { home } from './pages/home/home.ts';
import { surfaces } from './surfaces.ts';

export type MappedAddress = {
  /** HEAD is answered as GET. */
  readonly methods: readonly Method[];
  /** From the public address on (of the admin port: from its own), parameters as `{name}`. */
  readonly path: string;
  readonly who: Caller;
  readonly surface: string;
};

const REALM = '/realms/{realm}';

type Listed = { readonly name: string; readonly routes: readonly RouteInfo[] };

const belowRealm: readonly Listed[] = [{ name: 'protocol', routes: protocolRoutes }, ...surfaces];

const metadata = `${OAUTH_METADATA}${REALM}`;
const rooted: RouteInfo = { method: 'GET', path: metadata, who: 'anybody' };

export const addressMap: readonly MappedAddress[] = [
  ...addressesOf({ name: 'protocol', routes: [rooted] }),
  ...belowRealm.flatMap((listed) => addressesOf(listed, REALM)),
  ...addressesOf(admin),
  ...addressesOf(home),
  ...addressesOf(demoSurface),
  ...addressesOf(adminSurface),
];

/** The methods of one path side by side. */
function addressesOf({ name, routes }: Listed, base = ''): readonly MappedAddress[] {
  const byPath = Map.groupBy(routes, ({ path, who }) => `${who} ${path}`);
  return [...byPath.values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    const path = `${base}${readable(first.path)}` || '/';
    return [{ methods: same.map(({ method }) => method), path, who: first.who, surface: name }];
  });
}

/** `/a/:b{/}` as `/a/{b}`; the realm itself has no path of its own. */
function readable(path: string): string {
  return path === '/' ? '' : path.replace('{/}', '').replace(/:(\w+)/g, '{$1}');
}
