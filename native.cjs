'use strict';
// Finds the addon: the one built in this checkout, else the platform's package. Nothing here may be slow: a cached
// answer takes little longer than starting Node.

const { existsSync } = require('node:fs');
const { dirname, join } = require('node:path');

/** The platform's name as napi-rs has it, for example `linux-x64-gnu`. */
function target() {
  const { platform, arch } = process;
  if (platform === 'linux') {
    // The report is what Node itself knows of its C library; glibcVersionRuntime is absent under musl.
    const glibc = process.report?.getReport && !existsSync('/etc/alpine-release') && hasGlibc();
    return `linux-${arch}-${glibc ? 'gnu' : 'musl'}`;
  }
  return platform === 'win32' ? `win32-${arch}-msvc` : `${platform}-${arch}`;
}

function hasGlibc() {
  // Looking for the loader is a thousand times cheaper than making a report.
  const loaders = { x64: '/lib64/ld-linux-x86-64.so.2', arm64: '/lib/ld-linux-aarch64.so.1' };
  if (existsSync(loaders[process.arch] ?? '')) return true;
  process.report.excludeNetwork = true;
  return Boolean(process.report.getReport().header.glibcVersionRuntime);
}

/** Loads the addon, or throws an Error with `code` and `hint`. `start` makes a run that knows where it is installed. */
function load() {
  const name = target();
  const local = join(__dirname, `reproduce.${name}.node`);
  try {
    const file = existsSync(local) ? local : require.resolve(`reproduce-${name}`);
    const { Run } = require(file);
    return { start: () => new Run(dirname(file)) };
  } catch (cause) {
    const error = new Error(`there is no reproduce binary for ${name}`, { cause });
    error.code = 'binary-missing';
    error.stage = 'usage';
    error.hint =
      cause.code === 'MODULE_NOT_FOUND'
        ? 'install without --omit=optional; in a checkout run npm install'
        : 'the binary does not load here; in a checkout run npm run build';
    throw error;
  }
}

module.exports = { load, target };
