// common.js - what the scripts of all clients share: arguments, bodies, and running to an end.
//
//   node CLIENT.js cycle QUEUE         every operation of the client, in the life of one queue
//   node CLIENT.js send QUEUE FILE     the lines of FILE as messages: the first alone, the others
//                                      in batches
//
// MNS_ENDPOINT, MNS_KEY_ID and MNS_KEY_SECRET say where and as whom. Each step that succeeded is a
// line on stdout.
'use strict';

const assert = require('assert');
const crypto = require('crypto');
const fs = require('fs');

const settings = {
  endpoint: process.env.MNS_ENDPOINT,
  keyId: process.env.MNS_KEY_ID,
  keySecret: process.env.MNS_KEY_SECRET,
};

// A body with everything that XML escapes, and characters of several bytes.
const ODD_BODY = '<a b="c">&amp; \'quoted\' ]]> \u6e29\u5ea6 \u{1f321}';

const BATCH = 16;

function done(step) {
  console.log(step);
}

function md5(text) {
  return crypto.createHash('md5').update(text, 'utf8').digest('hex').toUpperCase();
}

function bodies(count) {
  return Array.from({ length: count }, (_, i) => `{"number":${i}}`);
}

// One message, or an array of them: clients hand out either for a batch of one.
function list(value) {
  return Array.isArray(value) ? value : value === undefined ? [] : [value];
}

// The call must fail; `check` looks at what it failed with.
async function refused(call, check) {
  let failure;
  try {
    await call();
  } catch (error) {
    failure = error;
  }
  assert(failure, 'the call succeeded');
  check(failure);
}

function run(cycle, send) {
  const [mode, queue, file] = process.argv.slice(2);
  const lines = () => fs.readFileSync(file, 'utf8').split('\n').filter((line) => line !== '');
  const work = mode === 'cycle' ? cycle(queue) : send(queue, lines());
  work.then(
    () => done('end'),
    (error) => {
      console.error(error instanceof Error ? error.stack : JSON.stringify(error));
      process.exitCode = 1;
    }
  );
}

// The lines in portions as `send` mode sends them.
function portions(lines) {
  const out = [];
  for (let i = 1; i < lines.length; i += BATCH) out.push(lines.slice(i, i + BATCH));
  return out;
}

module.exports = { assert, bodies, BATCH, done, list, md5, ODD_BODY, portions, refused, run, settings };
