// A real registry with a real `npm publish`: verdaccio on loopback, without uplinks, gone when it
// is closed.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gitEnv } from './history.mjs';
import { run } from './cli.mjs';

/** verdaccio asks for a user's token even where anybody may publish; any will do. */
const TOKEN = 'kit-anything';

/** Starts verdaccio on a free port with an empty storage. */
export async function startVerdaccio() {
  const { runServer } = await import('verdaccio');
  const root = await mkdtemp(join(tmpdir(), 'kit-verdaccio-'));
  const config = join(root, 'config.yaml');
  const access = '{ access: $all, publish: $anonymous, unpublish: $anonymous }';
  await writeFile(
    config,
    [
      `storage: ${JSON.stringify(join(root, 'storage'))}`,
      `auth: { htpasswd: { file: ${JSON.stringify(join(root, 'htpasswd'))}, max_users: -1 } }`,
      'uplinks: {}',
      `packages: { '@*/*': ${access}, '**': ${access} }`,
      'web: { enable: false }',
      // The packages of this program are larger than its default.
      'max_body_size: 200mb',
      `log: { type: file, path: ${JSON.stringify(join(root, 'log'))}, level: warn }`,
      '',
    ].join('\n'),
  );
  const server = await runServer(config);
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${server.address().port}`;
  const npmrc = join(root, 'npmrc');
  await writeFile(npmrc, `registry=http://${host}/\n//${host}/:_authToken=${TOKEN}\naudit=false\nfund=false\nupdate-notifier=false\n`);

  /** Runs the real npm of this machine against it, with nothing of the user's configuration. */
  async function npm(args, { cwd, env = {} }) {
    const ran = await run(args, {
      command: ['npm'],
      cwd,
      // A package of this program is large, and a machine may be busy.
      timeout: 300_000,
      env: gitEnv({ HOME: root, npm_config_userconfig: npmrc, npm_config_globalconfig: join(root, 'none'), npm_config_cache: join(root, 'npm-cache'), ...env }),
    });
    if (ran.code !== 0) throw new Error(`npm ${args.join(' ')} ended with ${ran.code}: ${ran.stderr}`);
    return ran;
  }

  return {
    url: `http://${host}/`,
    npmrc,
    npm,
    /** `npm publish` from a folder; from a git checkout the registry then knows the commit. */
    publish: (cwd, ...args) => npm(['publish', ...args], { cwd }),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(root, { recursive: true, force: true });
    },
  };
}
