// A build makes another package of the commit than a reader of the repository sees, and what it
// wrote over comes out of another attempt, another folder or another repository.

import assert from 'node:assert/strict';
import { gzip, rawTar } from '../../__test__/kit/tarball.mjs';
import { attack, findingOf, manifest, setUp } from './kit.mjs';

setUp();

const EVIL = 'evil()\n';

/** A build script that writes these files. */
const writes = (files) => `const f=require('fs'),p=require('path');for(const [n,t] of Object.entries(${JSON.stringify(files)})){f.mkdirSync(p.dirname(n),{recursive:true});f.writeFileSync(n,t)}\n`;

/** The codes of the findings that speak against a package, in order. */
const warnings = ({ findings }) => findings.filter(({ severity }) => severity !== 'info').map(({ code }) => code).sort();

/** Publishes what a build of the commit makes, and judges it; it is always identical. */
async function judged({ world, judge }, id, source, published, more = {}) {
  const { c } = await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files: source }], tags: { 'v1.0.0': 'c' }, ...more });
  await world.registry.publish({ files: published, gitHead: c });
  const answer = await judge(`${id}@1.0.0`);
  assert.equal(answer.verdict, 'identical', `${answer.code} ${JSON.stringify(answer.findings)}`);
  return answer;
}

const own = (id, json) => manifest(id, '1.0.0', { repository: { type: 'git', url: `git+https://github.com/kit/${id}.git` }, ...json });
const withEvil = (text) => {
  const all = JSON.parse(text);
  return `${JSON.stringify({ ...all, scripts: { ...all.scripts, postinstall: 'node evil.js' }, dependencies: { 'v-evil': '1.0.0' } }, null, 2)}\n`;
};

attack('a package.json that a build writes as a tool of the commit would is told by its keys', async (at) => {
  const settings = `${JSON.stringify({ replace: { 'scripts.postinstall': 'node evil.js', 'dependencies.v-evil': '1.0.0' } })}\n`;
  await at.world.registry.publish({ files: { 'package.json': manifest('v-evil', '1.0.0', { repository: null }), 'a.js': '1\n' } });
  for (const [label, byBuild] of [['tool', false], ['build', true]]) {
    const text = own(`${at.id}-${label}`, { scripts: { build: 'node build.js', prepack: 'clean-package' }, files: ['dist', 'evil.js'], main: 'dist/a.js' });
    const made = { 'dist/a.js': '1\n', 'evil.js': EVIL };
    const source = { 'package.json': text, 'clean-package.config.json': settings, 'build.js': writes({ ...made, ...(byBuild && { 'package.json': withEvil(text) }) }) };
    const told = findingOf(await judged(at, `${at.id}-${label}`, source, { 'package.json': withEvil(text), ...made }), 'manifest-rewritten');
    assert.equal(told.severity, 'warning');
    assert.match(told.message, /dependencies.*scripts\.postinstall/);
  }
});

attack('files of another folder that a build copies over the packed one are told', async (at) => {
  for (const [label, decoy] of [['folder', 'x'], ['root', '']]) {
    const id = `${at.id}-${label}`;
    const inside = (name) => (decoy ? `${decoy}/${name}` : name);
    const text = own(id, { repository: { type: 'git', url: `git+https://github.com/kit/${id}.git`, directory: 'packages/real' }, scripts: { build: 'node ../../copy.js' }, files: ['index.js', 'a.js', 'b.js', 'c.js', 'd.js'] });
    const files = { 'index.js': EVIL, 'a.js': 'a\n', 'b.js': 'b\n', 'c.js': 'c\n', 'd.js': 'd\n' };
    const copy = `const f=require('fs'),p=require('path');for(const n of ${JSON.stringify(Object.keys(files))})f.copyFileSync(p.join(__dirname,${JSON.stringify(decoy)},n),p.join(__dirname,'packages/real',n))\n`;
    const root = decoy ? { 'package.json': own('root', { private: true, workspaces: ['packages/*', decoy], scripts: { build: 'node copy.js' } }) } : {};
    const source = {
      ...root, [inside('package.json')]: own(id, { scripts: { build: `node ${decoy ? '../' : ''}copy.js` } }), 'copy.js': copy,
      ...Object.fromEntries(Object.entries(files).map(([name, content]) => [inside(name), content])),
      'packages/real/package.json': text, 'packages/real/index.js': 'safe()\n',
    };
    const answer = await judged(at, id, source, { 'package.json': text, ...files });
    const told = findingOf(answer, 'source-overwritten');
    assert.deepEqual([told.severity, told.message.includes('index.js')], ['warning', true], told.message);
    findingOf(answer, 'other-folder');
  }
});

attack('files of a submodule that a build writes over are told, and those that it leaves are not', async (at) => {
  const lib = await at.world.host.add(`kit/${at.id}-lib`, { commits: [{ label: 'c', files: { 'index.js': 'safe()\n' } }] });
  const gitmodules = `[submodule "core"]\n\tpath = core\n\turl = https://github.com/kit/${at.id}-lib.git\n`;
  for (const [label, file, text] of [['over', 'core/index.js', EVIL], ['beside', 'dist/a.js', 'safe()\n']]) {
    const json = own(`${at.id}-${label}`, { scripts: { build: 'node build.js' }, files: ['core', 'dist'], main: 'core/index.js' });
    const source = { 'package.json': json, 'build.js': writes({ [file]: text }), '.gitmodules': gitmodules, core: { submodule: lib.c } };
    const answer = await judged(at, `${at.id}-${label}`, source, { 'package.json': json, 'core/index.js': 'safe()\n', [file]: text });
    assert.deepEqual(warnings(answer), label === 'over' ? ['source-overwritten'] : [], JSON.stringify(answer.findings));
  }
});

attack('a file of a submodule is the commit’s own, though a dependency has it too', async (at) => {
  const lib = await at.world.host.add(`kit/${at.id}-lib`, { commits: [{ label: 'c', files: { 'a.js': EVIL } }] });
  const gitmodules = `[submodule "core"]\n\tpath = core\n\turl = https://github.com/kit/${at.id}-lib.git\n`;
  await at.world.registry.publish({ files: { 'package.json': manifest(`${at.id}-dep`, '1.0.0', { repository: null }), 'a.js': EVIL } });
  for (const [label, more] of [['with', { '.gitmodules': gitmodules, core: { submodule: lib.c } }], ['without', {}]]) {
    const json = own(`${at.id}-${label}`, { scripts: { build: 'node build.js' }, files: ['dist'], devDependencies: { [`${at.id}-dep`]: '1.0.0' } });
    const source = { 'package.json': json, '.gitignore': 'dist\n', 'build.js': writes({ 'dist/a.js': EVIL }), ...more };
    const { findings } = await judged(at, `${at.id}-${label}`, source, { 'package.json': json, 'dist/a.js': EVIL });
    // The control: without the submodule it is a dependency's alone.
    assert.deepEqual(findings.map(({ code }) => code).filter((code) => code === 'file-from-dependency'), label === 'with' ? [] : ['file-from-dependency'], label);
  }
});

attack('the judged repository as its own submodule is told, and another one is not', async (at) => {
  const payload = { 'dist/a.js': EVIL };
  const copy = "const f=require('fs');f.mkdirSync('dist');f.copyFileSync('m/dist/a.js','dist/a.js')\n";
  const lib = await at.world.host.add(`kit/${at.id}-lib`, { commits: [{ label: 'c', files: payload }] });
  for (const label of ['self', 'other']) {
    const id = `${at.id}-${label}`;
    const json = own(id, { scripts: { build: 'node build.js' }, files: ['dist'] });
    // A branch with a root of its own has what is published.
    const first = { commits: [{ label: 'p', files: payload }], branches: { payload: 'p' } };
    const commit = label === 'self' ? (await at.world.host.add(`kit/${id}`, first)).p : lib.c;
    const source = {
      'package.json': json, 'build.js': copy, '.gitignore': 'dist\n', m: { submodule: commit },
      '.gitmodules': `[submodule "m"]\n\tpath = m\n\turl = https://github.com/kit/${label === 'self' ? id : `${at.id}-lib`}.git\n`,
    };
    const history = { commits: [{ label: 'p', files: payload }, { label: 'c', parents: [], clear: true, files: source }], branches: { main: 'c', payload: 'p' } };
    const answer = await judged(at, id, source, { 'package.json': json, ...payload }, label === 'self' ? history : {});
    assert.deepEqual(warnings(answer), label === 'self' ? ['built-from-itself'] : [], JSON.stringify(answer.findings));
  }
});

attack('a package.json that a build makes in a folder of its own is told where it installs otherwise', async (at) => {
  await at.world.registry.publish({ files: { 'package.json': manifest('v-evil', '1.0.0', { repository: null }), 'a.js': '1\n' } });
  const json = (label) => own(`${at.id}-${label}`, { scripts: { build: 'node build.js' }, main: 'out/index.js', devDependencies: { known: '1.0.0' } });
  const build = (label, text) => ({ 'package.json': json(label), 'index.js': 'safe()\n', 'build.js': writes({ 'out/package.json': text, 'out/index.js': EVIL }) });
  await at.world.registry.publish({ files: { 'package.json': manifest('known', '1.0.0', { repository: null }), 'a.js': '1\n' } });
  const evil = withEvil(json('evil'));
  const told = findingOf(await judged(at, `${at.id}-evil`, build('evil', evil), { 'package.json': evil, 'index.js': EVIL }), 'manifest-rewritten');
  assert.equal(told.severity, 'warning');
  assert.match(told.message, /scripts\.postinstall.*v-evil/);
  const alias = `${JSON.stringify({ ...JSON.parse(json('alias')), dependencies: { known: 'npm:v-evil@1.0.0' } }, null, 2)}\n`;
  const led = findingOf(await judged(at, `${at.id}-alias`, build('alias', alias), { 'package.json': alias, 'index.js': EVIL }), 'manifest-rewritten');
  assert.equal(led.severity, 'warning');
  assert.match(led.message, /known@npm:v-evil@1\.0\.0/);
  // The control: what tools for libraries write.
  const usual = `${JSON.stringify({ ...JSON.parse(json('usual')), main: 'index.js', scripts: undefined, dependencies: { known: '^1.0.0' } }, null, 2)}\n`;
  const answer = await judged(at, `${at.id}-usual`, build('usual', usual), { 'package.json': usual, 'index.js': EVIL });
  assert.deepEqual([warnings(answer), findingOf(answer, 'manifest-rewritten').severity], [[], 'info']);
});

attack('blanks and digits that a build writes into package.json, and no reader of JSON sees, are told', async (at) => {
  const index = "run(require('fs').readFileSync('package.json', 'utf8'))\n";
  for (const [label, hidden] of [
    ['blanks', (text) => `${text}${' \t'.repeat(400)}\n`],
    ['digits', (text) => text.replace('1.5', '1.50000000000000000000000000123456789')],
    ['none', null],
  ]) {
    const json = own(`${at.id}-${label}`, { scripts: { build: 'node build.js' }, files: ['index.js', 'dist'], n: 1.5 });
    const made = { 'dist/a.js': '1\n', ...(hidden && { 'package.json': hidden(json) }) };
    const source = { 'package.json': json, 'index.js': index, 'build.js': writes(made), '.gitignore': 'dist\n' };
    const answer = await judged(at, `${at.id}-${label}`, source, { 'package.json': json, 'index.js': index, ...made });
    if (hidden) assert.match(findingOf(answer, 'source-overwritten').message, /package\.json/);
    else assert.deepEqual(warnings(answer), []);
  }
});

attack('a file that Node loads in place of one of the commit is told', async (at) => {
  const safe = { 'index.js': "require('./core')\n", 'core/index.js': 'safe()\n' };
  for (const [label, made] of [
    ['beside', { 'core.js': EVIL }],
    ['inside', { 'core/package.json': '{"main":"evil.js"}\n', 'core/evil.js': EVIL }],
  ]) {
    const json = own(`${at.id}-${label}`, { scripts: { build: 'node build.js' }, files: ['index.js', 'core', 'core.js'] });
    const source = { 'package.json': json, ...safe, 'build.js': writes(made) };
    const answer = await judged(at, `${at.id}-${label}`, source, { 'package.json': json, ...safe, ...made });
    assert.match(findingOf(answer, 'source-shadowed').message, /in place of core\/index\.js/);
  }
  const json = own(`${at.id}-gone`, { scripts: { build: 'node build.js' }, files: ['index.js', 'core', 'core.js'] });
  const build = "require('fs').unlinkSync('core.js');require('fs').writeFileSync('core/x','1\\n')\n";
  const source = { 'package.json': json, 'index.js': "require('./core')\n", 'core.js': 'safe()\n', 'core/index.js': EVIL, 'build.js': build };
  const gone = await judged(at, `${at.id}-gone`, source, { 'package.json': json, 'index.js': "require('./core')\n", 'core/index.js': EVIL, 'core/x': '1\n' });
  assert.match(findingOf(gone, 'source-shadowed').message, /core\/index\.js \(in place of core\.js\)/);
});

attack('what a build makes for Node to take where it takes a file of the commit away is told', async (at) => {
  const base = { 'index.js': "require('./core')\n", 'core.js': 'safe()\n' };
  for (const [label, made, loaded] of [
    ['folder', { 'core/index.js': EVIL }, 'core/index.js'],
    ['named', { 'core/package.json': '{"main":"x.js"}\n', 'core/x.js': EVIL }, 'core/package.json'],
    ['data', { 'core.json': '{}\n' }, 'core.json'],
  ]) {
    const json = own(`${at.id}-${label}`, { scripts: { build: 'node build.js' }, files: ['index.js', 'core', 'core.*'] });
    const source = { 'package.json': json, ...base, 'build.js': `require('fs').unlinkSync('core.js');\n${writes(made)}` };
    const answer = await judged(at, `${at.id}-${label}`, source, { 'package.json': json, 'index.js': base['index.js'], ...made });
    assert.ok(findingOf(answer, 'source-shadowed').message.includes(`${loaded} (in place of core.js)`), label);
  }
});

/** A tarball as yarn 2 to 4 write it, which pack links; a link is `{ link }`. */
function byBerry(files) {
  const edit = (header) => {
    const size = Number.parseInt(header.toString('latin1', 124, 135), 8);
    header.write('000000 \0', 108, 'latin1');
    header.write('000000 \0', 116, 'latin1');
    header.write(`${size.toString(8).padStart(11, '0')} `, 124, 'latin1');
    header.write(`${(456789000).toString(8).padStart(11, '0')} `, 136, 'latin1');
  };
  const paths = Object.keys(files).sort((a, b) => (a < b ? -1 : 1));
  const entry = (path) => (typeof files[path] === 'object' ? { type: '2', link: files[path].link } : { data: files[path] });
  return gzip(rawTar(paths.map((path) => ({ path: `package/${path}`, mode: 0o644, edit, ...entry(path) }))), { level: 6, os: 3, xfl: 0 });
}

attack('a link that a build puts in the place of a file or folder of the commit is told', async ({ world, id, judge }) => {
  const base = { 'index.js': 'safe()\n', 'lib/a.js': 'safe()\n' };
  for (const [label, script, links, gone] of [
    ['file', "f.rmSync('index.js');f.symlinkSync('dist/a.js','index.js');", { 'index.js': { link: 'dist/a.js' } }, 'index.js'],
    ['folder', "f.rmSync('lib',{recursive:true});f.symlinkSync('dist','lib');", { lib: { link: 'dist' } }, 'lib/a.js'],
    ['new', "f.symlinkSync('a.js','dist/b.js');", { 'dist/b.js': { link: 'a.js' } }, null],
  ]) {
    const json = own(`${id}-${label}`, { main: 'index.js', files: ['index.js', 'dist', 'lib'], scripts: { build: 'node build.js' } });
    const source = { 'package.json': json, ...base, 'build.js': writes({ 'dist/a.js': EVIL }) + script, '.gitignore': 'dist\n' };
    const { c } = await world.host.add(`kit/${id}-${label}`, { commits: [{ label: 'c', files: source }], tags: { 'v1.0.0': 'c' } });
    const published = { 'package.json': json, ...base, 'dist/a.js': EVIL, ...links };
    if (gone === 'lib/a.js') delete published[gone];
    await world.registry.publish({ files: { 'package.json': json }, tarball: byBerry(published), gitHead: c });
    const answer = await judge(`${id}-${label}@1.0.0`);
    assert.equal(answer.verdict, 'identical', `${label}: ${answer.code} ${JSON.stringify(answer.findings)}`);
    if (gone) assert.ok(findingOf(answer, 'source-overwritten').message.includes(Object.keys(links)[0]), label);
    else assert.deepEqual(warnings(answer), []);
  }
});

attack('what a build puts beside scripts of the commit, and Node takes in its place, is told', async (at) => {
  const judge = async (label, more, base, made) => {
    const json = own(`${at.id}-${label}`, { scripts: { build: 'node build.js' }, ...more });
    const source = { 'package.json': json, ...base, 'build.js': writes(made) };
    return judged(at, `${at.id}-${label}`, source, { 'package.json': json, ...base, ...made });
  };
  const evil = { 'lib/package.json': '{"imports":{"#core":"./evil.mjs"}}\n', 'lib/evil.mjs': EVIL };
  const imports = { files: ['lib'], main: 'lib/index.mjs', imports: { '#core': './lib/core.mjs' } };
  const told = findingOf(await judge('imports', imports, { 'lib/index.mjs': "import '#core'\n", 'lib/core.mjs': 'safe()\n' }, evil), 'source-shadowed');
  assert.match(told.message, /lib\/package\.json \(in place of lib\/core\.mjs\)/);
  await at.world.registry.publish({ files: { 'package.json': manifest('shadowed-dep', '1.0.0', { repository: null }), 'index.js': 'safe()\n' } });
  const nearer = { files: ['index.js', 'lib', 'lib/node_modules'], main: 'lib/index.js', dependencies: { 'shadowed-dep': '1.0.0' } };
  const made = { 'lib/node_modules/shadowed-dep/index.js': EVIL };
  const nearest = findingOf(await judge('nearer', nearer, { 'lib/index.js': "require('shadowed-dep')\n" }, made), 'source-shadowed');
  assert.match(nearest.message, /lib\/node_modules\/shadowed-dep\/index\.js \(in place of the dependency shadowed-dep\)/);
});

attack('files of the judged repository’s own submodule are told where nothing is built, too', async (at) => {
  const payload = { 'core.js': EVIL };
  const lib = await at.world.host.add(`kit/${at.id}-lib`, { commits: [{ label: 'c', files: payload }] });
  for (const label of ['self', 'earlier', 'other']) {
    const id = `${at.id}-${label}`;
    const json = own(id, { files: ['lib', 'index.js'] });
    // A branch with a root of its own, or the commits before the judged one.
    const before = { label: 'p', files: payload };
    const pinned = label === 'other' ? lib.c : (await at.world.host.add(`kit/${id}`, { commits: [before], branches: { payload: 'p' } })).p;
    // An earlier version by another address: a copy of the repository.
    if (label === 'earlier') await at.world.host.add(`kit/${id}-copy`, { commits: [before], branches: { payload: 'p' } });
    const url = { self: id, earlier: `${id}-copy`, other: `${at.id}-lib` }[label];
    const source = {
      'package.json': json, 'index.js': "require('./lib/core.js')\n", lib: { submodule: pinned },
      '.gitmodules': `[submodule "lib"]\n\tpath = lib\n\turl = https://github.com/kit/${url}.git\n`,
    };
    const commits = [before, { label: 'c', clear: true, files: source, ...(label === 'self' && { parents: [] }) }];
    const history = { commits, branches: { main: 'c', ...(label === 'self' && { payload: 'p' }) } };
    const answer = await judged(at, id, source, { 'package.json': json, 'index.js': source['index.js'], 'lib/core.js': EVIL }, label === 'other' ? {} : history);
    assert.deepEqual([...new Set(answer.attempts.map(({ recipe }) => recipe.strategy))], ['source'], 'nothing was built');
    assert.deepEqual(warnings(answer), label === 'other' ? [] : ['built-from-itself'], `${label} ${JSON.stringify(answer.findings)}`);
  }
});

attack('builds that copy, generate and set the version have no warning', async (at) => {
  const json = (label, more) => own(`${at.id}-${label}`, { scripts: { build: 'node build.js' }, files: ['dist', 'README.md'], ...more });
  const plain = async (label, source, published) => {
    const answer = await judged(at, `${at.id}-${label}`, source, published);
    assert.deepEqual(answer.findings, [], label);
  };
  const dist = { 'dist/index.js': '1\n', 'dist/package.json': '{"type":"commonjs"}\n', 'dist/index.json': '{}\n' };
  await plain('made', { 'package.json': json('made'), 'build.js': writes(dist), 'README.md': '# a\n' }, { 'package.json': json('made'), 'README.md': '# a\n', ...dist });
  // The text that a link of the commit leads to, in place of the link.
  const copied = "const f=require('fs');f.mkdirSync('dist');f.writeFileSync('dist/a.js','1\\n');f.unlinkSync('README.md');f.copyFileSync('docs/README.md','README.md')\n";
  const linked = { 'package.json': json('link'), 'build.js': copied, 'docs/README.md': '# a\n', 'README.md': { link: 'docs/README.md' } };
  await plain('link', linked, { 'package.json': json('link'), 'README.md': '# a\n', 'dist/a.js': '1\n' });
  // The version, and nothing else, is written.
  const before = json('version').replace('"1.0.0"', '"0.0.0-development"');
  const set = "const f=require('fs'),o=JSON.parse(f.readFileSync('package.json'));o.version='1.0.0';f.writeFileSync('package.json',JSON.stringify(o,null,2)+'\\n');f.mkdirSync('dist');f.writeFileSync('dist/a.js','1\\n')\n";
  const released = `${JSON.stringify({ ...JSON.parse(before), version: '1.0.0' }, null, 2)}\n`;
  await plain('version', { 'package.json': before, 'build.js': set, 'README.md': '# a\n' }, { 'package.json': released, 'README.md': '# a\n', 'dist/a.js': '1\n' });
});
