// A server of its own for a test file: `verge serve` on a free port, ended by SIGTERM.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import readline from 'node:readline'

const verge = process.env.VERGE
const source = process.env.VERGE_SOURCE

export const model = 'verge-lm'

/** Starts a server; `keys` is a list of arguments for `verge key add`, one key each. */
export async function start({ keys = [], options = [] } = {}) {
  const folder = mkdtempSync(path.join(tmpdir(), 'verge-clients-'))
  const file = path.join(folder, 'keys.json')
  const secrets = keys.map((settings) => {
    const made = spawnSync(verge, ['key', 'add', file, '--json', ...settings], { encoding: 'utf8' })
    if (made.status !== 0) throw new Error(made.stderr)
    return JSON.parse(made.stdout)
  })
  const access = keys.length > 0 ? ['--api-keys', file] : []
  const child = spawn(
    verge,
    ['serve', path.join(source, 'models/verge-lm.gguf'), '--port', '0', '--json', '--threads', '1', ...access, ...options],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let log = ''
  child.stderr.on('data', (text) => (log += text))
  const ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve(code ?? signal)))
  const line = await Promise.race([
    new Promise((resolve) => readline.createInterface(child.stdout).once('line', resolve)),
    ended.then((code) => Promise.reject(new Error(`verge serve ended with ${code}: ${log}`))),
  ])
  const { url } = JSON.parse(line)
  for (let tries = 0; (await fetch(`${url}/health`)).status !== 200; ++tries) {
    if (tries > 300) throw new Error(`not ready: ${log}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return {
    url,
    file,
    keys: secrets,
    live: async (headers = {}) => (await fetch(`${url}/verge/live`, { headers })).json(),
    stop: async () => {
      child.kill('SIGTERM')
      const code = await ended
      rmSync(folder, { recursive: true })
      return code
    },
    revoke: (id) => spawnSync(verge, ['key', 'revoke', file, id], { encoding: 'utf8' }).status,
  }
}

/** Polls until `check` holds, for half a minute. */
export async function eventually(check, what) {
  for (let tries = 0; tries < 300; ++tries) {
    if (await check()) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`never: ${what}`)
}
