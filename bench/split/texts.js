'use strict';
// What a model with early exits is trained, calibrated and asked on: the E2E records (meaning representation, sentence),
// parted by meaning representation, so that what it is judged by is of none that it has seen.
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');

const HELD_OUT = 110;       // meaning representations
const BEGINNING_WORDS = 3;  // of a reference, for the second half of the prompts

// The generator of the split: whoever trains with the same seed has the same one.
function generator(seed) {
  let state = seed;
  return () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
}

function shuffle(values, random) {
  for (let i = values.length - 1; i > 0; --i) {
    const j = Math.floor(random() * (i + 1));
    [values[i], values[j]] = [values[j], values[i]];
  }
}

function unquoted(cell) {
  return cell.startsWith('"') ? cell.slice(1, -1).replace(/""/g, '"') : cell;
}

/// [[meaning representation, sentence]] of the file.
function read(csv) {
  return fs.readFileSync(csv, 'utf8').trim().split('\n').slice(1).map((line) => {
    const cells = line.match(/^("(?:[^"]|"")*"|[^,]*),("(?:[^"]|"")*"|.*)\r?$/);
    return [unquoted(cells[1]), unquoted(cells[2])];
  });
}

const text = (records) => records.map(([mr, sentence]) => `${mr}\n${sentence}\n\n`).join('');
const sha256 = (words) => crypto.createHash('sha256').update(words).digest('hex');

/// Writes train.txt, held.txt, calibration.txt, test.txt and prompts.txt (a prompt on each line, "\n" for a line's end)
/// to the folder. A prompt is a meaning representation of the test's, and then each again with a sentence's first words.
function make(csv, seed, folder) {
  const random = generator(seed);
  const records = read(csv);
  const mrs = [...new Set(records.map(([mr]) => mr))];
  shuffle(mrs, random);
  const held = mrs.slice(0, HELD_OUT);
  const calibration = new Set(held.slice(0, HELD_OUT / 2)), test = held.slice(HELD_OUT / 2);
  const train = records.filter(([mr]) => !held.includes(mr));
  shuffle(train, random);
  const of = (chosen) => records.filter(([mr]) => chosen.has(mr));
  // Each meaning representation as a prompt, then each again with the first words of its next sentences.
  const prompted = (chosen, times) => Array.from({length: times}, (_, time) => [...chosen].map((mr) => {
    const own = records.filter((record) => record[0] === mr);
    const words = time === 0 ? [] : own[(time - 1) % own.length][1].split(' ').slice(0, BEGINNING_WORDS);
    return `${mr}\n${words.join(' ')}`;
  })).flat();
  const prompts = prompted(test, 2);
  const texts = {
    train: text(train),
    held: text(of(new Set(held))),
    calibration: text(of(calibration)),
    test: text(of(new Set(test))),
    prompts: prompts.map((words) => words.replace(/\n/g, '\\n')).join('\n') + '\n',
  };
  fs.mkdirSync(folder, {recursive: true});
  const made = {count: prompts.length, hashes: {}, beginnings: prompted(calibration, 4)};
  for (const [name, words] of Object.entries(texts)) {
    made[name] = path.join(folder, `${name}.txt`);
    made.hashes[name] = sha256(words);
    fs.writeFileSync(made[name], words);
  }
  return made;
}

/// What the model itself writes on the calibration's prompts, by `answer(prompt)`: it is to agree with itself on such. Kept
/// in the folder for each model.
function drawn(made, model, times, answer) {
  const hash = sha256(fs.readFileSync(model)).slice(0, 12);
  const file = path.join(path.dirname(made.train), `drawn-${hash}-${times}.txt`);
  if (!fs.existsSync(file)) {
    const prompts = made.beginnings.slice(0, times * HELD_OUT / 2);
    fs.writeFileSync(file, prompts.map((prompt) => `${prompt}${answer(prompt)}\n\n`).join(''));
  }
  made.hashes.calibration = sha256(fs.readFileSync(file));
  return file;
}

/// Perplexity of `test` tokens by the frequencies of `train` tokens, one added to each.
function unigramPerplexity(train, test, vocabulary) {
  const counts = new Map();
  for (const token of train) counts.set(token, (counts.get(token) || 0) + 1);
  const all = train.length + vocabulary;
  const nats = test.reduce((sum, token) => sum - Math.log(((counts.get(token) || 0) + 1) / all), 0);
  return Math.exp(nats / test.length);
}

module.exports = {drawn, make, unigramPerplexity};
