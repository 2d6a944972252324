// Writes what follows from package.json: npm/<platform>/ and optionalDependencies, with the same
// name, version and engines, and the texts that have the name or the repository's address
// (scripts/named.mjs).
//   node scripts/packages.mjs                 writes
//   node scripts/packages.mjs --check         fails where something is not in step (a test runs it)
//   node scripts/packages.mjs --check --release    fails too where a release lacks something: the first job of the release
//   node scripts/packages.mjs --name @me/reproduce --repository https://host/me/reproduce    names the packages, and then writes
//   node scripts/packages.mjs --into <folder> copies the binaries that are built, with their package, for `npm pack`
//
// As long as package.json is `private`, the program has no name of its own on a registry: then no
// platform's package is an optional dependency, so that nobody's package of such a name is ever
// installed or loaded.

import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { binariesOf, packageName, PLATFORMS, sbomsOf } from './platforms.mjs';
import { namedTexts } from './named.mjs';
import { missingForRelease } from './release-ready.mjs';

/** The licences of the crates in the binaries (scripts/notices.mjs). */
const NOTICES = 'THIRD_PARTY_NOTICES';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const option = (name) => (process.argv.includes(name) ? (process.argv[process.argv.indexOf(name) + 1] ?? '') : undefined);
const text = (path) => (existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : '');
const json = (value) => `${JSON.stringify(value, null, 2)}\n`;

/** All files that follow from package.json, by path. */
export function generated({ name, repository } = {}) {
  const main = named(JSON.parse(text('package.json')), name, repository);
  const lock = JSON.parse(text('package-lock.json'));
  const packages = main.private ? undefined : Object.fromEntries(PLATFORMS.map((one) => [packageName(main.name, one.platform), main.version]));
  main.optionalDependencies = packages;
  main.napi.targets = PLATFORMS.map(({ triple }) => triple);
  Object.assign(lock, { name: main.name, version: main.version });
  Object.assign(lock.packages[''], { name: main.name, version: main.version, optionalDependencies: packages });
  for (const path of Object.keys(lock.packages)) if (lock.packages[path].cpu && isOurs(path)) delete lock.packages[path];
  const files = new Map();
  for (const one of PLATFORMS) {
    const manifest = manifestFor(one, main);
    // npm ci wants them in the lockfile. Without an address and a hash: they are published after
    // this commit is made.
    const { version, cpu, libc, os, engines, license } = manifest;
    if (packages) lock.packages[`node_modules/${manifest.name}`] = { version, cpu, engines, ...(libc && { libc }), license, optional: true, os };
    files.set(`npm/${one.platform}/package.json`, json(manifest));
    files.set(`npm/${one.platform}/README.md`, readme(one, main));
    files.set(`npm/${one.platform}/LICENSE`, text('LICENSE'));
  }
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en')));
  return new Map([['package.json', json(main)], ['package-lock.json', json(lock)], ...files, ...namedTexts(main, text)]);
}

/** package.json under a name and with a repository of its own, which makes it publishable. */
function named(main, name, repository) {
  if (name === undefined && repository === undefined) return main;
  if (!name || !/^https:\/\/[^/]+\/[^?#]+$/.test(repository ?? '')) throw new Error('--name and --repository <https address> go together');
  const address = repository.replace(/\/+$|\.git$/g, '');
  delete main.private;
  const home = { homepage: `${address}#readme`, bugs: { url: `${address}/issues` }, repository: { type: 'git', url: `git+${address}.git` } };
  return Object.assign(main, { name, ...home });
}

function isOurs(path) {
  return PLATFORMS.some(({ platform }) => path.endsWith(`-${platform}`));
}

function manifestFor(one, main) {
  const { platform, os, cpu, libc, triple } = one;
  return {
    name: packageName(main.name, platform),
    version: main.version,
    ...(main.private && { private: true }),
    description: `The binary of ${main.name} for ${platform}`,
    license: main.license,
    ...(main.repository && { repository: { ...main.repository, directory: `npm/${platform}` } }),
    main: binariesOf(one)[0],
    files: [...binariesOf(one), ...sbomsOf(one), NOTICES],
    os: [os],
    cpu: [cpu],
    ...(libc && { libc: [libc] }),
    engines: main.engines,
    // Yarn's Plug'n'Play: an addon and a program have to be files.
    preferUnplugged: true,
    publishConfig: { access: 'public' },
    napi: { target: triple },
  };
}

function readme({ platform, triple, sandbox }, { name, homepage }) {
  const helper = sandbox ? ', and the sandbox program' : '';
  return (
    `# ${packageName(name, platform)}\n\nThe addon of ${homepage ? `[${name}](${homepage})` : name} for \`${triple}\`${helper}. ` +
    `Package managers install it with ${name} on this platform; do not install it by hand.\n`
  );
}

/** Copies the packages whose binaries are built into a folder, and says which. */
export function collect(folder) {
  const done = [];
  for (const one of PLATFORMS) {
    const built = binariesOf(one).filter((file) => existsSync(join(root, file)));
    if (built.length !== binariesOf(one).length) continue;
    const into = join(folder, one.platform);
    mkdirSync(into, { recursive: true });
    for (const file of ['package.json', 'README.md', 'LICENSE']) copyFileSync(join(root, 'npm', one.platform, file), join(into, file));
    copyFileSync(join(root, NOTICES), join(into, NOTICES));
    for (const file of sbomsOf(one).filter((name) => existsSync(join(root, name)))) copyFileSync(join(root, file), join(into, file));
    for (const file of built) {
      copyFileSync(join(root, file), join(into, file));
      // npm packs the mode, and the program must be executable wherever it is unpacked.
      chmodSync(join(into, file), file.endsWith('.node') ? 0o644 : 0o755);
    }
    done.push(one.platform);
  }
  return done;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const files = generated({ name: option('--name'), repository: option('--repository') });
  const changed = [...files].filter(([path, content]) => text(path) !== content);
  if (process.argv.includes('--check')) {
    for (const [path] of changed) console.error(`${path} is not in step with package.json: run npm run packages`);
    const missing = process.argv.includes('--release') ? missingForRelease(root) : [];
    for (const line of missing) console.error(line);
    process.exitCode = changed.length > 0 || missing.length > 0 ? 1 : 0;
  } else {
    for (const [path, content] of changed) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), content);
    }
    const into = option('--into');
    if (into !== undefined) console.log(collect(into).join('\n'));
  }
}
