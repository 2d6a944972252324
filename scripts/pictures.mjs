// Makes docs/report.svg, the picture in README.md, from what the program really prints for the
// demo's packages on loopback.
//   node scripts/pictures.mjs           writes it
//   node scripts/pictures.mjs --check   fails where the program prints something else by now (a test runs it)

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { cleanEnv, run } from '../__test__/kit/cli.mjs';
import { openScene } from '../demo/scene.mjs';

const file = fileURLToPath(new URL('../docs/report.svg', import.meta.url));
/** Colours of ANSI's select graphic rendition, readable on the dark ground below. */
const COLORS = { 31: '#ff7b72', 32: '#7ee787', 33: '#e3b341', 36: '#79c0ff' };
const LINE = 20;
const CHAR = 8.43;
const PAD = 16;
const ESCAPE = String.fromCharCode(27);
/** Select graphic rendition: colours and weights. */
const SEQUENCE = new RegExp(`${ESCAPE}\\[([\\d;]*)m`);

/** One line with escape sequences as SVG text spans. */
function spans(line) {
  let style = '';
  let out = '';
  // Text and codes take turns, because the expression has one group.
  for (const [at, part] of line.split(SEQUENCE).entries()) {
    if (at % 2 === 0) {
      if (part) out += `<tspan${style}>${part.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll(' ', '\u00a0')}</tspan>`;
      continue;
    }
    for (const code of part.split(';')) {
      if (code === '' || code === '0') style = '';
      else if (code === '1') style += ' font-weight="bold"';
      else if (code === '2') style += ' opacity="0.6"';
      else if (COLORS[code]) style += ` fill="${COLORS[code]}"`;
    }
  }
  return out;
}

/** Text with escape sequences as a picture of a terminal. */
function svg(text, title) {
  const lines = text.trimEnd().split('\n');
  const longest = Math.max(...lines.map((line) => [...line.replaceAll(new RegExp(SEQUENCE, 'g'), '')].length));
  const [width, height] = [Math.ceil(longest * CHAR + 2 * PAD), lines.length * LINE + 2 * PAD];
  const rows = lines.map((line, at) => `  <text x="${PAD}" y="${PAD + LINE * at + 14}">${spans(line)}</text>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14" fill="#e6edf3">
  <title>${title}</title>
  <rect width="100%" height="100%" rx="8" fill="#0d1117"/>
${rows.join('\n')}
</svg>
`;
}

const scene = await openScene();
const clean = await cleanEnv({ registry: scene.registry, gitconfig: scene.githost });
try {
  let text = '';
  for (const verdict of ['identical', 'differs']) {
    const { package: it } = scene.stories.find(({ expected }) => expected.verdict === verdict);
    const spec = `${it.name}@${it.version}`;
    const ran = await run([spec, '--color', 'always', ...(verdict === 'differs' ? ['--diff'] : [])], clean);
    text += `${text && '\n'}${ESCAPE}[2m$ reproduce ${spec}${verdict === 'differs' ? ' --diff' : ''}${ESCAPE}[0m\n${ran.stdout}`;
  }
  const made = svg(text, 'reproduce on an honest package and on one that was tampered with');
  if (!process.argv.includes('--check')) writeFileSync(file, made);
  else if (readFileSync(file, 'utf8') !== made) {
    console.error('docs/report.svg is not what the program prints: run node scripts/pictures.mjs');
    process.exitCode = 1;
  }
} finally {
  await scene.close();
  await clean.remove();
}
