// ali-mns.js - the client ali-mns. Its host is fixed, so it runs with the queue as its proxy
// (http_proxy); bodies are base64 on the wire. It wants a region and an account, which mean nothing.
'use strict';

const { assert, bodies, BATCH, done, list, md5, ODD_BODY, portions, refused, run, settings } = require('./common');
const AliMNS = require('ali-mns');

function account(keySecret) {
  const made = new AliMNS.Account('1234567890', settings.keyId, keySecret || settings.keySecret);
  made.setGA(false); // no reports to its authors
  made.setHttps(false);
  return made;
}

function coded(...codes) {
  return (failure) => assert(codes.includes(failure.Error && failure.Error.Code), JSON.stringify(failure));
}

function base64(text) {
  return Buffer.from(text, 'utf8').toString('base64');
}

async function queueLife(mns, mq, queue) {
  await mns.createP(queue, { VisibilityTimeout: 20 });
  await mns.createP(queue, { VisibilityTimeout: 20 });
  await refused(() => mns.createP(queue, { VisibilityTimeout: 21 }), coded('QueueAlreadyExist'));
  done('create');
  await mq.setAttrsP({ MaximumMessageSize: 2048 });
  const { Queue: attributes } = await mq.getAttrsP();
  assert.strictEqual(attributes.QueueName, queue);
  assert.strictEqual(attributes.VisibilityTimeout, '20');
  assert.strictEqual(attributes.MaximumMessageSize, '2048');
  done('attributes');
  const found = list((await mns.listP(queue, 10)).Queues.Queue);
  assert.strictEqual(found.length, 1);
  assert(found[0].QueueURL.endsWith(`/queues/${queue}`), found[0].QueueURL);
  done('list');
}

async function oneMessage(mq) {
  await refused(() => mq.peekP(), coded('MessageNotExist'));
  await refused(() => mq.recvP(1), coded('MessageNotExist'));
  const sent = (await mq.sendP(ODD_BODY, 3, 0)).Message;
  assert.strictEqual(sent.MessageBodyMD5, md5(base64(ODD_BODY)));
  done('send');
  assert.strictEqual((await mq.peekP()).Message.MessageBody, ODD_BODY);
  done('peek');
  const got = (await mq.recvP(5)).Message;
  assert.strictEqual(got.MessageBody, ODD_BODY);
  assert.strictEqual(got.MessageId, sent.MessageId);
  assert.strictEqual(got.DequeueCount, '1');
  assert.strictEqual(got.Priority, '3');
  done('receive');
  const changed = (await mq.reserveP(got.ReceiptHandle, 30)).ChangeVisibility;
  assert.notStrictEqual(changed.ReceiptHandle, got.ReceiptHandle);
  done('visibility');
  await refused(() => mq.deleteP(got.ReceiptHandle), coded('MessageNotExist', 'ReceiptHandleError'));
  await mq.deleteP(changed.ReceiptHandle);
  done('delete');
}

async function batches(batch) {
  const texts = bodies(BATCH);
  const sent = await batch.sendP(texts.map((text) => new AliMNS.Msg(text)));
  assert.deepStrictEqual(
    sent.Messages.Message.map((message) => message.MessageBodyMD5),
    texts.map((text) => md5(base64(text)))
  );
  done('batch send');
  assert.strictEqual((await batch.peekP(BATCH)).Messages.Message.length, BATCH);
  done('batch peek');
  const got = [];
  while (got.length < BATCH) got.push(...(await batch.recvP(2, BATCH)).Messages.Message);
  assert.deepStrictEqual(got.map((message) => message.MessageBody).sort(), [...texts].sort());
  done('batch receive');
  const handles = got.map((message) => message.ReceiptHandle);
  await batch.deleteP(handles.slice(1));
  await refused(() => batch.deleteP(handles.slice(0, 3)), (failure) => {
    const failed = list(failure.Errors && failure.Errors.Error).map((entry) => entry.ReceiptHandle);
    assert.deepStrictEqual(failed.sort(), handles.slice(1, 3).sort());
  });
  done('batch delete');
  const { Queue: attributes } = await batch.getAttrsP();
  assert.strictEqual(attributes.ActiveMessages, '0');
  assert.strictEqual(attributes.InactiveMessages, '0');
}

async function cycle(queue) {
  const mns = new AliMNS.MNS(account(), 'hangzhou');
  const mq = new AliMNS.MQ(queue, account(), 'hangzhou');
  await queueLife(mns, mq, queue);
  await oneMessage(mq);
  await batches(new AliMNS.MQBatch(queue, account(), 'hangzhou'));
  await refused(() => new AliMNS.MQ(queue, account('wrong'), 'hangzhou').peekP(), coded('SignatureDoesNotMatch'));
  done('refused');
  await mns.deleteP(queue);
  await refused(() => mq.peekP(), coded('QueueNotExist'));
  done('delete queue');
}

async function send(queue, lines) {
  const batch = new AliMNS.MQBatch(queue, account(), 'hangzhou');
  await batch.sendP(lines[0]);
  for (const portion of portions(lines)) await batch.sendP(portion.map((line) => new AliMNS.Msg(line)));
}

run(cycle, send);
