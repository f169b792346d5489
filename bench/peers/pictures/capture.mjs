// What libvips (npm: sharp) writes, decodes and resizes, for the tests of pictures:
//   npm i sharp && node bench/peers/pictures/capture.mjs decoded > tests/engine/format/image/captured_pictures.json
//   node bench/peers/pictures/capture.mjs resized > tests/stages/serve/vision/captured_resizes.json
import { createRequire } from 'node:module'
import path from 'node:path'
const sharp = createRequire(path.join(process.cwd(), 'x.js'))('sharp')

const kHeight = 11, kWidth = 14

// Smooth colours with an edge, the same everywhere.
function pixels(channels, height = kHeight, width = kWidth) {
  const bytes = Buffer.alloc(height * width * channels)
  for (let y = 0; y < height; ++y) {
    for (let x = 0; x < width; ++x) {
      const values = [x * 13 + y * 3, y * 17 + 20, x > width / 2 ? 200 - y * 5 : 30 + x * 4, 255 - x * 15]
      for (let c = 0; c < channels; ++c) bytes[(y * width + x) * channels + c] = values[c === 1 && channels === 2 ? 3 : c]
    }
  }
  return bytes
}

const raw = (channels, height = kHeight, width = kWidth) => sharp(pixels(channels, height, width), { raw: { width, height, channels } })

const files = {
  'plain.jpg': raw(3).jpeg({ quality: 90 }),
  'progressive.jpg': raw(3).jpeg({ quality: 90, progressive: true }),
  'full-colour.jpg': raw(3).jpeg({ quality: 95, chromaSubsampling: '4:4:4' }),
  'grey.jpg': raw(3).toColourspace('b-w').jpeg({ quality: 90 }),
  'plain.png': raw(3).png(),
  'grey.png': raw(3).toColourspace('b-w').png(),
  'alpha.png': raw(4).png(),
  'palette.png': raw(3).png({ palette: true, colours: 16 }),
  'interlaced.png': raw(3).png({ progressive: true }),
  'deep.png': raw(3).toColourspace('rgb16').png(),
  'lossy.webp': raw(3).webp({ quality: 90 }),
  'lossless.webp': raw(3).webp({ lossless: true }),
  'alpha.webp': raw(4).webp({ lossless: true }),
}
for (let turn = 1; turn <= 8; ++turn) files[`turn-${turn}.jpg`] = raw(3).withMetadata({ orientation: turn }).jpeg({ quality: 95 })
files['turn-6.webp'] = raw(3).withMetadata({ orientation: 6 }).webp({ lossless: true })
files['turn-8.png'] = raw(3).withMetadata({ orientation: 8 }).png()

async function decoded() {
  const entries = []
  for (const [name, made] of Object.entries(files)) {
    const file = await made.toBuffer()
    const { data, info } = await sharp(file).autoOrient().flatten({ background: 'white' }).toColourspace('srgb').raw().toBuffer({ resolveWithObject: true })
    let rgb = data
    if (info.channels === 1) rgb = Buffer.from([...data].flatMap((value) => [value, value, value]))
    entries.push({ name, file: file.toString('base64'), height: info.height, width: info.width, rgb: rgb.toString('base64') })
  }
  return entries
}

// Smaller ones alone, and by less than a half: libvips places the pixels of larger ones otherwise than Pillow, and shrinks
// further in two steps.
async function resized() {
  const entries = []
  for (const [height, width] of [[7, 9], [11, 8], [6, 14], [8, 12]]) {
    for (const [name, kernel] of [['bilinear', 'linear'], ['nearest', 'nearest']]) {
      const data = await raw(3).resize({ height, width, fit: 'fill', kernel }).raw().toBuffer()
      entries.push({ name, height, width, rgb: data.toString('base64') })
    }
  }
  return { height: kHeight, width: kWidth, rgb: pixels(3).toString('base64'), entries }
}

const made = await { decoded, resized }[process.argv[2]]()
const lines = (Array.isArray(made) ? made : made.entries).map((entry) => JSON.stringify(entry)).join(',\n')
if (Array.isArray(made)) console.log(`[\n${lines}\n]`)
else console.log(`{"height": ${made.height}, "width": ${made.width}, "rgb": "${made.rgb}", "entries": [\n${lines}\n]}`)
