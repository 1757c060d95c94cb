import type { Mistake } from './mistake.ts'

const groups = 'groups.ts'
const segments = 'segments.ts'
const log = 'log.ts'
const recovery = 'recovery.ts'
const journal = 'log-journal.ts'

const SAVE = `  for (let done = 0; done < bytes.length; ) {
    const taken = await file.write(bytes.subarray(done), position + done)
    if (taken === 0) throw new Error('the file takes no more bytes')
    done += taken
  }
  await file.sync()`
const TELL = `      this.#keeper.onSynced(saved)
      for (const { resolve } of group) resolve()
`
const FAIL = `    this.#failure = error
    const lost = [...group, ...this.#waiting.splice(0)]
    for (const { reject } of lost) reject(new NotSaved(error.message))`
const START = '    this.#saving ??= this.#saveWaiting()\n'
const SETTLE = `  await file.truncate(size)
  await file.sync()
  await folder.sync()
`
const BEHIND =
  '  if (end === 0 || hasGroupBehind(bytes, end)) throw new DamagedLog(segment, end, decoded.kind)\n'
const PUBLISH = `  await save(file, group, 0)
  await folder.rename(names.unfinished, names.finished)
  await folder.sync()`
const RETIRE = `      const oldest = this.#segments.shift()!
      this.#keeper.onRetired(this.#segments[0].number)
      await oldest.file.close()
      await this.#folder.remove(nameOf(oldest.number))
      await this.#folder.sync()
`
const KEEP = `    const drafts = this.#drafts.splice(0, saved.length)
    const kept = saved.map((entry, index) => {
      this.#index.add(entry, entry.segment)
      const { room, message } = decodeMessage(entry.record)
      this.#loaded.get(room)?.add(message)
      return { draft: drafts[index], message }
    })
    this.onKept(kept)`

export const mistakes: Mistake[] = [
  {
    name: 'checks-the-payload-only',
    step: '15.1',
    says: ['covers magic, length and payload'],
    edits: [
      {
        file: groups,
        replace: 'crc32(group.subarray(GROUP_HEADER_BYTES), crc32(group.subarray(0, 8)))',
        by: 'crc32(group.subarray(GROUP_HEADER_BYTES))',
      },
    ],
  },
  {
    name: 'checks-its-own-checksum',
    step: '15.1',
    says: ['everything but the four bytes that hold it'],
    edits: [
      {
        file: groups,
        replace: 'crc32(group.subarray(GROUP_HEADER_BYTES), crc32(group.subarray(0, 8)))',
        by: 'crc32(group)',
      },
    ],
  },
  {
    name: 'a-length-that-counts-the-header',
    step: '15.1',
    says: ['length of the payload'],
    edits: [
      { file: groups, replace: 'group.length - GROUP_HEADER_BYTES, 4)', by: 'group.length, 4)' },
      {
        file: groups,
        replace: 'const length = GROUP_HEADER_BYTES + rest.readUInt32BE(4)',
        by: 'const length = rest.readUInt32BE(4)',
      },
    ],
  },
  {
    name: 'does-not-compare-the-checksum',
    step: '15.1',
    says: ['magic followed by zeros'],
    edits: [
      {
        file: groups,
        replace: "  if (checksum(group) !== group.readUInt32BE(8)) return { kind: 'damaged' }\n",
        by: '',
      },
    ],
  },
  {
    name: 'a-cut-magic-is-damaged',
    step: '15.1',
    says: ['compare the bytes that are there'],
    edits: [
      {
        file: groups,
        replace: '  if (!magic.equals(MAGIC.subarray(0, magic.length))) return',
        by: '  if (!magic.equals(MAGIC)) return',
      },
    ],
  },
  {
    name: 'zeros-are-no-group',
    step: '15.1',
    says: ['before you look for a magic'],
    edits: [
      {
        file: groups,
        replace: "  if (isZeros(rest)) return { kind: 'zeros' }\n",
        by: '  void isZeros\n',
      },
    ],
  },
  {
    name: 'nothing-is-zeros',
    step: '15.1',
    says: ['no byte at all is neither cut nor zeros'],
    edits: [
      { file: groups, replace: "  if (at === bytes.length) return { kind: 'end' }\n", by: '' },
    ],
  },
  {
    name: 'throws-when-the-header-is-cut',
    step: '15.1',
    says: ['the bytes end before it does'],
    edits: [
      {
        file: groups,
        replace: "  if (rest.length < GROUP_HEADER_BYTES) return { kind: 'cut' }\n",
        by: '',
      },
    ],
  },
  {
    name: 'half-a-group-is-damaged',
    step: '15.1',
    says: ['the bytes end before it does'],
    edits: [
      { file: groups, replace: "  if (length > rest.length) return { kind: 'cut' }\n", by: '' },
    ],
  },
  {
    name: 'places-from-the-beginning-of-the-group',
    step: '15.1',
    says: ['wherever the group begins'],
    edits: [{ file: groups, replace: 'end: at + length', by: 'end: length' }],
  },
  {
    name: 'a-checksum-of-all-that-follows',
    step: '15.1',
    says: ['The checksum is of this group alone'],
    edits: [{ file: groups, replace: 'if (checksum(group) !==', by: 'if (checksum(rest) !==' }],
  },
  {
    name: 'a-group-of-anything',
    step: '15.1',
    says: ['not a list of records'],
    edits: [
      { file: groups, replace: "  if (!entries) return { kind: 'damaged' }\n", by: '' },
      {
        file: groups,
        replace: "kind: 'group', entries, end",
        by: "kind: 'group', entries: entries ?? [], end",
      },
    ],
  },
  {
    name: 'a-checksum-of-the-beginning',
    step: '15.1',
    says: ['The checksum covers all of the payload'],
    edits: [
      {
        file: 'groups.ts',
        hole: 'checksum',
        by: 'return crc32(group.subarray(GROUP_HEADER_BYTES, 65536), crc32(group.subarray(0, 8)))',
      },
    ],
  },
  {
    name: 'a-length-that-must-be-small',
    step: '15.1',
    says: ['It has no other bound'],
    edits: [
      {
        file: 'groups.ts',
        replace: "  if (length > rest.length) return { kind: 'cut' }",
        by: `  if (length > 1_048_576 + 12) return { kind: 'damaged' }
  if (length > rest.length) return { kind: 'cut' }`,
      },
    ],
  },
  {
    name: 'a-length-with-a-sign',
    step: '15.1',
    says: ['A group of 4 GiB begins here', 'unsigned'],
    edits: [
      {
        file: 'groups.ts',
        replace: 'const length = GROUP_HEADER_BYTES + rest.readUInt32BE(4)',
        by: `const length = GROUP_HEADER_BYTES + rest.readInt32BE(4)
  if (length < GROUP_HEADER_BYTES) return { kind: 'damaged' }`,
      },
    ],
  },
  {
    name: 'two-bytes-of-a-length',
    step: '15.1',
    says: ['All 4 bytes of a length are written'],
    edits: [
      {
        file: 'groups.ts',
        hole: 'encodeGroup',
        by: `      const size = records.reduce((n, x) => n + 4 + x.byteLength, 0)
      const out = Buffer.alloc(12 + size)
      MAGIC.copy(out, 0)
      out.writeUInt32BE(size, 4)
      let at = 12
      for (const x of records) { out.writeUInt16BE(x.length & 0xffff, at + 2); out.set(x, at + 4); at += 4 + x.length }
      out.writeUInt32BE(checksum(out), 8)
      return out`,
      },
    ],
  },
  {
    name: 'one-buffer-for-all-groups',
    step: '15.1',
    says: ['a buffer of its own'],
    edits: [
      {
        file: 'groups.ts',
        hole: 'encodeGroup',
        by: `      const g = globalThis as any
      const size = records.reduce((n, x) => n + 4 + x.byteLength, 12)
      if (!g.__buf || g.__buf.length < size) g.__buf = Buffer.alloc(size * 2)
      const group: Buffer = g.__buf.subarray(0, size)
      let at = 12
      for (const x of records) { group.set(uint32(x.length), at); group.set(x, at + 4); at += 4 + x.length }
      group.set(MAGIC)
      group.writeUInt32BE(group.length - GROUP_HEADER_BYTES, 4)
      group.writeUInt32BE(checksum(group), 8)
      return group`,
      },
    ],
  },
  {
    name: 'tells-before-the-sync',
    step: '15.2',
    says: ['Written is not saved'],
    edits: [{ file: segments, replace: '  await file.sync()', by: '  void file.sync()' }],
  },
  {
    name: 'never-syncs',
    step: '15.2',
    says: ['Written is not saved'],
    edits: [{ file: segments, replace: '  await file.sync()', by: '' }],
  },
  {
    name: 'syncs-beside-the-write',
    step: '15.2',
    says: ['expected the file to be asked to write'],
    edits: [
      {
        file: segments,
        replace: SAVE,
        by: '  await Promise.all([file.write(bytes, position), file.sync()])',
      },
    ],
  },
  {
    name: 'one-record-a-group',
    step: '15.2',
    says: ['a sync costs the same for one record and for a hundred'],
    edits: [
      {
        file: log,
        replace: 'const group = this.#takeGroup()',
        by: 'void this.#takeGroup\n      const group = this.#waiting.splice(0, 1)',
      },
    ],
  },
  {
    name: 'each-for-itself',
    step: '15.2',
    says: ['#saveWaiting() runs twice at once'],
    edits: [{ file: log, replace: START, by: '    void this.#saveWaiting()\n' }],
  },
  {
    name: 'each-promise-waits-for-the-loop',
    step: '15.2',
    says: ['None of them waits for the groups behind it'],
    edits: [
      {
        file: log,
        replace: `${START}    return promise`,
        by: `${START}    promise.catch(() => {})
    return this.#saving.then(() => promise)`,
      },
    ],
  },
  {
    name: 'closed-in-its-own-words',
    step: '15.3',
    says: ['late is not saved', 'even if that is a LogClosed'],
    edits: [
      {
        file: log,
        replace: '    if (this.#failure) return',
        by: '    if (this.#failure instanceof LogClosed) return Promise.reject(this.#failure)\n    if (this.#failure) return',
      },
    ],
  },
  {
    name: 'forgets-that-it-has-ended',
    step: '15.2',
    says: ['After a pause, saving starts again'],
    edits: [{ file: log, replace: '    this.#saving = undefined\n', by: '' }],
  },
  {
    name: 'saves-once',
    step: '15.2',
    says: ['go on at once while anything waits'],
    edits: [
      {
        file: log,
        replace: '    while (this.#waiting.length > 0) {',
        by: '    for (let once = 0; once < 1; once++) {',
      },
    ],
  },
  {
    name: 'all-that-waits-in-one-group',
    step: '15.2',
    says: ['#takeGroup() limits'],
    edits: [
      {
        file: log,
        replace: 'const group = this.#takeGroup()',
        by: 'void this.#takeGroup\n      const group = this.#waiting.splice(0)',
      },
    ],
  },
  {
    name: 'copies-the-group-for-each-record',
    step: '15.1',
    says: ['a record to cost no more', 'put it together once'],
    cardVaries: true,
    edits: [
      {
        file: groups,
        replace: `  const payload = records.flatMap((record) => [uint32(record.length), record])
  const group = Buffer.concat([Buffer.alloc(GROUP_HEADER_BYTES), ...payload])
`,
        by: `  let group: Buffer = Buffer.alloc(GROUP_HEADER_BYTES)
  for (const record of records) group = Buffer.concat([group, uint32(record.length), record])
`,
      },
    ],
  },
  {
    name: 'a-new-list-for-each-record',
    step: '15.1',
    says: ['a record to cost no more', 'put it together once'],
    cardVaries: true,
    edits: [
      {
        file: groups,
        replace: '  const payload = records.flatMap((record) => [uint32(record.length), record])\n',
        by: '  let payload: Uint8Array[] = []\n  for (const record of records) payload = [...payload, uint32(record.length), record]\n',
      },
    ],
  },
  {
    name: 'a-bug-of-the-keeper-is-told-as-a-failure-of-the-disk',
    step: '15.3',
    says: ['nobody to be told that "one" is not saved', 'a bug of the keeper'],
    edits: [
      {
        file: log,
        hole: '#saveWaiting',
        by: `    while (this.#waiting.length > 0) {
      const group = this.#takeGroup()
      try {
        const saved = await this.#saveGroup(group.map(({ record }) => record))
        this.#keeper.onSynced(saved)
        for (const { resolve } of group) resolve()
      } catch (error) {
        return this.#fail(error as Error, group)
      }
    }
    this.#saving = undefined`,
      },
    ],
  },
  {
    name: 'a-bug-of-the-keeper-is-swallowed',
    step: '15.3',
    says: ['the error of onSynced to surface', 'let it through'],
    edits: [
      {
        file: log,
        replace: '      this.#keeper.onSynced(saved)\n',
        by: '      try {\n        this.#keeper.onSynced(saved)\n      } catch {}\n',
      },
    ],
  },
  {
    name: 'told-after-the-promises',
    step: '15.2',
    says: ['call it before you resolve'],
    edits: [
      {
        file: log,
        replace: TELL,
        by: `      for (const { resolve } of group) resolve()
      await Promise.resolve()
      this.#keeper.onSynced(saved)
`,
      },
    ],
  },
  {
    name: 'told-one-by-one',
    step: '15.2',
    says: ['onSynced is told of a group once'],
    edits: [
      {
        file: log,
        replace: '      this.#keeper.onSynced(saved)\n',
        by: '      for (const one of saved) this.#keeper.onSynced([one])\n',
      },
    ],
  },
  {
    name: 'the-newest-first',
    step: '15.2',
    says: ['one group'],
    edits: [
      { file: log, replace: 'this.#waiting.push({ record', by: 'this.#waiting.unshift({ record' },
    ],
  },
  {
    name: 'one-more-sync-at-the-end',
    step: '15.2',
    says: ['A sync that saves nothing'],
    edits: [
      {
        file: log,
        replace: '    this.#saving = undefined\n',
        by: '    this.#saving = undefined\n    await this.#last.file.sync()\n',
      },
    ],
  },
  {
    name: 'each-append-chains-a-loop',
    step: '15.2',
    says: ['Only the loop may do that'],
    edits: [
      {
        file: 'log.ts',
        replace: 'this.#saving ??= this.#saveWaiting()',
        by: 'this.#saving = (this.#saving ?? Promise.resolve()).then(() => this.#saveWaiting())',
      },
    ],
  },
  {
    name: 'free-a-turn-too-late',
    step: '15.2',
    says: ['not a turn later'],
    edits: [
      {
        file: 'log.ts',
        hole: '#saveWaiting',
        by: `    while (this.#waiting.length > 0) {
      const group = this.#takeGroup()
      let saved: Saved[]
      try { saved = await this.#saveGroup(group.map(({ record }) => record)) } catch (error) { return this.#fail(error as Error, group) }
      this.#keeper.onSynced(saved)
      for (const { resolve } of group) resolve()
    }
    await null
    this.#saving = undefined`,
      },
    ],
  },
  {
    name: 'free-once-more-behind-the-loop',
    step: '15.2',
    says: ['Only the loop may do that'],
    edits: [
      {
        file: 'log.ts',
        replace: 'this.#saving ??= this.#saveWaiting()',
        by: 'this.#saving ??= this.#saveWaiting().finally(() => { this.#saving = undefined })',
      },
    ],
  },
  {
    name: 'free-before-the-keeper-is-told',
    step: '15.2',
    says: ['"c" waits: never two at once', '#saveWaiting() runs twice at once'],
    edits: [
      {
        file: log,
        replace: '      this.#keeper.onSynced(saved)\n',
        by: '      if (this.#waiting.length === 0) this.#saving = undefined\n      this.#keeper.onSynced(saved)\n',
      },
    ],
  },
  {
    name: 'a-loop-for-each-append',
    step: '15.2',
    says: ['#saveWaiting() runs twice at once', 'in append()'],
    edits: [{ file: log, replace: START, by: '    this.#saving = this.#saveWaiting()\n' }],
  },
  {
    name: 'syncs-before-it-writes',
    step: '15.2',
    says: ['when that has resolved, sync'],
    edits: [
      {
        file: segments,
        replace: SAVE,
        by: '  await file.sync()\n  await file.write(bytes, position)',
      },
    ],
  },
  {
    name: 'does-not-wait-for-the-write',
    step: '15.2',
    says: ['when that has resolved, sync'],
    edits: [
      {
        file: segments,
        replace: SAVE,
        by: '  void file.write(bytes, position)\n  await file.sync()',
      },
    ],
  },
  {
    name: 'writes-at-the-beginning',
    step: '15.2',
    says: ['write at `position`'],
    edits: [
      { file: segments, replace: SAVE, by: '  await file.write(bytes, 0)\n  await file.sync()' },
      {
        file: segments,
        replace: 'bytes: Uint8Array, position: number)',
        by: 'bytes: Uint8Array, _position: number)',
      },
    ],
  },
  {
    name: 'close-has-nothing-to-wait-for',
    step: '15.2',
    says: ['#saving resolves when all that was appended'],
    edits: [
      {
        file: 'log.ts',
        replace: 'this.#saving ??= this.#saveWaiting()',
        by: 'if (!this.#saving) { const p = this.#saveWaiting(); this.#saving = Promise.resolve(); p.then(() => { this.#saving = undefined; if (this.#waiting.length) this.#saving = this.#saveWaiting() }) }',
      },
    ],
  },
  {
    name: 'a-short-write-is-taken-for-a-whole-one',
    step: '15.3',
    says: ['write() says how many'],
    edits: [
      {
        file: segments,
        replace: SAVE,
        by: '  await file.write(bytes, position)\n  await file.sync()',
      },
    ],
  },
  {
    name: 'begins-again-after-a-short-write',
    step: '15.3',
    says: ['write() says how many'],
    edits: [
      {
        file: segments,
        replace: 'await file.write(bytes.subarray(done), position + done)',
        by: 'await file.write(bytes, position)',
      },
    ],
  },
  {
    name: 'writes-the-rest-over-the-beginning',
    step: '15.3',
    says: ['where it belongs'],
    edits: [{ file: segments, replace: 'position + done)', by: 'position)' }],
  },
  {
    name: 'goes-on-once-after-a-short-write',
    step: '15.3',
    says: ['It took one more'],
    edits: [
      {
        file: segments,
        replace: SAVE,
        by: `  const taken = await file.write(bytes, position)
  if (taken < bytes.length) await file.write(bytes.subarray(taken), position + taken)
  await file.sync()`,
      },
    ],
  },
  {
    name: 'tries-a-full-disk-for-ever',
    step: '15.3',
    says: ['Treat 0 bytes taken as an error'],
    edits: [
      {
        file: segments,
        replace: "    if (taken === 0) throw new Error('the file takes no more bytes')\n",
        by: '',
      },
    ],
  },
  {
    name: 'those-who-wait-are-forgotten',
    step: '15.3',
    says: ['reject all of it'],
    edits: [{ file: log, replace: '[...group, ...this.#waiting.splice(0)]', by: 'group' }],
  },
  {
    name: 'the-next-group-is-tried',
    step: '15.3',
    says: ['reject all of it'],
    edits: [
      {
        file: log,
        replace: 'return this.#fail(error as Error, group)',
        by: 'for (const { reject } of group) reject(new NotSaved(String(error)))\n        void this.#fail\n        continue',
      },
    ],
  },
  {
    name: 'a-failure-without-its-name',
    step: '15.3',
    says: ['reject all of it, with NotSaved'],
    edits: [{ file: log, replace: 'reject(new NotSaved(error.message))', by: 'reject(error)' }],
  },
  {
    name: 'open-again-after-a-failure',
    step: '15.3',
    says: ['A health check has to see'],
    edits: [
      {
        file: log,
        replace: FAIL,
        by: FAIL.replace('    this.#failure = error\n', '    this.#saving = undefined\n'),
      },
    ],
  },
  {
    name: 'waits-for-ever-after-a-failure',
    step: '15.3',
    says: ['Nothing is saved until the log is opened again'],
    edits: [
      {
        file: log,
        replace:
          '    if (this.#failure) return Promise.reject(new NotSaved(this.#failure.message))\n',
        by: '',
      },
    ],
  },
  {
    name: 'syncs-again-after-a-failed-sync',
    step: '15.3',
    says: ['After a failed sync nobody knows'],
    edits: [
      {
        file: segments,
        replace: '  await file.sync()',
        by: '  await file.sync().catch(() => file.sync())',
      },
    ],
  },
  {
    name: 'fails-after-it-has-said-so',
    step: '15.3',
    says: ['before it rejects anything'],
    edits: [
      {
        file: log,
        replace: FAIL,
        by: `    const lost = [...group, ...this.#waiting.splice(0)]
    this.#saving = undefined
    for (const { reject } of lost) reject(new NotSaved(error.message))
    setImmediate(() => {
      this.#failure = error
    })`,
      },
    ],
  },
  {
    name: 'not-saved-without-a-reason',
    step: '15.3',
    says: ['its error does not say why'],
    edits: [
      {
        file: 'log.ts',
        hole: '#fail',
        by: `this.#failure = error
 for (const { reject } of [...group, ...this.#waiting.splice(0)]) reject(new NotSaved())`,
      },
    ],
  },
  {
    name: 'not-saved-is-all-that-is-said',
    step: '15.3',
    says: ['its error does not say why', 'new NotSaved(error.message)'],
    edits: [
      {
        file: log,
        replace: 'reject(new NotSaved(error.message))',
        by: "reject(new NotSaved('not saved'))",
      },
    ],
  },
  {
    name: 'append-throws-after-a-failure',
    step: '15.3',
    says: ['rejects rather than throws'],
    edits: [
      {
        file: log,
        replace: 'if (this.#failure) return Promise.reject(new NotSaved(this.#failure.message))',
        by: 'if (this.#failure) throw new NotSaved(this.#failure.message)',
      },
    ],
  },
  {
    name: 'a-sync-that-never-reports',
    step: '15.4',
    says: ['the log to be open', 'A promise is never resolved'],
    edits: [
      {
        file: recovery,
        replace: '  await file.sync()\n  await folder.sync()\n',
        by: '  await new Promise<void>(() => Promise.all([file.sync(), folder.sync()]))\n',
      },
    ],
  },
  {
    name: 'no-look-behind-the-bad-group',
    step: '15.4',
    says: ['would lose "three"'],
    edits: [
      {
        file: recovery,
        replace: BEHIND,
        by: '  void hasGroupBehind\n  if (end === 0) throw new DamagedLog(segment, end, decoded.kind)\n',
      },
    ],
  },
  {
    name: 'believes-the-length-of-a-bad-group',
    step: '15.4',
    says: ['the length may be wrong'],
    edits: [
      {
        file: recovery,
        replace: `  let next = bytes.indexOf(MAGIC, at + 1)
  while (next >= 0 && decodeGroup(bytes, next).kind !== 'group') {
    next = bytes.indexOf(MAGIC, next + 1)
  }
  return next >= 0`,
        by: `  void MAGIC
  if (at + 12 > bytes.length) return false
  const next = at + 12 + bytes.readUInt32BE(at + 4)
  return next < bytes.length && decodeGroup(bytes, next).kind === 'group'`,
      },
    ],
  },
  {
    name: 'a-magic-is-taken-for-a-group',
    step: '15.4',
    says: ['checksum and all'],
    edits: [
      {
        file: recovery,
        replace: `  let next = bytes.indexOf(MAGIC, at + 1)
  while (next >= 0 && decodeGroup(bytes, next).kind !== 'group') {
    next = bytes.indexOf(MAGIC, next + 1)
  }
  return next >= 0`,
        by: '  return bytes.indexOf(MAGIC, at + 1) >= 0',
      },
    ],
  },
  {
    name: 'a-torn-tail-is-damage',
    step: '15.4',
    says: ['That is a torn tail'],
    edits: [
      {
        file: recovery,
        replace: 'if (end === 0 || hasGroupBehind(bytes, end))',
        by: "void hasGroupBehind\n  if (end === 0 || decoded.kind !== 'end')",
      },
    ],
  },
  {
    name: 'an-empty-segment-is-fine',
    step: '15.4',
    says: ['gets its name when its first group has been synced'],
    edits: [{ file: recovery, replace: 'end === 0 || hasGroup', by: 'hasGroup' }],
  },
  {
    name: 'skips-what-is-bad',
    step: '15.4',
    says: ['No crash does this'],
    edits: [
      {
        file: recovery,
        replace: `  while (decoded.kind === 'group') {
    for (const entry of decoded.entries) onEntry(entry, segment)
    end = decoded.end
    decoded = decodeGroup(bytes, end)
  }
`,
        by: `  for (let next = 0; next >= 0; next = bytes.indexOf(MAGIC, Math.max(end, next + 1))) {
    decoded = decodeGroup(bytes, next)
    if (decoded.kind !== 'group') continue
    for (const entry of decoded.entries) onEntry(entry, segment)
    end = decoded.end
  }
`,
      },
    ],
  },
  {
    name: 'asks-at-every-byte',
    step: '15.4',
    says: ['looks at all the zeros again'],
    cardVaries: true,
    edits: [
      {
        file: recovery,
        replace: `  let next = bytes.indexOf(MAGIC, at + 1)
  while (next >= 0 && decodeGroup(bytes, next).kind !== 'group') {
    next = bytes.indexOf(MAGIC, next + 1)
  }
  return next >= 0`,
        by: `  void MAGIC
  for (let next = at + 1; next < bytes.length; next++) {
    if (decodeGroup(bytes, next).kind === 'group') return true
  }
  return false`,
      },
    ],
  },
  {
    name: 'places-from-the-group',
    step: '15.4',
    says: ['Places count from the beginning of the segment'],
    edits: [
      {
        file: recovery,
        replace: `    end = decoded.end
    decoded = decodeGroup(bytes, end)
  }
  if (end`,
        by: `    end += decoded.end
    decoded = decodeGroup(bytes.subarray(end), 0)
  }
  if (end`,
      },
    ],
  },
  {
    name: 'the-first-record-of-each-group',
    step: '15.4',
    says: ['Every record of a group goes to onEntry'],
    edits: [
      {
        file: recovery,
        replace: 'for (const entry of decoded.entries) onEntry(entry, segment)',
        by: 'if (decoded.entries[0]) onEntry(decoded.entries[0], segment)',
      },
    ],
  },
  {
    name: 'goes-on-behind-the-torn-tail',
    step: '15.4',
    says: ['truncate() to where the good groups end'],
    edits: [{ file: recovery, replace: '  await file.truncate(size)\n', by: '' }],
  },
  {
    name: 'the-cut-is-not-synced-and-nothing-else',
    step: '15.4',
    says: ['A crash can break what the log has promised', 'killed between write and sync'],
    edits: [{ file: recovery, replace: SETTLE, by: SETTLE.replace('  await file.sync()\n', '') }],
  },
  {
    name: 'syncs-only-what-it-has-cut',
    step: '15.4',
    says: ['A crash can break what the log has promised', 'killed between write and sync'],
    edits: [
      {
        file: recovery,
        replace: SETTLE,
        by: `  if (size < bytes.length) {
    await file.truncate(size)
    await file.sync()
    await folder.sync()
  }
`,
      },
    ],
  },
  {
    name: 'serves-while-it-syncs',
    step: '15.4',
    says: ['A crash can break what the log has promised'],
    edits: [
      {
        file: recovery,
        replace: SETTLE,
        by: SETTLE.replace('await file.sync()', 'void file.sync()'),
      },
    ],
  },
  {
    name: 'names-are-not-synced',
    step: '15.4',
    says: ['A crash can break what the log has promised'],
    edits: [{ file: recovery, replace: SETTLE, by: SETTLE.replace('  await folder.sync()\n', '') }],
  },
  {
    name: 'looks-a-byte-too-late',
    step: '15.4',
    says: ['Look for a good group at every MAGIC'],
    edits: [
      {
        file: recovery,
        replace: 'let next = bytes.indexOf(MAGIC, at + 1)',
        by: 'let next = bytes.indexOf(MAGIC, at + MAGIC.length)',
      },
    ],
  },
  {
    name: 'a-segment-that-is-never-there',
    step: '15.5',
    says: ['the log to be open', 'publish() is done when the folder is synced'],
    edits: [
      {
        file: segments,
        replace: PUBLISH,
        by: `  await save(file, group, 0)
  await folder.rename(names.unfinished, names.finished)
  await new Promise<void>((_resolve, reject) => folder.sync().catch(reject))`,
      },
    ],
  },
  {
    name: 'does-not-wait-for-the-name',
    step: '15.5',
    says: ['was said to be saved, and is not there'],
    edits: [
      {
        file: segments,
        replace: PUBLISH,
        by: PUBLISH.replace('  await folder.sync()', '  void folder.sync()'),
      },
    ],
  },
  {
    name: 'cuts-behind-the-sync',
    step: '15.4',
    says: ['Sync after the cut'],
    edits: [
      {
        file: recovery,
        replace: SETTLE,
        by: '  await file.sync()\n  await folder.sync()\n  await file.truncate(size)\n',
      },
    ],
  },
  {
    name: 'says-nothing-about-the-cut',
    step: '15.4',
    says: ['What is thrown away is reported'],
    edits: [
      {
        file: recovery,
        replace: '  if (size === bytes.length) return undefined\n  return {',
        by: '  if (size <= bytes.length) return undefined\n  return {',
      },
    ],
  },
  {
    name: 'only-the-first-magic-behind',
    step: '15.4',
    says: ['a magic may be there by chance'],
    edits: [
      {
        file: 'recovery.ts',
        hole: 'readGroups',
        by: `    let end = 0
    let decoded = decodeGroup(bytes, 0)
    while (decoded.kind === 'group') { for (const entry of decoded.entries) onEntry(entry, segment)
      end = decoded.end
      decoded = decodeGroup(bytes, end) }
    const next = bytes.indexOf(MAGIC, end + 1)
    if (end === 0 || (next >= 0 && decodeGroup(bytes, next).kind === 'group')) throw new DamagedLog(segment, end, decoded.kind)
    return end`,
      },
    ],
  },
  {
    name: 'a-header-is-skipped',
    step: '15.4',
    says: ['a magic may be there by chance'],
    edits: [
      {
        file: 'recovery.ts',
        replace: `    next = bytes.indexOf(MAGIC, next + 1)
`,
        by: `    next = bytes.indexOf(MAGIC, next + GROUP_HEADER)
`,
      },
      {
        file: 'recovery.ts',
        replace: '/** @answer 15.4 */',
        by: `const GROUP_HEADER = 12

/** @answer 15.4 */`,
      },
    ],
  },
  {
    name: 'a-failed-sync-at-the-start',
    step: '15.4',
    says: ['let their errors through'],
    edits: [
      {
        file: 'recovery.ts',
        hole: 'settle',
        by: `    const { kind } = decodeGroup(bytes, size)
    await file.truncate(size)
    await file.sync().catch(() => {})
    await folder.sync().catch(() => {})
    if (size === bytes.length) return undefined
    return { file: nameOf(number), at: size, bytes: bytes.length - size, kind }`,
      },
    ],
  },
  {
    name: 'renames-before-the-sync',
    step: '15.5',
    says: ['is damaged at byte 0'],
    edits: [
      {
        file: segments,
        replace: PUBLISH,
        by: `  await folder.rename(names.unfinished, names.finished)
  await save(file, group, 0)
  await folder.sync()`,
      },
    ],
  },
  {
    name: 'does-not-sync-the-folder',
    step: '15.5',
    says: ['was said to be saved, and is not there'],
    edits: [
      {
        file: segments,
        replace: PUBLISH,
        by: `  await save(file, group, 0)
  await folder.rename(names.unfinished, names.finished)`,
      },
    ],
  },
  {
    name: 'syncs-the-folder-before-it-renames',
    step: '15.5',
    says: ['was said to be saved, and is not there'],
    edits: [
      {
        file: segments,
        replace: PUBLISH,
        by: `  await save(file, group, 0)
  await folder.sync()
  await folder.rename(names.unfinished, names.finished)`,
      },
    ],
  },
  {
    name: 'the-first-group-in-one-write',
    step: '15.5',
    says: ['here as everywhere'],
    edits: [
      {
        file: segments,
        replace: PUBLISH,
        by: PUBLISH.replace('save(file, group, 0)', 'file.write(group, 0)\n  await file.sync()'),
      },
    ],
  },
  {
    name: 'segments-without-marks',
    step: '15.5',
    says: ['only this one has the last numbers of the rooms'],
    edits: [
      {
        file: log,
        replace: '    const marks = this.#keeper.marks()\n',
        by: '    const marks: Uint8Array[] = []\n',
      },
    ],
  },
  {
    name: 'keeps-everything',
    step: '15.5',
    says: ['so the oldest is removed'],
    edits: [
      {
        file: log,
        replace: 'this.#segments.length > 1 && this.#totalBytes > this.#limits.maxTotalBytes',
        by: 'this.#segments.length > 1 && this.#totalBytes > Number.MAX_VALUE',
      },
    ],
  },
  {
    name: 'one-segment-a-time-and-no-more',
    step: '15.5',
    says: ['Several can be too many at once'],
    edits: [
      {
        file: log,
        replace: '    while (this.#segments.length > 1 && this.#totalBytes',
        by: '    if (this.#segments.length > 1 && this.#totalBytes',
      },
    ],
  },
  {
    name: 'removes-even-the-last',
    step: '15.5',
    says: ['it is never removed'],
    edits: [
      {
        file: log,
        replace:
          'while (this.#segments.length > 1 && this.#totalBytes > this.#limits.maxTotalBytes)',
        by: 'while (this.#segments.length > 0 && this.#totalBytes > this.#limits.maxTotalBytes)',
      },
      {
        file: log,
        replace: 'this.#keeper.onRetired(this.#segments[0].number)',
        by: 'this.#keeper.onRetired(oldest.number + 1)',
      },
    ],
  },
  {
    name: 'a-removed-file-stays-open',
    step: '15.5',
    says: ['keeps its bytes on the disk'],
    edits: [
      { file: log, replace: RETIRE, by: RETIRE.replace('      await oldest.file.close()\n', '') },
    ],
  },
  {
    name: 'does-not-wait-until-a-removed-file-is-closed',
    step: '15.5',
    says: ['a promise that is not awaited'],
    edits: [
      {
        file: log,
        replace: RETIRE,
        by: RETIRE.replace('await oldest.file.close()', 'oldest.file.close()'),
      },
    ],
  },
  {
    name: 'the-index-is-not-told',
    step: '15.5',
    says: ['forgets what was in the segments'],
    edits: [
      {
        file: log,
        replace: RETIRE,
        by: RETIRE.replace('      this.#keeper.onRetired(this.#segments[0].number)\n', ''),
      },
    ],
  },
  {
    name: 'tells-the-segment-that-is-gone',
    step: '15.5',
    says: ['forgets what was in the segments'],
    edits: [
      {
        file: log,
        replace: 'this.#keeper.onRetired(this.#segments[0].number)',
        by: 'this.#keeper.onRetired(oldest.number)',
      },
    ],
  },
  {
    name: 'the-newest-goes-first',
    step: '15.5',
    says: ['so the oldest is removed'],
    edits: [
      {
        file: log,
        replace: 'const oldest = this.#segments.shift()!',
        by: 'const [oldest] = this.#segments.splice(-2, 1)',
      },
    ],
  },
  {
    name: 'closed-before-it-is-told',
    step: '15.5',
    says: ['closed before onRetired was told', 'Tell onRetired first'],
    edits: [
      {
        file: log,
        replace: RETIRE,
        by: `      await this.#segments[0].file.close()
      const oldest = this.#segments.shift()!
      this.#keeper.onRetired(this.#segments[0].number)
      await this.#folder.remove(nameOf(oldest.number))
      await this.#folder.sync()
`,
      },
    ],
  },
  {
    name: 'counts-the-wrong-segment',
    step: '15.5',
    says: ['not that of another'],
    edits: [
      {
        file: log,
        replace:
          'while (this.#segments.length > 1 && this.#totalBytes > this.#limits.maxTotalBytes) {',
        by: 'for (let total = this.#totalBytes; this.#segments.length > 1 && total > this.#limits.maxTotalBytes; total -= this.#segments[0].size) {',
      },
    ],
  },
  {
    name: 'an-old-file-is-left',
    step: '15.5',
    says: ['the file is still there'],
    edits: [
      {
        file: log,
        replace: RETIRE,
        by: RETIRE.replace(
          '      await this.#folder.remove(nameOf(oldest.number))\n',
          '      void nameOf\n',
        ),
      },
    ],
  },
  {
    name: 'does-not-wait-for-the-removal',
    step: '15.5',
    says: ['await'],
    edits: [
      {
        file: log,
        replace: RETIRE,
        by: RETIRE.replace('await this.#folder.remove', 'void this.#folder.remove'),
      },
    ],
  },
  {
    name: 'removes-the-next-one',
    step: '15.5',
    says: ['Another one was removed'],
    edits: [
      {
        file: log,
        replace: RETIRE,
        by: RETIRE.replace('nameOf(oldest.number)', 'nameOf(oldest.number + 1)'),
      },
    ],
  },
  {
    name: 'renames-what-is-not-written',
    step: '15.5',
    says: ['await save()'],
    edits: [{ file: segments, replace: PUBLISH, by: PUBLISH.replace('await save', 'void save') }],
  },
  {
    name: 'removals-are-not-synced',
    step: '15.5',
    says: ['a crash brings it back'],
    edits: [
      {
        file: log,
        replace: RETIRE,
        by: RETIRE.replace('      await this.#folder.sync()\n', ''),
      },
    ],
  },
  {
    name: 'a-segment-that-cannot-be-removed',
    step: '15.5',
    says: ['Let the error through'],
    edits: [
      {
        file: 'log.ts',
        replace: `      await this.#folder.remove(nameOf(oldest.number))
`,
        by: `      await this.#folder.remove(nameOf(oldest.number)).catch(() => {})
`,
      },
    ],
  },
  {
    name: 'an-empty-page-never-comes',
    step: '15.6',
    says: ['to be loaded', 'an empty page is a page, too'],
    edits: [
      {
        file: journal,
        hole: '#readPage',
        by: '    void [room, query]\n    return new Promise<Page>(() => {})',
      },
    ],
  },
  {
    name: 'keeps-a-moment-later',
    step: '15.6',
    says: ['Await nothing in #keep()'],
    edits: [
      {
        file: journal,
        replace: '  #keep(saved: Saved[]): void {',
        by: '  async #keep(saved: Saved[]): Promise<void> {\n    await null',
      },
    ],
  },
  {
    name: 'in-the-index-after-it-was-told',
    step: '15.6',
    says: ['index.add() comes before onKept'],
    edits: [
      {
        file: journal,
        replace: KEEP,
        by: `    const drafts = this.#drafts.splice(0, saved.length)
    const kept = saved.map((entry, index) => {
      const { room, message } = decodeMessage(entry.record)
      this.#loaded.get(room)?.add(message)
      return { draft: drafts[index], message }
    })
    this.onKept(kept)
    for (const entry of saved) this.#index.add(entry, entry.segment)`,
      },
    ],
  },
  {
    name: 'tells-one-by-one',
    step: '15.6',
    says: ['in the same turn'],
    edits: [
      {
        file: journal,
        replace: '    this.onKept(kept)\n',
        by: '    for (const one of kept) this.onKept([one])\n',
      },
    ],
  },
  {
    name: 'told-a-moment-later',
    step: '15.6',
    says: ['is told it once more'],
    edits: [
      {
        file: journal,
        replace: '    this.onKept(kept)\n',
        by: '    queueMicrotask(() => this.onKept(kept))\n',
      },
    ],
  },
  {
    name: 'everybody-gets-the-first-draft',
    step: '15.6',
    says: ['#drafts'],
    edits: [
      {
        file: journal,
        replace: 'const drafts = this.#drafts.splice(0, saved.length)',
        by: 'const drafts = this.#drafts.slice(0, saved.length)',
      },
    ],
  },
  {
    name: 'the-newest-drafts',
    step: '15.6',
    says: ['The oldest drafts belong to the records'],
    edits: [
      {
        file: journal,
        replace: 'const drafts = this.#drafts.splice(0, saved.length)',
        by: 'const drafts = this.#drafts.splice(-saved.length).reverse()',
      },
    ],
  },
  {
    name: 'not-in-the-index',
    step: '15.6',
    says: ['index.add()'],
    edits: [{ file: journal, replace: '      this.#index.add(entry, entry.segment)\n', by: '' }],
  },
  {
    name: 'not-in-memory',
    step: '15.6',
    says: ['loaded history of its room'],
    edits: [
      {
        file: journal,
        replace: '      this.#loaded.get(room)?.add(message)\n',
        by: '      void room\n',
      },
    ],
  },
  {
    name: 'in-memory-after-it-was-told',
    step: '15.6',
    says: ['before onKept is called'],
    edits: [
      {
        file: journal,
        replace: KEEP,
        by: `    const drafts = this.#drafts.splice(0, saved.length)
    const kept = saved.map((entry, index) => {
      this.#index.add(entry, entry.segment)
      const { room, message } = decodeMessage(entry.record)
      return { draft: drafts[index], message, room }
    })
    this.onKept(kept)
    for (const { room, message } of kept) this.#loaded.get(room)?.add(message)`,
      },
    ],
  },
  {
    name: 'a-page-of-what-memory-keeps',
    step: '15.6',
    says: ['UNBOUNDED'],
    edits: [
      {
        file: journal,
        replace: 'new RecentMessages(from - 1, UNBOUNDED)',
        by: 'new RecentMessages(from - 1 + 0 * UNBOUNDED.maxBytes || from - 1)',
      },
    ],
  },
  {
    name: 'the-limit-is-not-handed-on',
    step: '15.6',
    says: ['give page() the whole query'],
    edits: [
      {
        file: journal,
        replace: 'return messages.page(query)',
        by: 'return messages.page({ before, after })',
      },
    ],
  },
  {
    name: 'zero-is-taken-for-nothing',
    step: '15.6',
    says: ['compare it with undefined'],
    edits: [
      {
        file: journal,
        replace: 'after === undefined ? end - limit : after + 1',
        by: '!after ? end - limit : after + 1',
      },
    ],
  },
  {
    name: 'one-message-less',
    step: '15.6',
    says: ['"more"'],
    edits: [
      {
        file: journal,
        replace: 'after === undefined ? end - limit : after + 1)',
        by: 'after === undefined ? end - limit + 1 : after + 1)',
      },
    ],
  },
  {
    name: 'more-is-not-looked-for',
    step: '15.6',
    says: ['The newest messages'],
    edits: [
      {
        file: journal,
        replace: 'Math.min(end, from + limit)',
        by: 'Math.min(end, from + limit - 1)',
      },
    ],
  },
  {
    name: 'ignores-the-cursor',
    step: '15.6',
    says: ['The newest messages below'],
    edits: [
      {
        file: journal,
        replace: 'const end = Math.min(before - 1, last)',
        by: 'const end = Math.min(before ? last : 0, last)',
      },
    ],
  },
  {
    name: 'before-counts-itself',
    step: '15.6',
    says: ['"more"'],
    edits: [{ file: journal, replace: 'Math.min(before - 1, last)', by: 'Math.min(before, last)' }],
  },
  {
    name: 'pages-from-number-one',
    step: '15.6',
    says: ['Go neither below `first` nor above `last`'],
    edits: [
      {
        file: journal,
        replace: 'Math.max(first, after === undefined',
        by: 'Math.max(1 + 0 * first, after === undefined',
      },
    ],
  },
  {
    name: 'reads-the-whole-room',
    step: '15.6',
    says: ['A room may have millions'],
    edits: [
      {
        file: journal,
        replace:
          'after === undefined ? end - limit : after + 1)\n    const to = Math.min(end, from + limit)',
        by: 'after === undefined ? first : after + 1)\n    const to = end',
      },
    ],
  },
  {
    name: 'the-page-forgets-what-was-asked',
    step: '15.6',
    says: ['the page'],
    edits: [
      {
        file: journal,
        replace: 'return messages.page(query)',
        by: 'return messages.page({ limit })',
      },
    ],
  },
  {
    name: 'an-unreadable-page-is-empty',
    step: '15.6',
    says: ['that is no empty room'],
    edits: [
      {
        file: 'log-journal.ts',
        replace:
          '    for (const { message } of await this.read(room, from, to)) messages.add(message)',
        by: '    for (const { message } of await this.read(room, from, to).catch(() => [])) messages.add(message)',
      },
    ],
  },
  {
    name: 'copies-what-lies-behind',
    step: '15.1',
    says: ['Buffer.from() does'],
    edits: [
      {
        file: groups,
        replace: 'const rest = bytes.subarray(at)',
        by: 'const rest = Buffer.from(bytes.subarray(at))',
      },
    ],
  },
  {
    name: 'compares-with-a-segment-of-zeros',
    step: '15.1',
    says: ['stops at the first byte'],
    edits: [
      {
        file: groups,
        replace: 'if (isZeros(rest))',
        by: 'if (rest.equals(Buffer.alloc(rest.length)))',
      },
    ],
  },
  {
    name: 'zeros-of-the-first-page',
    step: '15.1',
    says: ['All bytes from `at` on'],
    edits: [
      { file: groups, replace: 'if (isZeros(rest))', by: 'if (isZeros(rest.subarray(0, 4096)))' },
    ],
  },
  {
    name: 'overwrites-the-checksum',
    step: '15.1',
    says: ['Do not write to `bytes`'],
    edits: [
      {
        file: groups,
        replace: 'return crc32(group.subarray(GROUP_HEADER_BYTES), crc32(group.subarray(0, 8)))',
        by: `const sum = Buffer.from(group.subarray(8, 12))
  group.fill(0, 8, 12)
  const crc = crc32(group.subarray(GROUP_HEADER_BYTES), crc32(group.subarray(0, 8)))
  void sum
  return crc`,
      },
      {
        file: groups,
        replace: 'if (checksum(group) !== group.readUInt32BE(8))',
        by: `const said = group.readUInt32BE(8)
  if (checksum(group) !== said)`,
      },
    ],
  },
  {
    name: 'closed-is-why',
    step: '15.3',
    says: ['Set it to the error itself'],
    edits: [
      {
        file: log,
        replace: `    this.#failure = error
`,
        by: `    this.#failure ??= error
`,
      },
    ],
  },
  {
    name: 'those-who-wait-first',
    step: '15.3',
    says: ['in the order of append()'],
    edits: [
      {
        file: log,
        replace: '[...group, ...this.#waiting.splice(0)]',
        by: '[...this.#waiting.splice(0), ...group]',
      },
    ],
  },
  {
    name: 'closes-its-files-when-it-fails',
    step: '15.3',
    says: ['keeps its files open until close()'],
    edits: [
      {
        file: log,
        replace: `    this.#failure = error
`,
        by: `    this.#failure = error
    void this.#last.file.close()
`,
      },
    ],
  },
  {
    name: 'stuck-behind-a-part',
    step: '15.3',
    says: ['whatever earlier writes took'],
    edits: [
      {
        file: segments,
        replace: 'if (taken === 0) throw',
        by: 'if (taken === 0 && done === 0) throw',
      },
    ],
  },
  {
    name: 'gives-up-after-eight-writes',
    step: '15.3',
    says: ['however many writes'],
    edits: [
      {
        file: segments,
        replace: 'for (let done = 0; done < bytes.length; ) {',
        by: `for (let done = 0, tries = 0; done < bytes.length; ) {
    if (++tries > 8) throw new Error("the file takes too little")`,
      },
    ],
  },
  {
    name: 'the-index-for-the-segment',
    step: '15.4',
    says: ['forEach(onEntry)'],
    edits: [
      {
        file: recovery,
        replace: 'for (const entry of decoded.entries) onEntry(entry, segment)',
        by: 'decoded.entries.forEach(onEntry)',
      },
    ],
  },
  {
    name: 'a-tail-is-zeros-or-cut',
    step: '15.4',
    says: ['the kind that decodeGroup() returns'],
    edits: [
      {
        file: recovery,
        replace: `  const { kind } = decodeGroup(bytes, size)
`,
        by: `  const kind = bytes.subarray(size).every((byte) => byte === 0) ? 'zeros' : 'cut'
`,
      },
    ],
  },
  {
    name: 'looks-2-mib-behind',
    step: '15.4',
    says: ['Look for a good group at every MAGIC'],
    edits: [
      {
        file: recovery,
        replace: 'let next = bytes.indexOf(MAGIC, at + 1)',
        by: 'let next = bytes.subarray(0, at + 2 * 1024 * 1024).indexOf(MAGIC, at + 1)',
      },
    ],
  },
  {
    name: 'counts-its-segments',
    step: '15.5',
    says: ['follows that of the last segment'],
    edits: [
      {
        file: log,
        replace: 'this.#last.number + 1, marks',
        by: 'this.#segments.length + 1, marks',
      },
    ],
  },
  {
    name: 'stays-in-the-full-segment',
    step: '15.5',
    says: ['a log that cannot begin a segment'],
    edits: [
      {
        file: log,
        replace:
          '    this.#segments.push(await beginSegment(this.#folder, this.#last.number + 1, marks))',
        by: `    const begun = await beginSegment(this.#folder, this.#last.number + 1, marks).catch(() => undefined)
    if (!begun) return
    this.#segments.push(begun)`,
      },
    ],
  },
  {
    name: 'a-removal-that-may-come-back',
    step: '15.5',
    says: ['cannot remove a segment for good'],
    edits: [
      {
        file: log,
        replace: `      await this.#folder.sync()
    }`,
        by: `      await this.#folder.sync().catch(() => {})
    }`,
      },
    ],
  },
  {
    name: 'a-name-that-may-be-lost',
    step: '15.5',
    says: ['a log that cannot begin a segment'],
    edits: [
      {
        file: segments,
        replace: `  await folder.rename(names.unfinished, names.finished)
  await folder.sync()`,
        by: `  await folder.rename(names.unfinished, names.finished)
  await folder.sync().catch(() => {})`,
      },
    ],
  },
  {
    name: 'tells-another-time',
    step: '15.6',
    says: ['Only the times differ'],
    edits: [
      {
        file: journal,
        replace: `this.#loaded.get(room)?.add(message)
      return { draft: drafts[index], message }`,
        by: `this.#loaded.get(room)?.add(message)
      const { name, text } = drafts[index]
      return { draft: drafts[index], message: { number: message.number, name, text, at: this.#clock.now() } }`,
      },
    ],
  },
  {
    name: 'another-time-in-memory',
    step: '15.6',
    says: ['as it is'],
    edits: [
      {
        file: journal,
        replace: 'this.#loaded.get(room)?.add(message)',
        by: 'this.#loaded.get(room)?.add({ ...message, at: this.#clock.now() })',
      },
    ],
  },
  {
    name: 'buffers-only',
    step: '15.1',
    says: ['copy is not a function'],
    edits: [
      {
        file: groups,
        hole: 'encodeGroup',
        by: `  const size = records.reduce((sum, { length }) => sum + LENGTH_BYTES + length, GROUP_HEADER_BYTES)
  const group = Buffer.alloc(size)
  MAGIC.copy(group)
  group.writeUInt32BE(size - GROUP_HEADER_BYTES, 4)
  let at = GROUP_HEADER_BYTES
  for (const record of records as Buffer[]) {
    group.writeUInt32BE(record.length, at)
    at += LENGTH_BYTES
    record.copy(group, at)
    at += record.length
  }
  group.writeUInt32BE(checksum(group), 8)
  return group`,
      },
    ],
  },
  {
    name: 'only-the-last-magic-behind',
    step: '15.4',
    says: ['one good group is enough'],
    edits: [
      {
        file: recovery,
        hole: 'readGroups',
        by: `  let end = 0
  let decoded = decodeGroup(bytes, 0)
  while (decoded.kind === 'group') {
    for (const entry of decoded.entries) onEntry(entry, segment)
    end = decoded.end
    decoded = decodeGroup(bytes, end)
  }
  const last = bytes.lastIndexOf(MAGIC)
  if (end === 0 || (last > end && decodeGroup(bytes, last).kind === 'group')) throw new DamagedLog(segment, end, decoded.kind)
  return end`,
      },
    ],
  },
  {
    name: 'counts-from-what-is-gone',
    step: '15.6',
    says: ['`to` counts from there'],
    edits: [
      {
        file: journal,
        hole: '#readPage',
        by: `    const { first, last } = this.#index.range(room)
    const { before = Number.POSITIVE_INFINITY, after, limit = MAX_PAGE_MESSAGES } = query
    const end = Math.min(before - 1, last)
    const from = after === undefined ? Math.max(first, end - limit) : Math.max(first, after + 1)
    const to = after === undefined ? end : Math.min(last, after + limit + 1)
    const messages = new RecentMessages(from - 1, UNBOUNDED)
    for (const { message } of await this.read(room, from, to)) messages.add(message)
    return messages.page(query)`,
      },
    ],
  },
  {
    name: 'tries-again-in-a-second',
    step: '15.3',
    says: ['there is no later try'],
    edits: [
      {
        file: log,
        replace: '    this.#failure = error\n',
        by: `    this.#failure = error
    setTimeout(() => {
      this.#failure = undefined
      this.#saving = undefined
    }, 1_000).unref()
`,
      },
    ],
  },
  {
    name: 'another-error-in-its-words',
    step: '15.3',
    says: ['log.failure to be the', 'the error itself'],
    edits: [
      {
        file: 'log.ts',
        replace: '    this.#failure = error\n',
        by: '    this.#failure = new NotSaved(error.message)\n',
      },
    ],
  },
  {
    name: 'few-bytes-are-cut',
    step: '15.1',
    says: ['Compare every byte of the magic'],
    edits: [
      {
        file: groups,
        replace: '  const magic = rest.subarray(0, MAGIC.length)\n',
        by: "  if (rest.length < MAGIC.length) return { kind: 'cut' }\n  const magic = rest.subarray(0, MAGIC.length)\n",
      },
    ],
  },
  {
    name: 'the-first-byte-stands-for-the-magic',
    step: '15.1',
    says: ['Compare every byte of the magic'],
    edits: [
      {
        file: groups,
        replace: '  const magic = rest.subarray(0, MAGIC.length)\n',
        by: "  if (rest.length < MAGIC.length && rest[0] === MAGIC[0]) return { kind: 'cut' }\n  const magic = rest.subarray(0, MAGIC.length)\n",
      },
    ],
  },
  {
    name: 'no-records-are-damage',
    step: '15.1',
    says: ['A group may have no records'],
    edits: [
      { file: groups, replace: '  if (!entries) return', by: '  if (!entries?.length) return' },
    ],
  },
  {
    name: 'a-group-needs-something-behind-it',
    step: '15.1',
    says: ['exactly where the bytes end'],
    edits: [
      { file: groups, replace: 'if (length > rest.length)', by: 'if (length >= rest.length)' },
    ],
  },
  {
    name: 'rests-after-each-group',
    step: '15.2',
    says: ['no timer between'],
    edits: [
      {
        file: log,
        replace: TELL,
        by: `${TELL}      await new Promise((resolve) => setTimeout(resolve, 50))\n`,
      },
    ],
  },
  {
    name: 'syncs-after-each-part',
    step: '15.3',
    says: ['then sync once'],
    edits: [
      {
        file: segments,
        replace: SAVE,
        by: SAVE.replace(
          '    done += taken\n  }\n  await file',
          '    done += taken\n    await file',
        ).concat('\n  }'),
      },
    ],
  },
  {
    name: 'a-short-write-is-a-full-disk',
    step: '15.3',
    says: ['is no error.'],
    edits: [
      {
        file: segments,
        replace: 'if (taken === 0) throw',
        by: 'if (taken < bytes.length - done && done > 0) throw',
      },
    ],
  },
  {
    name: 'stops-at-a-group-without-records',
    step: '15.4',
    says: ['A group may have no records'],
    edits: [
      {
        file: recovery,
        replace: "  while (decoded.kind === 'group') {",
        by: "  while (decoded.kind === 'group' && decoded.entries.length > 0) {",
      },
    ],
  },
  {
    name: 'a-first-group-without-records-is-missing',
    step: '15.4',
    says: ['A group may have no records'],
    edits: [
      {
        file: recovery,
        replace: `  let end = 0
  let decoded = decodeGroup(bytes, 0)
`,
        by: `  let end = 0
  let decoded = decodeGroup(bytes, 0)
  if (decoded.kind === 'group' && decoded.entries.length === 0)
    throw new DamagedLog(segment, 0, 'it is empty')
`,
      },
    ],
  },
  {
    name: 'one-sync-for-all-removals',
    step: '15.5',
    says: ['after each removal'],
    edits: [
      {
        file: log,
        replace: `${RETIRE}    }\n`,
        by: `${RETIRE.replace('      await this.#folder.sync()\n', '')}    }\n    await this.#folder.sync()\n`,
      },
    ],
  },
  {
    name: 'syncs-the-folder-before-the-removal',
    step: '15.5',
    says: ['not before it'],
    edits: [
      {
        file: log,
        replace: `      await this.#folder.remove(nameOf(oldest.number))
      await this.#folder.sync()
`,
        by: `      await this.#folder.sync()
      await this.#folder.remove(nameOf(oldest.number))
`,
      },
    ],
  },
  {
    name: 'removes-before-it-closes',
    step: '15.5',
    says: ['then remove its file'],
    edits: [
      {
        file: log,
        replace: `      await oldest.file.close()
      await this.#folder.remove(nameOf(oldest.number))
`,
        by: `      await this.#folder.remove(nameOf(oldest.number))
      await oldest.file.close()
`,
      },
    ],
  },
  {
    name: 'what-is-left-out-is-not-a-number',
    step: '15.6',
    says: ['A query may leave out everything'],
    edits: [
      {
        file: journal,
        replace: 'after, limit = MAX_PAGE_MESSAGES } = query',
        by: 'after } = query\n    const limit = query.limit!',
      },
    ],
  },
  {
    name: 'zero-reads-the-whole-room',
    step: '15.6',
    says: ['which is falsy'],
    edits: [
      {
        file: journal,
        replace: 'const to = Math.min(end, from + limit)',
        by: 'const to = after ? Math.min(end, from + limit) : end',
      },
    ],
  },
  {
    name: 'counts-up-to-the-last',
    step: '15.6',
    says: ['stop one message behind the page'],
    edits: [
      { file: journal, replace: 'const to = Math.min(end, from + limit)', by: 'const to = end' },
    ],
  },
  {
    name: 'counts-back-to-the-first',
    step: '15.6',
    says: ['begin one message before the page'],
    edits: [
      {
        file: journal,
        replace: 'after === undefined ? end - limit : after + 1)',
        by: 'after === undefined ? first : after + 1)',
      },
      {
        file: journal,
        replace: 'const to = Math.min(end, from + limit)',
        by: 'const to = after === undefined ? end : Math.min(end, from + limit)',
      },
    ],
  },
  {
    name: 'reads-above-the-last',
    step: '15.6',
    says: ['Go neither below `first` nor above `last`'],
    edits: [
      {
        file: journal,
        replace: 'const end = Math.min(before - 1, last)',
        by: 'const end = before === Number.POSITIVE_INFINITY ? last : before - 1',
      },
    ],
  },
  {
    name: 'reads-on-where-nothing-is',
    step: '15.6',
    says: ['Go neither below `first` nor above `last`'],
    edits: [
      {
        file: journal,
        replace: 'const to = Math.min(end, from + limit)',
        by: 'const to = after === undefined ? end : from + limit',
      },
    ],
  },
  {
    name: 'looks-behind-by-calling-itself',
    step: '15.4',
    says: ['20,000 times a magic', 'Maximum call stack size exceeded', 'Write a loop'],
    edits: [
      {
        file: recovery,
        replace: `  let next = bytes.indexOf(MAGIC, at + 1)
  while (next >= 0 && decodeGroup(bytes, next).kind !== 'group') {
    next = bytes.indexOf(MAGIC, next + 1)
  }
  return next >= 0
`,
        by: `  const next = bytes.indexOf(MAGIC, at + 1)
  return next >= 0 && (decodeGroup(bytes, next).kind === 'group' || hasGroupBehind(bytes, next))
`,
      },
    ],
  },
  {
    name: 'reads-on-by-calling-itself',
    step: '15.4',
    says: ['readGroups() of 30,000 groups', 'Maximum call stack size exceeded', 'Write a loop'],
    edits: [
      {
        file: recovery,
        hole: 'readGroups',
        by: `const readFrom = (at: number): number => {
    const decoded = decodeGroup(bytes, at)
    if (decoded.kind === 'group') {
      for (const entry of decoded.entries) onEntry(entry, segment)
      return readFrom(decoded.end)
    }
    if (at === 0 || hasGroupBehind(bytes, at)) throw new DamagedLog(segment, at, decoded.kind)
    return at
  }
  return readFrom(0)`,
      },
    ],
  },
  {
    name: 'writes-lengths-backwards',
    step: '15.1',
    says: ['and others follow in the payload', 'in 4 bytes, big-endian'],
    edits: [
      { file: groups, replace: 'bytes.writeUInt32BE(value)', by: 'bytes.writeUInt32LE(value)' },
    ],
  },
  {
    name: 'does-not-count-the-new-segment',
    step: '15.5',
    says: ['the folder to be', 'including the one that was just begun'],
    edits: [
      {
        file: log,
        replace: 'this.#totalBytes > this.#limits.maxTotalBytes',
        by: 'this.#totalBytes - this.#last.size > this.#limits.maxTotalBytes',
      },
    ],
  },
]
