// protocol.js - what the drivers in JavaScript share: the loop over commands, sizes on disk, the
// page cache. The protocol is written down in README.md.
'use strict';
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');
const { spawnSync } = require('node:child_process');

const ROOT = path.resolve(__dirname, '..', '..');
const MODULES = process.env.MNSDB_PEERS_MODULES || path.join(ROOT, 'build', 'peers');

// A module of the build directory, never of the tree.
function requireModule(name) {
  return require(require.resolve(name, { paths: [path.resolve(MODULES)] }));
}

function moduleVersion(name) {
  const file = path.join(path.resolve(MODULES), 'node_modules', name, 'package.json');
  return JSON.parse(fs.readFileSync(file, 'utf8')).version;
}

function* filesBelow(place) {
  for (const entry of fs.readdirSync(place, { withFileTypes: true })) {
    const where = path.join(place, entry.name);
    if (entry.isDirectory()) yield* filesBelow(where);
    else if (entry.isFile()) yield where;
  }
}

// Allocated blocks of all files below a directory; a hard link counts once.
function bytesOnDisk(place) {
  const seen = new Set();
  let bytes = 0;
  for (const file of filesBelow(place)) {
    const stat = fs.statSync(file);
    if (seen.has(stat.ino)) continue;
    seen.add(stat.ino);
    bytes += stat.blocks * 512;
  }
  return bytes;
}

// Lets the kernel forget what it caches of a directory's files. Node has no posix_fadvise; dd has.
function forgetFiles(place) {
  for (const file of filesBelow(place)) {
    spawnSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none'], { stdio: 'ignore' });
  }
}

function emptyDirectory(place) {
  fs.rmSync(place, { recursive: true, force: true });
  fs.mkdirSync(place, { recursive: true });
  return place;
}

function text(value) {
  return `'${String(value).replaceAll("'", "''")}'`;
}

const METRICS = ['temperature', 'humidity'];

function seconds(sinceNs) {
  return Number(process.hrtime.bigint() - sinceNs) / 1e9;
}

function milliseconds(sinceNs) {
  return Number(process.hrtime.bigint() - sinceNs) / 1e6;
}

function countLines(file) {
  const buffer = Buffer.allocUnsafe(1 << 20);
  const handle = fs.openSync(file, 'r');
  let lines = 0;
  let last = 10;
  for (let got; (got = fs.readSync(handle, buffer)) > 0; last = buffer[got - 1]) {
    for (let at = buffer.indexOf(10); at >= 0 && at < got; at = buffer.indexOf(10, at + 1)) lines++;
  }
  fs.closeSync(handle);
  return last === 10 ? lines : lines + 1;
}

// Threads that a database may use: those that this process may.
const THREADS = os.availableParallelism();

// Reads commands and answers them one after the other. `driver` has describe, prepare, load, compact, query,
// cold and close; each may be async.
async function serve(driver) {
  let closing = false;
  const end = async () => {
    if (closing) return;
    closing = true;
    await driver.close();
    process.exit(0);
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  // Databases write to standard output now and then; the protocol's lines keep a file of their own.
  const lines = readline.createInterface({ input: process.stdin });
  for await (const line of lines) {
    if (!line.trim()) continue;
    let answer;
    let quits = false;
    try {
      const command = JSON.parse(line);
      quits = command.do === 'quit';
      if (quits) answer = {};
      else if (!['describe', 'prepare', 'load', 'compact', 'query', 'cold'].includes(command.do))
        answer = { error: `no command '${command.do}'` };
      else if (command.do === 'query' && !METRICS.includes(command.metric))
        answer = { unsupported: `only ${METRICS.join(' and ')} are loaded` };
      else answer = (await driver[command.do](command)) || {};
    } catch (failure) {
      answer = { error: String((failure && failure.message) || failure).slice(0, 2000) };
    }
    if (quits) await driver.close();
    fs.writeSync(1, JSON.stringify(answer) + '\n');
    if (quits) process.exit(0);
  }
  await end();
}

module.exports = {
  METRICS, ROOT, THREADS, bytesOnDisk, countLines, emptyDirectory, forgetFiles, milliseconds,
  moduleVersion, requireModule, seconds, serve, text,
};
