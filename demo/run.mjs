// `npm run demo`: the real program on packages that are honest, tampered with, without source and
// badly tagged. Needs no network: everything is served on loopback from packages/*.json. Only the
// git host needs git.

import { spawn } from 'node:child_process';
import { cleanEnv, CLI, run } from '../__test__/kit/cli.mjs';
import { openScene } from './scene.mjs';

/**
 * Variables that say how the terminal is; the program's own output depends on nothing else of the
 * user's.
 */
const TERMINAL = ['TERM', 'COLORTERM', 'COLUMNS', 'NO_COLOR', 'FORCE_COLOR', 'CLICOLOR', 'CLICOLOR_FORCE', 'CI'];

const scene = await openScene();
const clean = await cleanEnv({ registry: scene.registry, gitconfig: scene.githost, inherit: TERMINAL });
try {
  const wrong = [];
  for (const [nth, story] of scene.stories.entries()) {
    const spec = `${story.package.name}@${story.package.version}`;
    console.log(`${nth ? '\n' : ''}── ${nth + 1}. ${story.shows}\n$ reproduce ${spec}\n`);
    const exit = await show([spec]);
    const { json } = await run([spec, '--json'], clean);
    wrong.push(...unexpected(story, spec, exit, json));
  }
  console.log(`\n── ${wrong.length ? wrong.join('\n── ') : ending(scene.stories)}`);
  process.exitCode = wrong.length ? 1 : 0;
} finally {
  await scene.close();
  await clean.remove();
}

/** Runs the program with this terminal as its own. */
function show(args) {
  const child = spawn(process.execPath, [CLI, ...args], { env: clean.env, stdio: 'inherit' });
  return new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
}

/** What is not as the story says, in sentences. */
function unexpected({ expected, ids }, spec, exit, json) {
  const commit = json?.origin?.commit;
  return [
    exit !== expected.exit && `${spec}: exit code ${exit}, not ${expected.exit}`,
    json?.verdict !== expected.verdict && `${spec}: the verdict is ${json?.verdict}, not ${expected.verdict}`,
    expected.commit && commit !== ids[expected.commit] && `${spec}: the commit found is ${commit}, not ${ids[expected.commit]}`,
  ].filter(Boolean);
}

function ending(stories) {
  const verdicts = stories.map(({ package: { name }, expected: { verdict } }) => `${name} ${verdict}`);
  return `As expected: ${verdicts.join(', ')}. All of it on this machine, without a network.`;
}
