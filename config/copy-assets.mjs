/** Templates, styles and scripts of the pages, which the compiler leaves behind, into the built package. */
import { cp } from 'node:fs/promises';

const isAsset = (source) => !source.endsWith('.ts');

for (const folder of ['surfaces', 'demo', 'oidc']) {
  await cp(`src/${folder}`, `dist/${folder}`, { recursive: true, filter: isAsset });
}
