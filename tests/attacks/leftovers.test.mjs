// After strangers' code ran, the host acts on nothing that it left by a path that was looked at
// before.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { attack, manifest, SEATS, setUp } from './kit.mjs';

setUp();

const BUILD = `node -e "require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/a.js','x')"`;

/**
 * A package of a workspace whose version is written after the installation, and an installation
 * that runs `evil`.
 */
async function late(world, name, evil) {
  const repository = { type: 'git', url: `git+https://github.com/kit/${name}.git`, directory: 'p/a' };
  const own = { repository, scripts: { build: BUILD }, files: ['dist', 'index.js'], payload: '$(touch ~/PWNED)' };
  const files = {
    'package.json': manifest(`${name}-root`, '0.0.0', { private: true, workspaces: ['p/*'], scripts: { postinstall: 'node evil.js' } }),
    'evil.js': `const fs=require('fs');${evil}`,
    'p/a/package.json': manifest(name, '0.0.0', own),
    'p/a/index.js': `module.exports = '${name}';\n`,
    'p/b/package.json': manifest(`${name}-other`, '0.0.0', { private: true, dependencies: { [name]: '^0.0.0' } }),
  };
  const { spec } = await world.release(name, { version: '3.1.0', json: own, published: { 'dist/a.js': 'x' }, history: { commits: [{ label: 'c', files }] } });
  return spec;
}

/** The user's file that an attack would like to write. */
async function withMine(home) {
  const clean = await home();
  const mine = join(clean.home, '.bashrc');
  writeFileSync(mine, '# mine\n');
  return { clean, mine };
}

const VARIANTS = {
  'a relative link': `fs.rmSync('p/a/package.json');fs.symlinkSync('../../../../../../../../.bashrc','p/a/package.json');`,
  'a link in place of the folder': `fs.rmSync('p/a',{recursive:true});fs.symlinkSync('../../../../../../..','p/a');`,
  'a link at another member and a chain of links': `fs.rmSync('p/a/package.json');fs.symlinkSync('one','p/a/package.json');fs.symlinkSync('../../../../../../../../.bashrc','p/a/one');`,
};

for (const [title, evil] of Object.entries(VARIANTS)) {
  attack(
    `${title}: in place of package.json it leads nowhere`,
    async ({ world, id, judge, home }) => {
      const spec = await late(world, id, evil);
      const { clean, mine } = await withMine(home);
      await judge(spec, { clean });
      assert.equal(readFileSync(mine, 'utf8'), '# mine\n');
      assert.ok(!existsSync(join(clean.home, 'package.json')), 'package.json beside the user\'s files');
    },
    { seats: title === 'a relative link' ? SEATS : undefined },
  );
}

attack('a pipe in place of package.json keeps nobody waiting', async ({ world, id, judge }) => {
  const spec = await late(world, id, `fs.rmSync('p/a/package.json');require('child_process').execSync('mkfifo p/a/package.json');`);
  const answer = await judge(spec, { args: ['--timeout', '60'] });
  assert.notEqual(answer.code, 'timed-out');
});

attack('a deep tree is removed, and the next package has its answer', async ({ world, id, judge }) => {
  const script = `
const fs = require('fs');
const top = process.cwd() + '/dist';
const end = '/a'.repeat(1000);
for (let c = 0; c < 12; c++) fs.mkdirSync(top + '/c' + c + end, { recursive: true });
for (let c = 11; c > 0; c--) fs.renameSync(top + '/c' + c, top + '/c' + (c - 1) + end + '/a');
`;
  const deep = { 'package.json': manifest(id, '1.0.0', { scripts: { build: 'node build.cjs' }, files: ['dist', 'index.js'] }), 'build.cjs': script, 'index.js': 'x\n', '.gitignore': 'dist\n' };
  await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files: deep }], tags: { 'v1.0.0': 'c' } });
  await world.registry.publish({ files: { 'package.json': deep['package.json'], 'index.js': 'x\n', 'dist/y.js': 'y' } });
  const { spec } = await world.release(`${id}-honest`, { json: { scripts: { build: BUILD }, files: ['dist', 'index.js'] }, published: { 'dist/a.js': 'x' } });
  const first = await judge(`${id}@1.0.0`);
  assert.equal(first.reproduced, false);
  const again = await judge(`${id}@1.0.0`, { clean: first.clean, args: ['--force'] });
  assert.equal(again.reproduced, false);
  assert.equal((await judge(spec, { clean: first.clean })).verdict, 'identical');
});
