// What is published is not what a reader of the commit sees: other letters, other code, or nothing
// of it at all.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { gzip, rawTar } from '../../__test__/kit/tarball.mjs';
import { assertNotReproduced, attack, findingOf, manifest, setUp } from './kit.mjs';

setUp();

/** An even number of letters. */
const EVIL = "console.log('PAYLOAD RUNS')\n";

attack('letters of another alphabet that a checkout writes as code are told', async ({ world, id, judge }) => {
  for (const [encoding, text, mark] of [
    ['UTF-16LE', Buffer.from(EVIL, 'latin1').toString('utf16le'), []],
    ['UTF-16BE', Buffer.from(EVIL, 'latin1').swap16().toString('utf16le'), []],
    ['UTF-16LE-BOM', Buffer.from(EVIL, 'latin1').toString('utf16le'), [0xff, 0xfe]],
  ]) {
    const name = `${id}-${encoding.toLowerCase()}`;
    const files = { '.gitattributes': `index.js working-tree-encoding=${encoding}\n`, 'index.js': text };
    const { spec } = await world.release(name, { files, published: { 'index.js': Buffer.concat([Buffer.from(mark), Buffer.from(EVIL)]) } });
    const told = findingOf(await judge(spec), 'altered-by-attributes');
    assert.deepEqual([told.severity, told.message.includes('index.js')], ['warning', true], encoding);
  }
  // The control: a text that is the same in both.
  const plain = 'echo 1\n';
  const files = { '.gitattributes': 'a.ps1 working-tree-encoding=UTF-16LE\n', 'a.ps1': plain };
  const { spec } = await world.release(`${id}-plain`, { files, published: { 'a.ps1': Buffer.from(plain, 'utf16le') } });
  const answer = await judge(spec);
  assert.deepEqual([answer.verdict, answer.findings.filter(({ code }) => code === 'altered-by-attributes')], ['identical', []]);
});

attack('letters of another alphabet are told whatever the file is called and however much Latin stands between', async ({ world, id, judge }) => {
  const as = (bytes) => Buffer.from(bytes.length % 2 ? `${bytes} ` : bytes, 'latin1').toString('utf16le');
  const text = `${as('/*')}${'The colours of the palette, in the order of the wheel. '.repeat(10)}${as(`*/${EVIL}`)}`;
  for (const path of ['colours.js', 'colours.txt', 'lib/colours.dat']) {
    const files = { '.gitattributes': `${path} working-tree-encoding=UTF-16LE\n`, [path]: text };
    const { spec } = await world.release(`${id}-${path.replace(/\W/g, '-')}`, { files, published: { [path]: Buffer.from(text, 'utf16le') } });
    assert.match(findingOf(await judge(spec), 'altered-by-attributes').message, new RegExp(path));
  }
});

attack('a condition that ident takes away is told of every package of the commit', async ({ world, id, judge }) => {
  const make = "const fs = require('fs');\nif (!process.argv[2]) process.exit();\nfs.mkdirSync('dist', { recursive: true });\nlet text = 'honest\\n';\n"
    + "/*$Id: */if(process.env.NEVER)/* $*/ text = process.argv[2] === 'b' ? 'other\\n' : text;\nfs.writeFileSync('dist/a.js', text);\n";
  const own = (letter) => manifest(`${id}-${letter}`, '1.0.0', {
    repository: { type: 'git', url: `git+https://github.com/kit/${id}.git`, directory: `p/${letter}` },
    scripts: { build: `node ../../make.js ${letter}` }, files: ['dist', 'index.js'],
  });
  const files = {
    'package.json': manifest(`${id}-root`, '0.0.0', { private: true, workspaces: ['p/*'] }),
    'make.js': make, '.gitignore': 'dist\n', '.gitattributes': 'make.js ident\n',
    ...Object.fromEntries(['a', 'b'].flatMap((letter) => [[`p/${letter}/package.json`, own(letter)], [`p/${letter}/index.js`, `${letter}\n`]])),
  };
  const { c } = await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files }], tags: { 'v1.0.0': 'c' } });
  let clean;
  for (const [letter, text] of [['a', 'honest\n'], ['b', 'other\n']]) {
    await world.registry.publish({ files: { 'package.json': own(letter), 'index.js': `${letter}\n`, 'dist/a.js': text }, gitHead: c });
    const answer = await judge(`${id}-${letter}@1.0.0`, { clean });
    ({ clean } = answer);
    assert.equal(answer.verdict, 'identical', answer.code);
    assert.equal(findingOf(answer, 'altered-by-attributes').severity, 'warning');
  }
});

attack('a package.json in another alphabet is told', async ({ world, id, judge }) => {
  const text = manifest(id, '1.0.0', { scripts: { postinstall: 'node index.js' } });
  const own = text.length % 2 ? `${text}\n` : text;
  const attributes = { '.gitattributes': 'package.json working-tree-encoding=UTF-16LE\n', 'index.js': 'x\n' };
  const files = { ...attributes, 'package.json': Buffer.from(own, 'latin1').toString('utf16le') };
  const { c } = await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files }], tags: { 'v1.0.0': 'c' } });
  await world.registry.publish({ files: { ...attributes, 'package.json': own }, gitHead: c });
  const answer = await judge(`${id}@1.0.0`);
  assert.ok(!answer.reproduced || findingOf(answer, 'altered-by-attributes').severity === 'warning', JSON.stringify(answer.findings));
});

attack('a condition that ident takes away is told', async ({ world, id, judge }) => {
  const text = 'module.exports = (ok, grant) => {\n  /*$Id: */if(ok)/* $*/\n  grant();\n};\n';
  const hash = createHash('sha1').update(`blob ${text.length}\0${text}`).digest('hex');
  const published = text.replace('$Id: */if(ok)/* $', `$Id: ${hash} $`);
  const { spec } = await world.release(id, { files: { '.gitattributes': '*.js ident\n', 'index.js': text }, published: { 'index.js': published } });
  assert.equal(findingOf(await judge(spec), 'altered-by-attributes').severity, 'warning');
});

/** What clean-publish with `cleanComments` makes of a script. */
const cleaned = (text) => text.replace(/\s*\/\/.*\n/gm, '\n').replace(/\s*\/\*[^/]+\*\/\n?/gm, '\n').replace(/\n+/gm, '\n').replace(/^\n+/gm, '');

const PADDED = '`\n^(safe|\n// xxxxxxxxxxxxxxxxxxxx\nother)\n`';
/** To JavaScript a regular expression begins behind the line feed; a parser may take it for a division by a template. */
const turned = (before) => `${before}\n/\`/g.lastIndex; allow = ${PADDED}; /\`/g.lastIndex\nconsole.log(allow.length);\n`;

attack('a text that becomes code where a tool takes comments out is in no source', async ({ world, id, judge }) => {
  const json = { scripts: { release: 'clean-publish' }, 'clean-publish': { cleanComments: true } };
  const own = (name) => `${JSON.stringify({ name, version: '1.0.0', repository: `github:kit/${name}` }, null, 2)}\n`;
  const judged = async (name, source) => {
    const published = { 'index.js': cleaned(source), 'package.json': own(name) };
    return judge((await world.release(name, { json, files: { 'index.js': source }, published })).spec);
  };
  for (const [nth, source] of [
    "const a = ` //`;\nconst b = `\nconsole.log('PAYLOAD RUNS');\n`;\nconst c = ` //`;\nmodule.exports = 1;\n",
    `const allow = ${PADDED};\nconsole.log(allow.length);\n`,
    turned('var allow; let f = () => {}'),
    turned('var allow; let f = async (x) => {}'),
    "let n = 1;\nwhile (n /* times */ --> 0 && false\n) { console.log('PAYLOAD RUNS'); break; }\n",
    "class Guard {\n  async /* asks */ denied() { return false; }\n}\n",
    'function denied() { return /* x */ true; }\n',
  ].entries()) {
    assertNotReproduced(await judged(`${id}-${nth}`, source));
  }
  // The control: comments that are none of the program. Who reads a function's own text sees them.
  for (const [nth, source] of ['// a\nmodule.exports = 1; // b\n', 'function f() { /* guard */ }\nmodule.exports = String(f);\n'].entries()) {
    const control = await judged(`${id}-c${nth}`, source);
    assert.equal(control.verdict, 'identical', control.code);
    const told = findingOf(control, 'comments-removed');
    assert.deepEqual([told.severity, told.message.includes('index.js')], ['warning', true]);
  }
});

attack('a README.md that a tool cut and that the package runs is told', async ({ world, id, judge }) => {
  const readme = "trap 'echo EVIL' EXIT\n\n## Usage\n\ntrap - EXIT\n";
  const docs = "trap 'echo EVIL' EXIT\n\n## Docs\nRead full docs **[here](https://v.example/)**.\n";
  for (const [nth, more, index, severity] of [
    [0, { scripts: { postinstall: 'sh README.md' } }, 'x\n', 'warning'],
    [1, { bin: 'README.md' }, 'x\n', 'warning'],
    [2, {}, "require('child_process').exec('sh Readme.md')\n", 'warning'],
    // The control: a text for people, which package.json names as such.
    [3, { files: ['README.md', 'index.js'] }, 'x\n', 'info'],
  ]) {
    const json = { ...more, devDependencies: { 'clean-publish': '5.0.0' }, homepage: 'https://v.example/', 'clean-publish': { cleanDocs: true } };
    const own = JSON.parse(manifest(`${id}-${nth}`, '1.0.0', json));
    for (const field of ['devDependencies', 'clean-publish']) delete own[field];
    const published = { 'package.json': `${JSON.stringify(own, null, 2)}\n`, 'README.md': docs };
    const answer = await judge((await world.release(`${id}-${nth}`, { json, files: { 'index.js': index, 'README.md': readme }, published })).spec);
    assert.equal(answer.verdict, 'identical', answer.code);
    assert.equal(findingOf(answer, 'readme-shortened').severity, severity, String(nth));
  }
});

attack('what a package for another system has in its commands is in no lockfile', async ({ world, id, judge }) => {
  const encoded = Buffer.from(EVIL.repeat(20)).toString('base64url');
  const bin = Object.fromEntries(encoded.match(/.{1,200}/g).map((piece, at) => [`c${String(at).padStart(3, '0')}`, piece]));
  const inner = { name: `opt-${id}`, version: '1.0.0', bin, os: ['win32'] };
  await world.registry.publish({ files: { 'package.json': JSON.stringify(inner) }, time: '2020-01-01T00:00:00.000Z' });
  const read = `JSON.parse(f.readFileSync('package-lock.json')).packages['node_modules/opt-${id}'].bin`;
  const build = `node -e "const f=require('fs');const b=${read};f.mkdirSync('dist',{recursive:true});f.writeFileSync('dist/a.js',Buffer.from(Object.keys(b).sort().map(k=>b[k]).join(''),'base64url'))"`;
  const json = { scripts: { build }, files: ['dist', 'index.js'], optionalDependencies: { [`opt-${id}`]: '1.0.0' } };
  const { spec } = await world.release(id, { json, files: { '.gitignore': 'dist\n' }, published: { 'dist/a.js': EVIL.repeat(20), '.gitignore': null } });
  assertNotReproduced(await judge(spec));
});

attack('more commands than a package has end in an answer', async ({ world, id, judge }) => {
  const bin = Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`c${at}`, `b/${at}.js`]));
  const { spec } = await world.release(id, { json: { bin } });
  const answer = await judge(spec);
  assert.deepEqual([answer.verdict, answer.code], ['differs', 'manifest-mismatch']);
});

attack('a build does not run on a day after the publication', async ({ world, id, judge }) => {
  const release = async (name, day) => {
    const build = "const f=require('fs');f.mkdirSync('dist',{recursive:true});f.writeFileSync('dist/date.js',`module.exports = '${new Date().toISOString().slice(0, 10)}';\\n`);\n";
    const own = manifest(name, '1.0.0', { repository: `github:kit/${name}`, scripts: { build: 'node build.js' }, files: ['dist'] });
    await world.host.add(`kit/${name}`, { commits: [{ label: 'c', files: { 'package.json': own, 'build.js': build, '.gitignore': 'dist\n' }, date: '2024-03-05T12:00:00Z' }], tags: { 'v1.0.0': 'c' } });
    const files = { 'dist/date.js': `module.exports = '${day}';\n`, 'package.json': own };
    const mtime = Date.parse(`${day}T12:00:00Z`) / 1000;
    const tarball = gzip(rawTar(Object.entries(files).map(([path, data]) => ({ path: `package/${path}`, data, mtime }))));
    return world.registry.publish({ name, version: '1.0.0', files, tarball, time: '2024-03-25T12:00:00.000Z' });
  };
  for (const day of ['2090-06-01', '2024-04-01']) {
    await release(`${id}-${day}`, day);
    assertNotReproduced(await judge(`${id}-${day}@1.0.0`, { args: ['--timeout', '60'] }));
  }
  // The control: a day on which the files may have been made.
  await release(`${id}-c`, '2024-03-20');
  const control = await judge(`${id}-c@1.0.0`, { args: ['--timeout', '60'] });
  assert.equal(control.reproduced, true, control.code);
});

attack('a build that writes over files of the commit is told', async ({ world, id, judge }) => {
  const write = (path, text) => `require('fs').writeFileSync('${path}', ${JSON.stringify(text)});\n`;
  const made = async (label, path) => {
    const files = { 'dist/late.js': 'old\n', 'safe.js': 'safe()\n', 'build.cjs': write(path, 'evil()\n') };
    const json = { scripts: { build: 'node build.cjs' }, files: ['dist', 'safe.js'] };
    const { spec } = await world.release(`${id}-${label}`, { json, files, published: { 'build.cjs': null, 'index.js': null, [path]: 'evil()\n' } });
    const answer = await judge(spec);
    assert.equal(answer.verdict, 'identical', answer.code);
    return findingOf(answer, 'source-overwritten');
  };
  const script = await made('script', 'safe.js');
  assert.deepEqual([script.severity, /safe\.js/.test(script.message)], ['warning', true], script.message);
  // What is not packed as it is in the commit, and a link there.
  const ignored = { 'safe.js': 'safe()\n', '.npmignore': 'safe.js\n*.cjs\n', 'build.cjs': write('safe.js', 'evil()\n') + write('.npmignore', '*.cjs\n') };
  const unlisted = await world.release(`${id}-unlisted`, { json: { scripts: { build: 'node build.cjs' } }, files: ignored, published: { 'build.cjs': null, '.npmignore': null, 'safe.js': 'evil()\n' } });
  assert.match(findingOf(await judge(unlisted.spec), 'source-overwritten').message, /safe\.js/);
  // A project that commits what it builds commits it late.
  assert.equal((await made('product', 'dist/late.js')).severity, 'info');
});

attack('settings of a tool that are nested without end, and workflows that stand for gigabytes, end in an answer', async ({ world, id, judge }) => {
  const settings = (key) => `${JSON.stringify({ replace: { [key]: 1 } })}\n`;
  const laughs = Array.from({ length: 12 }, (_, at) => `a${at}: &a${at} [${Array(9).fill(at ? `*a${at - 1}` : 'x').join(',')}]`).join('\n');
  const cases = {
    keys: { 'clean-package.config.json': settings(Array(400_000).fill('a').join('.')) },
    levels: { 'clean-package.config.json': `${JSON.stringify({ indent: 10, replace: { 'a.b': 1 } })}\n` },
    workflows: Object.fromEntries(Array.from({ length: 32 }, (_, at) => [`.github/workflows/a${at}.yml`, `${laughs}\n`])),
  };
  for (const [label, files] of Object.entries(cases)) {
    const deep = label === 'levels' ? `${'['.repeat(100)}${'0,'.repeat(100_000)}0${']'.repeat(100)}` : '1';
    const own = manifest(`${id}-${label}`, '1.0.0', { scripts: { prepack: 'clean-package' }, deep: '-' }).replace('"-"', deep);
    const { spec } = await world.release(`${id}-${label}`, { files: { ...files, 'package.json': own }, published: { 'index.js': 'evil()\n' } });
    assertNotReproduced(await judge(spec, { args: ['--timeout', '60'] }));
  }
});

attack('a tool that nothing calls rewrites nothing, and what one rewrites that is obeyed is told', async ({ world, id, judge }) => {
  const settings = `${JSON.stringify({ replace: { 'scripts.postinstall': 'node evil.js', 'dependencies.evil': '1.0.0' } })}\n`;
  const made = async (label, scripts, replaced = settings) => {
    const json = { scripts, main: 'index.js' };
    const own = JSON.parse(manifest(`${id}-${label}`, '1.0.0', json));
    for (const [key, value] of Object.entries(JSON.parse(replaced).replace)) {
      const path = key.split('.');
      const into = path.slice(0, -1).reduce((inner, part) => (inner[part] ??= {}), own);
      into[path.at(-1)] = value;
    }
    const files = { 'clean-package.config.json': replaced };
    const release = await world.release(`${id}-${label}`, { json, files, published: { ...files, 'package.json': `${JSON.stringify(own, null, '  ')}\n` } });
    return judge(release.spec);
  };
  const reordered = async (before, after) => {
    const json = { ...before, scripts: { prepack: 'clean-package' } };
    const files = { 'clean-package.config.json': `${JSON.stringify({ replace: after })}\n`, '.npmignore': '*.config.json\n', 'node.js': '1\n', 'default.js': '2\n' };
    const own = { ...JSON.parse(manifest(`${id}-order`, '1.0.0', json)), ...after };
    const published = { '.npmignore': null, 'clean-package.config.json': null, 'package.json': `${JSON.stringify(own, null, '  ')}\n` };
    return judge((await world.release(`${id}-order`, { json, files, published })).spec);
  };
  assertNotReproduced(await made('named', { test: 'echo no-clean-package-here' }));
  assertNotReproduced(await made('said', { test: 'echo clean-package' }));
  const told = findingOf(await made('called', { prepack: 'npx clean-package' }), 'manifest-rewritten');
  assert.deepEqual([told.severity, /dependencies.*scripts\.postinstall/.test(told.message)], ['warning', true], told.message);
  // By the action of a workflow, whose steps have a name of their own.
  const uses = 'on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - uses: someone/clean-npm-project@v1\n';
  const own = { ...JSON.parse(manifest(`${id}-action`)), dependencies: { guard: '1.0.0' }, 'clean-publish': { fields: ['dependencies'] } };
  const left = { ...own, dependencies: undefined, 'clean-publish': undefined };
  const print = (value) => `${JSON.stringify(value, null, 2)}\n`;
  const files = { '.github/workflows/x.yml': uses, '.npmignore': '.github\n', 'package.json': print(own) };
  const { spec } = await world.release(`${id}-action`, { files, published: { '.github/workflows/x.yml': null, '.npmignore': null, 'package.json': print(left) } });
  const byAction = findingOf(await judge(spec), 'manifest-rewritten');
  assert.ok(byAction.message.includes('dependencies'), byAction.message);
  // The first condition that holds is taken: the order is obeyed.
  const conditions = (...order) => ({ '.': Object.fromEntries(order.map((name) => [name, `./${name}.js`])) });
  const ordered = await reordered({ exports: conditions('node', 'default') }, { exports: conditions('default', 'node') });
  assert.match(findingOf(ordered, 'manifest-rewritten').message, /exports/);
  // The control: keys that nobody obeys.
  const answer = await made('plain', { prepack: 'npx clean-package' }, `${JSON.stringify({ replace: { keywords: ['a'] } })}\n`);
  assert.deepEqual([answer.verdict, answer.findings.filter(({ code }) => code === 'manifest-rewritten')], ['identical', []]);
});
