// `node bench/page.mjs [rounds]`: the page of 20,000 packages in a real browser: the time until it
// can be used, and until a key in the search field is answered. It prints medians, and fails where
// the median opening or 95 of 100 keys are above LIMITS.
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noBrowser, openFile, startBrowser } from '../__test__/kit/browser.mjs';
import { makePage } from '../__test__/kit/report-page.mjs';
import { surveyLines } from '../__test__/kit/survey-lines.mjs';

const ROWS = 20_000;
const LIMITS = { open: 2_000, key: 100 };
const WORDS = ['@babel/parse differs', 'install-failed npm', 'zzzz'];

/** In the page: a key's event until the frame after it is painted. */
const ANSWERED = `(text) => new Promise((done) => {
  const field = document.getElementById('search');
  const began = performance.now();
  field.value = text;
  field.dispatchEvent(new InputEvent('input', { bubbles: true }));
  requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
})`;

if (noBrowser) throw new Error(noBrowser);
const rounds = Number(process.argv[2] ?? 5);
const at = (numbers, part) => numbers.toSorted((a, b) => a - b)[Math.floor((numbers.length - 1) * part)];
const folder = await mkdtemp(join(tmpdir(), 'bench-page-'));
const browser = await startBrowser();
try {
  const began = performance.now();
  const { file, url } = await makePage(folder, 'page', surveyLines(ROWS));
  const written = performance.now() - began;
  const [opens, keys] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    const { page, context, wrong } = await openFile(browser, url);
    if (wrong.length > 0) throw new Error(wrong.join('\n'));
    // From the navigation's beginning until the table stands, by the page's own clock.
    opens.push(await page.evaluate(`performance.getEntriesByName('ready')[0].startTime`));
    for (const word of WORDS) {
      for (let end = 1; end <= word.length; end += 1) keys.push(await page.evaluate(`(${ANSWERED})(${JSON.stringify(word.slice(0, end))})`));
      keys.push(await page.evaluate(`(${ANSWERED})('')`));
    }
    await context.close();
  }
  const figures = { open: at(opens, 0.5), key: at(keys, 0.95) };
  console.log(`page of ${ROWS} packages: ${((await stat(file)).size / 2 ** 20).toFixed(1)} MB, made with its lines in ${Math.round(written)} ms`);
  console.log(`open: median ${Math.round(figures.open)} ms, worst ${Math.round(Math.max(...opens))} ms (${rounds} rounds; limit ${LIMITS.open})`);
  console.log(`key: median ${Math.round(at(keys, 0.5))} ms, 95 of 100 below ${Math.round(figures.key)} ms, worst ${Math.round(Math.max(...keys))} ms (${keys.length} keys; limit ${LIMITS.key})`);
  if (figures.open > LIMITS.open || figures.key > LIMITS.key) process.exitCode = 1;
} finally {
  await browser.close();
  await rm(folder, { recursive: true });
}
