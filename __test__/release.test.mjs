// The way of a release, against a registry on loopback: packed once, published so that a second run
// goes on where the first one failed, and shown to be what its tag gives. The binaries are those
// that the tests have built.

import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { PLATFORMS } from '../scripts/platforms.mjs';
import { missingForRelease } from '../scripts/release-ready.mjs';
import { builtIn, unknownKeys } from '../scripts/trusted-root.mjs';
import { cleanEnv, run } from './kit/cli.mjs';
import { startGitHost } from './kit/githost.mjs';
import { git, gitEnv } from './kit/history.mjs';
import { namedCheckout, RELEASED } from './kit/release.mjs';
import { startVerdaccio } from './kit/verdaccio.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));

let verdaccio;
let work;
let checkout;
let env;
before(async () => {
  verdaccio = await startVerdaccio();
  work = await mkdtemp(join(tmpdir(), 'release-'));
  checkout = join(work, 'checkout');
  env = gitEnv({ HOME: work, npm_config_userconfig: verdaccio.npmrc, npm_config_globalconfig: join(work, 'none'), npm_config_cache: join(work, 'npm-cache') });
  await namedCheckout(checkout, env);
  await cp(join(root, '.gitignore'), join(checkout, '.gitignore'));
  await symlink(join(root, 'node_modules'), join(checkout, 'node_modules'), 'dir');
  await git(['init', '-q', '-b', 'main'], { cwd: checkout });
  await git(['add', '--all'], { cwd: checkout });
  await git(['-c', 'user.name=kit', '-c', 'user.email=kit@example.invalid', 'commit', '-q', '-m', 'a release'], { cwd: checkout });
  await git(['tag', `v${version}`], { cwd: checkout });
});
after(async () => {
  await verdaccio.close();
  await rm(work, { recursive: true });
});

const script = (name, ...args) => run([join('scripts', name), ...args], { command: [process.execPath], cwd: checkout, env, timeout: 300_000 });

/** Packs what is built, and makes stand-ins for the platforms that are not. */
async function packed(folder) {
  const ran = await script('pack.mjs', folder);
  assert.equal(ran.code, 0, ran.stderr);
  const sums = (await readFile(join(folder, 'SHA256SUMS'), 'utf8')).trim().split('\n');
  const there = (await readdir(folder)).filter((name) => name.endsWith('.tgz')).sort();
  assert.deepEqual(sums.map((line) => line.split('  ')[1]), there);
  const names = there.map((name) => name.replace(/^kit-reproduce-|-\d.*$/g, ''));
  for (const platform of await readdir(join(checkout, 'npm'))) {
    if (names.includes(platform)) continue;
    const { code, stderr } = await run(['pack', '--pack-destination', folder], { command: ['npm'], cwd: join(checkout, 'npm', platform), env });
    assert.equal(code, 0, stderr);
  }
}

const built = async () => (await readdir(checkout)).filter((name) => /^reproduce\..*\.node$/.test(name)).map((name) => name.split('.')[1]);

test('a release wants a name, a repository, one version everywhere and a date', async () => {
  const ready = join(work, 'ready');
  await mkdir(ready);
  await cp(join(root, 'Cargo.toml'), join(ready, 'Cargo.toml'));
  await writeFile(join(ready, 'package.json'), JSON.stringify({ name: 'reproduce', version, private: true }));
  await writeFile(join(ready, 'CHANGELOG.md'), `# Changelog\n\n## ${version} - unreleased\n`);
  const missing = missingForRelease(ready, { tag: 'v9.9.9' });
  for (const word of ['private', 'repository', 'bugs', 'CHANGELOG', 'the tag is v9.9.9']) assert.ok(missing.some((line) => line.includes(word)), word);
  await cp(join(checkout, 'package.json'), join(ready, 'package.json'));
  await writeFile(join(ready, 'CHANGELOG.md'), `# Changelog\n\n## ${version} - 2026-11-29\n`);
  assert.deepEqual(missingForRelease(ready, { tag: `v${version}` }), []);
  await writeFile(join(ready, 'Cargo.toml'), 'version = "9.9.9"\n');
  assert.deepEqual(missingForRelease(ready, { tag: `v${version}` }), [`Cargo.toml has version 9.9.9, and package.json ${version}`]);
});

test('a release that failed half way goes on where it stopped, and what is out with other bytes stops it', async () => {
  const folder = join(work, 'packages');
  await packed(folder);
  const [first] = (await readdir(folder)).filter((name) => name.includes('-darwin-')).sort();
  await verdaccio.npm(['publish', join(folder, first), '--ignore-scripts'], { cwd: work });
  const goes = await script('publish.mjs', folder);
  assert.equal(goes.code, 0, goes.stderr);
  assert.equal(goes.stdout.match(/is published already/g).length, 1);
  const again = await script('publish.mjs', folder);
  assert.deepEqual([again.code, again.stdout.match(/is published already/g).length], [0, (await readdir(join(checkout, 'npm'))).length + 1]);
  // The same version, packed of something else.
  const other = join(work, 'other');
  await cp(folder, other, { recursive: true });
  const [darwin] = (await readdir(other)).filter((name) => name.includes('-darwin-')).sort();
  await rm(join(other, darwin));
  const changed = join(work, 'changed');
  await cp(join(checkout, 'npm', /-(darwin-\w+)-/.exec(darwin)[1]), changed, { recursive: true });
  await writeFile(join(changed, 'README.md'), 'another\n');
  assert.equal((await run(['pack', '--pack-destination', other], { command: ['npm'], cwd: changed, env })).code, 0);
  const refused = await script('publish.mjs', other);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /is published with sha512-/);
});

test('a published release is what its tag gives, and one byte more is found', async () => {
  const platforms = await built();
  const only = ['--only', platforms.join(',')];
  const same = await script('verify-release.mjs', version, ...only, '--binaries', checkout);
  assert.equal(same.code, 0, same.stdout + same.stderr);
  const names = [...platforms.map((name) => `${RELEASED}-${name}`), RELEASED];
  assert.deepEqual(same.stdout.trim().split('\n').sort(), names.map((name) => `identical  ${name}@${version}`).sort());
  // All platforms: those that nobody built are named, and it is undecided.
  const rest = await script('verify-release.mjs', version, '--binaries', checkout);
  assert.equal(rest.code, 2);
  assert.equal(rest.stdout.match(/^not shown {2}/gm).length, (await readdir(join(checkout, 'npm'))).length - platforms.length);
  const binaries = join(work, 'binaries');
  await mkdir(binaries);
  for (const name of (await readdir(checkout)).filter((file) => /^reproduce(-sandbox)?\./.test(file))) await cp(join(checkout, name), join(binaries, name));
  await writeFile(join(binaries, `reproduce.${platforms[0]}.node`), Buffer.concat([await readFile(join(binaries, `reproduce.${platforms[0]}.node`)), Buffer.of(0)]));
  const differs = await script('verify-release.mjs', version, ...only, '--binaries', binaries);
  assert.equal(differs.code, 1);
  assert.match(differs.stdout, new RegExp(`^DIFFERS {4}\\S+-${platforms[0]}@\\S+\\n +package/reproduce\\.${platforms[0]}\\.node has other bytes`, 'm'));
  assert.match(differs.stdout, new RegExp(`^identical {2}${RELEASED}@`, 'm'));
});

test('the program says of its own package that it is its source', async () => {
  const host = await startGitHost();
  const clean = await cleanEnv({ registry: verdaccio, gitconfig: host });
  try {
    await host.add('kit/reproduce', { commits: [{ label: 'c', files: { README: 'a start\n' } }] });
    await git(['push', '-q', '--force', host.directory('kit/reproduce'), 'main', `v${version}`], { cwd: checkout });
    const ran = await run([`${RELEASED}@${version}`, '--json'], { env: clean.env, cwd: clean.home, timeout: 120_000 });
    assert.equal(ran.json?.verdict, 'identical', `${ran.stdout}\n${ran.stderr}`);
    assert.equal(ran.json.origin.commit, (await git(['rev-parse', `v${version}`], { cwd: checkout })).trim());
  } finally {
    await Promise.all([host.close(), clean.remove()]);
  }
});

test('the notices name every crate that is linked into a binary', async () => {
  const notices = new Set((await readFile(join(root, 'THIRD_PARTY_NOTICES'), 'utf8')).match(/^ {2}[\w-]+ \d\S*$/gm).map((line) => line.trim()));
  for (const { triple, sandbox } of PLATFORMS) {
    const args = ['tree', '--locked', '--target', triple, '--edges', 'normal,no-proc-macro', '--prefix', 'none', '--format', '{p}'];
    const packages = ['--package', 'reproduce', ...(sandbox ? ['--package', 'reproduce-sandbox'] : [])];
    const { code, stdout, stderr } = await run([...args, ...packages], { command: ['cargo'], cwd: root, timeout: 120_000 });
    assert.equal(code, 0, stderr);
    const crates = new Set(stdout.split('\n').filter((line) => / v\d/.test(line) && !line.includes(`(${root.replace(/[\\/]$/, '')}`)).map((line) => line.split(' ').slice(0, 2).join(' ').replace(' v', ' ')));
    assert.ok(crates.size > 200, `${crates.size} crates`);
    assert.deepEqual([...crates].filter((one) => !notices.has(one)), [], `${triple}: run node scripts/notices.mjs`);
  }
});

test('a release is built without a network, in an image by digest, and no path of the machine reaches the compiler', async () => {
  const bin = join(work, 'bin');
  await mkdir(bin);
  const said = join(work, 'docker-said');
  // Stand-ins: what is asked of the container is what is shown here.
  const programs = { docker: 'printf "%s\\n" "$@" > "$SAID"', rustup: 'echo /opt/rust/bin/rustc', cargo: 'exit 0' };
  for (const [name, text] of Object.entries(programs)) await writeFile(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  const folder = join(work, 'a checkout');
  await mkdir(folder);
  await cp(join(root, 'rust-toolchain-release'), join(folder, 'rust-toolchain-release'));
  const text = `
    import { containerCargo } from '${new URL('../scripts/container.mjs', import.meta.url)}';
    import { PLATFORMS } from '${new URL('../scripts/platforms.mjs', import.meta.url)}';
    const platform = PLATFORMS.find(({ triple }) => triple === 'aarch64-unknown-linux-musl');
    const root = process.argv[1];
    containerCargo({ root, targetFolder: root + '/target/container', platform })(['build']);
  `;
  const own = { PATH: `${bin}:/usr/bin:/bin`, HOME: '/home/somebody', SAID: said, CFLAGS: '-Dmine' };
  const ran = await run(['--input-type=module', '-e', text, folder], { command: [process.execPath], env: own });
  assert.equal(ran.code, 0, ran.stderr);
  const words = (await readFile(said, 'utf8')).trim().split('\n');
  assert.deepEqual(words.slice(0, 4), ['run', '--rm', '--network', 'none']);
  assert.match(words.at(-3), /^quay\.io\/pypa\/musllinux_1_2_aarch64:\S+@sha256:[0-9a-f]{64}$/);
  assert.deepEqual(words.slice(-2), ['/rust/bin/cargo', 'build']);
  const given = words.filter((_, at) => words[at - 1] === '--env');
  assert.ok(given.includes('CARGO_NET_OFFLINE=true'));
  assert.ok(given.some((word) => word.startsWith('CARGO_ENCODED_RUSTFLAGS=') && word.includes('--remap-path-prefix=/source=/reproduce')));
  assert.deepEqual(given.filter((word) => word.includes(work) || word.includes('somebody') || word.includes('mine')), []);
});

test('a key of Sigstore that the program does not have is found', () => {
  const known = builtIn();
  assert.deepEqual(unknownKeys(known, known), []);
  const [log, ...others] = known.tlogs;
  assert.deepEqual(unknownKeys(known, { ...known, tlogs: others }), [`the key of the log ${log.baseUrl}`]);
  assert.equal(unknownKeys(known, { ...known, certificateAuthorities: [] }).length, known.certificateAuthorities.flatMap(({ certChain }) => certChain.certificates).length);
});
