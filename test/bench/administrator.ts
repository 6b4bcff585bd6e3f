/** Calls of the admin API by an administrator of all realms. */
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { adminApi } from '../../src/registry/model/built-in-api.ts';
import { acme } from '../support/realms.ts';
import { form, send } from './load.ts';

const DAY = 86_400;

/** A folder of realm files: `acme`, and the administrators' realm. */
export async function writeRealmFiles(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'daypass-bench-realms-'));
  const permissions = adminApi.permissions.map(({ name }) => `${adminApi.id}:${name}`);
  const root = { id: 'root', secret: 'root-secret', grants: ['client_credentials'], roles: ['all'] };
  const head = {
    name: 'daypass-admin',
    // A full run takes longer than a token usually lives.
    lifetimes: { accessToken: DAY },
    roles: [{ name: 'all', permissions }],
    clients: [root],
  };
  await mkdir(join(folder, 'realms'));
  for (const realm of [head, acme()]) {
    await writeFile(join(folder, 'realms', `${realm.name}.yaml`), JSON.stringify(realm));
  }
  return folder;
}

export type Called = {
  readonly status: number;
  readonly ms: number;
  readonly text: string;
};

export type Administrator = Awaited<ReturnType<typeof administrator>>;

/** Sends and measures. Throws on an answer that is no success. */
export async function administrator(url: string) {
  const path = '/realms/daypass-admin/protocol/openid-connect/token';
  const fields = { grant_type: 'client_credentials', resource: adminApi.audience };
  const { access_token: token } = await send(url, form(path, fields, `Basic ${btoa('root:root-secret')}`));

  async function call(
    method: string,
    path: string,
    body?: { readonly type: string; readonly text: string },
  ): Promise<Called> {
    const startedAt = performance.now();
    const response = await fetch(`${url}/admin/v1${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${token}`,
        ...(method === 'DELETE' && { 'If-Match': '*' }),
        ...(body !== undefined && { 'Content-Type': body.type }),
      },
      ...(body !== undefined && { body: body.text }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 500)}`);
    return { status: response.status, ms: performance.now() - startedAt, text };
  }

  return { call };
}
