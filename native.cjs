'use strict';
// Finds the addon: the one built in this checkout, else the platform's package. Nothing here may be
// slow: a cached answer takes little longer than starting Node. No process is started to learn
// which C library there is. The syntax is that of Node 6, as in index.cjs and bin.cjs.

const { existsSync, readFileSync } = require('fs');
const { dirname, join } = require('path');

/** `engines.node` of package.json, in numbers. */
const NEEDED = [
  [20, 19],
  [22, 12],
];

/**
 * What to tell of a version of Node that the program does not run on; nothing of one of a line that
 * is named, or later than all of them.
 */
function tooOld(version) {
  const numbers = version.split('.').map(Number);
  const line = NEEDED.find((needed) => needed[0] === numbers[0]);
  const isNewEnough = line ? numbers[1] >= line[1] : numbers[0] > NEEDED[NEEDED.length - 1][0];
  return isNewEnough ? undefined : `reproduce needs Node 20.19 or later (22.12 or later of the later lines), and this is ${version}`;
}

/**
 * The dynamic loader of glibc, by processor: looking for it is a thousand times cheaper than making
 * a report.
 */
const GLIBC = { x64: '/lib64/ld-linux-x86-64.so.2', arm64: '/lib/ld-linux-aarch64.so.1' };

/** The platform's name as napi-rs has it, for example `linux-x64-gnu`. */
function target(machine) {
  const { platform, arch } = machine || process;
  if (platform === 'linux') return `linux-${arch}-${hasGlibc() ? 'gnu' : 'musl'}`;
  return platform === 'win32' ? `win32-${arch}-msvc` : `${platform}-${arch}`;
}

/**
 * Whether this Node runs on glibc; what lies on the disk is only a hint where both libraries are
 * installed.
 */
function hasGlibc() {
  if (existsSync(GLIBC[process.arch] || '') && !existsSync('/etc/alpine-release')) return true;
  // The report is what Node itself knows of its C library; the field is absent under musl.
  process.report.excludeNetwork = true;
  return Boolean(process.report.getReport().header.glibcVersionRuntime);
}

/**
 * What a copy is published as. `name` and `repository` of package.json are the one place where both
 * are set. @param {object} [manifest] package.json; the one beside this file by default @returns {{
 * name: string, repository?: string, platforms: string[] }} `repository`: its address; `platforms`:
 * those that have a package
 */
function product(manifest) {
  const { name, repository, optionalDependencies } = manifest || JSON.parse(readFileSync(join(__dirname, 'package.json'), 'utf8'));
  const address = repository && repository.url.replace(/^git\+|\.git$/g, '');
  return { name, repository: address, platforms: Object.keys(optionalDependencies || {}).map((one) => one.slice(name.length + 1)) };
}

/**
 * Loads the addon, or throws an Error with `code` and `hint`. `start` makes a run that knows where
 * it is installed.
 */
function load() {
  const name = target();
  const local = join(__dirname, `reproduce.${name}.node`);
  try {
    const file = existsSync(local) ? local : packaged(name);
    const { Run } = require(file);
    const { repository } = product();
    return { start: () => new Run(dirname(file), __dirname, repository) };
  } catch (cause) {
    throw failure(name, cause);
  }
}

/**
 * The addon of the platform's package. Of a name that package.json does not list nothing is loaded:
 * it would be somebody else's.
 */
function packaged(name) {
  const { name: own, platforms } = product();
  if (platforms.includes(name)) return require.resolve(`${own}-${name}`);
  throw Object.assign(new Error(`no package for ${name}`), { code: 'MODULE_NOT_FOUND' });
}

function failure(name, cause) {
  // Yarn's Plug'n'Play says QUALIFIED_PATH_RESOLUTION_FAILED or UNDECLARED_DEPENDENCY in `pnpCode`,
  // and this in `code`.
  const missing = cause.code === 'MODULE_NOT_FOUND';
  const error = new Error(missing ? `there is no reproduce binary for ${name}` : `the reproduce binary for ${name} does not load: ${cause.message}`, { cause });
  error.code = 'binary-missing';
  error.stage = 'usage';
  error.hint = hint(name, missing);
  return error;
}

function hint(name, missing) {
  const { name: own, platforms } = product();
  if (platforms.length === 0) return 'this copy is of no release: build it in a checkout with npm install (it needs Rust)';
  if (!platforms.includes(name)) return `binaries are published for ${platforms.join(', ')}; elsewhere build it from a checkout with npm install (it needs Rust)`;
  if (!missing) return 'in a checkout run npm run build; elsewhere remove node_modules and install again';
  // A lockfile or a node_modules folder of another machine, or Node for the other processor under
  // Rosetta, has the wrong one.
  return (
    `${own}-${name} is an optional dependency and is not installed: install without --omit=optional or --no-optional, ` +
    'and with the Node and on the machine that runs it (not under Rosetta, not from another system\'s node_modules); in a checkout run npm install'
  );
}

module.exports = { load, product, target, tooOld };
