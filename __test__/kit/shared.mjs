// What several test files need, and what takes long to make: made once in a whole run.

import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { existsSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Folders of this process, where nobody gave one for the whole run. */
const own = new Map();

/**
 * The folder `name` of those that all test files of a run share (`REPRODUCE_TEST_SHARED`, from
 * scripts/test.mjs), made by the first one that asks for it; nobody writes to it afterwards. A file
 * that is run by itself has its own, gone at its end.
 * @param {string} name says all that the content depends on
 * @param {(folder: string) => Promise<void>} fill writes into an empty folder
 */
export async function shared(name, fill) {
  const all = process.env.REPRODUCE_TEST_SHARED;
  if (!all) {
    if (!own.has(name)) own.set(name, ofThisProcess(fill));
    return own.get(name);
  }
  const place = join(all, name);
  if (existsSync(place)) return place;
  await mkdir(all, { recursive: true });
  const partial = await mkdtemp(join(all, '.partial-'));
  try {
    await fill(partial);
    await rename(partial, place);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    // Another file made it meanwhile.
    if (!['ENOTEMPTY', 'EEXIST'].includes(error.code)) throw error;
  }
  return place;
}

async function ofThisProcess(fill) {
  const folder = await mkdtemp(join(tmpdir(), 'kit-shared-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  await fill(folder);
  return folder;
}
