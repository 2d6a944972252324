// Staged publishes, as the commands `npm stage …` of npm 11.15 and later ask for them.

import { createHash, randomUUID } from 'node:crypto';

const BASE = '/-/stage';

/**
 * The stages of a registry.
 * @param {(document: object) => object} publish takes a publish's document and answers the request
 */
export function stagesOf(publish) {
  /** @type {Map<string, any>} by number; a test may edit them */
  const all = new Map();
  /**
   * `shows`: what the answer about one stage says besides; a registry that follows the protocol
   * alone says nothing of the document; `perPage`: most of a page.
   */
  const stages = { all, token: null, shows: null, perPage: 100, answer };

  function answer(request) {
    if (stages.token !== null && request.headers.authorization !== `Bearer ${stages.token}`) return json(401, { error: 'who are you' });
    const [id, word] = request.path.slice(BASE.length + 1).split('/');
    if (id === '') return listed(request);
    if (id === 'package' && request.method === 'POST') return staged(JSON.parse(request.body.toString()));
    const stage = all.get(id);
    if (!stage) return json(404, { error: 'Not found' });
    if (word === 'tarball') return { headers: { 'content-type': 'application/octet-stream' }, body: stage.tarball };
    if (word === 'approve' && request.method === 'POST') {
      all.delete(id);
      return publish(stage.document);
    }
    if (request.method === 'DELETE') {
      all.delete(id);
      return json(200, { ok: true });
    }
    return json(200, { ...shown(stage), ...stages.shows?.(stage) });
  }

  function listed(request) {
    const query = new URLSearchParams(request.query);
    const wanted = [...all.values()].filter((stage) => !query.has('package') || stage.packageName === query.get('package'));
    const [page, each] = [Number(query.get('page') ?? 0), Math.min(Number(query.get('perPage') ?? 25), stages.perPage)];
    return json(200, { items: wanted.slice(page * each, (page + 1) * each).map(shown), total: wanted.length });
  }

  function staged(document) {
    const [version] = Object.keys(document.versions);
    const tarball = Buffer.from(Object.values(document._attachments)[0].data, 'base64');
    const id = randomUUID();
    const shasum = createHash('sha1').update(tarball).digest('hex');
    const [tag] = Object.keys(document['dist-tags']);
    all.set(id, { id, packageName: document.name, version, tag, createdAt: new Date().toISOString(), actor: 'kit', actorType: 'user', shasum, status: 'pending', tarball, document });
    return json(201, { ok: true, stageId: id });
  }

  return stages;
}

function shown({ tarball: _tarball, document: _document, ...stage }) {
  return stage;
}

function json(status, document) {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(document) };
}
