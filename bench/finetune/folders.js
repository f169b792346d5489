'use strict';
// Image sets as folders of IDX files, in MNIST's form: what `verge train image` and `fit tune` read.
const fs = require('fs');
const path = require('path');

const SIDE = 28;

function idx(magic, extents, bytes) {
  const head = Buffer.alloc(4 + 4 * extents.length);
  head.writeUInt32BE(magic, 0);
  extents.forEach((extent, i) => head.writeUInt32BE(extent, 4 + 4 * i));
  return Buffer.concat([head, bytes]);
}

/// sets: {train, t10k}, each a list of [SIDE * SIDE bytes, label]. Returns the folder.
function writeFolder(workshop, name, sets) {
  for (const [set, examples] of Object.entries(sets)) {
    const pixels = Buffer.concat(examples.map(([image]) => image));
    const labels = Buffer.from(examples.map(([, label]) => label));
    workshop.write(`${name}/${set}-images-idx3-ubyte`, idx(0x803, [labels.length, SIDE, SIDE], pixels));
    workshop.write(`${name}/${set}-labels-idx1-ubyte`, idx(0x801, [labels.length], labels));
  }
  return workshop.at(name);
}

/// The examples first to last - 1 of a set of MNIST, as writeFolder takes them.
function readExamples(folder, set, first, last) {
  const HEAD_IMAGES = 16, HEAD_LABELS = 8;
  const place = fs.existsSync(path.join(folder, 'data')) ? path.join(folder, 'data') : folder;
  const images = fs.readFileSync(path.join(place, `${set}-images-idx3-ubyte`)).subarray(HEAD_IMAGES);
  const labels = fs.readFileSync(path.join(place, `${set}-labels-idx1-ubyte`)).subarray(HEAD_LABELS);
  const area = SIDE * SIDE;
  return Array.from({length: last - first}, (_, i) => [images.subarray((first + i) * area, (first + i + 1) * area), labels[first + i]]);
}

module.exports = {SIDE, writeFolder, readExamples};
