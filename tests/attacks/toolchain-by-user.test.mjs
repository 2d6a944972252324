// A toolchain that the user puts in reach is the user's word: it is read-only, known by its bytes,
// told and never stated; and a result with one is no result without.

import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { after } from 'node:test';
import { assertNotReproduced, attack, findingOf, manifest, SEATS, setUp } from './kit.mjs';

setUp();

const folders = [];
after(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** A toolchain with one program, where every user can read it. */
function toolchain(program, { name = 'cargo' } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'kit-made-up-'));
  folders.push(folder);
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin', name), program, { mode: 0o755 });
  return folder;
}

const COMPILER = '#!/bin/sh\nmkdir -p dist && echo compiled > dist/a.js\n';

/** A package whose dist/a.js a program named cargo makes. */
async function release(world, id, script = 'cargo build') {
  const json = { scripts: { build: script }, files: ['dist', 'index.js'] };
  return world.release(id, { json, files: { 'Cargo.toml': '[package]\nname = "a"\nrust-version = "1.80"\n' }, published: { 'Cargo.toml': null, 'dist/a.js': 'compiled\n' } });
}

attack(
  'a build finds the user\'s toolchain, the result names its bytes, and nothing is stated of it',
  async ({ world, id, judge, cli }) => {
    const { spec } = await release(world, id);
    const without = await judge(spec);
    assertNotReproduced(without);
    assert.deepEqual(without.options.toolchains, []);
    const { clean } = without;
    const args = ['--toolchain', `rust=${toolchain(COMPILER)}`];
    const answer = await judge(spec, { clean, args });
    assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts.at(-1), null, 1));
    const finding = findingOf(answer, 'toolchain-by-user');
    assert.equal(finding.severity, 'warning');
    assert.match(finding.message, /rust/);
    const { toolchains, recipe } = answer.attempts.find((one) => one.recipe.tarball);
    assert.equal(toolchains.length, 1);
    assert.deepEqual(toolchains[0].programs, { cargo: createHash('sha256').update(COMPILER).digest('hex') });
    assert.deepEqual(answer.options.toolchains, [`rust ${toolchains[0].digest}`]);
    assert.deepEqual(recipe.build.toolchains, { rust: toolchains[0].digest });
    const attested = await cli([spec, '--json', ...args, '--attest', 's.json'], { clean });
    assert.equal(attested.code, 2, attested.stdout + attested.stderr);
    assert.ok(!existsSync(join(clean.home, 's.json')), 'a statement was written');
    // The result with it answers nobody who asks without it, nor with another.
    assertNotReproduced(await judge(spec, { clean }));
    const other = await judge(spec, { clean, args: ['--toolchain', `rust=${toolchain(COMPILER.replace('compiled', 'otherwise'))}`] });
    assertNotReproduced(other);
    assert.ok(!other.cached, 'the answer of another toolchain');
    // A replay has it from who replays, and from nobody else.
    writeFileSync(join(clean.home, 'result.json'), answer.ran.stdout);
    const replayed = await cli(['replay', 'result.json', '--json', ...args], { clean });
    assert.equal(replayed.json.outcome, 'same-bytes', replayed.stdout + replayed.stderr);
    findingOf(replayed.json, 'toolchain-by-user');
    assert.deepEqual(replayed.json.toolchains, toolchains);
    const bare = await cli(['replay', 'result.json', '--json'], { clean });
    assert.notEqual(bare.json.outcome, 'same-bytes', bare.stdout);
  },
  { seats: SEATS },
);

attack(
  'a build cannot change the toolchain',
  async ({ world, id, judge }) => {
    const folder = toolchain('#!/bin/sh\nhere=$(dirname "$0")\necho evil > "$here/cargo"; echo evil > "$here/new"; rm -f "$here/cargo"; chmod 777 "$here/cargo"; mkdir -p dist && echo compiled > dist/a.js\n');
    const before = readFileSync(join(folder, 'bin/cargo'), 'utf8');
    const { spec } = await release(world, id);
    const answer = await judge(spec, { args: ['--toolchain', `rust=${folder}`] });
    assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts.at(-1), null, 1));
    assert.equal(readFileSync(join(folder, 'bin/cargo'), 'utf8'), before);
    assert.ok(!existsSync(join(folder, 'bin/new')), 'a file was written');
  },
  { seats: SEATS },
);

attack('a toolchain is no Node and no package manager', async ({ world, id, judge }) => {
  const folder = toolchain(COMPILER);
  for (const name of ['node', 'npm']) writeFileSync(join(folder, 'bin', name), '#!/bin/sh\nmkdir -p dist && echo compiled > dist/a.js\n', { mode: 0o755 });
  const { spec } = await release(world, id, 'node --version');
  assertNotReproduced(await judge(spec, { args: ['--toolchain', `rust=${folder}`] }));
});

attack('a toolchain that cannot be known by its bytes is refused', async ({ world, id, judge }) => {
  const { spec } = await release(world, id);
  const linked = toolchain(COMPILER);
  symlinkSync('/etc/hostname', join(linked, 'bin', 'x'));
  const above = toolchain(COMPILER);
  symlinkSync('../..', join(above, 'lib'));
  const open = toolchain(COMPILER);
  chmodSync(join(open, 'bin/cargo'), 0o777);
  const empty = mkdtempSync(join(tmpdir(), 'kit-made-up-'));
  folders.push(empty);
  const honest = toolchain(COMPILER);
  const words = [`rust=${linked}`, `rust=${above}`, `rust=${open}`, `rust=${empty}`, `rust=${join(honest, 'gone')}`, `..=${honest}`, `a/b=${honest}`, `a..b=${honest}`, 'rust=/', 'rust', '=x'];
  for (const word of words) {
    const answer = await judge(spec, { args: ['--toolchain', word] }).catch((error) => ({ verdict: 'error', usage: /exit 2/.test(error.message), error }));
    assert.equal(answer.verdict, 'error', word);
    assert.ok(answer.usage || answer.code === 'usage', `${word}: ${answer.code} ${answer.error}`);
  }
  // The user may name a link: what it leads to is what is hashed.
  const link = `${honest}-link`;
  symlinkSync(honest, link);
  folders.push(link);
  assert.equal((await judge(spec, { args: ['--toolchain', `rust=${link}`] })).verdict, 'identical');
});

attack('a build whose toolchain wants the network is told which host, and reaches none', async ({ world, id, judge }) => {
  const wants = '#!/bin/sh\necho "warning: spurious network error: [6] Could not resolve hostname (Could not resolve host: index.crates.io)" >&2; exit 101\n';
  const { spec } = await release(world, id);
  const answer = await judge(spec, { args: ['--toolchain', `rust=${toolchain(wants)}`] });
  assertNotReproduced(answer);
  assert.match(findingOf(answer, 'network-needed').message, /index\.crates\.io/);
});

attack('a program that is missing is named with the option', async ({ world, id, judge }) => {
  const { spec } = await release(world, id, 'emcc a.c');
  const answer = await judge(spec);
  assertNotReproduced(answer);
  assert.match(findingOf(answer, 'program-missing').message, /--toolchain/);
  assert.ok(manifest(id).includes(id));
});
