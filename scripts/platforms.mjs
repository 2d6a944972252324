// The platforms that have a binary, where a release builds it, and the names of their packages. The
// one place where the name is set is `name` in package.json: the loader, npm/ and
// optionalDependencies follow it (`npm run packages` writes them).

/**
 * @typedef {{ platform: string, triple: string, os: string, cpu: string, libc?: string, sandbox:
 * boolean, image?: string }} Platform
 */

/**
 * The images that a release is built in: the C compiler, the linker and the C library. By digest,
 * so that a build years later has the same ones. PyPA makes them for glibc 2.28, which Node 20
 * needs itself, and for musl 1.2.
 */
const PYPA = 'quay.io/pypa';
const IMAGES = Object.freeze({
  'linux-x64-gnu': `${PYPA}/manylinux_2_28_x86_64:2026.08.15-1@sha256:0c87ccb5996dab6c3b7612ee4fda7b80c4ab3c44a86c2541e4a872afdf4f131b`,
  'linux-arm64-gnu': `${PYPA}/manylinux_2_28_aarch64:2026.08.15-1@sha256:561427136aabf3787bffb294b3515748241e0962d1527ae28bea1e076bfb9d99`,
  'linux-x64-musl': `${PYPA}/musllinux_1_2_x86_64:2026.08.15-1@sha256:75327606c7666fc971bd9239c6b220fd205b4bb9563b588075164622609219ca`,
  'linux-arm64-musl': `${PYPA}/musllinux_1_2_aarch64:2026.08.15-1@sha256:cea133e28484a93e9c40fc661256e8f1ec69b2887d0b64acbfaf48f26bbab103`,
});

/**
 * In the order of docs/platforms.md. `sandbox`: builds run under a program of its own, which there
 * is for Linux only.
 */
export const PLATFORMS = Object.freeze([
  { platform: 'linux-x64-gnu', triple: 'x86_64-unknown-linux-gnu', os: 'linux', cpu: 'x64', libc: 'glibc', sandbox: true, image: IMAGES['linux-x64-gnu'] },
  { platform: 'linux-arm64-gnu', triple: 'aarch64-unknown-linux-gnu', os: 'linux', cpu: 'arm64', libc: 'glibc', sandbox: true, image: IMAGES['linux-arm64-gnu'] },
  { platform: 'linux-x64-musl', triple: 'x86_64-unknown-linux-musl', os: 'linux', cpu: 'x64', libc: 'musl', sandbox: true, image: IMAGES['linux-x64-musl'] },
  { platform: 'linux-arm64-musl', triple: 'aarch64-unknown-linux-musl', os: 'linux', cpu: 'arm64', libc: 'musl', sandbox: true, image: IMAGES['linux-arm64-musl'] },
  { platform: 'darwin-x64', triple: 'x86_64-apple-darwin', os: 'darwin', cpu: 'x64', sandbox: false },
  { platform: 'darwin-arm64', triple: 'aarch64-apple-darwin', os: 'darwin', cpu: 'arm64', sandbox: false },
  { platform: 'win32-x64-msvc', triple: 'x86_64-pc-windows-msvc', os: 'win32', cpu: 'x64', sandbox: false },
]);

/**
 * The name of a platform's package: `reproduce-linux-x64-gnu` for `reproduce`, with the same scope
 * where there is one.
 */
export function packageName(main, platform) {
  return `${main}-${platform}`;
}

/**
 * The files of a platform's package that are built: the addon, then the program that builds run
 * under.
 */
export function binariesOf({ platform, sandbox }) {
  return [`reproduce.${platform}.node`, ...(sandbox ? [`reproduce-sandbox.${platform}`] : [])];
}

/** What the binaries of `binariesOf` are made of, in the same order; made for a release alone. */
export function sbomsOf(one) {
  return binariesOf(one).map((file) => `${file.replace(/\.node$/, '')}.cdx.json`);
}
