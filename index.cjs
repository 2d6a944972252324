'use strict';
// What `require` gives: api.cjs, on a Node that has its syntax. The syntax of this file and of
// native.cjs is that of Node 6: an old Node has to get as far as to say that it is too old.

const tooOld = require('./native.cjs').tooOld(process.versions.node);
if (tooOld) throw new Error(tooOld);

module.exports = require('./api.cjs');
