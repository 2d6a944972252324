#!/usr/bin/env node
'use strict';
// The command: hands the arguments over and sets the exit code. CommonJS, because it starts faster
// than a module. Its syntax is that of Node 6: an old Node has to get as far as to say that it is
// too old.

/** `engines.node` of package.json, in numbers. */
const NEEDED = [
  [20, 19],
  [22, 12],
];

/**
 * Whether this Node is one that the program runs on: of a line that is named, or later than all of
 * them.
 */
function isNewEnough(version) {
  const numbers = version.split('.').map(Number);
  const line = NEEDED.find((needed) => needed[0] === numbers[0]);
  return line ? numbers[1] >= line[1] : numbers[0] > NEEDED[NEEDED.length - 1][0];
}

function main() {
  const load = require('./native.cjs').load;
  let run;
  try {
    run = load().start();
  } catch (error) {
    process.stderr.write(`error[${error.code}]: ${error.message}\n\nhint: ${error.hint}\n`);
    process.exitCode = 2;
    return;
  }
  // The first signal lets the run clean up; a second one ends the process as usual.
  let terminated = false;
  process.once('SIGINT', () => run.cancel());
  process.once('SIGTERM', () => {
    terminated = true;
    run.cancel();
  });
  run.cli(process.argv.slice(2)).then(
    (code) => {
      // What a shell says of a program that the signal ended: 128 and its number.
      process.exitCode = terminated && code === 130 ? 143 : code;
    },
    (error) => {
      process.stderr.write(`error[internal]: ${error.message}\n\nhint: please report this with the command that you ran\n`);
      process.exitCode = 2;
    }
  );
}

if (isNewEnough(process.versions.node)) {
  main();
} else {
  process.stderr.write(`error: reproduce needs Node 20.19 or later (22.12 or later of the later lines), and this is ${process.versions.node}\n`);
  process.exitCode = 2;
}
