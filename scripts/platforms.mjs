// The platforms that have a binary, and the names of their packages. The one place where the name is set is `name` in
// package.json: the loader, npm/ and optionalDependencies follow it (`npm run packages` writes them).

/** @typedef {{ platform: string, triple: string, os: string, cpu: string, libc?: string, sandbox: boolean }} Platform */

/** In the order of docs/platforms.md. `sandbox`: builds run under a program of its own, which there is for Linux only. */
export const PLATFORMS = Object.freeze([
  { platform: 'linux-x64-gnu', triple: 'x86_64-unknown-linux-gnu', os: 'linux', cpu: 'x64', libc: 'glibc', sandbox: true },
  { platform: 'linux-arm64-gnu', triple: 'aarch64-unknown-linux-gnu', os: 'linux', cpu: 'arm64', libc: 'glibc', sandbox: true },
  { platform: 'linux-x64-musl', triple: 'x86_64-unknown-linux-musl', os: 'linux', cpu: 'x64', libc: 'musl', sandbox: true },
  { platform: 'linux-arm64-musl', triple: 'aarch64-unknown-linux-musl', os: 'linux', cpu: 'arm64', libc: 'musl', sandbox: true },
  { platform: 'darwin-x64', triple: 'x86_64-apple-darwin', os: 'darwin', cpu: 'x64', sandbox: false },
  { platform: 'darwin-arm64', triple: 'aarch64-apple-darwin', os: 'darwin', cpu: 'arm64', sandbox: false },
  { platform: 'win32-x64-msvc', triple: 'x86_64-pc-windows-msvc', os: 'win32', cpu: 'x64', sandbox: false },
]);

/** The name of a platform's package: `reproduce-linux-x64-gnu` for `reproduce`, with the same scope where there is one. */
export function packageName(main, platform) {
  return `${main}-${platform}`;
}

/** The files of a platform's package that are built: the addon, then the program that builds run under. */
export function binariesOf({ platform, sandbox }) {
  return [`reproduce.${platform}.node`, ...(sandbox ? [`reproduce-sandbox.${platform}`] : [])];
}
