// A container of Podman's, in which the program runs as it does in one of a CI. Its root is made of
// this machine's /usr and Node; what Docker's filter of system calls refuses and Podman's allows is
// refused in those that are like Docker's.

import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { copyFile, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './cli.mjs';

/** What Docker allows to a process with CAP_SYS_ADMIN alone, which containers have not. */
const REFUSED = 'bpf fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount mount_setattr move_mount open_tree perf_event_open pivot_root quotactl setdomainname sethostname setns syslog umount umount2 unshare io_uring_setup io_uring_enter io_uring_register keyctl add_key request_key userfaultfd';
/**
 * The flags of `clone` that make a namespace. `clone3` keeps them where no filter sees them, and is
 * not there.
 */
const NEW_NAMESPACES = 0x7e020000;
const EPERM = 1;
const ENOSYS = 38;

const docker = {
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [
    { names: REFUSED.split(' '), action: 'SCMP_ACT_ERRNO', errnoRet: EPERM },
    { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
    // One rule for each flag: a comparison with a mask asks for all of its bits.
    ...Array.from({ length: 32 }, (_, bit) => 2 ** bit)
      .filter((flag) => (BigInt(flag) & BigInt(NEW_NAMESPACES)) !== 0n)
      .map((flag) => ({ names: ['clone'], action: 'SCMP_ACT_ERRNO', errnoRet: EPERM, args: [{ index: 0, value: flag, valueTwo: flag, op: 'SCMP_CMP_MASKED_EQ' }] })),
  ],
};
/** What Docker gives to root and Podman does not. */
const DOCKERS = ['AUDIT_WRITE', 'MKNOD', 'NET_RAW'].flatMap((name) => ['--cap-add', name]);
/** Limits that may not be raised on a machine that is itself a container. */
const LIMITS = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=8192:8192'];

/** Podman with the manager that needs no systemd: a machine of a CI may have none. */
const PODMAN = ['podman', '--cgroup-manager', 'cgroupfs'];
/** On this machine's loopback, where the servers of the tests are, and gone when it ends. */
const RUN = ['run', '--rm', '--network', 'host', ...LIMITS];

/**
 * Why there are no containers here, or null. What counts is whether one runs; scripts/test.mjs is
 * told.
 */
export function noContainers() {
  if (process.platform !== 'linux') return 'containers are of Linux';
  const [program, ...options] = PODMAN;
  const root = mkdtempSync(join(tmpdir(), 'kit-container-'));
  try {
    makeRoot(root);
    const { error, status, stderr } = spawnSync(program, [...options, ...RUN, '--volume', '/usr:/usr:ro', '--rootfs', `${root}:O`, 'true'], { encoding: 'utf8' });
    if (error || status !== 0) return `no container runs: ${(error?.message ?? stderr).split('\n')[0]}`;
  } finally {
    rmSync(root, { recursive: true });
  }
  if (process.env.REPRODUCE_TEST_RECORD) appendFileSync(process.env.REPRODUCE_TEST_RECORD, 'had\tcontainers\n');
  return null;
}

/** Makes the folders and links of a root; programs and libraries are this machine's. */
function makeRoot(root) {
  for (const folder of ['dev', 'etc', 'home', 'opt/node/bin', 'opt/reproduce', 'proc', 'root', 'run', 'sys', 'tmp', 'usr', 'var/tmp']) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  chmodSync(root, 0o755);
  for (const folder of ['tmp', 'var/tmp']) chmodSync(join(root, folder), 0o1777);
  // As every distribution has it, and as no build's user can walk through.
  chmodSync(join(root, 'root'), 0o700);
  for (const name of ['bin', 'lib', 'lib64', 'sbin']) symlinkSync(`usr/${name}`, join(root, name));
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
}

/**
 * Makes the root of containers.
 * @param {{ program: string }} options `program`: the folder that the program is installed in
 */
export async function containers({ program }) {
  const place = await mkdtemp(join(tmpdir(), 'kit-container-'));
  chmodSync(place, 0o755);
  const root = join(place, 'root');
  mkdirSync(root);
  makeRoot(root);
  await copyFile(await realpath(process.execPath), join(root, 'opt/node/bin/node'));
  const filter = join(place, 'docker.json');
  await writeFile(filter, JSON.stringify(docker));

  /**
   * Runs a command in a new container, which begins with the root as it was made. @param {string[]}
   * command @param {{ like?: 'docker' | 'podman', user?: number, env?: Record<string, string>,
   * mounts?: string[], options?: string[] }} [options]
   *   `mounts`: `<here>:<there>[:ro]`
   */
  async function inside(command, { like = 'docker', user, env = {}, mounts = [], options = [] } = {}) {
    const own = like === 'docker' ? ['--security-opt', `seccomp=${filter}`, ...DOCKERS] : [];
    const all = ['/usr:/usr:ro', `${program}:/opt/reproduce:ro`, ...mounts].flatMap((mount) => ['--volume', mount]);
    const set = Object.entries({ PATH: '/opt/node/bin:/usr/bin:/bin', ...env }).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
    const as = user === undefined ? [] : ['--user', String(user)];
    return run([...RUN, ...own, ...all, ...set, ...as, ...options, '--rootfs', `${root}:O`, ...command], { command: PODMAN, env: process.env });
  }

  /**
   * What a shell prints in a container, as its root, about a folder of this machine: `/given`
   * there.
   */
  async function about(folder, text) {
    const told = await inside(['sh', '-c', text], { mounts: [`${folder}:/given`] });
    if (told.code !== 0) throw new Error(`${text}: ${told.stderr}`);
    return told.stdout;
  }

  return { inside, about, remove: () => rm(place, { recursive: true, force: true }) };
}
