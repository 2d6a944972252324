// Lines of a survey that no package stands behind: as many as one likes, the same for the same
// seed, and some by an enemy.
import { random as seeded } from './random.mjs';

const integrity = `sha512-${'A'.repeat(86)}==`;
const OPTIONS = { accept: 'same-content', registry: 'https://registry.invalid/', strategies: ['source', 'npm', 'yarn', 'berry', 'pnpm', 'bun'], source: null, rewrites: null, node: null, isolation: null, allowHosts: [], recipe: null, trustedRoot: null, nodeDist: null, nodeKeys: null, toolchains: [] };

/** Verdicts with their reasons, and how often of a hundred. */
const OUTCOMES = [
  [14, 'identical', null],
  [9, 'same-content', null],
  [17, 'differs', 'files-differ'],
  [11, 'differs', 'files-not-in-source'],
  [6, 'differs', 'content-differs'],
  [3, 'differs', 'files-not-published'],
  [10, 'build-failed', 'install-failed'],
  [6, 'build-failed', 'build-failed'],
  [2, 'build-failed', 'build-timeout'],
  [9, 'no-source', 'no-repository'],
  [6, 'no-source', 'commit-not-found'],
  [3, 'no-source', 'repository-not-found'],
  [2, 'unsupported', 'sandbox-refused'],
  [2, 'error', 'registry-unreachable'],
];
const WORDS = ['array', 'ast', 'async', 'babel', 'buffer', 'cache', 'color', 'core', 'css', 'debug', 'dom', 'emitter', 'es', 'fs', 'glob', 'hash', 'http', 'is', 'json', 'lib', 'loader', 'map', 'node', 'object', 'parse', 'path', 'plugin', 'promise', 'queue', 'react', 'regex', 'set', 'stream', 'string', 'to', 'tree', 'ts', 'type', 'util', 'walk', 'web', 'xml'];
const SCOPES = ['@babel/', '@types/', '@acme/', '@aws-sdk/', ''];
const CLIENTS = ['npm-3', 'npm-5', 'npm-6-9', 'npm-7-20', 'npm-8-5', 'npm-10-2', 'yarn-1-0', 'berry-4', 'pnpm-7-28', 'pnpm-9', 'lerna-6'];

/** A result that the schema allows; `over` replaces keys of it. */
export function resultOf(name, version, verdict, code, over = {}) {
  return {
    schemaVersion: 1, reproduceVersion: '0.1.0', timestamp: '2026-11-29T22:00:00Z', os: 'linux', arch: 'x64',
    strategy: null, verdict, code, reproduced: code === null, attested: false, signatures: [], provenance: null,
    package: { spec: `${name}@${version}`, name, version, location: null, integrity },
    source: { spec: null, location: null, integrity: null },
    contentDigest: null, origin: null, evidence: [], findings: [], attempts: [], comparison: null, likely: null, diff: null, sandbox: null,
    timings: { resolve: 10, locate: 20, rebuild: 30, total: 60 }, hints: [], history: null, options: OPTIONS,
    ...over,
  };
}

/** An attempt of a strategy by a client. */
export function attemptOf(name, version, strategy, verdict, code, over = {}, recipe = {}) {
  const build = { node: '18.20.4', tools: { [strategy]: strategy === 'npm' ? '10.7.0' : '9.1.2' }, reasons: ['engines'], lockfile: null, moment: '2024-03-01T10:00:00Z', version: null, ref: null, steps: [], packed: null };
  return {
    strategy,
    recipe: { schemaVersion: 1, strategy, name, version, repository: 'https://git.invalid/a/b', commit: 'a'.repeat(40), directory: '', checkout: 'posix', rewrite: 'as-is', fileList: 'npm-7', packer: 'npm-7-20', ...(strategy === 'source' ? {} : { build }), ...recipe },
    commit: 'a'.repeat(40), verdict, code,
    steps: strategy === 'source' ? [{ name: 'pack', exit: null, ms: 12 }] : [{ name: 'npm ci', exit: 0, ms: 9_000 }, { name: 'npm run build', exit: verdict === 'build-failed' ? 1 : 0, ms: 4_000 }, { name: 'pack', exit: null, ms: 12 }],
    filesMatched: 7, adopted: [],
    ...(strategy === 'source' ? {} : { log: 'added 812 packages in 9s\n\n> build\n> tsc -p .\n\nsrc/index.ts(3,1): error TS2307: Cannot find module\n' }),
    ...over,
  };
}

function failureOf(spec, code, message = 'the registry did not answer') {
  return { schemaVersion: 1, reproduceVersion: '0.1.0', verdict: 'error', reproduced: false, package: { spec, name: null, version: null, location: null, integrity: null }, code, stage: 'resolve', message, hints: ['try again later'] };
}

export const lineOf = (spec, result, error = null, durationMs = 1234) => JSON.stringify({ spec, result, error, durationMs });

function comparisonOf(random) {
  const side = { type: 'file', mode: '644', size: 812, sha256: '0'.repeat(64), linkTarget: null };
  const paths = Array.from({ length: 1 + Math.floor(random() * 4) }, (_, at) => `dist/${pick(random, WORDS)}-${at}.js`);
  return {
    identical: ['package.json', 'README.md', 'LICENSE', ...Array.from({ length: 9 }, (_, at) => `src/${at}.ts`)],
    changed: paths.map((path) => ({ path, kind: 'bytes', published: side, rebuilt: side })),
    onlyPublished: ['dist/.tsbuildinfo'], onlyRebuilt: [],
    explanations: paths.map((path) => ({ path, class: 'formatting-only', message: 'the same program with other blanks' })),
  };
}

const DIFF = `--- a/dist/index.js\n+++ b/dist/index.js\n@@ -1,6 +1,6 @@\n "use strict";\n-Object.defineProperty(exports, "__esModule", { value: true });\n+Object.defineProperty(exports, '__esModule', { value: true });\n exports.parse = parse;\n function parse(text) {\n`;
const pick = (random, list) => list[Math.floor(random() * list.length)];

function provenanceOf(verified) {
  return { verified, problem: verified ? null : 'the certificate is for another repository', predicateType: 'https://slsa.dev/provenance/v1', subjectMatches: true, digestMatches: true, repository: 'https://git.invalid/a/b', repositoryMatches: true, commit: 'a'.repeat(40), commitMatches: true, ref: 'refs/heads/main', refKind: 'release-branch', workflow: '.github/workflows/release.yml', trigger: 'push', runner: 'github-hosted', run: null, signer: null, issuer: null, loggedAt: null, registryAttestation: true };
}

function drawn(random) {
  let left = random() * 100;
  return OUTCOMES.find(([weight]) => (left -= weight) < 0) ?? OUTCOMES[0];
}

function line(random, at, other) {
  const name = `${pick(random, SCOPES)}${pick(random, WORDS)}-${pick(random, WORDS)}-${at}`;
  const version = `${Math.floor(random() * 12)}.${Math.floor(random() * 20)}.${Math.floor(random() * 9)}`;
  const first = drawn(random);
  const [, verdict, code] = other ?? first;
  const year = 2012 + Math.floor(Math.sqrt(random()) * 15);
  const attested = year > 2022 && random() < 0.4;
  const strategy = random() < 0.55 ? 'source' : pick(random, ['npm', 'npm', 'yarn', 'pnpm', 'berry']);
  const client = pick(random, CLIENTS);
  const spec = `${name}@${version}`;
  if (verdict === 'error') return lineOf(spec, null, failureOf(spec, code));
  const hasAttempt = verdict !== 'no-source';
  return lineOf(spec, resultOf(name, version, verdict, code, {
    publishedAt: `${year}-0${1 + Math.floor(random() * 9)}-1${Math.floor(random() * 9)}T10:00:00.000Z`,
    attested, provenance: attested ? provenanceOf(random() < 0.9) : null, strategy: hasAttempt ? strategy : null,
    source: { spec: `git+https://git.invalid/a/b#${'a'.repeat(40)}`, location: 'https://git.invalid/a/b', integrity: code === null ? integrity : null },
    origin: hasAttempt ? { repository: 'https://git.invalid/a/b', commit: 'a'.repeat(40), directory: '', ref: `v${version}`, committedAt: null } : null,
    evidence: hasAttempt ? [{ kind: 'tag', value: `v${version}`, commit: 'a'.repeat(40), filesMatched: 12, filesPublished: 14, note: 'the tag names this version' }] : [],
    findings: random() < 0.3 ? [{ code: 'install-scripts', severity: 'warning', path: 'package.json', message: 'a script runs when the package is installed' }] : [],
    attempts: hasAttempt ? [attemptOf(name, version, strategy, verdict, null, {}, { packer: client })] : [],
    comparison: verdict === 'differs' ? comparisonOf(random) : null,
    likely: verdict === 'differs' ? { cause: 'build-not-matched', reasons: ['dist/index.js: the same program with other blanks'] } : null,
    diff: verdict === 'differs' ? DIFF : null,
    hints: code === null ? [] : [`see docs/codes.md#${code}`],
  }), null, Math.floor(random() * 90_000));
}

/**
 * So many lines. With `flips`, that part of the outcomes is drawn anew: another run of the same
 * list.
 */
export function* surveyLines(number, { seed = 18, flips = 0 } = {}) {
  // Each line from a seed of its own: what is drawn for one moves no other.
  for (let at = 0; at < number; at += 1) {
    const again = seeded(seed + 2 * at + 1).next;
    yield line(seeded(seed + 2 * at).next, at, again() < flips ? drawn(again) : null);
  }
}

/**
 * Texts that would run, end an element, hide or turn round what stands beside them, or be too much.
 */
export const HOSTILE = [
  '</script><script>globalThis.owned = 1</script>',
  '<img src=x onerror="globalThis.owned = 2">',
  '<!--<script>globalThis.owned = 3//-->',
  ']]></script></style></title><svg onload="globalThis.owned = 4">',
  'javascript:globalThis.owned=5',
  '\u2028globalThis.owned = 6\u2029',
  '\u202egnp.tab\u2066\u200b\ufeff',
  '__proto__',
  'constructor',
  '{{constructor.constructor("globalThis.owned = 7")()}}',
  '\u0000\u0007\u001b[2J\u009b31m',
  '"\'`\\"); globalThis.owned = 8; ("',
];

/** Lines in which an enemy wrote every text. */
export function* hostileLines() {
  const huge = '<b>x</b>'.repeat(1 << 17);
  for (const [at, text] of [...HOSTILE, huge].entries()) {
    const over = {
      publishedAt: text, strategy: 'source', diff: `--- a/x\n+++ b/x\n-${text}\n+${text}`, hints: [text],
      provenance: { ...provenanceOf(false), problem: text, workflow: text },
      evidence: [{ kind: 'tag', value: text, commit: text, filesMatched: 1, filesPublished: 1, note: text }],
      findings: [{ code: text, severity: 'warning', path: text, message: text }],
      attempts: [attemptOf(text, text, 'npm', 'build-failed', text, { log: text, adopted: [text], steps: [{ name: text, exit: 1, ms: 1 }] }, { packer: text })],
      comparison: { ...comparisonOf(() => 0), onlyPublished: [text], onlyRebuilt: [text], explanations: [{ path: text, class: 'binary', message: text }] },
      likely: { cause: 'unexplained-code', reasons: [text] }, source: { spec: text, location: text, integrity: text },
    };
    yield lineOf(text, resultOf(text, `1.0.${at}`, 'differs', text, over));
    yield lineOf(text, null, failureOf(text, text, text));
  }
  // A verdict that no word of the file makes a better one.
  yield lineOf('liar@1.0.0', resultOf('liar', '1.0.0', 'no-source', null, { reproduced: true }));
  yield lineOf('both@1.0.0', resultOf('both', '1.0.0', 'identical', null), failureOf('both@1.0.0', 'network'));
  yield lineOf('neither@1.0.0', null);
  yield '{"spec":"lone-surrogate \\ud800","result":null,"error":null,"durationMs":1}';
  yield '<script>globalThis.owned = 9</script>';
  yield '[1,';
}
