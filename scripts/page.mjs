// Bundles the report's page from page/ into crates/page/assets/, which the program has in it: a
// change of page/ or of a library makes it anew.
//   node scripts/page.mjs           writes
//   node scripts/page.mjs --check   fails where it is another (a test runs it)
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild-wasm';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const assets = join(root, 'crates/page/assets');

/** Oldest browsers that have `light-dark()`, `:has()` and private methods. */
const TARGET = ['chrome123', 'firefox121', 'safari17.5'];

/** The licence of each library in the bundle: every page that is written has them. */
function licences(inputs) {
  const packages = new Set(Object.keys(inputs).flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []));
  return [...packages].sort().map((name) => {
    const { version } = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'));
    return `${name} ${version}\n\n${readFileSync(join(root, 'node_modules', name, 'LICENSE'), 'utf8').replaceAll('\r\n', '\n').trim()}`;
  });
}

/** Every file of the assets with its content. */
export async function bundle() {
  const options = { absWorkingDir: root, bundle: true, minify: true, write: false, metafile: true, target: TARGET, charset: 'utf8', legalComments: 'none', logLevel: 'warning' };
  const script = await build({ ...options, entryPoints: ['page/main.js'], format: 'iife', outfile: 'page.js' });
  const style = await build({ ...options, entryPoints: ['page/page.css'], outfile: 'page.css' });
  const used = Object.fromEntries(Object.entries(Object.values(script.metafile.outputs)[0].inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0));
  const text = `/*\n${licences(used).join('\n\n---\n\n')}\n*/\n${script.outputFiles[0].text}`;
  // Either would end the element that the script stands in.
  if (/<\/script|<!--/i.test(text)) throw new Error('the script has a text in it that HTML reads');
  if (/<\/style/i.test(style.outputFiles[0].text)) throw new Error('the style has a text in it that HTML reads');
  return new Map([
    ['page.js', text],
    ['page.css', style.outputFiles[0].text],
    ['page.html', readFileSync(join(root, 'page/page.html'), 'utf8')],
  ]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, text] of await bundle()) {
    const file = join(assets, name);
    if (!process.argv.includes('--check')) writeFileSync(file, text);
    else if (readFileSync(file, 'utf8') !== text) {
      console.error(`crates/page/assets/${name} is not what page/ gives: run node scripts/page.mjs`);
      process.exitCode = 1;
    }
  }
}
