// The texts that say what the program is called and where it lives: each as it follows from
// package.json. `scripts/packages.mjs` writes and checks them; nothing else in the repository has
// the package's name or the repository's address.

import { createRequire } from 'node:module';

const { product } = createRequire(import.meta.url)('../native.cjs');

/**
 * A program without a repository has addresses below a domain that is reserved, and so nobody's
 * (crates/report/src/product.rs).
 */
const NOWHERE = 'https://reproduce.invalid';
const SCHEMAS = ['audit', 'inspect', 'local', 'replay', 'result', 'survey'].map((name) => `schema/${name}.schema.json`);
/** Between these lines of README.md stands how the program is run. */
const BLOCK = /(<!-- run: written by scripts\/packages\.mjs -->\n)[^]*?(<!-- \/run -->)/;

const UNNAMED = `This program has no name on npm yet: **\`npx reproduce\` and \`npm install reproduce\` run another tool.** Today it runs from a checkout
of this repository, on a machine with Node 20.19 or later of line 20 or Node 22.12 or later, Rust 1.89 or later, a C compiler and git:

\`\`\`sh
npm install && node bin.cjs iconv-lite@0.7.2
\`\`\`

\`npm link\` then puts the command \`reproduce\`, which these documents use, on PATH.
`;

const named = (name) => `With Node 20.19 or later of line 20 or Node 22.12 or later, and nothing else:

\`\`\`sh
npx ${name} iconv-lite@0.7.2
\`\`\`

\`npm install --global ${name}\` puts the command \`reproduce\`, which these documents use, on PATH.
`;

/**
 * The texts, by path.
 * @param {object} main package.json as it is to be
 * @param {(path: string) => string} text reads a file of the checkout
 */
export function namedTexts(main, text) {
  const { name, repository } = product(main);
  const readme = text('README.md')
    .replace(BLOCK, (_, start, end) => `${start}${main.private ? UNNAMED : named(name)}${end}`)
    .replaceAll(/(from |require\()'[^']+'/g, `$1'${name}'`)
    .replaceAll(/(!?)\]\(((?!#)[^)\s]+)\)/g, (_, picture, target) => `${picture}](${link(target, repository)})`);
  const ci = text('docs/ci/gitlab-ci.yml').replace(/^( +REPRODUCE: ).*$/m, `$1'${main.private ? '' : `${name}@${main.version}`}'`);
  const place = repository?.replace(/^https:\/\/[^/]+\//, '') ?? 'owner/reproduce';
  const publishing = text('docs/publishing.md');
  const before = /uses: (\S+)@v1$/m.exec(publishing)[1];
  return new Map([
    ['README.md', readme],
    ['docs/ci/gitlab-ci.yml', ci],
    ['docs/publishing.md', publishing.replaceAll(before, place)],
    ...SCHEMAS.map((path) => [path, text(path).replaceAll(/"https:\/\/[^"]+(\/schema\/[a-z]+-\d+\.json)/g, `"${repository ?? NOWHERE}$1`)]),
  ]);
}

/** A link of README.md: npm shows the page too, and there only an address leads somewhere. */
function link(target, repository) {
  const path = target.replace(/^https:\/\/\S+?\/(?:blob|raw)\/HEAD\//, '');
  if (!repository || /^[a-z]+:/.test(path)) return path;
  return `${repository}/${/\.(svg|png)$/.test(path) ? 'raw' : 'blob'}/HEAD/${path}`;
}
