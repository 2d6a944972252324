// Publishes the tarballs of a folder, the platforms' before the package that names them:
//   node scripts/publish.mjs <folder> [options of npm publish…]
// A version that is out with the same integrity is skipped, so that a release which failed half way
// can be run again; one that is out with another is an error, and nothing is published.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { npm } from './pack.mjs';
import { PLATFORMS } from './platforms.mjs';

/** package.json of a tarball. By the system's tar: what publishes installs nothing before. */
function manifestIn(file) {
  const ran = spawnSync('tar', ['-xOzf', file, 'package/package.json'], { encoding: 'utf8' });
  if (ran.status !== 0) throw new Error(`${file}: ${ran.error?.message ?? ran.stderr}`);
  return JSON.parse(ran.stdout);
}

/** The tarballs of a folder with their manifests; the package that names the others is the last. */
export function releaseIn(folder) {
  const all = readdirSync(folder).filter((name) => name.endsWith('.tgz')).sort().map((name) => {
    const bytes = readFileSync(join(folder, name));
    const manifest = manifestIn(join(folder, name));
    return { file: join(folder, name), bytes, manifest, platform: PLATFORMS.find(({ platform }) => manifest.name.endsWith(`-${platform}`)) };
  });
  const mains = all.filter(({ platform }) => !platform);
  if (mains.length !== 1) throw new Error(`${folder} has ${mains.length} main packages`);
  const expected = mains[0].manifest.optionalDependencies ?? {};
  for (const { manifest } of all.filter(({ platform }) => platform)) {
    if (expected[manifest.name] !== manifest.version) throw new Error(`${manifest.name}@${manifest.version} is no optional dependency of the main package`);
  }
  return { packages: [...all.filter(({ platform }) => platform), ...mains], missing: Object.keys(expected).filter((name) => !all.some(({ manifest }) => manifest.name === name)) };
}

/** What the registry has of a version: its integrity, or undefined if it has none. */
export function integrityOf(spec, options) {
  const ran = npm(['view', spec, 'dist.integrity', '--json'], { cwd: options.cwd });
  if (ran.status === 0) return ran.stdout.trim() === '' ? undefined : JSON.parse(ran.stdout);
  if (/\bE404\b/.test(ran.stdout + ran.stderr)) return undefined;
  throw new Error(`npm view ${spec}: ${ran.error?.message ?? ran.stderr}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [given, ...options] = process.argv.slice(2);
  if (!given || given.startsWith('-')) throw new Error('name the folder of the tarballs');
  const folder = resolve(given);
  const { packages, missing } = releaseIn(folder);
  if (missing.length > 0) throw new Error(`no tarball of ${missing.join(', ')}`);
  // All are looked up before the first is published.
  const wanted = packages.filter(({ manifest: { name, version }, bytes }) => {
    const there = integrityOf(`${name}@${version}`, { cwd: folder });
    const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
    if (there !== undefined && there !== integrity) throw new Error(`${name}@${version} is published with ${there}, and this one has ${integrity}`);
    if (there !== undefined) console.log(`${name}@${version} is published already`);
    return there === undefined;
  });
  for (const { file, manifest } of wanted) {
    const ran = npm(['publish', file, '--ignore-scripts', '--access', 'public', ...options], { cwd: folder, stdio: 'inherit' });
    if (ran.status !== 0) throw new Error(`npm publish of ${manifest.name}@${manifest.version} ended with ${ran.status ?? ran.error?.message}`);
  }
}
