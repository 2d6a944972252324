// The hook after a publish with the real clients: what was sent is judged where it was sent to, or
// nothing is. No stored answer, no other registry's version and no earlier one stands for it.

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { CLI, run } from './kit/cli.mjs';
import { ALL, lacked, NAMES, pathOf, saidBy, skip, TOKEN, wordOf } from './kit/clients.mjs';
import { startRegistry } from './kit/registry.mjs';
import { manifest, openWorld } from './world.mjs';

/** Those that run a script after a publish, and have a setting for the registry beside npm's. */
const WITH_HOOK = NAMES.filter((name) => ALL[name].after !== false && name !== 'vlt-1');
const SKIP = (client) => ({ skip: skip || (lacked.includes(client) && 'npm ci in __test__/conformance'), timeout: 300_000 });

/**
 * How a client is led to another registry: words, variables, files in the package's folder, or in
 * the one above, where it is started then. `unseen`: the client hides it from its hook.
 */
const LED = {
  npm: [
    { title: '--registry', args: (to) => ['--registry', to] },
    { title: '--@scope:registry', unseen: true, scoped: true, args: (to, scope) => [`--${scope}:registry=${to}`] },
    { title: 'the .npmrc where it was started', above: { '.npmrc': (to) => `registry=${to}\n` } },
    { title: 'publishConfig', own: (to) => ({ registry: to }) },
  ],
  'pnpm-10': [
    { title: '--registry', args: (to) => ['--registry', to] },
    { title: 'npm_config_registry', env: (to) => ({ npm_config_registry: to }) },
    { title: 'a scope in .npmrc', scoped: true, files: { '.npmrc': (to, scope) => `${scope}:registry=${to}\n` } },
  ],
  pnpm: [
    { title: 'registry in pnpm-workspace.yaml', files: { 'pnpm-workspace.yaml': (to) => `registry: ${to}\n` } },
    { title: 'a scope in pnpm-workspace.yaml', scoped: true, files: { 'pnpm-workspace.yaml': (to, scope) => `registries:\n  '${scope}': ${to}\n` } },
    { title: 'pnpm_config_registry', env: (to) => ({ pnpm_config_registry: to }) },
    { title: 'publishConfig', own: (to) => ({ registry: to }) },
  ],
  yarn: [
    { title: 'YARN_REGISTRY', env: (to) => ({ YARN_REGISTRY: to }) },
    { title: '--registry', args: (to) => ['--registry', to] },
    { title: '.npmrc', files: { '.npmrc': (to) => `registry=${to}\n` } },
  ],
  bun: [
    { title: 'bunfig.toml', files: { 'bunfig.toml': (to) => `[install]\nregistry = "${to}"\n` } },
    { title: 'BUN_CONFIG_REGISTRY', env: (to) => ({ BUN_CONFIG_REGISTRY: to }) },
    { title: 'a scope in bunfig.toml', scoped: true, files: { 'bunfig.toml': (to, scope) => `[install.scopes]\n"${scope}" = { url = "${to}", token = "${TOKEN}" }\n` } },
  ],
};
const ledBy = (client) => LED[client] ?? LED[client.split('-')[0]];

let world;
let elsewhere;
let clean;
let work;
before(async () => {
  if (skip) return;
  world = await openWorld();
  elsewhere = await startRegistry();
  work = await mkdtemp(join(tmpdir(), 'published-'));
  clean = await world.home();
  const tokens = [world.registry, elsewhere].map(({ url }) => `//${new URL(url).host}/:_authToken=${TOKEN}\n`).join('');
  await writeFile(join(clean.home, '.npmrc'), `registry=${world.registry.url}\n${tokens}update-notifier=false\n`);
  // A client has the registry from its own settings.
  delete clean.env.npm_config_registry;
});
after(async () => {
  if (skip) return;
  await world.close();
  await elsewhere.close();
  await rm(work, { recursive: true });
});

/** A folder whose package has this hook, and the repository with its source. */
async function folderOf(name, { json = {}, code = 'good\n', options = '', place = name.replaceAll('/', '-') } = {}) {
  const scripts = { ...json.scripts, postpublish: `"${process.execPath}" "${CLI}" --color never ${options}` };
  const source = { 'package.json': manifest(name, '1.0.0', { files: ['index.js'], ...json, scripts }), 'index.js': 'good\n' };
  await world.host.add(`kit/${name.split('/').at(-1)}`, { commits: [{ label: 'c', files: source }], tags: { 'v1.0.0': 'c' } });
  const folder = join(work, place, 'package');
  await mkdir(folder, { recursive: true });
  for (const [path, text] of Object.entries({ ...source, 'index.js': code })) await writeFile(join(folder, path), text);
  return { folder, source };
}

/** Publishes a folder with a client, and gives what it said. */
async function publish(client, folder, { args = [], env = {}, from = folder } = {}) {
  const path = await pathOf(client, work);
  const { publish: words = ['publish', ...(client.startsWith('pnpm') ? ['--no-git-checks'] : [])] } = ALL[client];
  const ran = await run([...words, ...args, ...(from === folder ? [] : ['./package'])], { command: [join(path.split(':')[0], wordOf(client))], cwd: from, env: { ...clean.env, ...env, PATH: path }, timeout: 120_000 });
  return { ...ran, said: saidBy(ran) };
}

for (const client of WITH_HOOK) {
  for (const { title, args, env, files = {}, above = {}, own, scoped, unseen } of ledBy(client)) {
    test(`${client} is led to another registry by ${title}: ${unseen ? 'nothing is judged' : 'what it sent there is judged'}`, SKIP(client), async () => {
      const scope = '@kit';
      const name = `${scoped ? `${scope}/` : ''}p-${client}-${title.replaceAll(/\W+/g, '-').toLowerCase()}`;
      const to = elsewhere.url;
      const { folder, source } = await folderOf(name, { code: 'payload()\n', json: own ? { publishConfig: own(to) } : {} });
      for (const [path, text] of Object.entries(files)) await writeFile(join(folder, path), text(to, scope));
      for (const [path, text] of Object.entries(above)) await writeFile(join(dirname(folder), path), text(to, scope));
      if (Object.keys(above).length > 0) await writeFile(join(dirname(folder), 'package.json'), '{"private":true}');
      // A good one of the same version was there a moment before.
      await world.registry.publish({ files: source });
      const ran = await publish(client, folder, { args: args?.(to, scope), env: env?.(to), ...(Object.keys(above).length > 0 && { from: dirname(folder) }) });
      assert.ok(elsewhere.packuments.has(name), `it was not sent there: ${ran.said}`);
      assert.doesNotMatch(ran.said, /✓/);
      assert.match(ran.said, unseen ? /\[not-just-published\]/ : /✗ differs/);
    });
  }

  test(`${client}: no stored answer, and no version that was there before, stands for what was sent`, SKIP(client), async () => {
    const name = `p-${client}-again`;
    const { folder } = await folderOf(name);
    const good = await publish(client, folder);
    assert.match(good.said, /✓ identical/, good.said);
    world.registry.unpublish(name);
    world.registry.packuments.delete(name);
    await writeFile(join(folder, 'index.js'), 'payload()\n');
    const bad = await publish(client, folder);
    assert.ok(world.registry.packuments.has(name), bad.said);
    assert.match(bad.said, /✗ differs/);
    assert.doesNotMatch(bad.said, /✓/);
  });

  test(`${client}: what its hook asks for elsewhere is not judged where it is other than the folder`, SKIP(client), async () => {
    const name = `p-${client}-elsewhere`;
    const { folder, source } = await folderOf(name, { code: 'payload()\n', options: `--registry ${world.registry.url}` });
    await world.registry.publish({ files: source });
    const ran = await publish(client, folder, { args: client.startsWith('bun') || client.startsWith('yarn') ? [] : ['--registry', elsewhere.url], ...(client.startsWith('bun') && { env: { BUN_CONFIG_REGISTRY: elsewhere.url } }), ...(client.startsWith('yarn') && { env: { YARN_REGISTRY: elsewhere.url } }) });
    assert.ok(elsewhere.packuments.has(name), ran.said);
    assert.match(ran.said, /\[not-just-published\]/);
    assert.doesNotMatch(ran.said, /✓/);
  });

  test(`${client}: a version that was sent under another number is judged, or nothing is`, SKIP(client), async () => {
    const name = `p-${client}-number`;
    const bump = "const fs=require('fs');const p=JSON.parse(fs.readFileSync('package.json'));p.version='1.0.1';fs.writeFileSync('package.json',JSON.stringify(p));";
    const { folder, source } = await folderOf(name, { code: 'payload()\n', json: { scripts: { prepack: `node -e "${bump}"` } } });
    await world.registry.publish({ files: source });
    const ran = await publish(client, folder);
    const sent = Object.keys(world.registry.packuments.get(name).versions);
    assert.doesNotMatch(ran.said, /✓/, ran.said);
    if (sent.includes('1.0.1')) assert.match(ran.said, /\[not-just-published\]|✗ differs|\? no-source \(commit-not-found\) {2}\S+@1\.0\.1/);
  });

  if (client !== 'yarn-1') {
    test(`${client}: after a dry run nothing is judged`, SKIP(client), async () => {
      const name = `p-${client}-dry`;
      const { folder, source } = await folderOf(name, { code: 'payload()\n' });
      await world.registry.publish({ files: { ...source, 'package.json': await readFile(join(folder, 'package.json'), 'utf8') }, version: '0.9.0' });
      const ran = await publish(client, folder, { args: ['--dry-run'] });
      assert.equal(ran.code, 0, ran.said);
      assert.deepEqual(Object.keys(world.registry.packuments.get(name).versions), ['0.9.0']);
      assert.doesNotMatch(ran.said, /✓|✗/);
    });
  }
}

test('a setting that is not followed is named, and nothing is judged', SKIP('bun-1'), async () => {
  const { folder, source } = await folderOf('p-lost', { code: 'payload()\n' });
  await world.registry.publish({ files: source });
  await writeFile(join(folder, 'bunfig.toml'), '[install]\nregistry = "$WHERE"\n');
  const ran = await publish('bun-1', folder, { env: { WHERE: elsewhere.url } });
  assert.ok(elsewhere.packuments.has('p-lost'), ran.said);
  assert.match(ran.said, /error\[publish-registry-unknown\]: .*install\.registry in bunfig\.toml[^]*reproduce --registry <url>/);
});
