// aliyun-mns.js - the client aliyun-mns: neither content type nor digest, its own spelling of
// parameters and elements.
'use strict';

const { assert, bodies, BATCH, done, list, md5, ODD_BODY, portions, refused, run, settings } = require('./common');
const MNS = require('aliyun-mns');

function client(keySecret) {
  return new MNS({
    accessKeyId: settings.keyId,
    secretAccessKey: keySecret || settings.keySecret,
    endpoint: settings.endpoint,
    apiVersion: '2015-06-06',
  });
}

function coded(...codes) {
  return (failure) => assert(codes.includes(failure.Code), JSON.stringify(failure));
}

async function queueLife(mns, name) {
  const queue = mns.queue(name, { VisibilityTimeout: 20 });
  assert.strictEqual((await queue.create()).status, 201);
  assert.strictEqual((await queue.create()).status, 204);
  await refused(() => mns.queue(name, { VisibilityTimeout: 21 }).create(), coded('QueueAlreadyExist'));
  done('create');
  assert.strictEqual((await mns.queue(name, { MaximumMessageSize: 2048 }).create(true)).status, 204);
  const attributes = await queue.get();
  assert.strictEqual(attributes.QueueName, name);
  assert.strictEqual(attributes.VisibilityTimeout, '20');
  assert.strictEqual(attributes.MaximumMessageSize, '2048');
  done('attributes');
  const found = await queue.list({ 'x-mns-prefix': name, 'x-mns-ret-number': '10' });
  assert.deepStrictEqual(found.queues, [name]);
  done('list');
}

async function oneMessage(message) {
  await refused(() => message.peek(), coded('MessageNotExist'));
  await refused(() => message.receive(undefined, 1), coded('MessageNotExist'));
  const sent = await message.send({ MessageBody: ODD_BODY, Priority: 3 });
  assert.strictEqual(sent.status, 201);
  assert.strictEqual(sent.MessageBodyMD5, md5(ODD_BODY));
  done('send');
  assert.strictEqual((await message.peek()).MessageId, sent.MessageId);
  done('peek');
  const got = await message.receive(undefined, 5);
  assert.strictEqual(got.MessageId, sent.MessageId);
  assert.strictEqual(got.MessageBodyMD5, md5(ODD_BODY));
  assert.strictEqual(got.DequeueCount, '1');
  assert.strictEqual(got.Priority, '3');
  done('receive');
  const changed = await message.visibility(got.ReceiptHandle, 30);
  assert.strictEqual(changed.status, 200);
  assert.notStrictEqual(changed.ReceiptHandle, got.ReceiptHandle);
  done('visibility');
  await refused(() => message.delete(got.ReceiptHandle), coded('MessageNotExist', 'ReceiptHandleError'));
  assert.strictEqual((await message.delete(changed.ReceiptHandle)).status, 204);
  done('delete');
}

async function batches(message) {
  const texts = bodies(BATCH);
  const sent = await message.send([...texts]);
  assert.strictEqual(sent.status, 201);
  assert.deepStrictEqual(sent.Message.map((entry) => entry.MessageBodyMD5), texts.map(md5));
  done('batch send');
  assert.strictEqual(list(await message.peek(BATCH)).length, BATCH);
  done('batch peek');
  const got = [];
  while (got.length < BATCH) got.push(...list(await message.receive(BATCH, 2)));
  assert.deepStrictEqual(got.map((entry) => entry.MessageBody).sort(), [...texts].sort());
  done('batch receive');
  const handles = got.map((entry) => entry.ReceiptHandle);
  assert.strictEqual((await message.delete(handles.slice(1))).status, 204);
  await refused(() => message.delete(handles.slice(0, 3)), (failure) => {
    const failed = list(failure).map((entry) => entry.ReceiptHandle);
    assert.deepStrictEqual(failed.sort(), handles.slice(1, 3).sort());
  });
  done('batch delete');
}

async function isEmpty(queue) {
  const attributes = await queue.get();
  assert.strictEqual(attributes.ActiveMessages, '0');
  assert.strictEqual(attributes.InactiveMessages, '0');
}

async function cycle(name) {
  const mns = client();
  await queueLife(mns, name);
  await oneMessage(mns.queue(name).message());
  await batches(mns.queue(name).message());
  await isEmpty(mns.queue(name));
  await refused(() => client('wrong').queue(name).message().peek(), coded('SignatureDoesNotMatch'));
  done('refused');
  assert.strictEqual((await mns.queue(name).delete()).status, 204);
  await refused(() => mns.queue(name).message().peek(), coded('QueueNotExist'));
  done('delete queue');
}

async function send(name, lines) {
  const message = client().queue(name).message();
  await message.send(lines[0]);
  for (const portion of portions(lines)) await message.send(portion);
}

run(cycle, send);
