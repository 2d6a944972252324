// Replaces texts in files, as plugins of release tools do. Its argument: a list of { files, ignore,
// from, to }, where files and ignore are globs and from is the source of a regular expression.
// Written for any Node: builds of ten years ago have theirs.
'use strict';
var fs = require('fs');

function expanded(glob) {
  var innermost = /^(.*)\{([^{}]*)\}(.*)$/.exec(glob);
  if (!innermost) return [glob];
  return innermost[2].split(',').reduce(function (all, one) {
    return all.concat(expanded(innermost[1] + one + innermost[3]));
  }, []);
}

function pattern(glob) {
  var text = glob.replace(/\/+/g, '/').replace(/^\.?\//, '');
  var out = '';
  for (var at = 0; at < text.length; at++) {
    var c = text.charAt(at);
    var visible = at === 0 || text.charAt(at - 1) === '/' ? '(?!\\.)' : '';
    if (text.substr(at, 3) === '**/') {
      out += '(?:(?!\\.)[^/]+/)*';
      at += 2;
    } else if (text.substr(at) === '**') {
      out += '(?:(?!\\.)[^/]+/)*(?!\\.)[^/]+';
      at += 1;
    } else if (c === '*') out += visible + '[^/]*';
    else if (c === '?') out += visible + '[^/]';
    else if (c === '[' && text.indexOf(']', at + 2) > 0) {
      var end = text.indexOf(']', at + 2);
      out += '[' + text.slice(at + 1, end).replace(/^!/, '^').replace(/[\\[]/g, '\\$&') + ']';
      at = end;
    }
    else out += c.replace(/[.+^$()|[\]\\{}]/, '\\$&');
  }
  return new RegExp('^' + out + '$');
}

function patterns(globs) {
  return globs.map(expanded).reduce(function (all, some) { return all.concat(some); }, []).map(pattern);
}

function matches(globs, path) {
  return globs.some(function (glob) { return glob.test(path); });
}

function files(folder) {
  var found = [];
  fs.readdirSync(folder || '.').forEach(function (name) {
    var path = folder ? folder + '/' + name : name;
    var stat = fs.lstatSync(path);
    if (stat.isFile()) found.push(path);
    else if (stat.isDirectory() && name !== 'node_modules' && name !== '.git') found = found.concat(files(path));
  });
  return found;
}

var everything = files('');
JSON.parse(process.argv[1]).forEach(function (one) {
  var globs = patterns(one.files);
  var ignored = patterns(one.ignore);
  everything.forEach(function (path) {
    if (!matches(globs, path) || matches(ignored, path)) return;
    var text = fs.readFileSync(path, 'utf8');
    var changed = text.replace(new RegExp(one.from, 'gm'), one.to);
    if (changed === text) return;
    fs.writeFileSync(path, changed);
    console.log(path);
  });
});
