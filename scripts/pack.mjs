// Makes the tarballs of a release: the main package's and those of the platforms whose binaries are
// here.
//   node scripts/pack.mjs <folder>            of what is built
//   node scripts/pack.mjs <folder> --all      fails unless every platform is there, with what its binaries are made of
// The folder gets the tarballs and SHA256SUMS. What is published is these files, and nothing is
// packed again.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { collect } from './packages.mjs';
import { PLATFORMS, sbomsOf } from './platforms.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Runs npm, which on Windows is a file for a shell. */
export function npm(args, options) {
  const onWindows = join(dirname(process.execPath), 'node_modules/npm/bin/npm-cli.js');
  const [command, first] = process.platform === 'win32' ? [process.execPath, [onWindows]] : ['npm', []];
  return spawnSync(command, [...first, ...args], { encoding: 'utf8', maxBuffer: 1 << 28, ...options });
}

/**
 * Packs the main package and every platform that is built in this checkout, and gives the
 * platforms.
 */
export function pack(into) {
  mkdirSync(into, { recursive: true });
  const work = mkdtempSync(join(tmpdir(), 'pack-'));
  try {
    const platforms = collect(work);
    for (const folder of [root, ...platforms.map((name) => join(work, name))]) {
      const ran = npm(['pack', '--ignore-scripts', '--pack-destination', into], { cwd: folder });
      if (ran.status !== 0) throw new Error(`npm pack in ${folder}: ${ran.error?.message ?? ran.stderr}`);
    }
    return platforms;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The tarballs of a folder in the form of sha256sum. */
export function sums(folder) {
  const hash = (name) => createHash('sha256').update(readFileSync(join(folder, name))).digest('hex');
  return readdirSync(folder).filter((name) => name.endsWith('.tgz')).sort().map((name) => `${hash(name)}  ${name}\n`).join('');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = process.argv.slice(2).find((word) => !word.startsWith('-'));
  if (!folder) throw new Error('name the folder for the tarballs');
  const platforms = pack(resolve(folder));
  const missing = PLATFORMS.filter(({ platform }) => !platforms.includes(platform)).map(({ platform }) => platform);
  const undescribed = PLATFORMS.flatMap((one) => sbomsOf(one)).filter((file) => !existsSync(join(root, file)));
  if (process.argv.includes('--all') && undescribed.length > 0) missing.push(...undescribed);
  if (platforms.length === 0 || (process.argv.includes('--all') && missing.length > 0)) {
    console.error(`missing: ${missing.join(', ')}: run npm run build, or put them here`);
    process.exit(1);
  }
  writeFileSync(join(folder, 'SHA256SUMS'), sums(folder));
  process.stdout.write(sums(folder));
}
