import cluster from 'node:cluster';
import { loadSettings } from '../../config/load.ts';
import { orFaults, passedOverText, type RealmFiles, readRealmFiles } from '../../config/realm-files.ts';
import type { Settings } from '../../config/settings.ts';
import { findDemoRealm } from '../../demo/demo-realm.ts';
import { createLogger, type Logger } from '../../observability/logger.ts';
import { openTerminal } from '../../observability/terminal.ts';
import type { Command } from '../runtime/command.ts';
import { greet } from '../serving/greeting.ts';
import { createKeyMaker } from '../serving/key-maker.ts';
import { applyRealms, logWarnings, offerSetUp, openServices, toldToStop } from '../serving/start.ts';
import { superviseWorkers, tellSupervisor } from '../serving/workers.ts';

export const serve: Command = {
  about:
    'Runs the server until it is told to stop (SIGTERM, SIGINT): then it takes no new connections, finishes the\n' +
    'requests in flight, and ends. Realm files are applied first. Every setting is an environment variable. Logs are\n' +
    'for people where standard output is a terminal and NODE_ENV is not production, JSON otherwise.',
  examples: ['start'],
  async run() {
    const settings = loadSettings();
    const realms = orFaults(await readRealmFiles(settings.configFolder));
    const isAlone = settings.workers === 1 || cluster.isWorker;
    return isAlone ? runServer(settings, realms) : runWorkers(settings, realms);
  },
};

async function runServer(settings: Settings, { realms, passedOver }: RealmFiles): Promise<number> {
  const logger = await openLog(settings);
  // In a worker, the parent process has said so.
  if (!cluster.isWorker) for (const file of passedOver) logger.warn(passedOverText(file));
  const services = await openServices(settings, logger);
  const keyMaker = createKeyMaker(services);
  // In a worker, the parent process has applied the files and prints the greeting. Passwords are hashed on other
  // threads while this one loads the rest of the code.
  const applied = cluster.isWorker ? undefined : applyRealms(services, realms, keyMaker.make);
  const [{ startServer }] = await Promise.all([import('../../server.ts'), applied]);
  const server = await startServer(services, findDemoRealm(realms.map(({ file }) => file)));
  tellSupervisor();
  if (!cluster.isWorker) {
    greet(settings.publicUrl, realms);
    await logWarnings(services);
    await offerSetUp(services);
  }
  await toldToStop();
  await keyMaker.stop();
  await server.close();
  cluster.worker?.disconnect();
  return 0;
}

/** JSON lines, but for somebody who tries the server at a terminal. */
async function openLog({ logLevel, production }: Settings): Promise<Logger> {
  const isWatched = process.stdout.isTTY && !production;
  return createLogger(logLevel, isWatched ? await openTerminal() : undefined);
}

async function runWorkers(settings: Settings, { realms, passedOver }: RealmFiles): Promise<number> {
  const logger = await openLog(settings);
  for (const file of passedOver) logger.warn(passedOverText(file));
  const services = await openServices(settings, logger);
  await applyRealms(services, realms);
  await logWarnings(services);
  await offerSetUp(services);
  await services.close();
  const supervised = superviseWorkers(settings, { logger, onUp: () => greet(settings.publicUrl, realms) });
  await Promise.race([toldToStop(), supervised.ended]);
  supervised.stop();
  return supervised.ended;
}
