// A build that asks for the user's private packages: credentials follow the project, and what was
// had is told.

import assert from 'node:assert/strict';
import { chown, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { startRegistry } from '../../__test__/kit/registry.mjs';
import { carrying } from '../../__test__/kit/registry-auth.mjs';
import { attack, findingOf, manifest, SEATS, setUp } from './kit.mjs';

const TOKEN = 'npm_kitSecretTokenThatMustNotLeave';
const SECRET = 'TOP-SECRET-SOURCE-OF-CORP';
setUp();

/** The company's registry wants a token; the public one does not. */
let corp;
before(async () => {
  corp = await startRegistry({ auth: { tokens: [TOKEN], basic: ['me:pass'] } });
  await corp.publish({ files: { 'package.json': manifest('@corp/secret'), 'key.txt': `${SECRET}\n` } });
  await corp.publish({ files: { 'package.json': manifest('@corp/tool', '1.0.0', { dependencies: { '@corp/secret': '1' } }), 'key.txt': '' } });
});
after(() => corp?.close());

const build = (shell) =>
  `node -e "let o='';try{o=require('child_process').execSync('${shell}',{stdio:['ignore','pipe','pipe']}).toString()}catch(e){o=String(e.stderr)};console.log(o);require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/a.js','x')"`;
const PACK = build('npm pack @corp/secret && tar xzOf corp-secret-1.0.0.tgz package/key.txt');
/** The file of the tarball at a path, unpacked, by a request past every client. */
const direct = (path) =>
  `node -e "const u=new URL(process.env.npm_config_registry),f=require('fs');f.mkdirSync('dist',{recursive:true});f.writeFileSync('dist/a.js','x');require('http').get({host:u.hostname,port:u.port,path:'${path}'},r=>{const c=[];r.on('data',d=>c.push(d));r.on('end',()=>{try{console.log(require('zlib').gunzipSync(Buffer.concat(c)).toString())}catch{console.log(r.statusCode)}})})"`;

const OWN = () => `@corp:registry=${corp.url}\n//127.0.0.1:${corp.port}/:_authToken=${TOKEN}\n`;

/** A public package whose build is `script`; the user's .npmrc is `npmrc`. */
async function judged({ world, id, judge, home, seat }, script, { npmrc = OWN(), files = {}, ...json } = {}) {
  const own = { scripts: { build: script }, files: ['dist', 'index.js'], ...json };
  const { spec } = await world.release(id, { json: own, files, published: { 'dist/a.js': 'x', ...Object.fromEntries(Object.keys(files).map((name) => [name, null])) } });
  const clean = await home();
  const path = join(clean.home, '.npmrc');
  await writeFile(path, npmrc);
  if (seat.uid !== undefined) await chown(path, seat.uid, seat.uid);
  const answer = await judge(spec, { clean });
  assert.ok(!answer.ran.stdout.includes(TOKEN), 'the token is in the result');
  return answer;
}

const leaks = (answer) => answer.ran.stdout.includes(SECRET);

function assertKept(answer) {
  assert.ok(!leaks(answer), `the private source is in the result: ${JSON.stringify(answer.attempts, null, 1)}`);
  assert.ok(answer.attempts.every(({ resolved = [] }) => !resolved.some((line) => line.startsWith('@corp/'))));
}

attack(
  'a scope that the project does not name is not served to its build',
  async (at) => {
    const answer = await judged(at, PACK);
    assertKept(answer);
    assert.equal(answer.verdict, 'identical', 'the build is honest but for its curiosity');
    assert.match(findingOf(answer, 'private-not-named').message, /@corp\/secret/);
  },
  { seats: SEATS },
);

attack('direct requests, other spellings and a proxy do not help', async (at) => {
  const paths = ['/@corp%2fsecret/-/secret-1.0.0.tgz', '/@corp/secret/-/@corp/secret-1.0.0.tgz', '/x/y/@corp/secret/-/secret-1.0.0.tgz', `${corp.url}@corp/secret/-/secret-1.0.0.tgz`];
  for (const [n, path] of paths.entries()) assertKept(await judged({ ...at, id: `${at.id}-${n}` }, direct(path)));
});

attack('a name that the build itself writes into its manifest is none of the project', async (at) => {
  const late = `node -e "const f=require('fs'),p=JSON.parse(f.readFileSync('package.json'));p.devDependencies={'@corp/secret':'1'};f.writeFileSync('package.json',JSON.stringify(p))" && npm install --no-save; cat node_modules/@corp/secret/key.txt; true`;
  assertKept(await judged(at, late));
});

attack('a dependency of a public package opens nothing', async (at) => {
  const name = `${at.id}-bait`;
  await at.world.registry.publish({ files: { 'package.json': manifest(name, '1.0.0', { optionalDependencies: { '@corp/secret': '1' } }), 'index.js': '' } });
  await new Promise((done) => setTimeout(done, 30));
  assertKept(await judged(at, PACK, { devDependencies: { [name]: '1' } }));
});

attack('a public package whose tarball is said to be in the private registry is not fetched', async (at) => {
  const name = `${at.id}-lure`;
  const { integrity } = corp.packuments.get('@corp/secret').versions['1.0.0'].dist;
  const address = `${corp.url}@corp/secret/-/secret-1.0.0.tgz`;
  await at.world.registry.publish({ files: { 'package.json': manifest(name), 'index.js': '' }, dist: { tarball: address, integrity } });
  await new Promise((done) => setTimeout(done, 30));
  const asked = corp.requests.length;
  assertKept(await judged(at, direct(`/${name}/-/${name}-1.0.0.tgz`)));
  assert.equal(corp.requests.length, asked, 'the private registry was asked');
});

attack('the user’s token opens no private tarball that a public document names on the same host', async ({ world, id, cli, home }) => {
  const { registry } = world;
  await registry.publish({ files: { 'package.json': manifest('@corp/lured'), 'key.txt': `${SECRET}\n` } });
  registry.auth = { tokens: [TOKEN], needed: (path) => path.startsWith('/@corp') };
  try {
    for (const [nth, args] of [[], ['inspect']].entries()) {
      const name = `${id}-lure-${nth}`;
      await world.release(name);
      const { dist } = registry.packuments.get(name).versions['1.0.0'];
      dist.tarball = `${registry.url}@corp/lured/-/lured-1.0.0.tgz`;
      for (const hash of ['integrity', 'shasum']) delete dist[hash];
      const clean = await home();
      await writeFile(join(clean.home, '.npmrc'), `//127.0.0.1:${registry.port}/:_authToken=${TOKEN}\n`);
      const from = registry.requests.length;
      const ran = await cli([...args, `${name}@1.0.0`, '--json'], { clean });
      const asked = registry.requests.slice(from).filter(({ path }) => path.startsWith('/@corp'));
      assert.notEqual(ran.code, 0);
      assert.ok(asked.length > 0, 'the control: it was asked for');
      assert.ok(!JSON.stringify(asked.map(({ headers }) => headers)).includes(TOKEN), 'with the token');
    }
    // The control: the private package itself is read with it.
    const clean = await home();
    await writeFile(join(clean.home, '.npmrc'), `//127.0.0.1:${registry.port}/:_authToken=${TOKEN}\n`);
    const own = await cli(['inspect', '@corp/lured@1.0.0', '--json'], { clean });
    assert.equal(own.code, 0, own.stdout + own.stderr);
  } finally {
    registry.auth = undefined;
  }
});

attack('what is private in the registry of everybody is read with a token only where it is named', async (at) => {
  const { registry } = at.world;
  await registry.publish({ files: { 'package.json': manifest('@corp/secret'), 'key.txt': `${SECRET}\n` } });
  registry.auth = { tokens: [TOKEN], basic: ['me:pass'], needed: (path) => path.startsWith('/@corp') };
  try {
    const credentials = {
      token: `//127.0.0.1:${registry.port}/:_authToken=${TOKEN}\n`,
      basic: `//127.0.0.1:${registry.port}/:_auth=${Buffer.from('me:pass').toString('base64')}\n`,
      path: `//127.0.0.1:${registry.port}/@corp%2fsecret:_authToken=${TOKEN}\n`,
    };
    for (const [kind, npmrc] of Object.entries(credentials)) {
      assertKept(await judged({ ...at, id: `${at.id}-${kind}` }, PACK, { npmrc }));
    }
    const npmrc = credentials.token;
    const open = `${at.id}-open`;
    await registry.publish({ files: { 'package.json': manifest(open), 'index.js': '' } });
    await new Promise((done) => setTimeout(done, 30));
    const named = await judged({ ...at, id: `${at.id}-named` }, PACK, { npmrc, devDependencies: { '@corp/secret': '1', [open]: '1' } });
    assert.ok(leaks(named), JSON.stringify(named.attempts));
    assert.equal(findingOf(named, 'private-packages-used').severity, 'warning');
    // What is public needs no token.
    assert.ok(named.attempts.at(-1).resolved.some((line) => line.startsWith(`${open}@`)));
    assert.ok(carrying(TOKEN, registry).some(({ path }) => path.startsWith('/@corp')));
    assert.ok(!carrying(TOKEN, registry).some(({ path }) => path.includes(open)));
  } finally {
    registry.auth = undefined;
  }
});

for (const [how, json] of Object.entries({
  name: { devDependencies: { '@corp/secret': '1.0.0' } },
  alias: { devDependencies: { harmless: 'npm:@corp/secret@1.0.0' } },
  'a private package': { devDependencies: { '@corp/tool': '1.0.0' } },
})) {
  attack(`what the project names by ${how} is served, listed, and the log is marked`, async (at) => {
    const answer = await judged(at, PACK, json);
    assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts, null, 1));
    assert.ok(leaks(answer));
    const finding = findingOf(answer, 'private-packages-used');
    assert.equal(finding.severity, 'warning');
    assert.match(finding.message, /@corp\/secret/);
    const [attempt] = answer.attempts.slice(-1);
    assert.ok(attempt.private.includes('@corp/secret'));
    assert.match(attempt.log, /^# private packages were at hand/);
    assert.ok(attempt.resolved.some((line) => line.startsWith('@corp/secret@1.0.0 ')));
  });
}

attack('a private package has the private packages of its scope', async (at) => {
  const name = `@corp/${at.id}`;
  const json = { scripts: { build: build('cat node_modules/@corp/secret/key.txt') }, files: ['dist', 'index.js'], devDependencies: { '@corp/secret': '1.0.0' } };
  const { files } = await at.world.release(name, { json, published: { 'dist/a.js': 'x' } });
  await corp.publish({ files });
  const clean = await at.home();
  await writeFile(join(clean.home, '.npmrc'), OWN());
  const answer = await at.judge(`${name}@1.0.0`, { clean });
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer, null, 1));
  assert.equal(findingOf(answer, 'private-packages-used').severity, 'info');
});
