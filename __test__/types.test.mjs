// The types of the packed tarball, as a program that installed it sees them: by TypeScript under
// every way that it has of finding them, and by the two programs that check packages for this.

import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { run } from './kit/cli.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { name, exports } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
const conformance = new URL('conformance/node_modules/@arethetypeswrong/core/dist/index.js', import.meta.url);

let work;
let tarball;
before(async () => {
  work = await mkdtemp(join(tmpdir(), 'types-'));
  const packed = await run(['pack', '--ignore-scripts', '--json', '--pack-destination', work], { command: ['npm'], cwd: root });
  assert.equal(packed.code, 0, packed.stderr);
  const said = JSON.parse(packed.stdout);
  const [{ filename }] = Array.isArray(said) ? said : Object.values(said);
  tarball = join(work, filename);
  const into = join(work, 'node_modules', name);
  await mkdir(into, { recursive: true });
  const unpacked = await run(['-xzf', tarball, '-C', into, '--strip-components=1'], { command: ['tar'] });
  assert.equal(unpacked.code, 0, unpacked.stderr);
  await symlink(join(root, 'node_modules/@types'), join(work, 'node_modules/@types'), 'dir');
  for (const file of ['use.mts', 'use.cts']) {
    await writeFile(join(work, file), (await readFile(new URL(`types/${file}`, import.meta.url), 'utf8')).replaceAll("'reproduce'", `'${name}'`));
  }
});
after(() => rm(work, { recursive: true }));

/** What TypeScript says of both programs. */
async function tsc(module, moduleResolution) {
  const options = ['--strict', '--noEmit', '--target', 'es2022', '--skipLibCheck', 'false', '--types', 'node', '--exactOptionalPropertyTypes'];
  const ran = await run([join(root, 'node_modules/typescript/bin/tsc'), ...options, '--module', module, '--moduleResolution', moduleResolution, 'use.mts', 'use.cts'], {
    command: [process.execPath], cwd: work, timeout: 300_000,
  });
  return [ran.code, ran.stdout];
}

for (const [module, resolution] of [['node16', 'node16'], ['node20', 'node16'], ['nodenext', 'nodenext'], ['preserve', 'bundler']]) {
  test(`import and require have types under --module ${module}`, async () => {
    assert.deepEqual(await tsc(module, resolution), [0, '']);
  });
}

test('what the types cannot hold is an error: the check sees one', async () => {
  await writeFile(join(work, 'wrong.cts'), `import reproduce = require('${name}');\nconst done: string = reproduce('semver');\nvoid done;\n`);
  const ran = await run([join(root, 'node_modules/typescript/bin/tsc'), '--strict', '--noEmit', '--module', 'nodenext', '--types', 'node', 'wrong.cts'], { command: [process.execPath], cwd: work, timeout: 300_000 });
  assert.match(ran.stdout, /^wrong\.cts\(2,7\): error TS2322: Type 'Promise<ReproduceResult>'/);
});

test('every type that import has is one that require has', async () => {
  const names = (text, pattern) => [...text.matchAll(pattern)].map(([, found]) => found).sort();
  const [esm, cjs] = await Promise.all(['index.d.ts', 'index.d.cts'].map((file) => readFile(join(root, file), 'utf8')));
  const wanted = names(esm, /^export (?:interface|type|class) (\w+)/gm).concat('Code').sort();
  assert.ok(wanted.length > 20);
  assert.deepEqual(names(cjs, /^ {2}type (\w+) = esm\.\1;/gm), wanted);
});

test('every file that package.json names is in the tarball', async () => {
  const ran = await run(['-tzf', tarball], { command: ['tar'] });
  const there = new Set(ran.stdout.split('\n').map((path) => path.replace(/^package\//, './')));
  const named = JSON.stringify(exports).match(/\.\/[^"]+/g);
  assert.deepEqual(named.filter((path) => !there.has(path)), []);
});

test('publint has no complaint about the packed tarball', async () => {
  const bytes = await readFile(tarball);
  const { messages, pkg } = await publint({ pack: { tarball: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) }, strict: true });
  assert.equal(pkg.name, name);
  assert.deepEqual(messages.map((message) => formatMessage(message, pkg)), []);
});

test('are the types wrong? has no complaint about the packed tarball', async () => {
  const { checkPackage, createPackageFromTarballData } = await import(conformance);
  const analysis = await checkPackage(createPackageFromTarballData(new Uint8Array(await readFile(tarball))));
  assert.equal(analysis.types?.kind, 'included');
  assert.deepEqual(analysis.problems, []);
  assert.ok(Object.keys(analysis.entrypoints).length > 1);
});

test('a package whose types are of another module system is complained about', async () => {
  const { checkPackage, createPackageFromTarballData } = await import(conformance);
  const folder = join(work, 'wrong');
  await cp(join(work, 'node_modules', name), folder, { recursive: true });
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  manifest.exports['.'] = { types: './index.d.ts', import: './index.js', require: './index.cjs' };
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
  assert.equal((await run(['pack', '--ignore-scripts', '--pack-destination', folder], { command: ['npm'], cwd: folder })).code, 0);
  const wrong = await readFile(join(folder, tarball.slice(work.length + 1)));
  const { problems } = await checkPackage(createPackageFromTarballData(new Uint8Array(wrong)));
  assert.ok(problems.some(({ kind }) => kind === 'FalseESM'), JSON.stringify(problems.map(({ kind }) => kind)));
});
