// `npm run bench:lockfiles [-- --packages N --rounds N]`: the lockfile of one made-up project in six
// formats, and how long each takes to be read. All six must have the same number of packages, and
// each is to be read in 200 ms.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { random } from '../__test__/kit/random.mjs';

const LIMIT = 200;
const NEEDS = 6;

const { values: options } = parseArgs({ options: { packages: { type: 'string', default: '1500' }, rounds: { type: 'string', default: '15' } } });
const [packages, rounds] = [Number(options.packages), Number(options.rounds)];
if (![packages, rounds].every((count) => Number.isSafeInteger(count) && count > 0)) throw new Error('--packages and --rounds are counts');

const { int } = random(1);
const hash = (text) => `sha512-${createHash('sha512').update(text).digest('base64')}`;
/** Each package needs some of those before it. */
const all = Array.from({ length: packages }, (_, at) => {
  const name = at % 5 === 0 ? `@scope-${at % 40}/package-${at}` : `package-${at}`;
  const needs = at === 0 ? [] : [...new Set(Array.from({ length: int(NEEDS) }, () => int(at)))];
  return { name, version: `1.${at % 30}.${at % 7}`, needs, integrity: hash(name) };
});
const range = (one) => `^${one.version}`;
const needsOf = (one, write) => one.needs.map((at) => write(all[at]));
const asked = Object.fromEntries(all.map((one) => [one.name, range(one)]));
const url = (one) => `https://registry.example/${one.name}/-/${one.name.split('/').pop()}-${one.version}.tgz`;
const object = (one) => Object.fromEntries(needsOf(one, (need) => [need.name, range(need)]));

const FILES = {
  'package-lock.json': () => JSON.stringify({ name: 'x', lockfileVersion: 3, requires: true, packages: { '': { name: 'x', dependencies: asked }, ...Object.fromEntries(all.map((one) => [`node_modules/${one.name}`, { version: one.version, resolved: url(one), integrity: one.integrity, license: 'MIT', dependencies: object(one), engines: { node: '>=18' } }])) } }, null, 2),
  'yarn-1/yarn.lock': () => `# yarn lockfile v1\n\n\n${all.map((one) => `"${one.name}@${range(one)}":\n  version "${one.version}"\n  resolved "${url(one)}#${'0'.repeat(40)}"\n  integrity ${one.integrity}\n${one.needs.length ? `  dependencies:\n${needsOf(one, (need) => `    "${need.name}" "${range(need)}"\n`).join('')}` : ''}`).join('\n')}`,
  'berry/yarn.lock': () => `__metadata:\n  version: 8\n  cacheKey: 10c0\n\n${all.map((one) => `"${one.name}@npm:${range(one)}":\n  version: ${one.version}\n  resolution: "${one.name}@npm:${one.version}"\n${one.needs.length ? `  dependencies:\n${needsOf(one, (need) => `    "${need.name}": "npm:${range(need)}"\n`).join('')}` : ''}  checksum: 10c0/${'0'.repeat(128)}\n  languageName: node\n  linkType: hard\n`).join('\n')}`,
  'pnpm-lock.yaml': () => `lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n${all.map((one) => `      '${one.name}':\n        specifier: ${range(one)}\n        version: ${one.version}\n`).join('')}\npackages:\n\n${all.map((one) => `  '${one.name}@${one.version}':\n    resolution: {integrity: ${one.integrity}}\n    engines: {node: '>=18'}\n`).join('\n')}\nsnapshots:\n\n${all.map((one) => (one.needs.length ? `  '${one.name}@${one.version}':\n    dependencies:\n${needsOf(one, (need) => `      '${need.name}': ${need.version}\n`).join('')}` : `  '${one.name}@${one.version}': {}\n`)).join('\n')}`,
  'bun.lock': () => `{\n  "lockfileVersion": 1,\n  "workspaces": {\n    "": { "name": "x", "dependencies": ${JSON.stringify(asked)}, },\n  },\n  "packages": {\n${all.map((one) => `    "${one.name}": ["${one.name}@${one.version}", "", ${JSON.stringify({ dependencies: object(one) })}, "${one.integrity}"],\n`).join('\n')}  }\n}\n`,
  'deno.lock': () => JSON.stringify({ version: '5', specifiers: Object.fromEntries(all.map((one) => [`npm:${one.name}@${range(one)}`, one.version])), npm: Object.fromEntries(all.map((one) => [`${one.name}@${one.version}`, { integrity: one.integrity, dependencies: needsOf(one, (need) => need.name) }])) }, null, 2),
};

const root = fileURLToPath(new URL('..', import.meta.url));
const work = fileURLToPath(new URL('.work', import.meta.url));
await mkdir(work, { recursive: true });
const scratch = await mkdtemp(join(work, 'lockfiles-'));
try {
  for (const [name, text] of Object.entries(FILES)) {
    await mkdir(join(scratch, name, '..'), { recursive: true });
    await writeFile(join(scratch, name), text());
  }
  const files = Object.keys(FILES).map((name) => join(scratch, name));
  const { status, stdout } = spawnSync('cargo', ['run', '--release', '--locked', '-q', '-p', 'npm-lockfile', '--example', 'parse', '--', String(rounds), ...files], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  if (status !== 0) process.exit(1);
  const lines = stdout.trim().split('\n').map((line) => /^(\d+) ([\d.]+) (.*)$/.exec(line).slice(1));
  for (const [count, time, file] of lines) console.log(`${file.slice(scratch.length + 1).padEnd(20)} ${count} packages  ${time} ms`);
  assert.deepEqual([...new Set(lines.map(([count]) => Number(count)))], [packages], 'all have the same packages');
  const slow = lines.filter(([, time]) => Number(time) >= LIMIT);
  if (slow.length > 0) {
    console.error(`error: not read in ${LIMIT} ms: ${slow.map(([, , file]) => file).join(', ')}`);
    process.exitCode = 1;
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}
