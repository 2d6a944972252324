// Makes the page of lines, with the example of crates/page.
import { spawnSync } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';

const root = fileURLToPath(new URL('../..', import.meta.url));

let program;
/** Builds it, once. */
function built() {
  if (program !== undefined) return program;
  // Of the whole workspace, as the Rust tests are built: alone it would have other features, and
  // build all that it stands on again.
  const args = ['build', '--release', '--locked', '--workspace', '--exclude', 'reproduce-sandbox', '--exclude', 'reproduce-fuzz', '--example', 'page', '--message-format=json-render-diagnostics'];
  const { status, stdout, stderr } = spawnSync('cargo', args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(stderr);
  program = stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line)).findLast(({ executable }) => executable).executable;
  return program;
}

/**
 * Writes the lines and their page into a folder: the page's address, and its figures as JSON and as
 * Markdown.
 */
export async function makePage(folder, name, lines, earlier) {
  const write = async (as, of) => {
    const path = join(folder, `${name}${as}.ndjson`);
    await writeFile(path, `${[...of].join('\n')}\n`);
    return path;
  };
  const file = join(folder, `${name}.html`);
  const args = [await write('', lines), file, ...(earlier ? [await write('-earlier', earlier)] : [])];
  const { status, stdout, stderr } = spawnSync(built(), args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(stderr);
  const [json, ...markdown] = stdout.split('\n');
  return { file, url: pathToFileURL(file).href, figures: JSON.parse(json), markdown: markdown.join('\n') };
}
