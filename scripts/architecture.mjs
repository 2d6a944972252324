// The layers of the workspace, from the manifests: draws docs/architecture.md and writes
// crates/README.md.
//   node scripts/architecture.mjs           writes both
//   node scripts/architecture.mjs --check   fails where one is not as the manifests are, or where a dependency runs up (a test runs it)

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/**
 * The layers, lowest first. A crate may depend on those of lower layers, and on none of its own or
 * of a higher one.
 */
export const LAYERS = [
  ['verdict', 'node-deflate'],
  ['npmrc', 'npm-spec', 'npm-tarball', 'store'],
  ['http', 'isolation', 'npm-pack', 'explain', 'lockfile'],
  ['git', 'npm-registry', 'recipe'],
  ['context', 'origin', 'npm-toolchain', 'npm-timewarp'],
  ['rebuild', 'report'],
  ['judge', 'signing', 'page'],
  ['audit', 'survey'],
];

/**
 * The crates of a workspace: folder below crates/ to its description, whether it is of use by
 * itself, and its dependencies among the crates.
 */
export function cratesOf(root) {
  const folders = readdirSync(join(root, 'crates'), { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const crates = new Map();
  for (const folder of folders.sort()) {
    const text = readFileSync(join(root, 'crates', folder, 'Cargo.toml'), 'utf8');
    const uses = new Set(linked(text).filter((name) => folders.includes(name)));
    const description = /^description = "(.*)"$/m.exec(text)?.[1] ?? '';
    crates.set(folder, { package: /^name = "(.*)"$/m.exec(text)?.[1], description, byItself: /^readme = /m.test(text), uses: [...uses].sort() });
  }
  return crates;
}

/**
 * The names of what a manifest has linked: its dependencies, of every platform. Tests may use what
 * is above.
 */
export function linked(manifest) {
  const names = [];
  let counts = false;
  for (const line of manifest.split('\n')) {
    const table = /^\[(.+)\]$/.exec(line)?.[1];
    if (table) counts = /(^|\.)(build-)?dependencies$/.test(table);
    const name = /^([\w-]+)(?:\.workspace)? *=/.exec(line)?.[1];
    if (counts && name) names.push(name);
  }
  return names;
}

/**
 * A sentence for each dependency that runs up or to the side, and for each crate without a layer.
 */
export function upward(crates, layers = LAYERS) {
  const layer = new Map(layers.flatMap((names, at) => names.map((name) => [name, at])));
  const wrong = [];
  for (const [name, { uses }] of crates) {
    if (!layer.has(name)) wrong.push(`${name} has no layer in scripts/architecture.mjs`);
    for (const used of uses) if (!(layer.get(used) < layer.get(name))) wrong.push(`${name} (layer ${layer.get(name)}) depends on ${used} (layer ${layer.get(used)})`);
  }
  for (const name of layer.keys()) if (!crates.has(name)) wrong.push(`${name} has a layer, and is no crate`);
  return wrong;
}

/** The dependencies that no way through other crates implies. */
function direct(crates, name) {
  const reaches = (from, to) => crates.get(from).uses.some((next) => next === to || reaches(next, to));
  const { uses } = crates.get(name);
  return uses.filter((used) => !uses.some((other) => other !== used && reaches(other, used)));
}

/** The picture: an arrow for each dependency that no other implies. */
function picture(crates) {
  const groups = LAYERS.map((names, at) => `  subgraph layer${at + 1}[" "]\n${names.map((name) => `    ${name}`).join('\n')}\n  end`);
  const edges = [...crates.keys()].flatMap((name) => direct(crates, name).map((used) => `  ${name} --> ${used}`));
  const above = [...crates.keys()].filter((name) => ![...crates.values()].some(({ uses }) => uses.includes(name)));
  return `\`\`\`mermaid\nflowchart TD\n${groups.join('\n')}\n  reproduce(["src/: addon, command line"])\n${above.map((name) => `  reproduce --> ${name}`).join('\n')}\n${edges.join('\n')}\n\`\`\`\n`;
}

const INTERNAL = ' This is an internal component crate of reproduce.';

/** crates/README.md: a line for each crate, the highest layer first. */
function readme(crates) {
  const row = (name) => {
    const { description, byItself, uses } = crates.get(name);
    const about = description.replace(INTERNAL, '').replace(/\.?$/, '.');
    return `| [${name}](${name}/src/lib.rs) | ${about} | ${byItself ? 'yes' : ''} | ${uses.join(', ')} |`;
  };
  const layers = [...LAYERS.entries()].reverse();
  return `# The crates

Written by \`node scripts/architecture.mjs\` from the manifests. A crate depends on crates of lower layers alone; cargo refuses circles, and
a test refuses what runs up or to the side. Above them all is the package in \`src/\`: the addon for Node and the command line.
The last but one column says which crates are of use by themselves: they have a README, examples and documentation.

| crate | what it is | by itself | depends on |
| --- | --- | --- | --- |
${layers.map(([at, names]) => `| **layer ${at + 1}** | | | |\n${names.map(row).join('\n')}`).join('\n')}
`;
}

const MARKS = /(<!-- generated by scripts\/architecture\.mjs -->\n)[^]*(<!-- end -->)/;

/** Path from the root to the text that it should have. */
export function documents(root) {
  const crates = cratesOf(root);
  const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8');
  return new Map([
    ['docs/architecture.md', page.replace(MARKS, (_, start, end) => `${start}${picture(crates)}${end}`)],
    ['crates/README.md', readme(crates)],
  ]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
  const wrong = upward(cratesOf(root));
  for (const [path, text] of documents(root)) {
    if (!values.check) writeFileSync(join(root, path), text);
    else if (readFileSync(join(root, path), 'utf8') !== text) wrong.push(`${path} is not as the manifests are: run node scripts/architecture.mjs`);
  }
  for (const line of wrong) console.error(line);
  if (wrong.length > 0) process.exitCode = 1;
}
