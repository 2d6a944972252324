// The hook after a publish, where a project's settings have the client tell that it is another one:
// the real yarn 1 publishes, whatever npm's variables say.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CLI, run } from './kit/cli.mjs';
import { ALL, CLIENTS, TOKEN } from './kit/clients.mjs';
import { git } from './kit/history.mjs';
import { manifest, openWorld } from './world.mjs';

const YARN = join(CLIENTS, ALL['yarn-1'].script);
const lacks = existsSync(YARN) ? false : 'npm ci in __test__/conformance';
// On other systems nothing shows which client it is.
const skip = process.platform === 'linux' ? lacks : 'the client’s process is seen on Linux alone';

let world;
let clean;
let work;
before(async () => {
  world = await openWorld();
  clean = await world.home();
  work = await mkdtemp(join(tmpdir(), 'disguised-'));
  await writeFile(join(clean.home, '.npmrc'), `registry=${world.registry.url}\n//${new URL(world.registry.url).host}/:_authToken=${TOKEN}\n`);
});
after(async () => {
  await world.close();
  await rm(work, { recursive: true });
});

/**
 * Publishes a package whose hook is this program, from a checkout with this `.yarnrc`, which is not
 * in it: yarn packs it and npm does not, and what a client has just published is known by that.
 */
async function published(name, yarnrc, options = '') {
  const files = { 'package.json': manifest(name, '1.0.0', { license: 'MIT', files: ['index.js'], scripts: { postpublish: `node '${CLI}' ${options}` } }), 'index.js': 'x\n', '.yarnrc': yarnrc };
  await world.host.add(`kit/${name}`, { commits: [{ label: 'c', files }], tags: { 'v1.0.0': 'c' } });
  const folder = join(work, name);
  await git(['clone', '-q', world.host.directory(`kit/${name}`), folder]);
  const env = { ...clean.env, PATH: `${clean.env.PATH}:/usr/bin:/bin`, npm_config_registry: world.registry.url };
  const ran = await run([YARN, 'publish', '--non-interactive'], { command: [process.execPath], cwd: folder, env });
  assert.ok(world.registry.packuments.get(name), `it was published: ${ran.stdout}${ran.stderr}`);
  return { code: ran.code, said: ran.stdout + ran.stderr };
}

const ENV = 'env:\n  npm_config_dry_run "true"\n  npm_command "stage"\n  npm_config_user_agent "npm/11.0.0 node/v24.0.0 linux x64"\n';

for (const [what, yarnrc] of [
  ['npm', 'user-agent "npm/11.0.0 node/v24.0.0 linux x64"\n'],
  ['no client', 'user-agent ""\n'],
  ['bun', 'user-agent "bun/1.3.0 npm/? node/v24.0.0 linux x64"\n'],
]) {
  test(`yarn that says that it is ${what} does not pass for one that published nothing`, { skip }, async () => {
    const name = `e-${what.replace(' ', '-')}`;
    const { code, said } = await published(name, yarnrc + ENV);
    assert.notEqual(code, 0, said);
    assert.match(said, /error\[publish-registry-unknown\][^\n]*user-agent/);
    assert.doesNotMatch(said, /nothing was checked/);
    const named = await published(`${name}-named`, yarnrc + ENV, `--registry ${world.registry.url}`);
    assert.equal(named.code, 0, named.said);
    assert.match(named.said, /✓ identical {2}e-/);
  });
}

test('the control: yarn by its own name is believed, and its env entries are not', { skip }, async () => {
  const { code, said } = await published('e-yarn', ENV);
  assert.equal(code, 0, said);
  assert.match(said, /✓ identical {2}e-yarn@1\.0\.0/);
});
