// Cheap files that are dear to read: the answer comes within the time limit, in bounded memory, and
// the process lives on.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { attack, manifest, setUp } from './kit.mjs';

setUp();

const INDEX = fileURLToPath(new URL('../../index.cjs', import.meta.url));
const MB = 1 << 20;
/**
 * Seconds that a run is given in a test of the limit, and those that it may take beyond: far less
 * than what the attack takes without one.
 */
const LIMIT = 12;
const BEYOND = 8;

const fill = (one, size) => one.repeat(Math.floor(size / one.length));
const many = (one, bytes) => {
  let out = '';
  for (let at = 0; out.length < bytes; at++) out += one(at);
  return out;
};

/** Follows the memory of a child; `peak()` is the most that it had, in MB. */
function watched() {
  let peak = 0;
  let timer;
  const look = (pid) => {
    try {
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024);
    } catch {
      clearInterval(timer);
    }
  };
  const onStart = (child) => {
    timer = setInterval(look, 20, child.pid);
    child.once('close', () => clearInterval(timer));
  };
  return { onStart, peak: () => peak };
}

for (const [title, text] of [
  ['control: nesting that can be parsed', `${'{a:'.repeat(100)}1${'}'.repeat(100)}`],
  ['nesting that is freed level by level', `${'{a:'.repeat(35_000)}1`],
  ['nesting of which every level has two readings', `${fill('a={b:', 3.9 * MB)}1`],
  ['types that could be comparisons', `${fill('a<b<', 3.9 * MB)}1`],
]) {
  attack(`a script is no end of the process, nor of its memory: ${title}`, async ({ world, id, judge }) => {
    const file = title.startsWith('types') ? 'a.ts' : 'a.js';
    const { spec } = await world.release(id, { files: { [file]: `${text} ` }, published: { [file]: text } });
    const memory = watched();
    const answer = await judge(spec, { onStart: memory.onStart });
    assert.equal(answer.verdict, 'differs');
    assert.ok(memory.peak() > 10 && memory.peak() < 768, `${Math.round(memory.peak())} MB`);
  });
}

const PATHS = Object.fromEntries(Array.from({ length: 8000 }, (_, at) => [`src/${'a'.repeat(60)}/${'a'.repeat(100)}${at}.js`, 'x\n']));
const ATTRIBUTES = many((at) => `**/*a*a*a*a*a${at}*b eol=crlf\n`, 1_000_000);
const DEEP = Object.fromEntries(Array.from({ length: 3000 }, (_, at) => [`d/${'ac/bd/'.repeat(10)}f${at}.js`, '']));
const BUILD = { build: `node -e "const f=require('fs');f.mkdirSync('dist',{recursive:true});f.writeFileSync('dist/a.js','x')"` };
const CASES = {
  'control: few patterns': { files: { ...PATHS, '.gitattributes': '**/*a*a*b eol=crlf\n' }, published: { 'extra.js': 'x\n' }, code: 'files-not-in-source' },
  'attributes': { files: { ...PATHS, '.gitattributes': ATTRIBUTES, 'src/.gitattributes': ATTRIBUTES }, published: { 'extra.js': 'x\n' }, code: 'timed-out' },
  'workspaces': { json: { scripts: BUILD, workspaces: Array.from({ length: 2000 }, (_, at) => `${'{a,b}'.repeat(12)}/${at}/**/*a*b*c`) }, published: { 'dist/a.js': 'y' }, code: 'timed-out' },
  'files': {
    json: { scripts: BUILD, files: ['dist', 'index.js', ...Array.from({ length: 3000 }, (_, at) => `**/{a,b}{c,d}*/**/*${at}*x*/**`)] },
    files: DEEP,
    published: { ...Object.fromEntries(Object.keys(DEEP).map((name) => [name, null])), 'dist/a.js': 'y' },
    code: 'timed-out',
  },
};
for (const [title, { code, ...released }] of Object.entries(CASES)) {
  attack(`patterns of megabytes: the time limit holds: ${title}`, async ({ world, id, judge }) => {
    const { spec } = await world.release(id, released);
    const memory = watched();
    const began = Date.now();
    const answer = await judge(spec, { args: ['--timeout', title.startsWith('control') ? '120' : String(LIMIT)], onStart: memory.onStart });
    const took = (Date.now() - began) / 1000;
    assert.equal(answer.code, code);
    assert.ok(title.startsWith('control') || took < LIMIT + BEYOND, `${took} s with a limit of ${LIMIT}`);
    assert.ok(memory.peak() < 1024, `${Math.round(memory.peak())} MB`);
  });
}

/** JSON with `bytes` more of values: a hundred kilobytes in a repository, gigabytes in memory. */
const padded = (json, bytes = 60 * MB) => `${json.trimEnd().slice(0, -1)},"pad":[${fill('0,', bytes)}0]}`;
const MAKES = { scripts: { build: "node -e \"const f=require('fs');f.mkdirSync('dist');f.writeFileSync('dist/a.js','v'+require('./package.json').version)\"" }, files: ['dist'] };
const DOCUMENTS = {
  'control: package.json of another folder': { other: '{"name":"other"}', finding: null },
  'package.json of another folder': { other: padded('{"name":"other"}'), finding: /x\/package\.json \(\d{8} bytes\)/ },
  'package-lock.json': { lock: (id) => padded(`{"name":"${id}","version":"1.1.0","lockfileVersion":3,"packages":{"":{"name":"${id}","version":"1.1.0"}}}`, 20 * MB), finding: /package-lock\.json/ },
  'package.json of an earlier commit': { earlier: true, verdict: 'differs', finding: null },
};
for (const [title, { other, lock, earlier, verdict = 'identical', finding }] of Object.entries(DOCUMENTS)) {
  attack(`what the source has as JSON is no end of the memory: ${title}`, async ({ world, id, judge }) => {
    const own = (version) => manifest(id, version, { repository: `github:kit/${id}`, ...MAKES });
    const files = { 'package.json': own('1.1.0'), ...(other && { 'x/package.json': other }), ...(lock && { 'package-lock.json': lock(id) }) };
    const before = earlier ? [{ label: 'b', files: { 'package.json': padded(own('1.0.0')) } }] : [];
    const ids = await world.host.add(`kit/${id}`, { commits: [...before, { label: 'c', files }], tags: { 'v1.1.0': 'c' } });
    await world.registry.publish({ files: { 'package.json': own('1.1.0'), 'dist/a.js': earlier ? 'v1.0.0' : 'v1.1.0' }, gitHead: ids.c });
    const memory = watched();
    const answer = await judge(`${id}@1.1.0`, { onStart: memory.onStart });
    assert.equal(answer.verdict, verdict);
    const told = answer.findings.find(({ code }) => code === 'source-unread');
    if (finding) assert.match(told.message, finding);
    else assert.equal(told, undefined);
    assert.ok(memory.peak() > 10 && memory.peak() < 640, `${Math.round(memory.peak())} MB`);
  });
}

for (const [title, side] of [
  ['the source', 'commit'],
  ['the archive', 'published'],
]) {
  attack(`a package.json of megabytes is no end of the memory: of ${title}`, async ({ world, id, judge }) => {
    const own = manifest(id, '1.0.0', { repository: `github:kit/${id}` });
    const of = (one) => ({ 'package.json': one === side ? padded(own) : own, 'index.js': 'x' });
    const ids = await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files: of('commit') }], tags: { 'v1.0.0': 'c' } });
    // What the registry says of it stays small: its answers have a limit of their own.
    await world.registry.publish({ name: id, version: '1.0.0', files: of('published'), omit: ['pad'], gitHead: ids.c });
    const memory = watched();
    const answer = await judge(`${id}@1.0.0`, { onStart: memory.onStart });
    assert.equal(answer.code, side === 'commit' ? 'package-too-large' : 'archive-manifest-too-large');
    assert.ok(memory.peak() > 10 && memory.peak() < 640, `${Math.round(memory.peak())} MB`);
  });
}

for (const how of ['timeout', 'abort']) {
  attack(`after ${how} nothing of the run goes on in the caller's process`, async ({ world, id, home }) => {
    const { spec } = await world.release(id, { files: { ...PATHS, '.gitattributes': ATTRIBUTES, 'src/.gitattributes': ATTRIBUTES }, published: { 'extra.js': 'x\n' } });
    const clean = await home();
    const script = join(clean.home, 'script.cjs');
    await writeFile(script, `
const reproduce = require(${JSON.stringify(INDEX)});
const options = ${how === 'abort' ? '{ timeout: 100, signal: AbortSignal.timeout(6000) }' : '{ timeout: 6 }'};
const began = Date.now();
reproduce(${JSON.stringify(spec)}, options).then((report) => report.code, (error) => error.code ?? error.name).then(async (code) => {
  const answered = Date.now() - began;
  await new Promise((done) => setTimeout(done, 3000));
  const before = process.cpuUsage();
  await new Promise((done) => setTimeout(done, 4000));
  const { user, system } = process.cpuUsage(before);
  console.log(JSON.stringify({ code, answered, load: (user + system) / 4e6 }));
});`);
    const child = spawn(process.execPath, [script], { env: clean.env, cwd: clean.home, stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (chunk) => (said += chunk));
    await new Promise((done) => child.once('close', done));
    const { load, answered } = JSON.parse(said);
    assert.ok(answered >= 5900, `it was busy for ${answered} ms alone`);
    assert.ok(load < 0.2, `${how}: ${Math.round(load * 100)} % of a core`);
  });
}

/**
 * Opens tunnels to the gate itself, `most` or until none is answered any more, with half a head of
 * 60 KB in each.
 */
const TUNNELS = `
const net=require('net'),u=new URL(process.env.npm_config_registry),most=+process.argv[2];let open=0,at=0;
const half='GET /x HTTP/1.1\\r\\nhost: x\\r\\ny: '+'a'.repeat(60000);
const one=()=>{if(at++>=most)return;const s=net.connect(+u.port,u.hostname,()=>s.write('CONNECT '+u.host+' HTTP/1.1\\r\\nhost: '+u.host+'\\r\\n\\r\\n'));
  s.once('data',(d)=>{if(/ 200/.test(d)){open++;s.write(half)}one()});s.on('error',()=>{})};
for(let i=0;i<50;i++)one();
setTimeout(()=>{console.log('tunnels',open);require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/a.js','x');process.exit()},6000)`;
for (const [title, most] of [
  ['control: a hundred', 100],
  ['thousands', 4000],
]) {
  attack(`tunnels to the registry are connections of the process that asked: ${title}`, async ({ world, id, judge }) => {
    const json = { scripts: { build: `node tunnels.js ${most}` }, files: ['dist', 'index.js'] };
    const { spec } = await world.release(id, { json, files: { 'tunnels.js': TUNNELS }, published: { 'dist/a.js': 'x', 'tunnels.js': null } });
    let descriptors = 0;
    let timer;
    const onStart = (child) => {
      const look = () => {
        try {
          descriptors = Math.max(descriptors, readdirSync(`/proc/${child.pid}/fd`).length);
        } catch {
          clearInterval(timer);
        }
      };
      timer = setInterval(look, 50);
      child.once('close', () => clearInterval(timer));
    };
    const answer = await judge(spec, { args: ['--timeout', '60'], onStart });
    assert.equal(answer.verdict, 'identical', `${answer.code}: ${answer.message}`);
    assert.ok(descriptors > Math.min(most, 256) && descriptors < 600, `${descriptors} descriptors`);
  });
}
