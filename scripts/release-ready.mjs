// What a release needs in its commit, before anything is built: `node scripts/packages.mjs --check
// --release`.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';


/** What is missing for a release, a sentence for each; none if it can be made. */
export function missingForRelease(root, { tag = process.env.GITHUB_REF_TYPE === 'tag' ? process.env.GITHUB_REF_NAME : undefined } = {}) {
  const read = (path) => readFileSync(join(root, path), 'utf8');
  const main = JSON.parse(read('package.json'));
  const missing = [];
  if (main.private) missing.push('package.json is private: name the packages first (docs/release.md)');
  const address = typeof main.repository === 'string' ? main.repository : main.repository?.url;
  if (!/^git\+https:\/\/\S+\.git$/.test(address ?? '')) missing.push('package.json has no repository of the form git+https://….git, which provenance needs');
  if (!main.bugs?.url) missing.push('package.json has no bugs.url, which SECURITY.md sends people to');
  // Every crate has the workspace's version, and cargo holds them to it: those that others depend
  // on name it once more.
  for (const [, version] of read('Cargo.toml').matchAll(/^(?:version = |.* path = "[^"]*", version = )"([^"]*)"/gm)) {
    if (version !== main.version) missing.push(`Cargo.toml has version ${version}, and package.json ${main.version}`);
  }
  const heading = read('CHANGELOG.md').split('\n').find((line) => line.startsWith(`## ${main.version} `)) ?? '';
  if (!/ - \d{4}-\d{2}-\d{2}$/.test(heading)) missing.push(`CHANGELOG.md has no "## ${main.version} - <date>"`);
  if (tag !== undefined && tag !== `v${main.version}`) missing.push(`the tag is ${tag}, and the version ${main.version}`);
  return missing;
}
