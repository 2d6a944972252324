// Who may read from the registry of this kit.

/**
 * @typedef {object} Auth @property {string[]} [tokens] Bearer tokens that are let in @property
 * {string[]} [basic] `user:password` pairs that are let in @property {string[]} [forbidden] package
 * names that nobody may read: 403 even with a good token @property {(path: string) => boolean}
 * [needed] which decoded paths ask for credentials; all by default
 */

/**
 * The refusal, or null if the request may pass.
 * @param {Auth | undefined} auth
 * @param {import('./server.mjs').Seen} request
 */
export function authorized(auth, request) {
  if (!auth) return null;
  if (auth.forbidden?.some((name) => request.path === `/${name}` || request.path.startsWith(`/${name}/`))) {
    return refusal(403, 'forbidden');
  }
  if (!auth.tokens && !auth.basic) return null;
  if (auth.needed && !auth.needed(request.path)) return null;
  const [scheme, credential = ''] = (request.headers.authorization ?? '').split(' ');
  if (/^bearer$/i.test(scheme) && auth.tokens?.includes(credential)) return null;
  if (/^basic$/i.test(scheme) && auth.basic?.includes(Buffer.from(credential, 'base64').toString())) return null;
  return refusal(401, 'authentication required', { 'www-authenticate': 'Bearer realm="kit"' });
}

function refusal(status, error, headers = {}) {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify({ error }) };
}

/**
 * All requests, of any servers, that carried this secret anywhere in their headers, address or
 * body.
 */
export function carrying(secret, ...servers) {
  const forms = [secret, Buffer.from(secret).toString('base64'), encodeURIComponent(secret)];
  return servers.flatMap(({ requests }) =>
    requests.filter((request) => {
      const text = [request.url, request.body.toString('latin1'), ...Object.values(request.headers).flat()].join('\n');
      return forms.some((form) => text.includes(form));
    }),
  );
}
