'use strict';
// Fashion-MNIST in two: six classes to learn first, four that are unseen, each as a folder of IDX files.
const fs = require('fs');
const path = require('path');

const SIDE = 28, TEST = 1000, UNSEEN = [6, 7, 8, 9];

function idx(magic, extents, bytes) {
  const head = Buffer.alloc(4 + 4 * extents.length);
  head.writeUInt32BE(magic, 0);
  extents.forEach((extent, i) => head.writeUInt32BE(extent, 4 + 4 * i));
  return Buffer.concat([head, bytes]);
}

// The classes one after another would be learnt one after another: images are taken in turn.
function folder(workshop, name, source, classes) {
  const images = classes.map((c) => JSON.parse(fs.readFileSync(path.join(source, `${c}.json`))).data);
  for (const [set, from, to] of [['t10k', 0, TEST], ['train', TEST, Math.min(...images.map((all) => all.length))]]) {
    const pixels = [], labels = [];
    for (let i = from; i < to; ++i) {
      images.forEach((all, label) => {
        pixels.push(Buffer.from(all[i]));
        labels.push(label);
      });
    }
    workshop.write(`${name}/${set}-images-idx3-ubyte`, idx(0x803, [labels.length, SIDE, SIDE], Buffer.concat(pixels)));
    workshop.write(`${name}/${set}-labels-idx1-ubyte`, idx(0x801, [labels.length], Buffer.from(labels)));
  }
  return workshop.at(name);
}

function unseenClasses(fashion, workshop) {
  const source = [path.join(fashion, 'src/clothes'), fashion].find((place) => fs.existsSync(path.join(place, '0.json')));
  const seen = [...Array(10).keys()].filter((c) => !UNSEEN.includes(c));
  return {seen: folder(workshop, 'seen', source, seen), unseen: folder(workshop, 'unseen', source, UNSEEN)};
}

module.exports = {unseenClasses};
