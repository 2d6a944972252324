// Puts the binaries of packed packages into this checkout, so that its tests run what is shipped:
//   node scripts/unpack.mjs <folder of tarballs>

import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { binariesOf, PLATFORMS } from './platforms.mjs';
import { filesIn } from './tarball.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = process.argv[2];
if (!folder) throw new Error('name the folder of the tarballs');
const binaries = new Set(PLATFORMS.flatMap((one) => binariesOf(one)));
let written = 0;
for (const name of readdirSync(folder).filter((file) => file.endsWith('.tgz'))) {
  for (const [path, { mode, bytes }] of filesIn(readFileSync(join(folder, name)))) {
    const file = path.slice('package/'.length);
    if (!binaries.has(file)) continue;
    writeFileSync(join(root, file), bytes);
    chmodSync(join(root, file), mode);
    written += 1;
  }
}
if (written === 0) throw new Error(`no binary is in ${folder}`);
console.log(`${written} binaries`);
