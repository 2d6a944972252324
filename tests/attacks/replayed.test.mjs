// `reproduce replay` says what it was made from, as the judgement does: nothing that a result warns
// of is silent when its recipe is followed again.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { attack, findingOf, manifest, setUp } from './kit.mjs';

setUp();
const PAYLOAD = "console.log('payload that is in no commit')\n";

async function replayed(cli, clean, answer) {
  const file = join(clean.home, 'result.json');
  writeFileSync(file, JSON.stringify(Object.fromEntries(Object.entries(answer).filter(([key]) => !['ran', 'clean'].includes(key)))));
  const ran = await cli(['replay', file, '--json', '--timeout', '60'], { clean });
  assert.ok(ran.json, ran.stdout + ran.stderr);
  return { ...ran.json, exit: ran.code };
}

attack('what a judgement warns of, a replay warns of', async ({ world, id, judge, cli, home }) => {
  const clean = await home();
  const name = `${id}-else`;
  await world.registry.publish({ files: { 'package.json': manifest(name, `0.0.0-${Buffer.from(PAYLOAD).toString('hex')}`), 'index.js': '' } });
  const build = `node -e "const u=new URL(process.env.npm_config_registry);require('http').get({host:u.hostname,port:u.port,path:'/${name}'},r=>{let t='';r.on('data',c=>t+=c);r.on('end',()=>{const v=Object.keys(JSON.parse(t).versions)[0];require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/a.js',Buffer.from(v.slice(6),'hex'))})})"`;
  await new Promise((done) => setTimeout(done, 30));
  const { spec } = await world.release(id, { json: { files: ['dist', 'index.js'], scripts: { build } }, files: { '.gitignore': 'dist\n' }, published: { 'dist/a.js': PAYLOAD, '.gitignore': null } });
  const answer = await judge(spec, { clean, args: ['--timeout', '60'] });
  assert.equal(answer.verdict, 'identical');
  assert.equal(findingOf(answer, 'metadata-read').severity, 'warning');
  const again = await replayed(cli, clean, answer);
  assert.equal(findingOf(again, 'metadata-read').severity, 'warning');
  assert.deepEqual([again.exit, again.outcome], [0, 'same-bytes']);
});

attack('a replay is not made from the very tarball that it is to make', async ({ world, id, judge, cli, home }) => {
  const clean = await home();
  const steal = `node -e "require('fs').mkdirSync('dist',{recursive:true});require('fs').copyFileSync('node_modules/${id}-more/dist/a.js','dist/a.js')"`;
  const own = manifest(id, '1.0.0', { scripts: { build: steal }, files: ['dist', 'index.js'], devDependencies: { [`${id}-more`]: '1.0.0' } });
  const files = { 'package.json': own, 'index.js': 'honest\n', 'dist/a.js': PAYLOAD };
  const { c } = await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files: { 'package.json': own, 'index.js': 'honest\n', '.gitignore': 'dist\n' } }], tags: { 'v1.0.0': 'c' } });
  await world.registry.publish({ files: { 'package.json': manifest(`${id}-more`, '1.0.0'), 'dist/a.js': PAYLOAD, 'more.js': 'more\n' } });
  await new Promise((done) => setTimeout(done, 30));
  const judged = await world.registry.publish({ files, gitHead: c });
  const answer = await judge(`${id}@1.0.0`, { clean, args: ['--timeout', '60'] });
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts.map((one) => [one.code, one.resolved])));
  // Now the other package is the judged tarball itself: the judgement would withhold it
  // (`judged-bytes-withheld`).
  await world.registry.publish({ name: `${id}-more`, version: '1.0.0', tarball: judged.tarball, manifest: {} });
  const again = await replayed(cli, clean, answer);
  assert.deepEqual([again.exit, again.code], [2, 'judged-bytes-in-build'], JSON.stringify(again));
});

/** A result without what the kit adds. */
const plain = (answer) => JSON.parse(JSON.stringify(Object.fromEntries(Object.entries(answer).filter(([key]) => !['ran', 'clean'].includes(key)))));
const NAMES = {
  'the result and its recipes': (forged) => {
    Object.assign(forged.package, { name: 'lodash', version: '9.9.9' });
    for (const { recipe } of forged.attempts) Object.assign(recipe, { name: 'lodash', version: '9.9.9' });
  },
  'the result alone': ({ package: own }) => Object.assign(own, { name: 'lodash' }),
  'the version of the result': ({ package: own }) => Object.assign(own, { version: '1.0.1' }),
  'the recipes alone': ({ attempts }) => attempts.forEach(({ recipe }) => Object.assign(recipe, { name: 'lodash' })),
};
for (const [title, forge] of Object.entries(NAMES)) {
  attack(`a changed file does not pass for another package: ${title}`, async ({ world, id, judge, cli, home }) => {
    const clean = await home();
    const { spec } = await world.release(id);
    const answer = plain(await judge(spec, { clean }));
    assert.equal((await replayed(cli, clean, answer)).outcome, 'same-bytes', 'control: as it was written');
    forge(answer);
    const again = await replayed(cli, clean, answer);
    assert.deepEqual([again.exit, again.code], [2, 'recipe-names-another'], JSON.stringify(again));
  });
}

attack('what is installed by a replay is held against the list of the result', async ({ world, id, judge, cli, home }) => {
  const clean = await home();
  await world.registry.publish({ files: { 'package.json': manifest(`${id}-tool`), 'index.js': "module.exports = 'x'\n" } });
  await new Promise((done) => setTimeout(done, 30));
  const build = `node -e "require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/a.js',require('${id}-tool'))"`;
  const json = { files: ['dist', 'index.js'], scripts: { build }, devDependencies: { [`${id}-tool`]: '1.0.0' } };
  const { spec } = await world.release(id, { json, files: { '.gitignore': 'dist\n' }, published: { 'dist/a.js': 'x', '.gitignore': null } });
  const answer = plain(await judge(spec, { clean, args: ['--timeout', '60'] }));
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts));
  const again = await replayed(cli, clean, answer);
  const decided = answer.attempts.find(({ recipe }) => recipe.tarball);
  assert.deepEqual(again.resolved, decided.resolved);
  assert.ok(again.findings.every(({ code }) => code !== 'resolved-differs'), 'control: the same packages');
  decided.resolved = decided.resolved.map((line) => line.replace(/ .*/, ' sha512-AAAA'));
  const finding = findingOf(await replayed(cli, clean, answer), 'resolved-differs');
  assert.equal(finding.severity, 'warning');
  assert.match(finding.message, new RegExp(`${id}-tool@1\\.0\\.0`));
});

/** What is told of files of the commit that the build made others of. */
const OF_FILES = ['source-overwritten', 'source-shadowed', 'manifest-rewritten'];
const told = ({ findings }) => findings.filter(({ code }) => OF_FILES.includes(code)).map(({ code, severity, message }) => `${severity} ${code} ${message}`).sort();
const writes = (files) => `const f=require('fs'),p=require('path');for(const [n,t] of Object.entries(${JSON.stringify(files)})){f.mkdirSync(p.dirname(n),{recursive:true});f.writeFileSync(n,t)}\n`;
const repository = (name) => ({ repository: { type: 'git', url: `git+https://github.com/kit/${name}.git` } });
const MAIN = { 'index.js': "require('./core')\n", 'core/index.js': 'safe()\n' };
const SET = '{"replace":{"main":"core/index.js"}}\n';
/** Each gives files of the commit, those that the build writes, and the codes that are told. */
const MADE = {
  over: { made: { 'core/index.js': PAYLOAD }, expected: ['source-overwritten'] },
  before: { made: { 'core.js': PAYLOAD }, expected: ['source-shadowed'] },
  // A tool of the commit writes package.json: its keys are told, and not that the file is another.
  tool: { source: { 'clean-package.config.json': SET }, json: { scripts: { build: 'node build.js', prepack: 'clean-package' } }, made: { 'dist/a.js': '1\n' }, expected: ['manifest-rewritten'] },
  // What is packed without a build and lacks behind it.
  gone: { source: { 'core.js': 'safe()\n' }, build: "require('fs').unlinkSync('core.js')\n", made: { 'core/x': '1\n' }, lost: ['core.js'], expected: ['source-shadowed'] },
  // The control.
  plain: { made: { 'dist/a.js': '1\n' }, expected: [] },
};
for (const [label, { source = {}, json = {}, build = '', made, lost = [], expected }] of Object.entries(MADE)) {
  attack(`of files of the commit a replay tells what the judgement tells: ${label}`, async ({ world, id, judge, cli, home }) => {
    const clean = await home();
    const own = manifest(id, '1.0.0', { ...repository(id), scripts: { build: 'node build.js' }, files: ['index.js', 'core', 'core.js', 'dist'], ...json });
    const files = { 'package.json': own, ...MAIN, ...source, 'build.js': build + writes(made) };
    const { c } = await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files }], tags: { 'v1.0.0': 'c' } });
    const manifestOut = label === 'tool' ? `${JSON.stringify({ ...JSON.parse(own), main: 'core/index.js' }, null, 2)}\n` : own;
    const published = { 'package.json': manifestOut, ...MAIN, ...('core.js' in source && !lost.includes('core.js') ? { 'core.js': source['core.js'] } : {}), ...made };
    await world.registry.publish({ files: published, gitHead: c });
    const answer = await judge(`${id}@1.0.0`, { clean, args: ['--timeout', '120'] });
    assert.equal(answer.verdict, 'identical', `${answer.code} ${JSON.stringify(answer.findings)}`);
    assert.deepEqual(answer.findings.map(({ code }) => code).filter((code) => OF_FILES.includes(code)), expected, JSON.stringify(answer.findings));
    const again = await replayed(cli, clean, answer);
    assert.deepEqual([again.exit, again.outcome], [0, 'same-bytes']);
    assert.deepEqual(told(again), told(answer));
  });
}
