// `node bench/pacote.mjs <npm's folder> <folder> <file>`: packs with npm's own parts, pacote and
// what it uses, without npm around them.

import { createRequire } from 'node:module';
import { join } from 'node:path';

const [npm, folder, file] = process.argv.slice(2);
const require = createRequire(join(npm, 'package.json'));
const [pacote, Arborist] = [require('pacote'), require('@npmcli/arborist')];
const { integrity } = await pacote.tarball.file(`file:${folder}`, file, { Arborist, ignoreScripts: true });
console.log(integrity.toString());
