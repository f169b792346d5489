'use strict';
// MNIST's digits as other tasks: turned by 40 degrees and inverted, to be learnt; with rows and columns exchanged, for
// schemes to be searched on. Each a folder of IDX files.
const {SIDE, writeFolder, readExamples} = require('./folders.js');

const DEGREES = 40, PAPER = 0, MOST = 255;

function transposed(pixels) {
  return Buffer.from(pixels.map((_, i) => pixels[i % SIDE * SIDE + Math.floor(i / SIDE)]));
}

// About the middle, anticlockwise, bilinear; what comes from outside is paper.
function turned(pixels, degrees) {
  const angle = degrees * Math.PI / 180, middle = (SIDE - 1) / 2;
  const at = (y, x) => y < 0 || x < 0 || y >= SIDE || x >= SIDE ? PAPER : pixels[y * SIDE + x];
  return Buffer.from(pixels.map((_, i) => {
    const dx = i % SIDE - middle, dy = Math.floor(i / SIDE) - middle;
    const x = middle + dx * Math.cos(angle) - dy * Math.sin(angle), y = middle + dx * Math.sin(angle) + dy * Math.cos(angle);
    const left = Math.floor(x), top = Math.floor(y), right = x - left, below = y - top;
    return Math.round((1 - below) * ((1 - right) * at(top, left) + right * at(top, left + 1)) +
                      below * ((1 - right) * at(top + 1, left) + right * at(top + 1, left + 1)));
  }));
}

const inverted = (pixels) => Buffer.from(pixels.map((value) => MOST - value));
const changed = (examples, change) => examples.map(([image, label]) => [change(image), label]);

/// What is learnt first is MNIST's first 20000 training images. The task learns from the first 4000 training images and is tried on the first 1000 test images; the proxy has other
/// images, all of the training file.
function otherDigits(mnist, workshop) {
  const turn = (pixels) => inverted(turned(pixels, DEGREES));
  return {
    first: writeFolder(workshop, 'digits', {train: readExamples(mnist, 'train', 0, 20000), t10k: readExamples(mnist, 't10k', 0, 1000)}),
    turned: writeFolder(workshop, 'turned', {train: changed(readExamples(mnist, 'train', 0, 4000), turn),
                                             t10k: changed(readExamples(mnist, 't10k', 0, 1000), turn)}),
    proxy: writeFolder(workshop, 'digits-proxy', {train: changed(readExamples(mnist, 'train', 50000, 52000), transposed),
                                                  t10k: changed(readExamples(mnist, 'train', 58000, 58500), transposed)}),
  };
}

module.exports = {DEGREES, otherDigits, transposed};
