// The page of a run, in a real browser: 20,000 rows, and the same with an enemy's lines among them.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { bundle } from '../scripts/page.mjs';
import { noBrowser, openFile, startBrowser } from './kit/browser.mjs';
import { makePage } from './kit/report-page.mjs';
import { hostileLines, HOSTILE, lineOf, resultOf, surveyLines } from './kit/survey-lines.mjs';

const ROWS = 20_000;
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

test('the script and the style in the program are what page/ gives', async () => {
  for (const [name, text] of await bundle()) assert.equal(await readFile(new URL(`../crates/page/assets/${name}`, import.meta.url), 'utf8'), text, `${name}: node scripts/page.mjs`);
});

test('the script and the style are small', async () => {
  const size = [...(await bundle()).values()].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  assert.ok(size < 200_000, String(size));
});

test('the made up lines are as the schema has them', async () => {
  const ajv = new Ajv2020({ strict: false });
  addFormats(ajv);
  const isValid = ajv.compile(JSON.parse(await readFile(new URL('../schema/result.schema.json', import.meta.url), 'utf8')));
  for (const line of surveyLines(500)) {
    const { result, error } = JSON.parse(line);
    assert.ok(isValid(result ?? error), JSON.stringify(isValid.errors));
  }
});

describe('the page', { skip: noBrowser, timeout: 600_000 }, () => {
  let folder, browser, made, hostile;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'reproduce-page-'));
    browser = await startBrowser();
    made = await makePage(folder, 'large', surveyLines(ROWS), surveyLines(ROWS - 100, { flips: 0.05 }));
    hostile = await makePage(folder, 'hostile', [...surveyLines(100), ...hostileLines()]);
  });
  after(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Opens a page, and sees to it that nothing went wrong on it, whatever was done. */
  const opened = async (url, use, options) => {
    const { page, context, wrong, asked } = await openFile(browser, url, options);
    try {
      await use(page);
      assert.deepEqual({ wrong, asked, owned: await page.evaluate('globalThis.owned') }, { wrong: [], asked: [], owned: undefined });
    } finally {
      await context.close();
    }
  };
  const shown = (page) => page.textContent('#shown');

  test('shows the figures that the JSON has', () => opened(made.url, async (page) => {
    const { all } = made.figures;
    assert.equal(all.packages, ROWS);
    assert.equal(await page.title(), 'high-impact: reproduce');
    assert.match(await page.textContent('#as-of'), /As of 2026-11-30 · reproduce \d+\.\d+\.\d+ · Node 22\.12\.0 · 20,000 packages/);
    assert.equal(await page.textContent('.big'), `${(all.reproduced / ROWS * 100).toFixed(1)}\u00a0%`);
    const cells = await page.$$eval('.shares tbody td:nth-child(2)', (nodes) => nodes.map((node) => node.textContent.replace(',', '')));
    assert.deepEqual(cells.map(Number), [all.reproduced, all.identical, made.figures.provenance, made.figures.reproducedWithProvenance, made.figures.reproducedOrProvenance]);
    assert.ok(made.markdown.includes(`| reproduced | ${all.reproduced} |`));
    // Bars are counted in the browser, figures in the program: they agree.
    for (const [title, facet] of [['Verdict', 'verdict'], ['Reason', 'reason'], ['Client that packed', 'client']]) {
      const bars = await page.$$eval('.chart', (charts, wanted) => [...charts.find((chart) => chart.querySelector('h3').textContent === wanted).querySelectorAll('button[title]')].map((bar) => [bar.title, Number(bar.querySelector('.number').textContent.replace(',', ''))]), title);
      for (const [value, number] of bars) if (value !== '(none)') assert.equal(number, made.figures.by[facet][value].packages, value);
    }
  }));

  test('has bars for the commonest values alone, and says how many there are more', async () => {
    const many = await makePage(folder, 'many', Array.from({ length: 3000 }, (_, at) => lineOf(`a${at}`, resultOf(`a${at}`, '1.0.0', 'differs', `code-${at}`))));
    await opened(many.url, async (page) => {
      const [more, note] = await page.$$eval('.chart', (charts) => {
        const chart = charts.find((one) => one.querySelector('h3').textContent === 'Reason');
        return [chart.querySelector('.more').textContent, chart.querySelector('.note').textContent];
      });
      assert.deepEqual([more, note], ['192 more', '2,800 rarer ones are in the table alone']);
    });
  });

  test('has a column for provenance: none, listed or verified, and none where it does not hold', async () => {
    const [{ provenance }] = [...surveyLines(500)].map((one) => JSON.parse(one).result ?? {}).filter((result) => result.provenance?.verified);
    const kinds = [['none', null, ''], ['listed', { ...provenance, verified: false }, 'listed'], ['verified', provenance, 'verified'], ['broken', { ...provenance, verified: false, problem: 'of another' }, '']];
    const of = await makePage(folder, 'provenance', kinds.map(([name, found]) => lineOf(name, resultOf(name, '1.0.0', 'identical', null, { provenance: found }))));
    await opened(of.url, async (page) => {
      for (const [name, , says] of kinds) {
        await page.fill('#search', `${name}@1.0.0`);
        assert.deepEqual(await page.$$eval('.row .provenance', (cells) => cells.map((cell) => cell.textContent)), [`Provenance: ${says}`], name);
      }
    });
    assert.deepEqual([of.figures.provenance, of.figures.unreadable], [2, 0]);
  });

  test('is searched, filtered, sorted and opened', () => opened(made.url, async (page) => {
    await page.keyboard.press('/');
    await page.keyboard.type('@babel/ differs');
    const found = Number((await shown(page)).split(' ')[0].replace(',', ''));
    assert.ok(found > 0 && found < ROWS, await shown(page));
    for (const text of await page.$$eval('.row', (rows) => rows.map((row) => row.textContent))) assert.ok(text.includes('@babel/') && text.includes('differs'), text);
    await page.click('button[title="files-differ"]');
    assert.ok(Number((await shown(page)).split(' ')[0].replace(',', '')) < found);
    assert.equal(await page.getAttribute('button[title="files-differ"]', 'aria-pressed'), 'true');
    await page.keyboard.press('Enter');
    assert.equal(Number((await shown(page)).split(' ')[0].replace(',', '')), found, 'the key takes the choice back');
    await page.click('[role="columnheader"].ms button');
    assert.equal(await page.getAttribute('[role="columnheader"].ms', 'aria-sort'), 'ascending');
    await page.focus('.item[data-index="0"] .row button');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    const opened2 = await page.textContent('.item[data-index="1"] .detail');
    for (const part of ['Evidence', 'Attempts', 'Diff']) assert.ok(opened2.includes(part), opened2.slice(0, 300));
    await page.keyboard.press('ArrowDown');
    assert.equal(await page.evaluate('document.activeElement.closest(".item")?.dataset.index'), '2');
    await page.focus('#search');
    await page.keyboard.press('Escape');
    assert.match(await shown(page), /^20,000 packages/);
  }));

  test('scrolls to its last row with few rows in the document', () => opened(made.url, async (page) => {
    await page.evaluate('scrollTo(0, document.body.scrollHeight)');
    await page.waitForSelector(`.item[data-index="${ROWS - 1}"]`);
    assert.ok(await page.$$eval('.item', (items) => items.length) < 100);
  }));

  test('compares two runs', () => opened(made.url, async (page) => {
    const { changes } = made.figures;
    assert.ok(changes.regressed > 0 && changes.improved > 0 && changes.new >= 100, JSON.stringify(changes));
    await page.click('#changes button[title="regressed"]');
    assert.match(await shown(page), new RegExp(`^${changes.regressed.toLocaleString('en')} of`));
    for (const verdict of await page.$$eval('.row .verdict', (nodes) => nodes.map((node) => node.textContent))) assert.doesNotMatch(verdict, /✓|\?/);
  }));

  test('what is not decided is never shown as reproduced', () => opened(hostile.url, async (page) => {
    for (const name of ['liar', 'both', 'neither']) {
      await page.fill('#search', name);
      const signs = await page.$$eval('.row span.verdict i', (nodes) => nodes.map((node) => node.textContent));
      assert.deepEqual(signs, ['?'], name);
    }
    assert.equal(hostile.figures.unreadable, 4);
  }));

  test('runs nothing of what an enemy wrote', () => opened(hostile.url, async (page) => {
    for (let at = 0; at < 2 * HOSTILE.length + 8; at += 1) {
      const button = await page.$(`.item[data-index="${at + 100}"] .row button`);
      if (button === null) await page.mouse.wheel(0, 400);
      await button?.click();
    }
    await page.fill('#search', '<img');
    await page.click('.row button');
    assert.ok((await page.textContent('.detail')).includes('<img src=x onerror='));
    assert.equal(await page.$$eval('img, svg, iframe, object, base, link', (nodes) => nodes.length), 0);
    assert.deepEqual(await page.$$eval('script:not([type])', (nodes) => nodes.length), 1);
  }));

  test('has a policy that refuses markup from its own script, and every request', async () => {
    const heard = [];
    const html = await readFile(hostile.file);
    const server = createServer(({ url }, response) => {
      heard.push(url);
      response.setHeader('content-type', 'text/html; charset=utf-8').end(url === '/page' ? html : '<!doctype html><title>control</title>');
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const address = `http://127.0.0.1:${server.address().port}`;
    const ask = (name) => `new Promise((done) => { const image = new Image(); image.onload = image.onerror = () => done(); image.src = '/${name}'; })`;
    const { page, context, wrong } = await openFile(browser, `${address}/page`);
    const refused = await page.evaluate(`try { document.body.insertAdjacentHTML('beforeend', '<p>'); 'taken' } catch (error) { error.name }`);
    assert.equal(refused, 'TypeError');
    await page.evaluate(ask('from-the-page'));
    assert.ok(wrong.some((text) => text.includes('Content Security Policy')), wrong.join('\n'));
    assert.ok(!heard.includes('/from-the-page'), heard.join());
    // Control: a page without a policy reaches the server.
    await page.goto(`${address}/control`);
    await page.evaluate(ask('without-a-policy'));
    assert.ok(heard.includes('/without-a-policy'), heard.join());
    await context.close();
    server.close();
  });

  const places = [['light', 1280, 900], ['dark', 1280, 900], ['light', 390, 844], ['dark', 390, 844]];
  for (const [colorScheme, width, height] of places) {
    for (const which of ['large', 'hostile']) {
      test(`axe finds nothing: ${which}, ${colorScheme}, ${width} px`, () => opened((which === 'large' ? made : hostile).url, async (page) => {
        await page.fill('#search', which === 'large' ? 'differs' : 'differs onerror');
        await page.click('.row button');
        await page.click('.chart button[title="differs"]');
        await page.evaluate(axe);
        const { violations } = await page.evaluate('axe.run(document, { resultTypes: ["violations"] })');
        assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.length, nodes[0].html.slice(0, 200), nodes[0].failureSummary]), []);
        assert.equal(await page.evaluate('document.documentElement.scrollWidth > innerWidth'), false, 'wider than the window');
      }, { colorScheme, viewport: { width, height } }));
    }
  }

  test('has another theme by a button, and a form for paper', () => opened(made.url, async (page) => {
    const paper = () => page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
    const light = await paper();
    await page.click('#theme');
    assert.notEqual(await paper(), light);
    assert.equal(await page.textContent('#theme'), 'Light theme');
    await page.emulateMedia({ media: 'print' });
    await page.evaluate('dispatchEvent(new Event("beforeprint"))');
    assert.equal(await page.$$eval('.item', (items) => items.length), 200);
    assert.equal(await paper(), light);
    await page.evaluate('dispatchEvent(new Event("afterprint"))');
    assert.ok(await page.$$eval('.item', (items) => items.length) < 100);
  }));
});
