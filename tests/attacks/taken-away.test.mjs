// A build takes files of the commit away for what Node takes in their place, or changes how those
// that stay are loaded, or writes over dependencies that the package brings along.

import assert from 'node:assert/strict';
import { attack, findingOf, manifest, setUp } from './kit.mjs';

setUp();

const EVIL = 'evil()\n';
const writes = (files) => `const f=require('fs'),p=require('path');for(const [n,t] of Object.entries(${JSON.stringify(files)})){f.mkdirSync(p.dirname(n),{recursive:true});f.writeFileSync(n,t)}\n`;
const removes = (paths) => paths.map((path) => `require('fs').rmSync(${JSON.stringify(path)});\n`).join('');
const own = (id, json) => manifest(id, '1.0.0', { repository: { type: 'git', url: `git+https://github.com/kit/${id}.git` }, scripts: { build: 'node build.js' }, ...json });
const warnings = ({ findings }) => findings.filter(({ severity }) => severity !== 'info').map(({ code }) => code).sort();

/** Publishes what a build of the commit makes, and judges it; it is always identical. */
async function judged({ world, judge }, id, { json = {}, base, made = {}, gone = [] }) {
  const text = own(id, json);
  const source = { 'package.json': text, ...base, 'build.js': removes(gone) + writes(made) };
  const { c } = await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files: source }], tags: { 'v1.0.0': 'c' } });
  const published = { 'package.json': text, ...base, ...made };
  for (const path of gone) delete published[path];
  await world.registry.publish({ files: published, gitHead: c });
  const answer = await judge(`${id}@1.0.0`);
  assert.equal(answer.verdict, 'identical', `${answer.code} ${JSON.stringify(answer.findings)}`);
  return answer;
}

attack('what a build writes over a dependency that the package brings along is a warning', async (at) => {
  const dep = (id, json) => manifest(id, '1.0.0', { repository: null, main: 'index.js', ...json });
  const name = `${at.id}-dep`;
  const text = dep(name, {});
  await at.world.registry.publish({ files: { 'package.json': text, 'index.js': 'safe()\n', 'cli.js': '#!/usr/bin/env node\r\n' }, time: '2020-01-01T00:00:00.000Z' });
  const safe = { [`node_modules/${name}/package.json`]: text, [`node_modules/${name}/index.js`]: 'safe()\n', [`node_modules/${name}/cli.js`]: '#!/usr/bin/env node\r\n' };
  const hooked = `${JSON.stringify({ ...JSON.parse(text), scripts: { postinstall: 'node evil.js' } }, null, 2)}\n`;
  const cases = {
    honest: [{}, null],
    over: [{ [`node_modules/${name}/index.js`]: EVIL }, /-dep\/index\.js/],
    hook: [{ [`node_modules/${name}/package.json`]: hooked, [`node_modules/${name}/evil.js`]: EVIL }, /: node_modules\/[^ ]*-dep\/package\.json \(scripts\.postinstall\), .*-dep\/evil\.js/],
    command: [{ [`node_modules/${name}/node_modules/.bin/tool`]: EVIL, [`node_modules/${name}/a.js`]: EVIL }, /: node_modules\/[^ ]*-dep\/node_modules\/\.bin\/tool, /],
    hidden: [{ [`node_modules/${name}/node_modules/.evil/index.js`]: EVIL }, /-dep\/node_modules\/\.evil\/index\.js/],
    gyp: [{ [`node_modules/${name}/binding.gyp`]: '{}\n', [`node_modules/${name}/a.js`]: EVIL }, /: node_modules\/[^ ]*-dep\/binding\.gyp, /],
  };
  for (const [label, [over, told]] of Object.entries(cases)) {
    const json = { main: 'index.js', files: ['index.js', 'dist'], dependencies: { [name]: '1.0.0' }, bundleDependencies: [name] };
    const id = `${at.id}-${label}`;
    const packed = own(id, json);
    const made = { 'dist/a.js': '1\n', ...over };
    const source = { 'package.json': packed, 'index.js': 'run()\n', 'build.js': writes(made), '.gitignore': 'node_modules\ndist\n' };
    const { c } = await at.world.host.add(`kit/${id}`, { commits: [{ label: 'c', files: source }], tags: { 'v1.0.0': 'c' } });
    await at.world.registry.publish({ files: { 'package.json': packed, 'index.js': 'run()\n', ...safe, ...made }, gitHead: c });
    const answer = await at.judge(`${id}@1.0.0`);
    assert.equal(answer.verdict, 'identical', `${label}: ${answer.code} ${JSON.stringify(answer.findings)} ${JSON.stringify(answer.comparison)}`);
    assert.deepEqual(warnings(answer), told ? ['bundled-altered'] : [], label);
    if (told) assert.match(findingOf(answer, 'bundled-altered').message, told);
  }
});

attack('a bundled package that no registry gave is a warning', async (at) => {
  const name = `${at.id}-none`;
  // For another system: it is not installed here.
  await at.world.registry.publish({ files: { 'package.json': manifest(name, '1.0.0', { repository: null, os: ['win32'] }) }, time: '2020-01-01T00:00:00.000Z' });
  const made = { [`node_modules/${name}/package.json`]: manifest(name, '1.0.0', { repository: null }), [`node_modules/${name}/index.js`]: EVIL };
  const json = { files: ['index.js'], optionalDependencies: { [name]: '1.0.0' }, bundleDependencies: [name] };
  const answer = await judged(at, `${at.id}-own`, { json, base: { 'index.js': 'run()\n' }, made });
  assert.match(findingOf(answer, 'bundled-altered').message, /-none \(no tarball of that name\)/);
});

attack('what Node takes for a main that a build takes away is told', async (at) => {
  for (const [label, main] of [['file', 'lib/a.js'], ['bare', './lib/a']]) {
    const json = { main, files: ['lib', 'index.js'] };
    const answer = await judged(at, `${at.id}-${label}`, { json, base: { 'lib/a.js': 'safe()\n' }, made: { 'index.js': EVIL, 'lib/c.js': '1\n' }, gone: ['lib/a.js'] });
    assert.match(findingOf(answer, 'source-shadowed').message, /index\.js \(in place of lib\/a\.js\)/);
    assert.match(findingOf(answer, 'source-left-out').message, /lib\/a\.js \(which package\.json names\)/);
    assert.deepEqual(warnings(answer), ['source-left-out']);
  }
});

attack('a script of the commit that a build takes away is a warning where another loads it', async (at) => {
  for (const [label, base, gone, severity] of [
    ['guard', { 'index.js': "try{require('./guard')}catch{}\nrun()\n", 'guard.js': 'process.exit()\n' }, 'guard.js', 'warning'],
    ['tests', { 'index.js': 'run()\n', 'test/a.js': "require('..')\n" }, 'test/a.js', 'info'],
  ]) {
    const json = { main: 'index.js', files: ['dist', 'index.js', 'guard.js', 'test'] };
    const answer = await judged(at, `${at.id}-${label}`, { json, base, made: { 'dist/a.js': '1\n' }, gone: [gone] });
    assert.equal(findingOf(answer, 'source-left-out').severity, severity, label);
  }
});

attack('a package.json or a package beside a command without an extension is told', async (at) => {
  const base = { 'bin/cli': "#!/usr/bin/env node\nrequire('#core')\nrequire('near-dep')\n", 'bin/core': 'safe()\n' };
  const json = { bin: { x: 'bin/cli' }, imports: { '#core': './bin/core' }, files: ['bin', 'bin/node_modules'] };
  for (const [label, made, told] of [
    ['type', { 'bin/package.json': '{"type":"module"}\n' }, 'bin/package.json (in place of bin/cli)'],
    ['imports', { 'bin/package.json': '{"imports":{"#core":"./evil"}}\n', 'bin/evil': EVIL }, 'bin/package.json (in place of bin/cli)'],
    ['nearer', { 'bin/node_modules/near-dep/index.js': EVIL }, 'bin/node_modules/near-dep/index.js (in place of the dependency near-dep)'],
  ]) {
    const answer = await judged(at, `${at.id}-${label}`, { json, base, made });
    assert.ok(findingOf(answer, 'source-shadowed').message.includes(told), label);
  }
});

attack('a build that cleans its folder and makes it anew has no warning', async (at) => {
  const json = { main: 'lib/index.js', files: ['lib'] };
  const made = { 'lib/index.js': "require('./b')\n", 'lib/b.js': '1\n' };
  const answer = await judged(at, `${at.id}-clean`, { json, base: { 'lib/index.js': "require('./old')\n", 'lib/old.js': '1\n' }, made, gone: ['lib/old.js'] });
  assert.deepEqual(warnings(answer), []);
  assert.deepEqual(answer.findings.map(({ code }) => code).sort(), ['source-left-out', 'source-overwritten']);
});
