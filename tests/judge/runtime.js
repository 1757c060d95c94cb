/**
 * Runs before everything else, and must therefore run on any Node: is this one new enough?
 *
 * `npm ci` brings Node 26 as a package, and npm puts it first on the PATH of its scripts. On a platform
 * without such a package the system's own Node takes its place, if it can run `.ts` files and the chapters.
 */

import { existsSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { fileURLToPath } from 'node:url'

const OLDEST_NODE = 26

const root = new URL('../../', import.meta.url)

if (!existsSync(new URL('node_modules/tsx', root))) {
  endWith('The workbook is not installed yet. Run this first:  npm ci')
}
if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
  endWith(
    `The workbook needs Node ${OLDEST_NODE} and brings none for ${process.platform}-${process.arch}: ` +
      `please install Node ${OLDEST_NODE} or newer (this is ${process.versions.node}).`,
  )
}

// Types once stripped need not be stripped again: every process we launch starts in half the time.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('.workbook/cache', root))
nodeModule.enableCompileCache(process.env.NODE_COMPILE_CACHE)

/** @param {string} sentence */
function endWith(sentence) {
  console.error(sentence)
  process.exit(1)
}
