/**
 * Packages that only maintainers need: StrykerJS's mutators, and the servers and clients that measurements compare
 * with. They have a lockfile of their own beside this file, so a learner's `npm ci` never fetches them.
 */

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const FOLDER = import.meta.dirname
const requireHere = createRequire(join(FOLDER, 'package.json'))

/** A package is missing or out of date; the message is one sentence that says how to install it. */
export class PeerMissing extends Error {}

/** The package, as `require()` returns it. Throws `PeerMissing`. */
// biome-ignore lint/suspicious/noExplicitAny: without the packages there are no types of them either.
export function requirePeer(name: string): any {
  peerFolder(name)
  return requireHere(name)
}

/** The folder of the package, for what is run or read as a file. Throws as `requirePeer` does. */
export function peerFolder(name: string): string {
  if (!hasPeer(name)) {
    throw new PeerMissing(`${name} is not installed; install it with: npm run peers`)
  }
  return join(FOLDER, 'node_modules', name)
}

/** Whether the package is installed, in the version that we ask for. */
export function hasPeer(name: string): boolean {
  const wanted = readJson(join(FOLDER, 'package.json')).devDependencies[name]
  if (!wanted) throw new Error(`${name} is not listed in tests/maintainers/package.json`)
  // Looked up here, not resolved: the workbook's own packages lie above, in other versions.
  const found = join(FOLDER, 'node_modules', name, 'package.json')
  return existsSync(found) && readJson(found).version === wanted
}

/** Installs all of them: what `npm run peers` does. Returns whether that worked. */
export function installPeers(): boolean {
  const npm = process.env.npm_execpath
  const ci = ['ci', '--prefix', FOLDER]
  const { status } = npm
    ? spawnSync(process.execPath, [npm, ...ci], { stdio: 'inherit' })
    : spawnSync('npm', ci, { stdio: 'inherit', shell: process.platform === 'win32' })
  return status === 0
}

function readJson(path: string) {
  return JSON.parse(readFileSync(path, 'utf8'))
}
