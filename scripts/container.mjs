// Runs cargo in the image that a release is built in: with the Rust of rust-toolchain-release, the
// crates of Cargo.lock, and no network. It takes rustup, and docker or what `REPRODUCE_CONTAINER`
// names in its place (podman).

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { distEnvironment } from './dist-environment.mjs';
import { ensureToolchain, which } from './rustup.mjs';

/** Where things are inside: the same for everybody, and no path of the machine. */
const INSIDE = Object.freeze({ root: '/source', rust: '/rust', cargoHome: '/cargo' });

/**
 * Prepares the container of a platform. @param {{ root: string, targetFolder: string, platform:
 * import('./platforms.mjs').Platform }} build `targetFolder` lies in `root` @returns {(args:
 * string[]) => import('node:child_process').SpawnSyncReturns<Buffer>} runs cargo with arguments
 */
export function containerCargo({ root, targetFolder, platform }) {
  const { triple, image } = platform;
  // The compiler runs on the image's C library, so it is the one for the target itself. rustup
  // checks what it downloads.
  const toolchain = `${readFileSync(join(root, 'rust-toolchain-release'), 'utf8').trim()}-${triple}`;
  ensureToolchain(toolchain, { args: ['--force-non-host'] });
  const rust = dirname(dirname(which(toolchain, 'rustc')));
  // A cargo home of its own: the user's configuration has no say, and nothing but crates is in it.
  const cargoHome = join(targetFolder, 'cargo');
  mkdirSync(cargoHome, { recursive: true });
  must('cargo', ['fetch', '--locked', '--target', triple], { cwd: root, env: { ...process.env, CARGO_HOME: cargoHome } });
  const own = {
    ...distEnvironment({ CARGO_HOME: INSIDE.cargoHome }, { root: INSIDE.root, targetFolder: targetFolder.replace(root, INSIDE.root), platform }),
    CARGO_HOME: INSIDE.cargoHome,
    CARGO_TARGET_DIR: targetFolder.replace(root, INSIDE.root),
    CARGO_NET_OFFLINE: 'true',
    RUSTC: `${INSIDE.rust}/bin/rustc`,
    HOME: '/tmp',
  };
  const mounts = [`${root}:${INSIDE.root}`, `${cargoHome}:${INSIDE.cargoHome}`, `${rust}:${INSIDE.rust}:ro`];
  const run = [
    ...['run', '--rm', '--network', 'none', '--user', `${process.getuid()}:${process.getgid()}`, '--workdir', INSIDE.root],
    ...mounts.flatMap((mount) => ['--volume', mount]),
    ...Object.entries(own).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    image,
    `${INSIDE.rust}/bin/cargo`,
  ];
  return (args) => spawnSync(process.env.REPRODUCE_CONTAINER ?? 'docker', [...run, ...args], { cwd: root, stdio: 'inherit' });
}

function must(command, args, options = {}) {
  const ran = spawnSync(command, args, { stdio: 'inherit', ...options });
  if (ran.error || ran.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${ran.error?.message ?? `ended with ${ran.status}`}`);
}
