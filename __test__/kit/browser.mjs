// A real browser without a window, if the machine has one: REPRODUCE_TEST_BROWSER, or a Chromium of
// the PATH.
import { spawnSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

function found() {
  const names = process.env.REPRODUCE_TEST_BROWSER ? [process.env.REPRODUCE_TEST_BROWSER] : NAMES;
  const version = (name) => spawnSync(name, ['--version'], { encoding: 'utf8' });
  return names.find((name) => version(name).status === 0) ?? null;
}

const program = found();

/** Why tests of pages cannot run here; false where they can. */
export const noBrowser = program === null && 'a Chromium is wanted: apt-get install chromium, or REPRODUCE_TEST_BROWSER';

/**
 * Starts it. For root it has no sandbox of its own: it opens nothing but files that the tests
 * wrote.
 */
export async function startBrowser() {
  if (process.env.REPRODUCE_TEST_RECORD) appendFileSync(process.env.REPRODUCE_TEST_RECORD, 'had\tbrowser\n');
  const path = spawnSync('sh', ['-c', `command -v "$1"`, 'sh', program], { encoding: 'utf8' }).stdout.trim();
  return chromium.launch({ executablePath: path, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
}

/** Opens a file, and gives the page with all that went wrong on it and all that it asked for. */
export async function openFile(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const [wrong, asked] = [[], []];
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && wrong.push(message.text()));
  page.on('pageerror', (error) => wrong.push(String(error)));
  page.on('dialog', (dialog) => wrong.push(`dialog: ${dialog.message()}`));
  page.on('request', (request) => request.url() !== url && asked.push(request.url()));
  await page.goto(url);
  await page.waitForSelector('html[data-ready]', { timeout: 60_000 });
  return { page, context, wrong, asked };
}
