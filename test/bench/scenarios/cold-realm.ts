/** The first token of a realm that this process has not seen, beyond what the next ones take. Its keys exist. */
import { loadSettings } from '../../../src/config/load.ts';
import { createLogger } from '../../../src/observability/logger.ts';
import { signingAlgorithmsOf } from '../../../src/oidc/realm/signing-algorithms.ts';
import { realmFile } from '../../../src/registry/model/model.ts';
import { createServices } from '../../../src/services.ts';
import { acme } from '../../support/realms.ts';
import { type Figure, median } from '../figures.ts';
import { send } from '../load.ts';
import { KEY, type Subject, serviceLogin } from '../subject.ts';

const REALMS = 10;
const WARM_REQUESTS = 9;

/** To be called before the server answers for any of them. */
export async function makeRealms(store: string): Promise<readonly string[]> {
  const settings = loadSettings({ DAYPASS_STORE: store });
  const { registry, keyRing, close } = await createServices({ ...settings, key: KEY }, createLogger('error'));
  const names = Array.from({ length: REALMS }, (_, at) => `cold-${at}`);
  for (const name of names) {
    await registry.applyRealm(realmFile.parse(acme({ name, users: [] })));
    const realm = await registry.findRealm(name);
    if (realm !== undefined) await keyRing.keysOf(name, signingAlgorithmsOf(realm));
  }
  await close();
  return names;
}

export async function coldRealm({ url }: Subject, realms: readonly string[]): Promise<readonly Figure[]> {
  const extra: number[] = [];
  for (const realm of realms) {
    const cold = await timeOf(url, realm);
    const warm: number[] = [];
    for (let count = 0; count < WARM_REQUESTS; count += 1) warm.push(await timeOf(url, realm));
    extra.push(cold - median(warm));
  }
  const note = `slowest of ${extra.length}: ${Math.max(...extra).toFixed(1)} ms`;
  const what = 'cold realm, first request over a warm one';
  return [{ what, value: median(extra), unit: 'ms', target: 10, isRate: false, note }];
}

async function timeOf(url: string, realm: string): Promise<number> {
  const startedAt = performance.now();
  await send(url, serviceLogin(realm));
  return performance.now() - startedAt;
}
