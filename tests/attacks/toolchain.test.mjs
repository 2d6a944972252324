// A toolchain that is not what it is said to be: a distribution that lies, keys that do not count,
// a registry that changes its mind, and a cache that somebody wrote into.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { appendFile, chmod, mkdir, readdir, readFile, rename, rm, symlink, utimes, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ARCHIVE, archive, shasums, startDistribution, VERSION } from '../../__test__/kit/node-dist.mjs';
import { clearsigned, detached, makeKey, sub, u32 } from '../../__test__/kit/openpgp.mjs';
import { listen, startPages } from '../../__test__/kit/server.mjs';
import { gzip, integrityOf, rawTar } from '../../__test__/kit/tarball.mjs';
import { assertNotReproduced, attack, findingOf, SEATS, setUp } from './kit.mjs';

const BUILD = `node -e "require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/a.js','built')"`;
const JSON_ = { scripts: { build: BUILD }, files: ['dist', 'index.js'] };
const PACKAGE = `node-${process.platform}-${process.arch}`;
const DAY = 86_400;
const NOW = Math.floor(Date.now() / 1000);
/** A Node that writes what the source does not say: what an attacker wants a build to run. */
const EVIL = `#!/bin/sh\nmkdir -p dist; printf evil > dist/a.js\n`;

let dist;
let key;
let honest;
let evil;

setUp({ cold: true });
before(async () => {
  key = makeKey();
  dist = await startDistribution(key);
  honest = { ...dist.pages };
  evil = await archive({ program: EVIL });
});
after(() => dist?.close());

/** A package whose tarball has what only the attacker's Node writes. */
const forged = (world, id) => world.release(id, { json: JSON_, published: { 'dist/a.js': 'evil' } });
const fair = (world, id) => world.release(id, { json: JSON_, published: { 'dist/a.js': 'built' } });

/**
 * Judges with the distribution, whose pages are as `change` leaves them, and the keys of `ring`.
 */
async function with_dist({ home, judge }, spec, { change = () => {}, ring = key.ring, clean, hosts = [], args = [] } = {}) {
  dist.pages = { ...honest };
  await change(dist.pages, dist.base);
  const at = clean ?? (await home());
  at.env.REPRODUCE_ALLOW_HOSTS = [`127.0.0.1:${dist.port}`, ...hosts].join(',');
  await writeFile(join(at.home, 'keys'), ring);
  await chmod(join(at.home, 'keys'), 0o644);
  try {
    return await judge(spec, { clean: at, args: ['--node-dist', dist.address, '--node-keys', 'keys', ...args], cwd: at.home });
  } finally {
    dist.pages = { ...honest };
  }
}

/**
 * The run must end without a verdict about the package, for this reason, and nothing of the
 * distribution may lie in the cache.
 */
async function assertRefused(answer, said, code = 'node-dist-unverified') {
  assertNotReproduced(answer);
  assert.deepEqual([answer.verdict, answer.code], ['unsupported', code], JSON.stringify(answer.findings));
  assert.match(findingOf(answer, code).message, said);
  const shelf = join(answer.clean.cacheDir, 'reproduce/toolchains');
  const names = await readdir(shelf).catch(() => []);
  assert.deepEqual(names.filter((name) => name.startsWith('node-')), [], 'a Node is in the cache');
}

/** Signs what is there. */
const sign = (by, options) => (pages, base) => {
  pages[`${base}SHASUMS256.txt.sig`] = detached(by, pages[`${base}SHASUMS256.txt`], options);
};
/** Text in the clear in place of the signature beside it. */
const clear = (document) => (pages, base) => {
  delete pages[`${base}SHASUMS256.txt.sig`];
  pages[`${base}SHASUMS256.txt.asc`] = document;
};

attack(
  'Node of a distribution whose tarball was swapped is not run; the honest one is',
  async (at) => {
    const { spec } = await forged(at.world, at.id);
    const swapped = await with_dist(at, spec, { change: (pages, base) => (pages[base + ARCHIVE] = evil) });
    await assertRefused(swapped, /is signed/);
    const control = await with_dist(at, (await fair(at.world, `${at.id}-fair`)).spec);
    assert.equal(control.verdict, 'identical', `${control.code}: ${JSON.stringify(control.findings)}`);
    assert.equal(control.attempts.at(-1).tools[0].key, key.id);
  },
  { seats: SEATS },
);

attack('hashes count only by a signature of these keys over these very hashes', async (at) => {
  const { spec } = await forged(at.world, at.id);
  const lie = (pages, base) => {
    pages[base + ARCHIVE] = evil;
    pages[`${base}SHASUMS256.txt`] = shasums({ [ARCHIVE]: evil });
  };
  const both = (...changes) => (pages, base) => changes.forEach((change) => change(pages, base));
  const stranger = makeKey({ name: key.name });
  const claims = { ...stranger, fingerprint: key.fingerprint };
  for (const [what, change, said] of [
    ['the old signature over new hashes', lie, /none of the keys/],
    ['another key', both(lie, sign(stranger)), /none of the keys/],
    ['another key under the fingerprint of the right one', both(lie, sign(claims)), /none of the keys/],
    ['no signature', both(lie, (pages, base) => delete pages[`${base}SHASUMS256.txt.sig`]), /registry has no node|no node/],
    ['an empty signature', both(lie, (pages, base) => (pages[`${base}SHASUMS256.txt.sig`] = '')), /does not count/],
    ['the public key as the signature', both(lie, (pages, base) => (pages[`${base}SHASUMS256.txt.sig`] = key.ring)), /does not count/],
    ['the signature of the key on itself', both(lie, (pages, base) => (pages[`${base}SHASUMS256.txt.sig`] = selfSignature())), /does not count/],
    ['the hashes of another version, signed', (pages, base) => {
      pages[`${base}SHASUMS256.txt`] = shasums({ [`node-v4.0.0-${PACKAGE.slice(5)}.tar.gz`]: evil });
      pages[base + ARCHIVE] = evil;
      sign(key)(pages, base);
    }, /does not name/],
  ]) {
    const answer = await with_dist(at, spec, { change });
    await assertRefused(answer, said, what === 'no signature' ? 'toolchain-not-published' : undefined);
  }
});

function selfSignature() {
  // The last packet of the ring: a good signature by the right key, over something else.
  const at = key.ring.lastIndexOf(Buffer.from(key.name)) + key.name.length;
  return key.ring.subarray(at);
}

attack('what stands around a text that is signed in the clear is not read', async (at) => {
  const { spec } = await forged(at.world, at.id);
  const lie = shasums({ [ARCHIVE]: evil });
  const signed = clearsigned(key, shasums({ 'node-v0.0.1.tar.gz': 'x' }));
  const swap = (change) => (pages, base) => {
    pages[base + ARCHIVE] = evil;
    change(pages, base);
  };
  for (const [document, said] of [
    [signed + lie, /does not count/],
    [lie + signed, /does not begin/],
    [`\n${signed}`, /does not begin/],
    [signed.replace('\n\n', `\n\n${lie}`), /none of the keys/],
    [signed.replace('Hash: SHA256', `Hash: SHA256\nComment: ${lie.trim()}`), /does not count/],
    [signed + clearsigned(makeKey(), lie), /does not count/],
    [clearsigned(makeKey(), lie) + signed, /does not count/],
    // Signed beyond doubt, and no word of this file.
    [signed, /does not name/],
    [lie, /does not begin/],
  ]) {
    await assertRefused(await with_dist(at, spec, { change: swap(clear(document)) }), said);
  }
  const control = await with_dist(at, (await fair(at.world, `${at.id}-fair`)).spec, { change: clear(clearsigned(key, dist.text)) });
  assert.equal(control.verdict, 'identical', `${control.code}: ${JSON.stringify(control.findings)}`);
});

attack('signatures that can be forged, keys that can be broken, and keys whose time was another do not count', async (at) => {
  const { spec } = await forged(at.world, at.id);
  const weak = makeKey({ rsa: 1024 });
  const rsa = makeKey({ rsa: 2048 });
  const encrypts = makeKey({ flags: 0x0c });
  const expired = makeKey({ created: NOW - 20 * DAY, expires: 10 * DAY });
  const young = makeKey({ created: NOW - DAY });
  const revoked = (reason, days) => makeKey({ created: NOW - 20 * DAY, revoked: { at: NOW - days * DAY, reason } });
  const compromised = revoked(2, 1);
  const silent = revoked(0, 1);
  const retired = revoked(3, 5);
  const by = (one, options, said) => [one, sign(one, options), said];
  for (const [one, change, said] of [
    by(rsa, { hash: 'sha1' }, /SHA1, can be forged/),
    by(rsa, { hash: 'md5' }, /MD5, can be forged/),
    by(key, { hash: 'sha1' }, /can be forged/),
    by(weak, {}, /can be broken/),
    by(encrypts, {}, /not one that signs/),
    by(expired, {}, /had expired/),
    by(young, { made: NOW - 2 * DAY }, /younger/),
    by(compromised, { made: NOW - 10 * DAY }, /was revoked/),
    by(silent, { made: NOW - 10 * DAY }, /was revoked/),
    by(retired, { made: NOW - DAY }, /was revoked/),
    by(key, { made: NOW + 3 * DAY }, /in the future/),
    by(key, { made: NOW - 3600, more: [sub(3, u32(60))] }, /has expired/),
  ]) {
    await assertRefused(await with_dist(at, spec, { change, ring: one.ring }), said);
  }
  // What a key that is now expired or retired signed in its time stays signed.
  const spec2 = (await fair(at.world, `${at.id}-fair`)).spec;
  for (const [one, options] of [[expired, { made: NOW - 15 * DAY }], [retired, { made: NOW - 10 * DAY }], [rsa, { hash: 'sha512' }]]) {
    const control = await with_dist(at, spec2, { change: sign(one, options), ring: one.ring });
    assert.equal(control.verdict, 'identical', `${control.code}: ${JSON.stringify(control.findings)}`);
  }
});

attack('signed hashes are read to the letter', async (at) => {
  const { spec } = await forged(at.world, at.id);
  const hash = shasums({ x: evil }).slice(0, 64);
  const line = (name) => `${hash}  ${name}\n`;
  const signedText = (text) => (pages, base) => {
    pages[base + ARCHIVE] = evil;
    pages[`${base}SHASUMS256.txt`] = text;
    sign(key)(pages, base);
  };
  for (const [text, said] of [
    [line(`../${ARCHIVE}`) + line(`./${ARCHIVE}`) + line(`x/${ARCHIVE}`) + line(ARCHIVE.toUpperCase()), /does not name/],
    [line(ARCHIVE.replace('node-v', 'node-vv')) + line(ARCHIVE.replace('node-v', 'node-')), /does not name/],
    [dist.text + line(ARCHIVE), /twice/],
    [line(ARCHIVE) + line(ARCHIVE), /twice/],
    [`${hash.slice(1)}  ${ARCHIVE}\n`, /no hash and a name/],
    [`sha1:${line(ARCHIVE)}`, /no hash and a name/],
  ]) {
    await assertRefused(await with_dist(at, spec, { change: signedText(text) }), said);
  }
  const endless = await with_dist(at, spec, { change: signedText(line(ARCHIVE) + line('x').repeat(2000)) });
  assertNotReproduced(endless);
  assert.equal(endless.verdict, 'unsupported', JSON.stringify(endless.findings));
});

attack('a distribution leads to no place that the policy closes', async (at) => {
  const { spec } = await fair(at.world, at.id);
  const inner = await startPages({ '/secret.tgz': 'x' });
  const endless = await listen(() => ({ body: Buffer.alloc(20 << 20, 'x') }));
  try {
    const redirect = (to) => (pages, base) => (pages[base + ARCHIVE] = { status: 302, headers: { location: to } });
    const answer = await with_dist(at, spec, { change: redirect(`${inner.url}secret.tgz`) });
    assertNotReproduced(answer);
    assert.equal(inner.requests.length, 0, 'another host on loopback was asked');
    const signature = await with_dist(at, spec, { change: (pages, base) => (pages[`${base}SHASUMS256.txt.sig`] = { status: 302, headers: { location: `${endless.url}x` } }), hosts: [`127.0.0.1:${endless.port}`] });
    assertNotReproduced(signature);
    assert.equal(signature.verdict, 'unsupported');
    // Not without the user's leave to that host.
    const clean = await at.home();
    await writeFile(join(clean.home, 'keys'), key.ring);
    const before_ = dist.requests.length;
    const closed = await at.judge(spec, { clean, args: ['--node-dist', dist.address, '--node-keys', 'keys'], cwd: clean.home });
    assertNotReproduced(closed);
    assert.equal(dist.requests.length, before_, 'a private address was asked without leave');
  } finally {
    await inner.close();
    await endless.close();
  }
});

attack('paths and devices of a signed archive stay in its folder', async (at) => {
  const { spec } = await fair(at.world, at.id);
  const out = gzip(rawTar([{ path: 'node/../../out', data: 'x' }, { path: 'node/bin/node', data: EVIL, mode: 0o755 }]));
  const change = (pages, base) => {
    pages[base + ARCHIVE] = out;
    pages[`${base}SHASUMS256.txt`] = shasums({ [ARCHIVE]: out });
    sign(key)(pages, base);
  };
  await assertRefused(await with_dist(at, spec, { change }), /has the path/, 'toolchain-unusable');
});

/** Where the cache has a tool. */
async function shelved(clean, kind) {
  const shelf = join(clean.cacheDir, 'reproduce/toolchains');
  const name = (await readdir(shelf)).find((one) => one.startsWith(`${kind}-`));
  return join(shelf, name, 'package');
}

attack(
  'a tool in the cache that is not what was unpacked there is found out and fetched anew',
  async (at) => {
    const { spec } = await fair(at.world, at.id);
    const evilSpec = (await forged(at.world, `${at.id}-forged`)).spec;
    const clean = await at.home();
    const first = await at.judge(spec, { clean });
    assert.equal(first.verdict, 'identical', `${first.code}: ${JSON.stringify(first.findings)}`);
    assert.deepEqual(first.findings.filter((finding) => finding.code === 'toolchain-altered'), []);
    const node = join(await shelved(clean, 'node'), 'bin/node');
    // The same name, mode, length and time: all that is cheap to look at.
    const before_ = await stat(node);
    const program = Buffer.concat([Buffer.from(`${EVIL}exit 0\n#`), Buffer.alloc(before_.size)]).subarray(0, before_.size);
    await rm(node);
    await writeFile(node, program, { mode: 0o755 });
    await chmod(node, 0o755);
    await utimes(node, before_.atime, before_.mtime);
    const answer = await at.judge(evilSpec, { clean, args: ['--no-cache'] });
    assertNotReproduced(answer);
    assert.equal(findingOf(answer, 'toolchain-altered').severity, 'warning');
    assert.equal((await readFile(node)).equals(await readFile(process.execPath)), true, 'it is the real one again');
    const again = await at.judge(spec, { clean, args: ['--no-cache'] });
    assert.equal(again.verdict, 'identical');
    assert.deepEqual(again.findings.filter((finding) => finding.code === 'toolchain-altered'), []);
    assert.deepEqual(again.attempts.at(-1).tools, first.attempts.at(-1).tools);
  },
  { seats: SEATS },
);

attack('any file of a tool in the cache counts, and files that were added, and links', async (at) => {
  const { spec } = await fair(at.world, at.id);
  const clean = await at.home();
  await at.judge(spec, { clean });
  const npm = await shelved(clean, 'npm');
  const lib = join(npm, 'lib/cli.js');
  for (const change of [
    () => appendFile(lib, '\nrequire("fs").mkdirSync("dist",{recursive:true})\n'),
    () => writeFile(join(npm, 'lib/commands/zz.js'), ''),
    () => rm(join(npm, 'README.md')),
    async () => {
      await rename(lib, join(dirname(npm), 'cli.js'));
      await symlink('../../cli.js', lib);
    },
    () => chmod(join(npm, 'index.js'), 0o755),
    () => mkdir(join(npm, 'x')).then(() => symlink('/', join(npm, 'x/root'))),
  ]) {
    await change();
    const answer = await at.judge(spec, { clean, args: ['--no-cache'] });
    assert.equal(answer.verdict, 'identical', `${answer.code}: ${JSON.stringify(answer.findings)}`);
    findingOf(answer, 'toolchain-altered');
  }
});

attack('a registry that serves another tool than it announces, or announces another than before', async (at) => {
  const { spec } = await fair(at.world, at.id);
  const dist_ = at.world.registry.packuments.get(PACKAGE).versions[VERSION].dist;
  const [tarball, integrity] = [at.world.registry.tarballs.get(dist_.tarball), dist_.integrity];
  const clean = await at.home();
  try {
    at.world.registry.tarballs.set(dist_.tarball, evil);
    const other = await at.judge(spec, { clean });
    assertNotReproduced(other);
    assert.equal(other.code, 'toolchain-unverified', JSON.stringify(other.findings));
    // Now both agree, and this cache knows what was announced first.
    dist_.integrity = integrityOf(evil);
    const changed = await at.judge(spec, { clean, args: ['--force'] });
    assertNotReproduced(changed);
    assert.match(findingOf(changed, 'toolchain-unverified').message, /before/);
  } finally {
    dist_.integrity = integrity;
    at.world.registry.tarballs.set(dist_.tarball, tarball);
  }
});

attack("the registry's Node and the distribution's are held against each other", async (at) => {
  const { spec } = await fair(at.world, at.id);
  const dist_ = at.world.registry.packuments.get(PACKAGE).versions[VERSION].dist;
  const [tarball, integrity] = [at.world.registry.tarballs.get(dist_.tarball), dist_.integrity];
  try {
    // As the registry announces it: nothing there is wrong but the program.
    at.world.registry.tarballs.set(dist_.tarball, evil);
    dist_.integrity = integrityOf(evil);
    const answer = await with_dist(at, spec);
    assert.equal(answer.verdict, 'identical', `${answer.code}: ${JSON.stringify(answer.findings)}`);
    assert.equal(findingOf(answer, 'node-disagrees').severity, 'warning');
    assert.equal(answer.attempts.at(-1).tools[0].registryAgrees, false);
    // A tarball that is not what is announced agrees with nobody either.
    dist_.integrity = integrity;
    const unverified = await with_dist(at, spec);
    assert.equal(unverified.verdict, 'identical');
    findingOf(unverified, 'node-disagrees');
  } finally {
    dist_.integrity = integrity;
    at.world.registry.tarballs.set(dist_.tarball, tarball);
  }
});

attack('the name of a publisher speaks to no terminal', async (at) => {
  const { spec } = await fair(at.world, at.id);
  const document = at.world.registry.packuments.get('npm').versions[Object.keys(at.world.registry.packuments.get('npm').versions)[0]];
  const user = document._npmUser;
  try {
    document._npmUser = { name: `\u001b[2J${'x'.repeat(5000)}` };
    const answer = await at.judge(spec);
    assert.equal(answer.verdict, 'identical');
    const { publisher } = answer.attempts.at(-1).tools.find((tool) => tool.name === 'npm');
    // eslint-disable-next-line no-control-regex -- the very thing
    assert.doesNotMatch(publisher, /[\u0000-\u001f]/);
    assert.ok(publisher.length <= 100);
  } finally {
    document._npmUser = user;
  }
});
