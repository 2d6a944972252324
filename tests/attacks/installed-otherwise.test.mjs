// A build makes what an installation obeys, and leaves the commit's package.json as it is, or nearly
// so: other ranges from what lies around it, files that npm obeys by their names, a key twice.

import assert from 'node:assert/strict';
import { gzip, rawTar } from '../../__test__/kit/tarball.mjs';
import { assertNotReproduced, attack, findingOf, manifest, setUp } from './kit.mjs';

setUp();

const writes = (files) =>
  `const fs = require('fs');\nconst path = require('path');\nfor (const [name, text] of Object.entries(${JSON.stringify(files)})) {\n`
  + "  fs.mkdirSync(path.dirname(name), { recursive: true });\n  fs.writeFileSync(name, text);\n}\n";
const own = (id, more) => manifest(id, '1.0.0', { repository: { type: 'git', url: `git+https://github.com/kit/${id}.git` }, scripts: { build: 'node build.js' }, ...more });

/** A commit, what its build makes, and a publication of both. */
async function release(world, id, { source, made, published, tarball }) {
  const files = { 'index.js': 'safe()\n', ...source, 'build.js': writes(made), '.gitignore': 'dist\n' };
  const { c } = await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files }], tags: { 'v1.0.0': 'c' } });
  await world.registry.publish({ files: published, gitHead: c, version: '1.0.0', ...(tarball && { tarball: tarball(published) }) });
  return `${id}@1.0.0`;
}

/** As pnpm packs it. */
function byPnpm(files) {
  const edit = (header) => {
    const size = Number.parseInt(header.toString('latin1', 124, 135), 8);
    header.write('000000 \0', 108, 'latin1');
    header.write('000000 \0', 116, 'latin1');
    header.write(`${size.toString(8).padStart(11, '0')} `, 124, 'latin1');
    header.write(`${(499162500).toString(8).padStart(11, '0')} `, 136, 'latin1');
  };
  const entries = Object.entries(files).map(([path, data]) => ({ path: `package/${path}`, data, mode: 0o644, edit }));
  return gzip(rawTar(entries), { level: 6, os: 3, xfl: 0 });
}

attack('a range that a build writes into the catalog of the workspace is not reproduced', async ({ world, id, judge }) => {
  const catalog = (range) => `packages:\n  - .\ncatalog:\n  needed: '${range}'\n`;
  await world.registry.publish({ files: { 'package.json': manifest('needed', '4.0.0', { repository: null }) } });
  for (const [name, evil] of [['honest', null], ['alias', 'npm:x-evil@1.0.0'], ['range', '^9.9.9']]) {
    const json = own(`${id}-${name}`, { files: ['index.js', 'dist'], dependencies: { needed: 'catalog:' } });
    const packed = JSON.stringify({ ...JSON.parse(json), dependencies: { needed: evil ?? '^4.0.0' } }, null, 2);
    const spec = await release(world, `${id}-${name}`, {
      source: { 'package.json': json, 'pnpm-workspace.yaml': catalog('^4.0.0') },
      made: { 'dist/a.js': '1\n', ...(evil && { 'pnpm-workspace.yaml': catalog(evil) }) },
      published: { 'dist/a.js': '1\n', 'index.js': 'safe()\n', 'package.json': packed }, tarball: byPnpm,
    });
    const answer = await judge(spec);
    if (evil) assertNotReproduced(answer);
    else assert.equal(answer.verdict, 'identical');
  }
});

attack('what a build writes into other packages of the workspace is not packed', async ({ world, id, judge }) => {
  const sibling = (version) => manifest('m-sibling', version, { repository: null });
  for (const [name, { range = '1.0.0', made = {}, license = 'MIT\n', isHonest = false }] of Object.entries({
    honest: { isHonest: true },
    over: { range: 'npm:x-evil@1.0.0', made: { 'packages/sibling/package.json': sibling('npm:x-evil@1.0.0') } },
    version: { range: '6.6.6', made: { 'packages/sibling/package.json': sibling('6.6.6') } },
    added: { range: 'https://evil.example/x.tgz', made: { 'packages/a/package.json': sibling('https://evil.example/x.tgz') } },
    'added-version': { range: '6.6.6', made: { 'packages/a/package.json': sibling('6.6.6') } },
    licence: { license: 'evil\n', made: { LICENSE: 'evil\n' } },
  })) {
    const own_ = { main: 'index.js', files: ['index.js', 'dist'], dependencies: { 'm-sibling': 'workspace:*' } };
    const repository = { type: 'git', url: `git+https://github.com/kit/${id}-${name}.git` };
    const json = manifest(`${id}-${name}`, '1.0.0', { repository, ...own_, scripts: { build: 'node build.js' } });
    const { scripts, ...rest } = JSON.parse(json);
    const packed = JSON.stringify({ ...rest, dependencies: { 'm-sibling': range }, scripts }, null, 2);
    const source = {
      'package.json': manifest('root', '0.0.0', { private: true, repository: null }), 'pnpm-workspace.yaml': 'packages:\n  - packages/*\n', LICENSE: 'MIT\n',
      'packages/main/package.json': json, 'packages/main/index.js': 'safe()\n', 'packages/sibling/package.json': sibling('1.0.0'),
      'packages/main/build.js': `process.chdir('../..');\n${writes({ 'packages/main/dist/a.js': '1\n', ...made })}`,
    };
    const { c } = await world.host.add(`kit/${id}-${name}`, { commits: [{ label: 'c', files: source }], tags: { 'v1.0.0': 'c' } });
    const published = { 'dist/a.js': '1\n', 'index.js': 'safe()\n', LICENSE: license, 'package.json': packed };
    await world.registry.publish({ files: published, tarball: byPnpm(published), gitHead: c });
    const answer = await judge(`${id}-${name}@1.0.0`);
    if (isHonest) assert.equal(answer.verdict, 'identical', JSON.stringify(answer.comparison));
    else assertNotReproduced(answer);
  }
});

for (const [name, { more = {}, made }] of Object.entries({
  'a build by node-gyp': { made: { 'binding.gyp': "{'targets':[{'target_name':'x','type':'none','actions':[]}]}\n" } },
  'locked dependencies': { made: { 'npm-shrinkwrap.json': '{"lockfileVersion":3,"packages":{}}\n' } },
  'a command in the folder of commands': { more: { directories: { bin: './bin' } }, made: { 'bin/other': '#!/usr/bin/env node\nevil()\n' } },
  'the same by another path': { more: { directories: { bin: '/x/..//bin/' } }, made: { 'bin/other': '#!/usr/bin/env node\nevil()\n' } },
})) {
  attack(`what only the build makes and an installation obeys is a warning: ${name}`, async ({ world, id, judge }) => {
    const json = own(id, more);
    const source = { 'package.json': json, ...(more.directories && { 'bin/own': '#!/usr/bin/env node\n' }) };
    const published = { 'package.json': json, 'index.js': 'safe()\n', 'build.js': writes(made), ...source, ...made };
    const told = findingOf(await judge(await release(world, id, { source, made, published })), 'manifest-rewritten');
    assert.deepEqual([told.severity, told.message.includes(Object.keys(made)[0])], ['warning', true]);
  });
}

attack('a key that the build writes twice, and text around the version, are a warning', async ({ world, id, judge }) => {
  for (const [name, change] of Object.entries({
    twice: (json) => json.replace('"main": "index.js"', '"main": "evil.js",\n  "main": "index.js"'),
    version: (json) => json.replace('"version": "1.0.0"', '"version": "1.0.0 \\t\\t  \\t"'),
  })) {
    const json = own(`${id}-${name}`, { main: 'index.js' });
    const made = { 'evil.js': 'evil()\n', 'package.json': change(json) };
    assert.notEqual(made['package.json'], json);
    const published = { 'index.js': 'safe()\n', 'build.js': writes(made), ...made };
    const answer = await judge(await release(world, `${id}-${name}`, { source: { 'package.json': json }, made, published }));
    assert.equal(findingOf(answer, 'source-overwritten').severity, 'warning', name);
  }
});

attack('settings of a tool that only the build makes change nothing', async ({ world, id, judge }) => {
  const settings = { replace: { description: 'evil()' }, remove: ['keywords'] };
  for (const [label, where, file] of [
    ['honest', 'source', 'clean-package.config.json'],
    ['package', 'made', 'clean-package.config.json'],
    ['publish', 'made', '.clean-publish'],
    ['workflow', 'made', '.github/workflows/a.yml'],
  ]) {
    const texts = {
      'clean-package.config.json': JSON.stringify(settings), '.clean-publish': '{"fields":["keywords","files"]}',
      '.github/workflows/a.yml': 'jobs: {a: {steps: [{uses: x/clean-npm-project@v1}]}}\n',
    };
    const isPublish = label === 'publish' || label === 'workflow';
    const scripts = { build: 'node build.js', ...(label !== 'workflow' && { prepack: label === 'publish' ? 'clean-publish' : 'clean-package' }) };
    const json = own(`${id}-${label}`, { files: ['dist', 'index.js'], keywords: ['a'], scripts });
    const packed = { ...JSON.parse(json), ...(!isPublish && { description: 'evil()' }) };
    for (const field of isPublish ? ['keywords', 'files'] : ['keywords']) delete packed[field];
    const spec = await release(world, `${id}-${label}`, {
      source: { 'package.json': json, ...(where === 'source' && { [file]: texts[file] }) },
      made: { 'dist/a.js': '1\n', ...(where === 'made' && { [file]: texts[file] }) },
      published: { 'dist/a.js': '1\n', 'index.js': 'safe()\n', 'package.json': `${JSON.stringify(packed, null, 2)}\n` },
    });
    const answer = await judge(spec);
    if (where === 'made') assertNotReproduced(answer);
    else assert.equal(answer.verdict, 'identical', JSON.stringify(answer.comparison));
  }
});

attack('a command that only the package.json of a folder that the build makes has is a warning', async ({ world, id, judge }) => {
  for (const [label, bin, severity] of [
    ['moved', { tool: 'cli.js' }, 'info'],
    ['scoped', { '@s/tool': 'cli.js' }, 'info'],
    ['new', { npm: 'cli.js', git: 'cli.js', tool: 'cli.js' }, 'warning'],
    ['hidden', { 'x/npm': 'cli.js' }, 'warning'],
  ]) {
    const packed = own(`${id}-${label}`, { bin });
    const made = { 'out/package.json': packed, 'out/cli.js': '#!/usr/bin/env node\n' };
    const source = { 'package.json': own(`${id}-${label}`, { bin: { tool: 'out/cli.js' } }) };
    const answer = await judge(await release(world, `${id}-${label}`, { source, made, published: { 'package.json': packed, 'cli.js': '#!/usr/bin/env node\n' } }));
    assert.equal(answer.verdict, 'identical', JSON.stringify(answer.findings));
    const told = findingOf(answer, 'manifest-rewritten');
    assert.deepEqual([told.severity, told.message.includes('commands')], [severity, severity === 'warning'], `${label}: ${told.message}`);
    if (severity === 'warning') assert.match(told.message, /commands.*npm/);
  }
});
