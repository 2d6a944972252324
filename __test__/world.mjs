// One world for a test file: a registry and a git host on loopback, and the program run against
// them. Every `--json` answer that goes through here is checked against the schema, and for
// agreeing with itself.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { cleanEnv, filesBelow, run } from './kit/cli.mjs';
import { startGitHost } from './kit/githost.mjs';
import { toolchain } from './kit/toolchain.mjs';
import { startRegistry } from './kit/registry.mjs';

const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true });
addFormats(ajv);
const validate = ajv.compile(JSON.parse(readFileSync(new URL('../schema/result.schema.json', import.meta.url), 'utf8')));

/** No waiting for a host that a test switched off. */
const IMPATIENT = { npm_config_fetch_retries: '0' };
const REPRODUCED = ['identical', 'same-content'];
const EXIT = { identical: 0, 'same-content': 0, differs: 1, 'build-failed': 1, 'no-source': 2, unsupported: 2, error: 2 };

/** Fails unless the object is what the schema says. */
export function assertValid(answer) {
  assert.ok(validate(answer), `not as the schema says: ${ajv.errorsText(validate.errors, { separator: '\n' })}\n${JSON.stringify(answer, null, 1)}`);
}

/** Fails unless verdict, `reproduced`, code and hints of one answer agree, and fit the schema. */
export function assertConsistent(answer, { accept = 'same-content' } = {}) {
  assertValid(answer);
  const { verdict, reproduced, code, hints } = answer;
  const expected = REPRODUCED.includes(verdict) && !(verdict === 'same-content' && accept === 'identical');
  assert.equal(reproduced, expected, `reproduced under ${verdict}`);
  if (reproduced) assert.equal(code, null, 'a code though it was reproduced');
  else assert.match(String(code), /^[a-z][a-z0-9-]+$/);
  // Where files were compared, what differs is itself the explanation.
  if (!REPRODUCED.includes(verdict) && !answer.comparison) assert.ok(hints.length > 0, `no hint for ${verdict} ${code}: ${answer.message ?? ''}`);
}

/** The exit code that goes with an answer. */
export function exitOf({ verdict }, { accept } = {}) {
  return verdict === 'same-content' && accept === 'identical' ? 1 : EXIT[verdict];
}

/** package.json as text; `repository` is github.com/kit/<name> unless given, null for none. */
export function manifest(name, version = '1.0.0', { repository = `github:kit/${bare(name)}`, ...more } = {}) {
  const document = { name, version, ...(repository !== null && { repository }), ...more };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** A name without its scope. */
export function bare(name) {
  return name.split('/').at(-1);
}

/**
 * Starts a registry and a git host. @param {{ registry?: object, githost?: object, builds?: boolean
 * }} [options] the first two as the kit takes them; `builds`: the registry has
 *   the Node and npm that builds run with
 */
export async function openWorld({ registry: ofRegistry = {}, githost: ofHost = {}, builds = false } = {}) {
  // First what may fail without a server that then stays open: a test file whose world does not
  // open must end.
  const tools = builds ? await toolchain() : [];
  const registry = await startRegistry(ofRegistry);
  for (const tool of tools) await registry.publish(tool);
  const host = await startGitHost(ofHost).catch(async (error) => {
    await registry.close();
    throw error;
  });
  const homes = [];

  /** A home and an environment of its own, taken away with the world. */
  async function home({ extra = {}, ...options } = {}) {
    const clean = await cleanEnv({ registry, gitconfig: host, ...options, extra: { ...IMPATIENT, ...extra } });
    homes.push(clean);
    return clean;
  }

  /**
   * A package whose repository github.com/kit/<name> has one commit with a tag, and which is
   * published from it. `files` without package.json; `published` changes what the tarball holds
   * against the commit (null takes away); `history`, `publication` and `manifest` say more.
   */
  async function release(name, { version = '1.0.0', files = {}, published = {}, json = {}, history = {}, publication = {}, gitHead = true, tag = `v${version}` } = {}) {
    const source = { 'package.json': manifest(name, version, json), 'index.js': `module.exports = '${name}';\n`, ...files };
    const ids = await host.add(`kit/${bare(name)}`, {
      commits: [{ label: 'c', files: source }],
      ...(tag && { tags: { [tag]: 'c' } }),
      ...history,
    });
    const inside = Object.fromEntries(Object.entries({ ...source, ...published }).filter(([, file]) => file !== null));
    const release_ = await registry.publish({ files: inside, gitHead: gitHead ? ids.c : undefined, ...publication });
    return { ...release_, spec: `${release_.name}@${release_.version}`, ids, files: inside };
  }

  /**
   * Runs the program with --json and checks the answer on the way: schema, exit code, nothing on
   * stderr, nothing left behind. @param {string} spec @param {{ args?: string[], clean?: object,
   * accept?: string, run?: object } & Parameters<typeof home>[0]} [options]
   */
  async function judge(spec, { args = [], clean, accept, run: more = {}, ...options } = {}) {
    const at = clean ?? (await home(options));
    const all = [spec, '--json', ...(accept ? ['--accept', accept] : []), ...args];
    const ran = await run(all, { env: at.env, cwd: at.home, ...more });
    assert.ok(ran.json && !Array.isArray(ran.json), `no JSON object: exit ${ran.code} ${ran.signal ?? ''}\n${ran.stdout}\n${ran.stderr}`);
    assertConsistent(ran.json, { accept });
    assert.equal(ran.code, exitOf(ran.json, { accept }), `exit code of ${ran.json.verdict}`);
    assert.equal(ran.stderr, '', 'something on stderr');
    await assertNothingLeft(at);
    return { ...ran.json, ran, clean: at };
  }

  async function close() {
    await Promise.all(homes.map((clean) => clean.remove()));
    await host.close();
    await registry.close();
  }

  return { registry, host, home, release, judge, close };
}

/**
 * Temporary folder empty, and only whole things in the cache: results, packs with their indexes.
 */
export async function assertNothingLeft(clean) {
  assert.deepEqual(await clean.leftovers(), [], 'left among the temporary files');
  const odd = (await filesBelow(clean.cacheDir)).map((file) => relative(clean.cacheDir, file)).filter((file) => !isKept(file));
  assert.deepEqual(odd, [], 'left in the cache');
}

const KEPT = [/(^|\/)results\.json$/, /(^|\/)\.results\.json\.lock$/, /^reproduce\/seal\.key$/, /^reproduce\/git\/[^/]+\/.*pack-[0-9a-f]{40}\.(pack|idx)$/, /^reproduce\/git\/[^/]+\/objects\/[0-9a-f]{2}\/[0-9a-f]{38}$/, /^reproduce\/git\/[^/]+\/HEAD$/, /^reproduce\/(toolchains|builds|tarballs|packuments)\//];

function isKept(file) {
  return KEPT.some((pattern) => pattern.test(file));
}

/** The path of a package's folder where the program keeps things by default. */
export function cacheOf(clean) {
  return join(clean.cacheDir, 'reproduce');
}
