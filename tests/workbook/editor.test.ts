/** Which editor `e` opens. The editors here are scripts that write down how they were called. */

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { openEditor } from '../../tutor/effects/editor.ts'
import { HOME, ROOT } from '../judge/workbook.ts'

const FILE = 'chapters/01-hello/server.ts'
const PATH = join(HOME, FILE)
const PROCESSES_WITH_CODE = 'code\n/Applications/Visual Studio Code.app/Contents/MacOS/Electron'

// On Windows neither `ps` nor a script without an extension is run.
describe.skipIf(process.platform === 'win32')('the editor', () => {
  let programs: string
  let timesLent: number

  beforeEach(() => {
    const parent = join(ROOT, '.workbook', 'tmp')
    mkdirSync(parent, { recursive: true })
    programs = mkdtempSync(join(parent, 'editors-'))
    timesLent = 0
    for (const name of ['code', 'vi', 'flatpak'])
      addProgram(name, `echo ${name} "$@" > ${programs}/called`)
    addProgram('ps', 'echo bash')
    vi.stubEnv('PATH', `${programs}:${process.env.PATH}`)
    for (const name of ['VISUAL', 'EDITOR', 'LAUNCH_EDITOR']) vi.stubEnv(name, undefined)
  })

  afterEach(() => {
    vi.unstubAllEnvs()
    rmSync(programs, { recursive: true })
  })

  function addProgram(name: string, line: string): void {
    writeFileSync(join(programs, name), `#!/bin/sh\n${line}\n`)
    chmodSync(join(programs, name), 0o755)
  }

  /** Resolves with the command line that the editor was called with. */
  async function open(environment: Record<string, string>): Promise<string> {
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
    rmSync(join(programs, 'called'), { force: true })
    await openEditor(FILE, 42, (use) => {
      timesLent += 1
      return use()
    })
    return vi.waitFor(() => {
      const called = readFileSync(join(programs, 'called'), 'utf8')
      expect(called).toMatch(/\n$/)
      return called.trim()
    }, 5_000)
  }

  test('that was chosen gets its own arguments, too', async () => {
    expect(await open({ EDITOR: 'code --wait' })).toBe(`code --wait -r -g ${PATH}:42:1`)
    expect(await open({ EDITOR: 'flatpak run com.vscodium.codium' })).toBe(
      `flatpak run com.vscodium.codium ${PATH}`,
    )
    expect(timesLent).toBe(0)
  })

  test('that is running comes before the one that npm names when nobody has chosen', async () => {
    addProgram('ps', `echo '${PROCESSES_WITH_CODE}'`)
    expect(await open({ EDITOR: 'vi' })).toBe(`code -r -g ${PATH}:42:1`)
    expect(timesLent).toBe(0)
    expect(await open({ EDITOR: 'vi', VISUAL: 'vi' })).toBe(`vi +42 ${PATH}`)
    expect(timesLent).toBe(1)
  })

  test('is the one that npm names when none is running, and gets the terminal', async () => {
    expect(await open({ EDITOR: 'vi' })).toBe(`vi +42 ${PATH}`)
    expect(timesLent).toBe(1)
  })

  test('that does not exist is answered with what to set', async () => {
    await expect(open({ EDITOR: 'no-such-thing' })).rejects.toThrow(
      /^no-such-thing .* Set EDITOR .* or open chapters\/01-hello\/server\.ts:42 yourself/,
    )
    rmSync(join(programs, 'vi'))
    vi.stubEnv('PATH', programs)
    await expect(open({ EDITOR: 'vi' })).rejects.toThrow(/^vi .* Set EDITOR/)
  })
})
