// What a build leaves in each place that is touched afterwards: it harms nobody, decides nothing,
// and does not stay.

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assertNotReproduced, attack, findingOf, SEATS, seat, setUp } from './kit.mjs';

setUp();

/** A build's program: what is packed, then what is left. */
const PROGRAM = `
const fs = require('fs'), cp = require('child_process');
const attempt = (act) => { try { return act(); } catch (error) { return error.code ?? error; } };
fs.mkdirSync('dist', { recursive: true });
fs.writeFileSync('dist/a.js', 'x');

/** Leaves one of each kind in a folder; what a tier does not allow is not there. */
function leave(place, outside) {
  const at = (name) => place + '/' + name;
  attempt(() => fs.mkdirSync(place, { recursive: true }));
  const chain = '/a'.repeat(200);
  attempt(() => {
    for (const name of ['c0', 'c1']) fs.mkdirSync(at(name) + chain, { recursive: true });
    fs.renameSync(at('c1'), at('c0') + chain + '/b');
  });
  attempt(() => fs.mkdirSync(at('wide')));
  for (let n = 0; n < 300; n++) attempt(() => fs.writeFileSync(at('wide/' + n), ''));
  for (let byte = 1; byte < 256; byte++) attempt(() => fs.writeFileSync(Buffer.concat([Buffer.from(at('')), Buffer.alloc(255, byte)]), ''));
  attempt(() => fs.mkdirSync(Buffer.concat([Buffer.from(at('')), Buffer.from([0xff])])));
  attempt(() => cp.execFileSync('mkfifo', [at('pipe')]));
  attempt(() => cp.execFileSync('mknod', [at('device'), 'c', '0', '0']));
  for (const [name, to] of [['up', '../../../../../../..'], ['out', outside], ['self', 'self'], ['null', '/dev/zero']]) attempt(() => fs.symlinkSync(to, at(name)));
  attempt(() => fs.linkSync(outside + '/file', at('hard')));
  attempt(() => fs.linkSync('package.json', at('own')));
  attempt(() => fs.ftruncateSync(fs.openSync(at('large'), 'w'), 2 ** 31 - 1));
  attempt(() => fs.mkdirSync(at('closed/below'), { recursive: true }));
  attempt(() => fs.writeFileSync(at('closed/below/file'), '', { mode: 0 }));
  attempt(() => fs.chmodSync(at('closed/below'), 0));
  attempt(() => fs.chmodSync(at('closed'), 0));
}
`;

/**
 * A package whose build runs PROGRAM and then `evil`; published are what an honest build makes and
 * `published`.
 */
async function evil(world, id, text, { published = {}, ...json } = {}) {
  const files = { 'build.cjs': PROGRAM + text, '.gitignore': 'dist\n' };
  const own = { 'dist/a.js': 'x', 'build.cjs': null, '.gitignore': null, ...published };
  const { spec } = await world.release(id, { json: { scripts: { build: 'node build.cjs' }, files: ['dist', 'index.js'], ...json }, files, published: own });
  return spec;
}

/**
 * Files of the user's that no build has to do with; `check` fails where they are not as they were.
 */
function outsideOf(clean) {
  const folder = join(clean.home, 'outside');
  mkdirSync(folder);
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, 'file'), 'x');
  const check = () => {
    assert.deepEqual(readdirSync(folder), ['file']);
    assert.equal(readFileSync(join(folder, 'file'), 'utf8'), 'x');
  };
  return { folder, check };
}

/**
 * Fails unless nothing of a build is left once the cache was emptied, and nothing among the
 * temporary files even before.
 */
async function assertGone(clean, cli) {
  assert.deepEqual(readdirSync(clean.tmp), [], 'among the temporary files');
  const pruned = await cli(['cache', 'prune', '--all'], { clean });
  assert.equal(pruned.code, 0, pruned.stderr);
  const left = readdirSync(join(clean.cacheDir, 'reproduce/builds')).filter((name) => !name.endsWith('.lock'));
  assert.deepEqual(left, [], 'in the cache');
}

attack(
  'what is left beside a package changes no answer and does not stay',
  async ({ world, id, judge, cli, home }) => {
    const clean = await home();
    const outside = outsideOf(clean);
    const text = `
for (const place of ['left', 'node_modules/left', '.git/left', process.env.HOME + '/left', process.env.TMPDIR, '/tmp'])
  leave(place, ${JSON.stringify(outside.folder)});
for (const [name, to] of [['pnpm-workspace.yaml', '/dev/zero'], ['lerna.json', '/'], ['nx.json', ${JSON.stringify(join(outside.folder, 'file'))}]]) fs.symlinkSync(to, name);
cp.execFileSync('mkfifo', ['.npmrc', 'package-lock.json', 'turbo.json', '.yarnrc.yml']);
// Ended so that it cannot remove its socket. Where a tier has no sockets, there is none.
cp.spawnSync(process.execPath, ['-e', "require('net').createServer().listen('dist/socket', () => process.kill(process.pid, 'SIGKILL'))"]);
`;
    const spec = await evil(world, id, text);
    const answer = await judge(spec, { clean });
    assert.equal(answer.verdict, 'identical', JSON.stringify(answer.findings));
    outside.check();
    await assertGone(clean, cli);
  },
  { seats: SEATS },
);

attack('what one run left is no hindrance to the next, and does not stay', async ({ world, id, judge, cli, home }) => {
  const clean = await home();
  const outside = outsideOf(clean);
  // The second run finds a link where a folder of its own was, and begins anew.
  const spec = await evil(world, id, `leave(process.env.HOME + '/x', '/'); fs.rmSync(process.env.HOME + '/.tmp', { recursive: true, force: true }); fs.symlinkSync(${JSON.stringify(outside.folder)}, process.env.HOME + '/.tmp');`);
  for (const args of [[], ['--force']]) assert.equal((await judge(spec, { clean, args })).verdict, 'identical');
  outside.check();
  await assertGone(clean, cli);
});

const CLOSED = {
  'a closed folder': `fs.mkdirSync('dist/c'); fs.writeFileSync('dist/c/f', ''); fs.chmodSync('dist/c', 0);`,
  'a closed file among those that are packed': `fs.writeFileSync('dist/f', ''); fs.chmodSync('dist/f', 0);`,
};
for (const [title, text] of Object.entries(CLOSED)) {
  attack(
    `${title} is packed for nobody: the answer does not depend on who asks`,
    async ({ world, id, judge, home, cli }) => {
      const answer = await judge(await evil(world, id, text), { clean: await home() });
      assertNotReproduced(answer);
      assert.match(findingOf(answer, 'build-not-packable').message, /dist\/[cf]/);
      await assertGone(answer.clean, cli);
    },
    { seats: SEATS.filter(({ tier }) => tier === 'namespaces') },
  );
}

const INSTEAD = {
  'a folder whose name is no text, in the package': `fs.mkdirSync(Buffer.from([...Buffer.from('dist/'), 0xff])); fs.writeFileSync(Buffer.from([...Buffer.from('dist/'), 0xff, 47, 97]), '');`,
  'two gigabytes that are not there, in place of package.json': `fs.rmSync('package.json'); fs.ftruncateSync(fs.openSync('package.json', 'w'), 2 ** 31 - 1);`,
  'a link in place of a file, to the same bytes': `fs.rmSync('dist/a.js'); fs.writeFileSync('other', 'x'); fs.symlinkSync('../other', 'dist/a.js');`,
  'a link in place of the checkout': `const here = process.cwd(); fs.renameSync(here, here + '2'); fs.symlinkSync(here + '2', here);`,
  'a file in place of the checkout': `const here = process.cwd(); fs.renameSync(here, here + '2'); fs.writeFileSync(here, '');`,
};
for (const [title, text] of Object.entries(INSTEAD)) {
  attack(`${title}: not reproduced`, async ({ world, id, judge, cli }) => {
    const answer = await judge(await evil(world, id, text));
    assertNotReproduced(answer);
    await assertGone(answer.clean, cli);
  });
}

attack('names of files say nothing to a terminal or to a CI system', async ({ world, id, cli, home }) => {
  const clean = await home();
  const spec = await evil(world, id, `fs.writeFileSync('dist/\\u001b[2Jred\\u009b\\n::error::red\\r\\u202e', ''); fs.mkdirSync('dist/\\u001b[2J\\n::error::c', { mode: 0 });`);
  const ran = await cli([spec, '--log', '--diff'], { clean });
  assert.equal(ran.code, 1, ran.stderr);
  for (const raw of ['\u001b[2J', '\u009b', '\u202e', '\n::error::']) assert.ok(!(ran.stdout + ran.stderr).includes(raw), JSON.stringify(raw));
  assert.match(ran.stdout, /error::/);
});

attack(
  'without a sandbox: devices, immutable files and one that grows while it is read',
  async ({ world, id, judge, cli }) => {
    const text = `
for (const command of ['mknod dist/device c 1 3', 'mkdir i && touch i/f && mkdir i/empty && chattr +i i/f i/empty', 'mkdir -p a/b && chattr +a a', 'chattr +i i']) attempt(() => cp.execSync(command));
leave(process.env.TMPDIR, '/');
fs.writeFileSync('dist/grows', '');
cp.spawn('sh', ['-c', 'for n in $(seq 200); do head -c 100000 /dev/zero >> dist/grows; sleep 0.05; done'], { detached: true, stdio: 'ignore' }).unref();
`;
    const answer = await judge(await evil(world, id, text));
    assertNotReproduced(answer);
    await assertGone(answer.clean, cli);
  },
  { seats: [seat('none')] },
);
