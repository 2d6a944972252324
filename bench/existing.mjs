// The existing tool, npm `reproduce@1.2.0`, installed into .work/ and led to the loopback registry.
// It knows one registry and one git host by name. Git's own insteadOf replaces the host; the
// registry needs an edit.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const VERSION = '1.2.0';
const REGISTRY = 'process.env.BENCH_REGISTRY';

/** Each must be found exactly once, or this is not the version that the bench knows. */
const EDITS = [
  ['new Spec(spec);', `new Spec(spec, { registry: ${REGISTRY} });`],
  ["info.registry != 'https://registry.npmjs.org/'", `info.registry != ${REGISTRY}`],
  ['await getManifest(spec)', `await getManifest(spec, { registry: ${REGISTRY} })`],
];

/**
 * Installs and patches it once; the next run finds it there. @param {string} work folder for it
 * @returns {Promise<string>} path of its command line program, which reads BENCH_REGISTRY from the
 * environment
 */
export async function installExisting(work) {
  const root = join(work, `reproduce-${VERSION}`);
  const dist = join(root, 'node_modules/reproduce/dist');
  const done = join(root, 'patched');
  if (existsSync(done)) return join(dist, 'cli.js');
  await mkdir(root, { recursive: true });
  await writeFile(join(root, 'package.json'), '{ "private": true }\n');
  await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', `reproduce@${VERSION}`], { cwd: root });
  const main = join(dist, 'index.js');
  let source = await readFile(main, 'utf8');
  for (const [from, to] of EDITS) {
    if (source.split(from).length !== 2) throw new Error(`reproduce@${VERSION} does not have "${from}" once: cannot patch it`);
    source = source.replace(from, to);
  }
  await writeFile(main, source);
  await writeFile(done, '');
  return join(dist, 'cli.js');
}
