// alicloud.js - the vendor's client, @alicloud/mns.
'use strict';

const { assert, bodies, BATCH, done, md5, ODD_BODY, portions, refused, run, settings } = require('./common');
const Client = require('@alicloud/mns');

function client(keySecret) {
  return new Client('1234567890', {
    accessKeyId: settings.keyId,
    accessKeySecret: keySecret || settings.keySecret,
    endpoint: settings.endpoint,
    securityToken: 'a-token/with+odd=characters',
  });
}

function named(name) {
  return (error) => assert.strictEqual(error.name, name, error.stack);
}

async function queueLife(mns, queue) {
  const made = await mns.createQueue(queue, { VisibilityTimeout: 20 });
  assert.strictEqual(made.code, 201);
  assert(made.headers.location.endsWith(`/queues/${queue}`), made.headers.location);
  assert.strictEqual((await mns.createQueue(queue, { VisibilityTimeout: 20 })).code, 204);
  await refused(() => mns.createQueue(queue, { VisibilityTimeout: 21 }), named('MNSQueueAlreadyExistError'));
  done('create');
  assert.strictEqual((await mns.setQueueAttributes(queue, { MaximumMessageSize: 2048 })).code, 204);
  const { body } = await mns.getQueueAttributes(queue);
  assert.strictEqual(body.QueueName, queue);
  assert.strictEqual(body.VisibilityTimeout, '20');
  assert.strictEqual(body.MaximumMessageSize, '2048');
  assert.strictEqual(body.ActiveMessages, '0');
  done('attributes');
  const { body: found } = await mns.listQueue(undefined, 10, queue);
  assert.strictEqual(found.length, 1);
  assert(found[0].QueueURL.endsWith(`/queues/${queue}`), found[0].QueueURL);
  done('list');
}

async function oneMessage(mns, queue) {
  await refused(() => mns.peekMessage(queue), named('MNSMessageNotExistError'));
  await refused(() => mns.receiveMessage(queue, 1), named('MNSMessageNotExistError'));
  // This client writes bodies into XML as they are.
  const escaped = ODD_BODY.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
  const sent = await mns.sendMessage(queue, { MessageBody: escaped, Priority: 3 });
  assert.strictEqual(sent.code, 201);
  assert.strictEqual(sent.body.MessageBodyMD5, md5(ODD_BODY));
  assert(sent.body.MessageId);
  done('send');
  const peeked = await mns.peekMessage(queue);
  assert.strictEqual(peeked.body.MessageBody, ODD_BODY);
  assert.strictEqual(peeked.body.ReceiptHandle, undefined);
  done('peek');
  const got = (await mns.receiveMessage(queue, 5)).body;
  assert.strictEqual(got.MessageBody, ODD_BODY);
  assert.strictEqual(got.MessageId, sent.body.MessageId);
  assert.strictEqual(got.DequeueCount, '1');
  assert.strictEqual(got.Priority, '3');
  assert.strictEqual(got.MessageBodyMD5, md5(ODD_BODY));
  done('receive');
  const changed = await mns.changeMessageVisibility(queue, got.ReceiptHandle, 30);
  assert.strictEqual(changed.code, 200);
  assert.notStrictEqual(changed.body.ReceiptHandle, got.ReceiptHandle);
  assert(Number(changed.body.NextVisibleTime) > Date.now());
  done('visibility');
  await refused(() => mns.deleteMessage(queue, got.ReceiptHandle), (error) =>
    assert(/^MNS(MessageNotExist|ReceiptHandleError)Error$/.test(error.name), error.stack));
  assert.strictEqual((await mns.deleteMessage(queue, changed.body.ReceiptHandle)).code, 204);
  done('delete');
}

async function batches(mns, queue) {
  const texts = bodies(BATCH);
  const sent = await mns.batchSendMessage(queue, texts.map((text) => ({ MessageBody: text })));
  assert.strictEqual(sent.code, 201);
  assert.deepStrictEqual(sent.body.map((message) => message.MessageBodyMD5), texts.map(md5));
  done('batch send');
  assert.strictEqual((await mns.batchPeekMessage(queue, BATCH)).body.length, BATCH);
  done('batch peek');
  const got = [];
  while (got.length < BATCH) got.push(...(await mns.batchReceiveMessage(queue, BATCH, 2)).body);
  assert.deepStrictEqual(got.map((message) => message.MessageBody).sort(), [...texts].sort());
  done('batch receive');
  const handles = got.map((message) => message.ReceiptHandle);
  assert.strictEqual((await mns.batchDeleteMessage(queue, handles.slice(1))).code, 204);
  const partial = await mns.batchDeleteMessage(queue, handles.slice(0, 3));
  assert.strictEqual(partial.code, 404);
  assert.deepStrictEqual(partial.body.map((entry) => entry.ReceiptHandle).sort(), handles.slice(1, 3).sort());
  done('batch delete');
  const { body } = await mns.getQueueAttributes(queue);
  assert.strictEqual(body.ActiveMessages, '0');
  assert.strictEqual(body.InactiveMessages, '0');
}

async function cycle(queue) {
  const mns = client();
  await queueLife(mns, queue);
  await oneMessage(mns, queue);
  await batches(mns, queue);
  await refused(() => client('wrong').peekMessage(queue), named('MNSSignatureDoesNotMatchError'));
  done('refused');
  assert.strictEqual((await mns.deleteQueue(queue)).code, 204);
  await refused(() => mns.peekMessage(queue), named('MNSQueueNotExistError'));
  done('delete queue');
}

async function send(queue, lines) {
  const mns = client();
  await mns.sendMessage(queue, { MessageBody: lines[0] });
  for (const portion of portions(lines))
    await mns.batchSendMessage(queue, portion.map((line) => ({ MessageBody: line })));
}

run(cycle, send);
