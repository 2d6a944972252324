// Packages whose files a build makes: the toolchain comes from the registry, the build runs in the
// sandbox, the bytes decide.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from './kit/cli.mjs';
import { cacheOf, manifest, openWorld } from './world.mjs';

let world;
let clean;
before(async () => {
  world = await openWorld({ builds: true });
  // One cache for all: Node is unpacked once.
  clean = await world.home();
});
after(() => world.close());

const write = (path, text) => `node -e "require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('${path}','${text}')"`;
const judge = (spec, args = []) => world.judge(spec, { clean, args: ['--force', ...args] });

test('a package that needs no build runs nothing and downloads no tool', async () => {
  const { spec } = await world.release('b-none', { json: { scripts: { build: 'exit 1', test: 'exit 1' } } });
  const fresh = await world.home();
  const answer = await world.judge(spec, { clean: fresh });
  assert.deepEqual([answer.verdict, answer.sandbox], ['identical', null]);
  assert.deepEqual(await readdir(join(cacheOf(fresh), 'toolchains')).catch(() => []), []);
});

/** A package whose dist/a.js is made by a script; `json` and `files` on top. */
function built(name, { scripts = { build: write('dist/a.js', 'built') }, json = {}, files = {}, published = {}, ...more } = {}) {
  return world.release(name, {
    json: { scripts, files: ['dist', 'index.js'], ...json },
    files: { '.gitignore': 'dist\nnode_modules\n', ...files },
    published: { '.gitignore': null, 'dist/a.js': 'built', ...Object.fromEntries(Object.keys(files).map((file) => [file, null])), ...published },
    ...more,
  });
}

test('what the build script makes is compared, and the recipe says how it was made', async () => {
  const { spec } = await built('b-plain');
  const answer = await judge(spec);
  assert.deepEqual([answer.verdict, answer.code, answer.strategy], ['identical', null, 'npm']);
  assert.match(answer.sandbox, /^(namespaces|bwrap|landlock)$/);
  const { recipe, steps } = answer.attempts.find((attempt) => attempt.verdict === 'identical');
  assert.equal(recipe.build.node, process.versions.node);
  assert.deepEqual(recipe.build.steps.map((step) => step.command.join(' ')), ['npm install', 'npm run build']);
  assert.deepEqual(steps.map((step) => [step.name, step.exit]), [['npm install', 0], ['build', 0], ['pack', null], ['compare', null]]);
});

test('other bytes than the build makes are a difference, and the diff shows them', async () => {
  const { spec } = await built('b-tampered', { published: { 'dist/a.js': 'built and more' } });
  const answer = await judge(spec);
  assert.deepEqual([answer.verdict, answer.reproduced], ['differs', false]);
  assert.deepEqual(answer.comparison.changed.map((change) => change.path), ['dist/a.js']);
  assert.match(answer.diff, /built and more/);
});

test('a script that fails after it wrote the right files does not matter', async () => {
  const { spec } = await built('b-late-failure', { scripts: { build: `${write('dist/a.js', 'built')} && exit 3` } });
  const answer = await judge(spec);
  assert.equal(answer.verdict, 'identical');
  assert.ok(answer.attempts.some((attempt) => attempt.steps.some((step) => step.exit !== 0 && step.exit !== null)));
});

test('a build that makes nothing is build-failed, with the step and its output', async () => {
  const { spec } = await built('b-broken', { scripts: { build: 'echo no such compiler && exit 7' } });
  const answer = await judge(spec);
  assert.deepEqual([answer.verdict, answer.code], ['build-failed', 'build-script-failed']);
  const attempt = answer.attempts.find((one) => one.log);
  assert.match(attempt.log, /no such compiler/);
  assert.deepEqual(attempt.steps.find((step) => step.name === 'build').exit, 7);
  // It was checked and does not reproduce: the mark of exit code 1.
  const shown = await run([spec], { env: { ...clean.env, LC_ALL: 'C.UTF-8' }, cwd: clean.home });
  assert.equal(shown.code, 1);
  assert.match(shown.stdout, /^✗ build-failed \(build-script-failed\)/);
});

test('dependencies come from the registry, and the result names them', async () => {
  await world.registry.publish({ files: { 'package.json': manifest('b-tool', '1.0.0', { bin: { 'b-tool': 'cli.js' } }), 'cli.js': `#!/usr/bin/env node\n${'require'}('fs').mkdirSync('dist');require('fs').writeFileSync('dist/a.js','built')\n` } });
  const { spec } = await built('b-dependent', { scripts: { build: 'b-tool' }, json: { devDependencies: { 'b-tool': '^1.0.0' } } });
  const answer = await judge(spec);
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts.at(-1)));
  assert.ok(answer.attempts.at(-1).resolved.some((line) => line.startsWith('b-tool@1.0.0 sha512-')));
});

test('a dependency that the registry does not have is named', async () => {
  const { spec } = await built('b-missing', { scripts: { build: 'b-gone' }, json: { devDependencies: { 'b-gone': '^1.0.0' } } });
  const answer = await judge(spec);
  assert.deepEqual([answer.verdict, answer.code], ['build-failed', 'dependency-missing']);
  assert.ok(answer.findings.some((finding) => finding.code === 'dependency-stood-in' && finding.message.includes('b-gone')));
});

test('the build reaches no other host, has no secrets, and is not root', async (t) => {
  let connections = 0;
  const outside = createServer((socket) => {
    connections += 1;
    socket.end();
  });
  await new Promise((resolve) => outside.listen(0, '127.0.0.1', resolve));
  t.after(() => outside.close());
  const secret = join(clean.home, 'secret');
  await writeFile(secret, 'of the user\n');
  const report = `node -e "
    const fs=require('fs'),net=require('net');fs.mkdirSync('dist');
    const reads=(path)=>{try{return fs.readFileSync(path).length>0}catch{return false}};
    const seen=[process.getuid()===0&&'root',process.env.KIT_SECRET&&'env',reads('${secret}')&&'secret'];
    const socket=net.connect(${outside.address().port},'127.0.0.1',()=>{seen.push('net');done()}).on('error',done);
    function done(){socket.destroy();fs.writeFileSync('dist/a.js',seen.filter(Boolean).join()||'built')}"`.replaceAll('\n', '');
  const { spec } = await built('b-held', { scripts: { build: report } });
  const held = { ...clean, env: { ...clean.env, KIT_SECRET: 's' } };
  // Without a sandbox the same script sees what is to be kept from it: else it would show nothing.
  const control = await world.judge(spec, { clean: held, args: ['--force', '--isolation', 'none'] });
  const saw = process.getuid() === 0 ? 'root,secret,net' : 'secret,net';
  assert.equal(control.verdict, 'differs', JSON.stringify(control.attempts.at(-1)));
  assert.match(control.diff, new RegExp(`^[-+]${saw}$`, 'm'));
  assert.ok(connections > 0);
  connections = 0;
  const answer = await world.judge(spec, { clean: held, args: ['--force'] });
  assert.equal(answer.verdict, 'identical', answer.diff ?? JSON.stringify(answer.attempts.at(-1)));
  assert.equal(connections, 0);
});

test('the version that was set at release is written before the build', async () => {
  const { spec } = await built('b-placeholder', {
    version: '1.2.3',
    scripts: { build: `node -e "require('fs').mkdirSync('dist');require('fs').writeFileSync('dist/a.js',require('./package.json').version)"` },
    history: { commits: [{ label: 'c', files: { 'package.json': manifest('b-placeholder', '0.0.0-development', { scripts: { build: `node -e "require('fs').mkdirSync('dist');require('fs').writeFileSync('dist/a.js',require('./package.json').version)"` }, files: ['dist', 'index.js'] }), 'index.js': `module.exports = 'b-placeholder';\n` } }] },
    published: { 'dist/a.js': '1.2.3' },
  });
  const answer = await judge(spec);
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.comparison));
  assert.equal(answer.attempts.at(-1).recipe.build.version, '1.2.3');
});

test('where siblings ask for the version of the commit, the one of the release is written after the installation', async () => {
  const build = `node -e "require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/a.js',require('./package.json').version)"`;
  const repository = { type: 'git', url: 'git+https://github.com/kit/b-siblings.git', directory: 'p/a' };
  const own = { repository, scripts: { build }, files: ['dist', 'index.js'] };
  const files = {
    'package.json': manifest('b-siblings-root', '0.0.0', { private: true, workspaces: ['p/*'] }),
    'p/a/package.json': manifest('b-siblings', '0.0.0', own),
    'p/a/index.js': `module.exports = 'b-siblings';\n`,
    'p/b/package.json': manifest('b-siblings-other', '0.0.0', { private: true, dependencies: { 'b-siblings': '^0.0.0' } }),
  };
  const { spec } = await world.release('b-siblings', {
    version: '3.1.0',
    json: own,
    published: { 'dist/a.js': '3.1.0' },
    history: { commits: [{ label: 'c', files }] },
  });
  const answer = await judge(spec);
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts));
  assert.deepEqual(answer.attempts.at(-1).steps.map(({ name, exit }) => [name, exit]).slice(0, 2), [['npm install', 0], ['build in p/a', 0]]);
});

test('a plugin of semantic-release that writes the version into files runs after the build', async () => {
  const { spec } = await built('b-in-files', {
    version: '1.2.3',
    scripts: { build: write('dist/a.js', 'v0.0.0-development') },
    files: { '.releaserc': 'plugins:\n  - - semantic-release-plugin-update-version-in-files\n    - files: ["dist/*"]\n' },
    published: { 'dist/a.js': 'v1.2.3' },
  });
  const answer = await judge(spec);
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.comparison));
  const { steps } = answer.attempts.at(-1).recipe.build;
  assert.equal(steps.at(-1).name, 'semantic-release-plugin-update-version-in-files of semantic-release');
});

test('a program that nothing calls makes the package in a folder of its own, with the version of the release', async () => {
  const program = "const fs=require('fs');fs.mkdirSync('out',{recursive:true});fs.copyFileSync('package.json','out/package.json');fs.copyFileSync('src/a.js','out/a.js');fs.writeFileSync('out/b.js','built')";
  const source = { 'package.json': manifest('b-program', '0.0.0', { scripts: { test: 'true' } }), '.gitignore': 'out\n', 'src/a.js': 'a\n', 'src/c.js': 'c\n', 'scripts/build.js': program };
  const { spec } = await world.release('b-program', {
    history: { commits: [{ label: 'c', files: source }] },
    published: { 'index.js': null, 'package.json': manifest('b-program', '1.0.0', { scripts: { test: 'true' } }), 'a.js': 'a\n', 'b.js': 'built' },
  });
  const answer = await judge(spec);
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts));
  const { build } = answer.attempts.find(({ verdict }) => verdict === 'identical').recipe;
  assert.deepEqual([build.packed, build.version], ['out', '1.0.0']);
});

test('two packages of one commit share a checkout and an installation', async () => {
  const script = { build: write('dist/a.js', 'built') };
  const root = manifest('b-mono', '1.0.0', { private: true, workspaces: ['packages/*'], scripts: { build: 'npm run build --workspaces' } });
  const repository = (name) => ({ repository: { type: 'git', url: 'git+https://github.com/kit/b-mono.git', directory: `packages/${name}` } });
  const own = (name) => manifest(name, '1.0.0', { ...repository(name), scripts: script, files: ['dist'] });
  const files = { 'package.json': root, 'packages/b-one/package.json': own('b-one'), 'packages/b-two/package.json': own('b-two') };
  const ids = await world.host.add('kit/b-mono', { commits: [{ label: 'c', files }], tags: { 'v1.0.0': 'c' } });
  for (const name of ['b-one', 'b-two']) {
    await world.registry.publish({ files: { 'package.json': own(name), 'dist/a.js': 'built' }, gitHead: ids.c });
  }
  const first = await judge('b-one@1.0.0');
  const second = await judge('b-two@1.0.0');
  assert.deepEqual([first.verdict, second.verdict], ['identical', 'identical']);
  const installs = (answer) => answer.attempts.at(-1).steps.filter((step) => step.name.startsWith('npm install')).length;
  assert.deepEqual([installs(first), installs(second)], [1, 1], 'the second goes on from the first one');
});

test('a survey asks all for what needs no build first, and then builds with the same verdicts as one by one', async () => {
  const packed = await world.release('b-survey-packed');
  const good = await built('b-survey-built');
  const bad = await built('b-survey-tampered', { published: { 'dist/a.js': 'built and more' } });
  const ran = await run(['survey', '-', '--db', join(clean.home, 'survey.db'), '--ndjson', '-', '--jobs', '2'], {
    env: clean.env,
    cwd: clean.home,
    input: [bad, good, packed].map(({ spec }) => spec).join('\n'),
  });
  assert.equal(ran.code, 1, ran.stderr);
  const [first, ...others] = ran.json.map(({ spec, result }) => [spec, result.verdict, result.code, result.sandbox !== null]);
  assert.deepEqual(first, [packed.spec, 'identical', null, false], 'what needs no build is first, wherever the list has it');
  assert.deepEqual(others.sort(), [
    [good.spec, 'identical', null, true],
    [bad.spec, (await judge(bad.spec)).verdict, (await judge(bad.spec)).code, true],
  ]);
});

test('folders of a workspace in the lockfile are installed as they are', async () => {
  const own = manifest('b-linked', '1.0.0', { repository: { type: 'git', url: 'git+https://github.com/kit/b-linked.git', directory: 'packages/b-linked' }, scripts: { build: write('dist/a.js', 'built') }, files: ['dist'] });
  const root = manifest('b-linked-root', '1.0.0', { private: true, workspaces: ['packages/*'] });
  const packages = {
    '': { name: 'b-linked-root', version: '1.0.0', workspaces: ['packages/*'] },
    'node_modules/b-linked': { resolved: 'packages/b-linked', link: true },
    'packages/b-linked': { version: '1.0.0' },
  };
  const lock = JSON.stringify({ name: 'b-linked-root', version: '1.0.0', lockfileVersion: 3, requires: true, packages });
  const ids = await world.host.add('kit/b-linked', {
    commits: [{ label: 'c', files: { 'package.json': root, 'package-lock.json': lock, 'packages/b-linked/package.json': own } }],
    tags: { 'v1.0.0': 'c' },
  });
  await world.registry.publish({ files: { 'package.json': own, 'dist/a.js': 'built' }, gitHead: ids.c });
  const answer = await judge('b-linked@1.0.0');
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts));
  const { steps } = answer.attempts.find(({ verdict }) => verdict === 'identical');
  assert.deepEqual(steps.filter(({ name }) => name.startsWith('npm ')).map(({ name, exit }) => [name, exit]), [['npm ci', 0]]);
});

test('without a sandbox a package that needs a build is unsupported, never unisolated', async () => {
  const marker = join(clean.home, 'was-run');
  const { spec } = await built('b-unsafe', { scripts: { build: `echo ran > ${marker}; ${write('dist/a.js', 'built')}` } });
  const bare = { ...clean, env: { ...clean.env, REPRODUCE_SANDBOX: '/nowhere' } };
  const answer = await world.judge(spec, { clean: bare, args: ['--force'] });
  assert.deepEqual([answer.verdict, answer.code, answer.sandbox], ['unsupported', 'sandbox-helper-missing', null]);
  assert.ok(!existsSync(marker), 'the script was run');
  // The same script, run without a sandbox because the user says so, leaves its mark.
  assert.equal((await world.judge(spec, { clean: bare, args: ['--force', '--isolation', 'none'] })).verdict, 'identical');
  assert.ok(existsSync(marker));
});

test('without a sandbox files that differ are a difference where none is missing', async () => {
  const { spec } = await world.release('b-not-missing', {
    json: { scripts: { build: write('dist/a.js', 'built') }, files: ['index.js'] },
    published: { 'index.js': 'module.exports = 1;\n' },
  });
  const bare = { ...clean, env: { ...clean.env, REPRODUCE_SANDBOX: '/nowhere' } };
  const answer = await world.judge(spec, { clean: bare, args: ['--force'] });
  assert.deepEqual([answer.verdict, answer.code], ['differs', 'content-differs']);
  assert.ok(answer.findings.some(({ code }) => code === 'sandbox-helper-missing'), 'and it says that no build was tried');
});

test('a file that only the list of another version of the client has is compared, though its content differs', async () => {
  // npm 10 heeds the .gitignore of the root in a workspace, and npm 7 does not.
  const own = manifest('b-older-list', '1.0.0', { repository: { type: 'git', url: 'git+https://github.com/kit/b-older-list.git', directory: 'packages/b-older-list' }, scripts: { build: write('dist/a.js', 'built') } });
  const root = manifest('b-older-list-root', '1.0.0', { private: true, workspaces: ['packages/*'] });
  const ids = await world.host.add('kit/b-older-list', {
    commits: [{ label: 'c', files: { 'package.json': root, '.gitignore': 'dist\n', 'packages/b-older-list/package.json': own } }],
    tags: { 'v1.0.0': 'c' },
  });
  await world.registry.publish({ files: { 'package.json': own, 'dist/a.js': 'built elsewhere' }, gitHead: ids.c });
  const answer = await judge('b-older-list@1.0.0');
  assert.equal(answer.verdict, 'differs', JSON.stringify(answer.attempts));
  assert.deepEqual([answer.comparison.changed.map(({ path }) => path), answer.comparison.onlyPublished], [['dist/a.js'], []]);
  assert.equal(answer.attempts.at(-1).recipe.fileList, 'npm-7.9', JSON.stringify(answer.attempts.at(-1).recipe));
});

test('a build that is no script is found: a makefile\'s target', async () => {
  const { spec } = await built('b-make', { scripts: {}, files: { Makefile: 'test:\n\tfalse\ndist: index.js\n\tmkdir -p dist\n\tprintf built > dist/a.js\n' } });
  const answer = await judge(spec);
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts));
  const { recipe } = answer.attempts.find(({ verdict }) => verdict === 'identical');
  assert.deepEqual(recipe.build.steps.at(-1).command, ['make', 'dist']);
});

test('what the publishing workflow runs by itself is run', async () => {
  const workflow = 'on: push\njobs:\n  publish:\n    steps:\n      - run: npm ci\n      - run: make site\n        working-directory: site\n      - run: node tools/make.js\n      - run: npm publish\n';
  const { spec } = await built('b-workflow', {
    scripts: { test: 'false' },
    files: { '.github/workflows/publish.yml': workflow, 'tools/make.js': "require('fs').mkdirSync('dist');require('fs').writeFileSync('dist/a.js','built')" },
  });
  const answer = await judge(spec);
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts));
});

test('a program that this machine does not have is a step that failed', async () => {
  const { spec } = await built('b-lerna', { json: { workspaces: undefined }, files: { 'lerna.json': JSON.stringify({ packages: ['packages/*'], version: '1.0.0' }) } });
  const answer = await judge(spec);
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts));
  const { steps } = answer.attempts.find(({ verdict }) => verdict === 'identical');
  assert.deepEqual(steps.find(({ name }) => name === 'lerna bootstrap')?.exit, 127);
});

test('of a script that fails the rest is run', async () => {
  const { spec } = await built('b-rest', { scripts: { build: `npm run lint && ${write('dist/a.js', 'built')}`, lint: 'exit 1' } });
  const answer = await judge(spec);
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts));
  const { steps } = answer.attempts.find(({ verdict }) => verdict === 'identical');
  assert.deepEqual(steps.slice(0, 3).map(({ exit }) => exit), [0, 1, 0]);
});

test('a version that is gone is taken from the nearest one, and the result says so', async () => {
  const made = (version) => ({ files: { 'package.json': manifest('maker-dep', version, { repository: null }), 'index.js': "module.exports = 'built';\n" } });
  const { integrity } = await world.registry.publish(made('2.0.1'));
  await world.registry.publish(made('2.0.0'));
  world.registry.unpublish('maker-dep', '2.0.0');
  const lock = {
    name: 'b-gone', version: '1.0.0', lockfileVersion: 3, requires: true,
    packages: {
      '': { name: 'b-gone', version: '1.0.0', devDependencies: { 'maker-dep': '2.0.0' } },
      'node_modules/maker-dep': { version: '2.0.0', resolved: `${world.registry.url}maker-dep/-/maker-dep-2.0.0.tgz`, integrity, dev: true },
    },
  };
  const { spec } = await built('b-gone', {
    scripts: { build: `node -e "require('fs').mkdirSync('dist');require('fs').writeFileSync('dist/a.js',require('maker-dep'))"` },
    json: { devDependencies: { 'maker-dep': '2.0.0' } },
    files: { 'package-lock.json': JSON.stringify(lock) },
  });
  const answer = await judge(spec);
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts));
  const [finding] = answer.findings.filter(({ code }) => code === 'dependency-stood-in');
  assert.match(finding.message, /maker-dep@2\.0\.0 by 2\.0\.1/);
});

test('dependencies on git repositories are stood in for, one\'s own and those of others', async () => {
  await world.registry.publish({ files: { 'package.json': manifest('b-forked', '1.0.0', { repository: null, dependencies: { 'b-fork': 'github:kit/b-fork#1234' } }) } });
  const { spec } = await built('b-git', {
    json: { devDependencies: { 'b-forked': '^1.0.0', '@kit/b-own': 'git+https://github.com/kit/b-own.git', 'b-inner': 'file:./inner' } },
    files: { 'inner/package.json': manifest('b-inner', '1.0.0', { dependencies: { 'b-gist': 'gist:1234' } }) },
  });
  const answer = await judge(spec);
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts));
  const { steps } = answer.attempts.find(({ verdict }) => verdict === 'identical');
  assert.deepEqual([steps[0].name, steps[0].exit], ['npm install', 0]);
  const [finding] = answer.findings.filter(({ code }) => code === 'dependency-stood-in');
  assert.match(finding.message, /@kit\/b-own@git by an empty package, b-fork@git .*, b-gist@git/);
});

test('the version of a release stays where a dependency on a git repository was led here', async () => {
  const scripts = { build: `node -e "require('fs').mkdirSync('dist');require('fs').writeFileSync('dist/a.js',require('./package.json').version)"` };
  const json = { devDependencies: { 'b-own': 'github:kit/b-own' } };
  const { spec } = await built('b-git-version', {
    version: '1.2.3', scripts, json, published: { 'dist/a.js': '1.2.3' },
    history: { commits: [{ label: 'c', files: { 'package.json': manifest('b-git-version', '0.0.0-development', { scripts, files: ['dist', 'index.js'], ...json }), 'index.js': `module.exports = 'b-git-version';\n` } }] },
  });
  const answer = await judge(spec);
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.comparison));
});

test('a tool that needs the version that is judged gets an earlier one under its number', async () => {
  const index = "module.exports = 'b-self';\n";
  await world.registry.publish({ files: { 'package.json': manifest('b-self', '1.0.0', { repository: null }), 'index.js': index } });
  const tool = "#!/usr/bin/env node\nrequire('fs').mkdirSync('dist');require('fs').writeFileSync('dist/a.js',require('b-self/package.json').version)\n";
  await world.registry.publish({ files: { 'package.json': manifest('b-self-tool', '1.0.0', { bin: { 'b-self-tool': 'cli.js' }, dependencies: { 'b-self': '^1.0.1' } }), 'cli.js': tool } });
  const { spec } = await built('b-self', {
    version: '1.0.1', scripts: { build: 'b-self-tool' }, json: { devDependencies: { 'b-self-tool': '^1.0.0' } }, published: { 'dist/a.js': '1.0.1' },
  });
  const answer = await judge(spec);
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts));
  const { resolved } = answer.attempts.find(({ verdict }) => verdict === 'identical');
  assert.ok(resolved.every((line) => !line.startsWith('b-self@1.0.1 ')), 'what is judged was not handed out');
  assert.ok(answer.findings.some(({ code, message }) => code === 'dependency-stood-in' && message.includes('b-self@1.0.1 by 1.0.0')));
});

test('a package beside the root that is no member of a workspace is installed by itself', async () => {
  await world.registry.publish({ files: { 'package.json': manifest('b-apart-tool', '1.0.0', { bin: { 'b-apart-tool': 'cli.js' } }), 'cli.js': "#!/usr/bin/env node\nrequire('fs').mkdirSync('dist');require('fs').writeFileSync('dist/a.js','built')\n" } });
  const own = manifest('b-apart', '1.0.0', {
    repository: { type: 'git', url: 'git+https://github.com/kit/b-apart.git', directory: 'packages/b-apart' },
    scripts: { build: 'b-apart-tool' }, devDependencies: { 'b-apart-tool': '^1.0.0' }, files: ['dist'],
  });
  const root = manifest('b-apart-root', '1.0.0', { private: true });
  const ids = await world.host.add('kit/b-apart', { commits: [{ label: 'c', files: { 'package.json': root, 'packages/b-apart/package.json': own } }], tags: { 'v1.0.0': 'c' } });
  await world.registry.publish({ files: { 'package.json': own, 'dist/a.js': 'built' }, gitHead: ids.c });
  const answer = await judge('b-apart@1.0.0');
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts));
});

test('a checkout that a build replaces by a link is not read', async () => {
  const leave = 'cd .. && mv b-leaves elsewhere && ln -s elsewhere b-leaves && cd elsewhere && mkdir dist && printf built > dist/a.js';
  const { spec } = await built('b-leaves', { scripts: { build: leave } });
  const answer = await judge(spec);
  assert.deepEqual([answer.verdict, answer.code], ['build-failed', 'checkout-gone'], JSON.stringify(answer.attempts));
});

test('of a lockfile too', async () => {
  const lock = {
    name: 'b-git-locked', version: '1.0.0', lockfileVersion: 3, requires: true,
    packages: {
      '': { name: 'b-git-locked', version: '1.0.0', devDependencies: { 'b-own': 'github:kit/b-own' } },
      'node_modules/b-own': { version: '1.0.0', resolved: `git+ssh://git@github.com/kit/b-own.git#${'1'.repeat(40)}`, dev: true },
    },
  };
  const { spec } = await built('b-git-locked', { json: { devDependencies: { 'b-own': 'github:kit/b-own' } }, files: { 'package-lock.json': JSON.stringify(lock) } });
  const answer = await judge(spec);
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts));
  assert.ok(answer.findings.some(({ code, message }) => code === 'dependency-stood-in' && message.includes('b-own@git')), JSON.stringify(answer.attempts));
});

test('a build cannot take what was published from the registry and hand it back', async () => {
  const name = 'b-copies';
  const copy = "node -e \"const fs=require('fs');fs.mkdirSync('dist',{recursive:true});fs.copyFileSync('node_modules/b-copies-itself/dist/a.js','dist/a.js')\"";
  const { spec } = await built(name, {
    scripts: { build: copy },
    json: { devDependencies: { 'b-copies-itself': `npm:${name}@1.0.0` } },
    published: { 'dist/a.js': 'nothing of the source' },
  });
  const answer = await judge(spec);
  assert.equal(answer.reproduced, false);
  assert.equal(answer.verdict, 'build-failed', JSON.stringify(answer.attempts));
});

/** Noon of a day in March 2024. */
const march = (day) => `2024-03-${String(day).padStart(2, '0')}T12:00:00.000Z`;

for (const [what, { used, moment, reason }] of Object.entries({
  publication: { used: '1.2.0', moment: march(25), reason: null },
  commit: { used: '1.1.0', moment: '2024-03-15T12:00:00Z', reason: /at the commit$/ },
  change: { used: '1.0.0', moment: '2024-03-05T12:00:00Z', reason: /dependencies in package\.json were last changed$/ },
})) {
  test(`without a lockfile the registry is looked at as of the ${what}`, async () => {
    const name = `b-moment-${what}`;
    const dependency = `b-moves-${what}`;
    for (const [version, day] of [['1.0.0', 1], ['1.1.0', 10], ['1.2.0', 20]]) {
      await world.registry.publish({ files: { 'package.json': manifest(dependency, version, { repository: null }) }, time: march(day) });
    }
    const json = {
      scripts: { build: `node -e "require('fs').mkdirSync('dist');require('fs').writeFileSync('dist/a.js',require('${dependency}/package.json').version)"` },
      files: ['dist', 'index.js'],
      devDependencies: { [dependency]: '^1.0.0' },
    };
    // The release changes package.json too, but nothing that an installation goes by.
    const { spec } = await built(name, {
      json,
      published: { 'dist/a.js': used },
      history: {
        commits: [
          { label: 'a', files: { 'package.json': manifest(name, '0.9.0', { ...json, devDependencies: {} }) }, date: march(2) },
          { label: 'b', files: { 'package.json': manifest(name, '0.9.0', json), 'index.js': `module.exports = '${name}';\n` }, date: march(5) },
          { label: 'c', files: { 'package.json': manifest(name, '1.0.0', json) }, date: march(15) },
        ],
      },
      publication: { time: march(25) },
    });
    const answer = await judge(spec);
    assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts));
    const { build } = answer.attempts.find(({ verdict }) => verdict === 'identical').recipe;
    assert.equal(build.moment, moment);
    assert.equal(answer.publishedAt, march(25));
    if (reason) assert.match(build.reasons.at(-1), reason);
    // Each moment is an attempt of its own, and none comes after the one that was right.
    assert.deepEqual(answer.attempts.filter(({ recipe }) => recipe.build).length, { publication: 1, commit: 2, change: 3 }[what]);
  });
}

test('where the registry\'s times cannot be true, the oldest versions of the ranges are tried too', async () => {
  for (const [version, day] of [['1.0.1', 27], ['1.1.0', 28], ['1.2.0', 29]]) {
    await world.registry.publish({ files: { 'package.json': manifest('b-untimely', version, { repository: null }) }, time: march(day) });
  }
  const json = {
    scripts: { build: `node -e "require('fs').mkdirSync('dist');require('fs').writeFileSync('dist/a.js',require('b-untimely/package.json').version)"` },
    files: ['dist', 'index.js'],
    devDependencies: { 'b-untimely': '^1.0.0' },
  };
  const { spec } = await built('b-oldest', {
    json,
    published: { 'dist/a.js': '1.0.1' },
    history: { commits: [{ label: 'c', files: { 'package.json': manifest('b-oldest', '1.0.0', json), 'index.js': "module.exports = 'b-oldest';\n" }, date: march(5) }] },
    publication: { time: march(25) },
  });
  const answer = await judge(spec);
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts));
  assert.ok(answer.findings.some(({ code }) => code === 'registry-times-untrue'));
  const { recipe } = answer.attempts.find(({ verdict }) => verdict === 'identical');
  assert.equal(recipe.build.oldest, true);
  const file = join(clean.home, 'oldest.json');
  await writeFile(file, JSON.stringify(recipe));
  const again = await judge(spec, ['--recipe', file]);
  assert.equal(again.verdict, 'identical', JSON.stringify(again.attempts));
});

test('where nothing but dates differs, the clock stands at the publication', async () => {
  const build = `node -e "const fs=require('fs');fs.mkdirSync('dist',{recursive:true});fs.writeFileSync('dist/a.js','// built '+new Date().toISOString().slice(0,10)+', (c) 2010-'+new Date(Date.now()).getFullYear()+'\\n')"`;
  const json = { scripts: { build }, files: ['dist', 'index.js'] };
  const { spec } = await built('b-clock', {
    json,
    published: { 'dist/a.js': `// built ${march(25).slice(0, 10)}, (c) 2010-${march(25).slice(0, 4)}\n` },
    history: { commits: [{ label: 'c', files: { 'package.json': manifest('b-clock', '1.0.0', json), 'index.js': "module.exports = 'b-clock';\n" }, date: march(5) }] },
    publication: { time: march(25) },
  });
  const answer = await judge(spec);
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.comparison));
  const { recipe } = answer.attempts.find(({ verdict }) => verdict === 'identical');
  assert.equal(Date.parse(recipe.build.clock), Date.parse(march(25)));
  const file = join(clean.home, 'clock.json');
  await writeFile(file, JSON.stringify(recipe));
  const again = await judge(spec, ['--recipe', file]);
  assert.equal(again.verdict, 'identical', JSON.stringify(again.attempts));
});

test('where a script fails and names CI, it is run once more without', async () => {
  const build = `node -e "if (process.env.CI) throw new Error('not here'); require('fs').mkdirSync('dist'); require('fs').writeFileSync('dist/a.js', 'built')"`;
  const { spec } = await built('b-desk', { scripts: { build } });
  const answer = await judge(spec);
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts.at(-1)));
  const { recipe } = answer.attempts.find(({ verdict }) => verdict === 'identical');
  assert.equal(recipe.build.withoutCi, true);
  const file = join(clean.home, 'desk.json');
  await writeFile(file, JSON.stringify(recipe));
  assert.equal((await judge(spec, ['--recipe', file])).verdict, 'identical');
  // With CI the same recipe makes nothing.
  const { withoutCi, ...atAMachine } = recipe.build;
  await writeFile(file, JSON.stringify({ ...recipe, build: atAMachine }));
  assert.deepEqual([withoutCi, (await judge(spec, ['--recipe', file])).verdict], [true, 'build-failed']);
});

test('a build reaches a host that the user allows, and no other', async () => {
  const server = createServer((socket) => socket.on('error', () => {}).on('data', () => socket.end('built')));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `localhost:${server.address().port}`;
  const program = `const proxy = new URL(process.env.HTTPS_PROXY);
const request = require('http').request({ host: proxy.hostname, port: proxy.port, method: 'CONNECT', path: '${host}' });
request.on('connect', (answer, socket) => {
  if (answer.statusCode !== 200) process.exit(4);
  socket.on('data', (data) => { require('fs').mkdirSync('dist'); require('fs').writeFileSync('dist/a.js', data); });
  socket.write('x');
}).end();
`;
  const { spec } = await built('b-allowed', { scripts: { build: 'node get.js' }, files: { 'get.js': program } });
  const env = { ...clean.env, REPRODUCE_ALLOW_HOSTS: [clean.env.REPRODUCE_ALLOW_HOSTS, host].filter(Boolean).join(',') };
  try {
    const closed = await world.judge(spec, { clean, args: ['--force'], run: { env } });
    assert.deepEqual([closed.verdict, closed.code], ['build-failed', 'network-needed'], JSON.stringify(closed.attempts));
    const open = await world.judge(spec, { clean, args: ['--force', '--allow-host', host], run: { env } });
    assert.equal(open.verdict, 'identical', JSON.stringify(open.attempts));
    assert.deepEqual(open.options.allowHosts, [host]);
    assert.match(open.findings.find(({ code }) => code === 'hosts-allowed').message, new RegExp(host));
    assert.equal(closed.findings.find(({ code }) => code === 'hosts-allowed'), undefined);
  } finally {
    server.close();
  }
  const wrong = await run([spec, '--json', '--allow-host', 'https://a.example/'], { env: clean.env, cwd: clean.home });
  assert.deepEqual([wrong.code, wrong.json.error?.code ?? wrong.json.code], [2, 'usage']);
});

test('a file of the commit that the build changed is put back where it was published as it was', async () => {
  const script = `node -e "const fs=require('fs');fs.mkdirSync('dist');fs.writeFileSync('dist/a.js','built');fs.appendFileSync('README.md','by a tool\\n')"`;
  const json = { scripts: { build: script }, files: ['dist', 'index.js'] };
  const [plain, mended] = ['# a\n', '# b\n'].map((text, at) => ({ name: `b-put-back-${at}`, text }));
  for (const { name, text } of [plain, mended]) {
    const files = { 'package.json': manifest(name, '1.0.0', json), 'index.js': `module.exports = '${name}';\n`, 'README.md': plain.text };
    const { spec } = await built(name, {
      json,
      published: { 'dist/a.js': 'built', 'README.md': text },
      history: { commits: [{ label: 'c', files }] },
    });
    const answer = await judge(spec);
    const { recipe } = answer.attempts.at(-1);
    if (text !== plain.text) {
      // Nobody's commit has it so: what the build wrote is what is told.
      assert.equal(answer.verdict, 'differs', JSON.stringify(answer.attempts));
      assert.deepEqual(answer.comparison.changed.map(({ path }) => path), ['README.md']);
      assert.equal(recipe.build.restored, undefined);
      continue;
    }
    assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts));
    assert.deepEqual(recipe.build.restored, ['README.md']);
    const file = join(clean.home, 'put-back.json');
    await writeFile(file, JSON.stringify(recipe));
    const again = await judge(spec, ['--recipe', file]);
    assert.equal(again.verdict, 'identical', JSON.stringify(again.attempts));
  }
});

test('where nothing came between commit and publication there is one moment', async () => {
  await world.registry.publish({ files: { 'package.json': manifest('b-still', '1.0.0', { repository: null }) }, time: march(1) });
  const json = { scripts: { build: write('dist/a.js', 'built') }, files: ['dist', 'index.js'], devDependencies: { 'b-still': '^1.0.0' } };
  const { spec } = await built('b-one-moment', {
    json,
    published: { 'dist/a.js': 'other' },
    history: { commits: [{ label: 'c', files: { 'package.json': manifest('b-one-moment', '1.0.0', json), 'index.js': "module.exports = 'b-one-moment';\n" }, date: march(5) }] },
    publication: { time: march(25) },
  });
  const answer = await judge(spec);
  assert.equal(answer.verdict, 'differs');
  assert.deepEqual(answer.attempts.filter(({ recipe }) => recipe.build).map(({ recipe }) => recipe.build.moment), [march(25)]);
});

/**
 * A workspace whose package was built, and its version raised then: its history, and what the build
 * made of it.
 */
async function raised(name, published) {
  const build = `node -e "const {version}=require('./package.json');require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/a.js','self.'+version+'\\n')"`;
  const own = (version) => manifest(name, version, { repository: { type: 'git', url: `git+https://github.com/kit/${name}.git`, directory: 'p/a' }, scripts: { build }, files: ['dist', 'index.js'] });
  const files = (version) => ({
    'package.json': manifest(`${name}-root`, '0.0.0', { private: true, workspaces: ['p/*'] }),
    'p/a/package.json': own(version),
    'p/a/index.js': `module.exports = '${version}';\n`,
    // Another of the repository asks for the version of the commit, which no registry has.
    'p/b/package.json': manifest(`${name}-other`, version, { private: true, dependencies: { [name]: version } }),
  });
  const ids = await world.host.add(`kit/${name}`, {
    commits: [
      { label: 'a', files: files('1.0.0') },
      { label: 'b', files: { ...files('1.0.0'), 'p/a/index.js': "module.exports = '1.1.0';\n" } },
      { label: 'c', files: files('1.1.0') },
    ],
    tags: { 'v1.1.0': 'c' },
  });
  await world.registry.publish({ files: { 'package.json': own('1.1.0'), 'index.js': "module.exports = '1.1.0';\n", 'dist/a.js': published }, gitHead: ids.c });
  return { spec: `${name}@1.1.0`, ids };
}

test('what was built before the version was raised is built with the version of before, and packed with the one of the commit', async () => {
  const { spec, ids } = await raised('b-raised', 'self.1.0.0\n');
  const answer = await judge(spec);
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.comparison ?? answer.attempts));
  const { recipe } = answer.attempts.find(({ verdict }) => verdict === 'identical');
  assert.equal(recipe.build.versionsAt, ids.b);
  assert.match(recipe.build.reasons.at(-1), /version 1\.0\.0, of before the release/);
  const file = join(clean.home, 'raised.json');
  await writeFile(file, JSON.stringify(recipe));
  const again = await judge(spec, ['--recipe', file]);
  assert.equal(again.verdict, 'identical', JSON.stringify(again.attempts));
  await writeFile(file, JSON.stringify(answer));
  const replayed = await run(['replay', file, '--json'], { env: clean.env, cwd: clean.home });
  assert.equal(replayed.code, 0, replayed.stdout + replayed.stderr);
  assert.ok(JSON.parse(replayed.stdout).findings.some(({ code }) => code === 'built-before-release'), replayed.stdout);
  // Versions come from the commit's own history alone.
  await writeFile(file, JSON.stringify({ ...recipe, build: { ...recipe.build, versionsAt: ids.a } }));
  const elsewhere = await judge(spec, ['--recipe', file]);
  assert.deepEqual([elsewhere.reproduced, elsewhere.code], [false, 'recipe-impossible']);
});

test('what packages of the repository ask of each other goes back with their versions while steps run', async () => {
  const name = 'b-siblings';
  // As a build that links its packages does, it fails where one asks for a version that the other has not.
  const build = `node -e "const {version,dependencies}=require('./package.json');const {version:lib}=require('../lib/package.json');if(dependencies['${name}-lib']!=='^'+lib||lib!==version)process.exit(3);require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/a.js','self.'+version)"`;
  const repository = (directory) => ({ type: 'git', url: `git+https://github.com/kit/${name}.git`, directory });
  const own = (version) => manifest(name, version, { repository: repository('p/a'), scripts: { build }, files: ['dist', 'index.js'], dependencies: { [`${name}-lib`]: `^${version}` } });
  const files = (version) => ({
    'package.json': manifest(`${name}-root`, '0.0.0', { private: true, workspaces: ['p/*'] }),
    'p/a/package.json': own(version),
    'p/a/index.js': 'x\n',
    'p/lib/package.json': manifest(`${name}-lib`, version, { repository: repository('p/lib') }),
  });
  const ids = await world.host.add(`kit/${name}`, {
    commits: [{ label: 'a', files: files('1.0.0') }, { label: 'c', parents: ['a'], files: files('1.1.0') }],
    tags: { 'v1.1.0': 'c' },
  });
  await world.registry.publish({ files: { 'package.json': own('1.1.0'), 'index.js': 'x\n', 'dist/a.js': 'self.1.0.0' }, gitHead: ids.c });
  const answer = await judge(`${name}@1.1.0`);
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.comparison ?? answer.attempts));
  assert.equal(answer.attempts.find(({ verdict }) => verdict === 'identical').recipe.build.versionsAt, ids.a);
});

test('a version that history does not have, and anything besides it, stays a difference', async () => {
  for (const [name, published] of [['b-never', 'self.0.9.0\n'], ['b-raised-evil', 'self.1.0.0\nevil()\n'], ['b-newer', 'self.2.0.0\n']]) {
    const { spec } = await raised(name, published);
    const answer = await judge(spec);
    assert.deepEqual([name, answer.verdict, answer.comparison.changed.map(({ path }) => path)], [name, 'differs', ['dist/a.js']]);
    assert.ok(answer.attempts.every(({ recipe }) => !recipe.build?.versionsAt), name);
  }
});

test('an earlier commit brings nothing along in its versions', async () => {
  // Another package's version, and a version of the package itself that is a text.
  const text = Buffer.from('evil()').toString('hex');
  const build = (read) => `node -e "const f=require('fs');f.mkdirSync('dist',{recursive:true});f.writeFileSync('dist/a.js','v'+require('./package.json').version);f.writeFileSync('dist/a.tsbuildinfo',Buffer.from(${read}.version.split('-h')[1]||'','hex'))"`;
  for (const [name, read, own, other] of [
    ['b-other-version', "require('./other/package.json')", '1.0.0', `1.0.0-h${text}`],
    ['b-own-version', "require('./package.json')", `1.0.0-h${text}`, '1.0.0'],
  ]) {
    const json = { scripts: { build: build(read) }, files: ['dist', 'index.js'] };
    const files = (version, beside) => ({ 'package.json': manifest(name, version, json), 'other/package.json': manifest('other', beside), 'index.js': 'x\n' });
    const commits = [{ label: 'a', files: files(own, other) }, { label: 'c', parents: ['a'], files: files('1.1.0', '1.1.0') }];
    const ids = await world.host.add(`kit/${name}`, { commits, tags: { 'v1.1.0': 'c' } });
    await world.registry.publish({ files: { 'package.json': manifest(name, '1.1.0', json), 'index.js': 'x\n', 'dist/a.js': `v${own}`, 'dist/a.tsbuildinfo': 'evil()' }, gitHead: ids.c });
    assert.equal((await judge(`${name}@1.1.0`)).reproduced, false, name);
  }
});

test('which package.json had the earlier version is no bit of the build', async () => {
  const name = 'b-bits';
  const build = `node -e "const f=require('fs');f.mkdirSync('dist',{recursive:true});f.writeFileSync('dist/a.js','v'+require('./package.json').version);f.writeFileSync('dist/bits.txt',[0,1,2,3].map(n=>require('./f'+n+'/package.json').version==='1.0.0'?1:0).join(''))"`;
  const json = { scripts: { build }, files: ['dist', 'index.js'] };
  const files = (version, bits) => ({
    'package.json': manifest(name, version, json),
    'index.js': 'x\n',
    ...Object.fromEntries([...bits].map((bit, at) => [`f${at}/package.json`, manifest(`f${at}`, bit === '1' ? '1.0.0' : '1.1.0')])),
  });
  const commits = [{ label: 'a', files: files('1.0.0', '0110') }, { label: 'c', parents: ['a'], files: files('1.1.0', '0000') }];
  const ids = await world.host.add(`kit/${name}`, { commits, tags: { 'v1.1.0': 'c' } });
  await world.registry.publish({ files: { 'package.json': manifest(name, '1.1.0', json), 'index.js': 'x\n', 'dist/a.js': 'v1.0.0', 'dist/bits.txt': '0110' }, gitHead: ids.c });
  const answer = await judge(`${name}@1.1.0`);
  assert.equal(answer.reproduced, false, JSON.stringify(answer.attempts));
});

test('where a release tool never commits its version, the build may have the one of the commit', async () => {
  const build = `node -e "require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/a.js','v'+require('./package.json').version)"`;
  const json = { scripts: { build }, files: ['dist', 'index.js'] };
  const { spec, ids } = await built('b-uncommitted', {
    version: '1.2.3',
    json,
    published: { 'dist/a.js': 'v0.0.0-development' },
    history: { commits: [{ label: 'c', files: { 'package.json': manifest('b-uncommitted', '0.0.0-development', json), 'index.js': "module.exports = 'b-uncommitted';\n" } }] },
  });
  const answer = await judge(spec);
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.comparison ?? answer.attempts));
  const { recipe } = answer.attempts.find(({ verdict }) => verdict === 'identical');
  assert.deepEqual([recipe.build.versionsAt, recipe.build.version], [ids.c, '1.2.3']);
});

test('an abort while stored tools are looked at stops there: nothing else is made ready', async () => {
  const { spec } = await built('b-abort-tools');
  assert.equal((await judge(spec)).verdict, 'identical', 'the tools are stored');
  const program = `const { reproduce } = require(${JSON.stringify(fileURLToPath(new URL('../index.cjs', import.meta.url)))});
const control = new AbortController();
const told = [];
const onProgress = ({ message }) => {
  told.push(message);
  if (process.argv[2] === 'abort' && /^node \\d/.test(message)) control.abort();
};
reproduce(${JSON.stringify(spec)}, { force: true, signal: control.signal, onProgress }).then(
  ({ verdict }) => console.log(JSON.stringify([verdict, told])),
  ({ name }) => setTimeout(() => console.log(JSON.stringify([name, told])), 200),
);\n`;
  const file = join(clean.home, 'abort.cjs');
  await writeFile(file, program);
  const ran = async (how) => (await run([file, how], { command: [process.execPath], env: clean.env, cwd: clean.home })).json;
  const [verdict, all] = await ran('run');
  const at = all.findIndex((message) => /^node \d/.test(message));
  assert.equal(verdict, 'identical', 'the control');
  assert.match(all[at + 1], /^npm \d/);
  const [name, told] = await ran('abort');
  assert.equal(name, 'AbortError');
  // The next one may have been begun when the abort came; nothing behind it is.
  assert.deepEqual(told, all.slice(0, Math.min(told.length, at + 2)));
  assert.ok(told.length > at && all.length > at + 2, JSON.stringify([told, all]));
});
