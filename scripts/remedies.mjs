// docs/remedies.md: what is tried for a build, and what is left out, from the planner's rows.
//   node scripts/remedies.mjs           writes it
//   node scripts/remedies.mjs --check   fails where it is not as the rows are (a test runs it)

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const PLAN = 'crates/rebuild/src/plan';
const page = join(root, 'docs/remedies.md');
const read = (path) => readFileSync(join(root, PLAN, path), 'utf8');

/** The paragraphs of a file's own comment, each with the bold words that it begins with. */
function parts(text) {
  const lines = text.split('\n').filter((line) => line.startsWith('//!')).map((line) => line.slice(3).trim());
  const found = Object.fromEntries([...lines.join(' ').matchAll(/\*\*([^*]+):\*\* (.*?)(?= \*\*|$)/g)].map(([, head, words]) => [head, words]));
  for (const head of ['What it changes', "Why a publisher's build differed so", 'What it costs']) if (!found[head]) throw new Error(`a remedy without "${head}"`);
  return found;
}

/** The rows in their order. */
function remedies() {
  const table = /pub const REMEDIES: [^=]* = &\[([^\]]*)\]/.exec(read('remedies/mod.rs'))[1];
  return [...table.matchAll(/&(\w+)::REMEDY/g)].map(([, file]) => {
    const text = read(`remedies/${file}.rs`);
    const name = /name: "([a-z-]+)"/.exec(text)[1];
    const offers = /\/\/\/ (.*)\npub\(super\) const REMEDY/.exec(text)[1];
    return { name, offers, file, ...parts(text) };
  });
}

function vetoes() {
  const text = read('vetoes.rs');
  const order = [.../pub const VETOES: [^=]* = &\[([^\]]*)\]/.exec(text)[1].matchAll(/&(\w+)/g)].map(([, name]) => name);
  return order.map((constant) => {
    const [, comment, body] = new RegExp(`((?:/// .*\\n)+)const ${constant}: Veto =([^]*?)\\n\\n`).exec(text);
    return { name: /name: "([a-z-]+)"/.exec(body)[1], why: comment.trim().split('\n').map((line) => line.slice(4)).join(' ') };
  });
}

const rows = remedies();
const text = `# What is tried, and in which order

Written by \`node scripts/remedies.mjs\` from the rows of the planner (\`${PLAN}\`). After every build the rows are asked again, in this
order; the first build that was not tried, and that no veto forbids, is the next. A recipe names what its build had in \`reasons\`.

## Remedies

${rows.map((row) => `### ${row.name}

- **What is built:** ${row.offers}
${['What it changes', "Why a publisher's build differed so", 'What it costs'].map((head) => `- **${head}:** ${row[head]}`).join('\n')}`).join('\n\n')}

## Vetoes

| name | why a build is pointless |
| --- | --- |
${vetoes().map(({ name, why }) => `| \`${name}\` | ${why} |`).join('\n')}
`;
if (!process.argv.includes('--check')) writeFileSync(page, text);
else if (readFileSync(page, 'utf8') !== text) {
  console.error('docs/remedies.md is not as the planner is: run node scripts/remedies.mjs');
  process.exitCode = 1;
}
