'use strict';
// Fashion-MNIST in two: six classes to learn first, four that are unseen; and for schemes to be searched on, the first
// four seen ones with rows and columns exchanged. Each a folder of IDX files.
const fs = require('fs');
const path = require('path');
const {writeFolder} = require('./folders.js');
const {transposed} = require('./digits.js');

const HELD_OUT = 1000, TEST = 250, LEARNT = 2000, UNSEEN = [6, 7, 8, 9], PROXY = [0, 1, 2, 3];

// The classes one after another would be learnt one after another: images are taken in turn.
function folder(workshop, name, source, classes, change = (pixels) => pixels) {
  // An empty one separates images in one of the files.
  const images = classes.map((c) => JSON.parse(fs.readFileSync(path.join(source, `${c}.json`))).data.filter(({length}) => length > 0));
  const inTurn = (from, to) => {
    const examples = [];
    for (let i = from; i < to; ++i) images.forEach((all, label) => examples.push([change(Buffer.from(all[i])), label]));
    return examples;
  };
  return writeFolder(workshop, name, {t10k: inTurn(0, TEST), train: inTurn(HELD_OUT, HELD_OUT + LEARNT)});
}

function unseenClasses(fashion, workshop) {
  const source = [path.join(fashion, 'src/clothes'), fashion].find((place) => fs.existsSync(path.join(place, '0.json')));
  const seen = [...Array(10).keys()].filter((c) => !UNSEEN.includes(c));
  return {
    seen: folder(workshop, 'seen', source, seen),
    unseen: folder(workshop, 'unseen', source, UNSEEN),
    proxy: folder(workshop, 'clothes-proxy', source, PROXY, transposed),
  };
}

module.exports = {unseenClasses};
