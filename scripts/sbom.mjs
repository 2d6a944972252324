// Writes what a release's binaries are made of, in CycloneDX, beside them:
// `reproduce.<platform>.cdx.json`. scripts/build.mjs calls it for a release. The same commit gives
// the same bytes in any folder.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { EPOCH } from './dist-environment.mjs';
import { sbomsOf } from './platforms.mjs';
import { crate } from './tools.mjs';

/** Where cargo-cyclonedx writes: one file for each member of the workspace. */
const WRITTEN = 'sbom-of-crate';

/**
 * Describes the binaries of a platform: all crates that are linked into them, with their licences
 * and hashes. @param {{ root: string, platform: import('./platforms.mjs').Platform }} build
 */
export function writeSboms({ root, platform }) {
  const args = ['cyclonedx', '--quiet', '--format', 'json', '--spec-version', '1.5', '--no-build-deps', '--target', platform.triple, '--override-filename', WRITTEN];
  const ran = spawnSync(crate('cargo-cyclonedx'), args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, SOURCE_DATE_EPOCH: EPOCH } });
  if (ran.error || ran.status !== 0) throw new Error(`cargo-cyclonedx: ${ran.error?.message ?? `ended with ${ran.status}`}`);
  const members = ['.', 'sandbox-helper', 'fuzz', ...readdirSync(join(root, 'crates')).filter((name) => existsSync(join(root, 'crates', name, 'Cargo.toml'))).map((name) => `crates/${name}`)];
  const [addon, sandbox, , ...ours] = members.map((member) => {
    const file = join(root, member, `${WRITTEN}.json`);
    // References to crates of the workspace are paths.
    const text = readFileSync(file, 'utf8').replaceAll(pathToFileURL(root).href, 'file:///reproduce');
    rmSync(file);
    return JSON.parse(text);
  });
  const absent = ours.filter((one) => !addon.components.some(({ name }) => name === one.metadata.component.name));
  if (absent.length > 0) throw new Error(`the SBOM of the addon lacks ${absent.map((one) => one.metadata.component.name).join(', ')}`);
  for (const [at, file] of sbomsOf(platform).entries()) writeFileSync(join(root, file), `${JSON.stringify([addon, sandbox][at])}\n`);
}
