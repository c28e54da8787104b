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

// Reads commands and answers them one after the other. `driver` has describe, prepare, load, compact,
// query, cold and close; each may be async. One that is async has interrupt, too.
async function serve(driver) {
  let ended = false; // a signal came
  let busy = false;
  const end = async () => {
    await driver.close();
    process.exit(0);
  };
  // What is running is interrupted first: a database that is busy cannot be closed.
  const stop = () => {
    ended = true;
    if (!busy) end();
    else if (driver.interrupt) driver.interrupt();
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  for await (const line of readline.createInterface({ input: process.stdin })) {
    if (!line.trim()) continue;
    busy = true;
    const answer = await answerTo(driver, line);
    busy = false;
    if (ended) break;
    if (answer === null) {
      await driver.close();
      fs.writeSync(1, '{}\n');
      process.exit(0);
    }
    fs.writeSync(1, JSON.stringify(answer) + '\n');
  }
  await end();
}

const COMMANDS = ['describe', 'prepare', 'load', 'compact', 'query', 'cold'];

// The answer to a line; null to `quit`.
async function answerTo(driver, line) {
  try {
    const command = JSON.parse(line);
    if (command.do === 'quit') return null;
    if (!COMMANDS.includes(command.do)) return { error: `no command '${command.do}'` };
    if (command.do === 'query' && !METRICS.includes(command.metric))
      return { unsupported: `only ${METRICS.join(' and ')} are loaded` };
    return (await driver[command.do](command)) || {};
  } catch (failure) {
    return { error: String((failure && failure.message) || failure).slice(0, 2000) };
  }
}

module.exports = {
  METRICS, ROOT, THREADS, bytesOnDisk, countLines, emptyDirectory, forgetFiles, milliseconds,
  moduleVersion, requireModule, seconds, serve, text,
};
