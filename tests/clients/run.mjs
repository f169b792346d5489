// Installs the clients below FOLDER if they are not there, then runs the tests from there:
// node run.mjs VERGE SOURCE FOLDER.
// Exits with 77, which ctest calls skipped, where they cannot be installed.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const origin = path.dirname(fileURLToPath(import.meta.url))
const [verge, source, here] = process.argv.slice(2).map((name) => path.resolve(name))
mkdirSync(here, { recursive: true })
for (const name of readdirSync(origin)) {
  if (/\.(mjs|json)$|^\.npmrc$/.test(name)) copyFileSync(path.join(origin, name), path.join(here, name))
}
const lock = readFileSync(path.join(here, 'package-lock.json'), 'utf8')
const installed = path.join(here, 'node_modules/.verge-lock')

if (!existsSync(installed) || readFileSync(installed, 'utf8') !== lock) {
  const npm = spawnSync('npm', ['ci', '--ignore-scripts', '--no-progress'], { cwd: here, encoding: 'utf8', timeout: 120_000 })
  if (npm.status !== 0) {
    console.log(`skipped: npm cannot install the clients: ${npm.error ?? npm.stderr}`)
    process.exit(77)
  }
  writeFileSync(installed, lock)
}
const tests = ['openai.test.mjs', 'ollama.test.mjs', 'split.test.mjs'].map((name) => path.join(here, name))
const ran = spawnSync(process.execPath, ['--test', ...tests], {
  stdio: 'inherit',
  env: { ...process.env, VERGE: verge, VERGE_SOURCE: source, VERGE_CONFIG: '/nonexistent', VERGE_HOME: '/nonexistent' },
})
process.exit(ran.status ?? 1)
