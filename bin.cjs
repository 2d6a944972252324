#!/usr/bin/env node
'use strict';
// The command: hands the arguments over and sets the exit code. CommonJS, because it starts faster
// than a module. Its syntax is that of Node 6: an old Node has to get as far as to say that it is
// too old.

const native = require('./native.cjs');

function main() {
  let run;
  try {
    run = native.load().start();
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

const tooOld = native.tooOld(process.versions.node);
if (tooOld) {
  process.stderr.write(`error: ${tooOld}\n`);
  process.exitCode = 2;
} else {
  main();
}
