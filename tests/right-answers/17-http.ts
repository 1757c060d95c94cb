import type { RightAnswer } from './right-answer.ts'

const scan = 'head-scan.ts'
const parser = 'head-parser.ts'
const length = 'body-length.ts'
const chunked = 'chunked-reader.ts'
const connection = 'http-connection.ts'
const path = 'site-path.ts'
const file = 'site-file.ts'

export const rightAnswers: RightAnswer[] = [
  {
    name: 'patterns-on-whole-lines',
    style:
      'Waits for the end of a line and matches it with a pattern. A line that is wrong before its end is told later.',
    edits: [
      {
        file: scan,
        hole: 'scanRequestLine',
        by: `  const lf = bytes.indexOf(LF, at)
  const line = latin1(bytes, at, lf === -1 ? bytes.length : lf + 1)
  const target = /^[!#$%&'*+.^_\`|~\\w-]+ ([A-Za-z0-9._~:/?[\\]@!$&'()*+,;=%-]*)/.exec(line)?.[1] ?? ''
  if (target.length > MAX_TARGET_BYTES) return LONG_TARGET
  if (lf === -1) return /\\r./.test(line) ? NO_LINE_END : 'incomplete'
  const match =
    /^([!#$%&'*+.^_\`|~\\w-]+) ([A-Za-z0-9._~:/?[\\]@!$&'()*+,;=%-]+) ([\\x21-\\x7e]+)\\r\\n$/.exec(line)
  if (!match) return NO_METHOD
  const [, method, , version] = match
  if (!/^HTTP\\/[0-9]\\.[0-9]$/.test(version)) return NO_VERSION
  if (!version.startsWith('HTTP/1.')) return OTHER_VERSION
  const targetAt = at + method.length + 1
  const versionAt = targetAt + match[2].length + 1
  const spaces = [at, targetAt - 1, targetAt, versionAt - 1, versionAt, lf - 1]
  for (const place of spaces) spans.push(place)
  return lf + 1`,
      },
      {
        file: scan,
        hole: 'scanField',
        by: `  const lf = bytes.indexOf(LF, at)
  const line = latin1(bytes, at, lf === -1 ? bytes.length : lf + 1)
  if (lf === -1) return /\\r./s.test(line) ? NO_LINE_END : 'incomplete'
  const match = /^([!#$%&'*+.^_\`|~\\w-]+):([\\t\\x20-\\x7e\\x80-\\xff]*)\\r\\n$/.exec(line)
  if (!match) return line.includes(':') ? NO_LINE_END : NO_NAME
  const [, name, value] = match
  const start = at + name.length + 1 + value.length - value.replace(/^[\\t ]+/, '').length
  let stop = lf - 1
  while (stop > start && /[\\t ]/.test(line[stop - 1 - at])) stop -= 1
  spans.push(at, at + name.length, start, stop)
  return lf + 1`,
      },
      {
        file: length,
        hole: 'bodyLength',
        by: `  const codings = headers.getAll('transfer-encoding')
  const lengths = headers.getAll('content-length')
  if (codings.length > 0) {
    if (version === '1.0') return OLD_CODING
    if (lengths.length > 0) return BOTH
    return checkCoding(codings.join())
  }
  if (lengths.length === 0) return NONE
  const [text] = lengths
  if (lengths.length > 1 || text === '' || /^0./.test(text) || [...text].some((digit) => !'0123456789'.includes(digit))) {
    return BAD_LENGTH
  }
  return BigInt(text) > BigInt(maxBytes) ? tooLarge(maxBytes) : { kind: 'bytes', bytes: Number(text) }`,
      },
      {
        file: length,
        hole: 'checkCoding',
        by: `  const codings = value.toLowerCase().split(',').map((element) => element.split(/[\\t ]/).filter(Boolean).join(' '))
  const last = codings.pop()
  if (last === '' || codings.includes('') || codings.includes('chunked')) return BAD_CODING
  return last === 'chunked' && codings.length === 0 ? CHUNKED : UNKNOWN_CODING`,
      },
      {
        file: path,
        hole: 'namesIn',
        by: `  const [first, ...raw] = (path.endsWith('/') ? \`\${path}\${INDEX}\` : path).split('/')
  if (first !== '' || raw.length === 0) return undefined
  const names: string[] = []
  for (const part of raw) {
    let name: string
    try {
      name = decodeURIComponent(part)
    } catch {
      return undefined
    }
    if (!/^[^.]/u.test(name) || UNUSUAL.test(name)) return undefined
    names.push(name)
  }
  return names`,
      },
    ],
  },
  {
    name: 'a-list-of-conditions',
    style: 'Early ends in another order, and places counted in another way.',
    edits: [
      {
        file: parser,
        hole: 'next',
        by: `    const before = this.#keptBytes
    if (before === 0) {
      const parsed = parseHead(chunk, from)
      if (parsed.kind === 'incomplete') this.#keep(chunk, from)
      return parsed
    }
    this.#keep(chunk, from)
    const room = this.#kept.subarray(0, this.#keptBytes)
    const isNews = room.subarray(before - 1).some((byte) => byte === CR || byte === LF)
    if (!isNews && room.length <= MAX_HEAD_BYTES) return INCOMPLETE
    const parsed = parseHead(room, 0)
    if (parsed.kind !== 'incomplete') this.#keptBytes = 0
    if (parsed.kind === 'head') parsed.end += from - before
    return parsed`,
      },
      {
        file: chunked,
        hole: '#scanSize',
        by: `    const stop = endOfRun(bytes, at, VALUE)
    const line = latin1(bytes, at, stop)
    if (line.length > MAX_SIZE_LINE_BYTES) return LONG_EXTENSION
    const end = scanLineEnd(bytes, stop)
    if (typeof end !== 'number') return end
    const [, digits, extensions] = /^([0-9A-Fa-f]*)(.*)$/.exec(line)!
    if (digits.length < 1 || digits.length > MAX_SIZE_DIGITS) return NO_SIZE
    if (extensions !== '' && !EXTENSIONS.test(extensions)) return BAD_EXTENSION
    this.#extensionBytes += extensions.length
    if (this.#extensionBytes > MAX_EXTENSION_BYTES) return LONG_EXTENSION
    const size = BigInt(\`0x\${digits}\`)
    if (size > BigInt(this.#maxBytes - this.#come.length)) return tooLarge(this.#maxBytes)
    this.#missing = Number(size)
    this.#state = size > 0n ? 'data' : 'trailers'
    return end`,
      },
      {
        file: chunked,
        hole: '#takeData',
        by: `    const has = bytes.length - at
    if (has === 0) return 'incomplete'
    const takes = has < this.#missing ? has : this.#missing
    this.#come.add(bytes.subarray(at, at + takes))
    this.#missing -= takes
    this.#state = this.#missing > 0 ? 'data' : 'dataEnd'
    return at + takes`,
      },
      {
        file: chunked,
        hole: '#scanTrailer',
        by: `    const left = MAX_TRAILER_BYTES - this.#trailerBytes
    const bounded = bytes.subarray(0, Math.min(bytes.length, at + left))
    const begins = bounded[at]
    const scan = begins === CR ? scanLineEnd(bounded, at) : scanField(bounded, at, [])
    if (scan === 'incomplete') return bytes.length - at > left ? LONG_TRAILERS : scan
    if (typeof scan === 'object') return scan
    this.#trailerBytes += scan - at
    if (begins === CR) this.#state = 'done'
    return scan`,
      },
      {
        file: file,
        hole: 'openInside',
        by: `  const { lstat } = await import('node:fs/promises')
  try {
    const folder = await files.realpath(join(root, ...names.slice(0, -1)))
    if (folder !== root && !folder.startsWith(join(root, sep))) return undefined
    const path = join(folder, names.at(-1)!)
    const seen = await lstat(path)
    if (!seen.isFile()) return undefined
    const handle = await files.open(path, FLAGS)
    const opened = await handle.stat().catch(async (error) => {
      await handle.close()
      throw error
    })
    if (opened.isFile() && opened.ino === seen.ino && opened.dev === seen.dev)
      return { handle, size: opened.size, modifiedMs: opened.mtimeMs }
    await handle.close()
    return undefined
  } catch (error) {
    if (NOT_THERE.has((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }`,
      },
      {
        file: connection,
        hole: 'keepsOpen',
        by: `  const options = new Set(headers.getAll('connection').flatMap((line) => line.toLowerCase().split(/[\\s,]+/)))
  return !options.has('close') && (version === '1.1' || options.has('keep-alive'))`,
      },
      {
        file: connection,
        hole: '#meetExpectation',
        by: `    if (version === '1.0') return undefined
    const isKnown = /^100-continue$/i.test(headers.get('expect') ?? '')
    if (isKnown && isWaiting) {
      this.#sender.say('HTTP/1.1 100 Continue\\r\\n\\r\\n')
      this.#sender.flush()
    }
    return isKnown ? undefined : UNMET`,
      },
      {
        file: connection,
        hole: 'onStop',
        by: `    switch (why) {
      case 'stopping':
        if (this.#isAnswering || this.#isInRequest) this.#endsAs = why
        else this.#connection.end(why)
        return
      case 'idle':
        if (this.#isAnswering) return
        if (this.#isInRequest) this.#refuse(TOO_SLOW)
        else this.#connection.end(why)
        return
      default:
        this.#connection.end(why)
    }`,
      },
    ],
  },
  {
    name: 'async-functions',
    style: 'await instead of then(), where there is something to wait for.',
    edits: [
      {
        file: connection,
        hole: '#handle',
        by: `    this.#connection.heard()
    const answer = this.#ask(head, body)
    if (answer instanceof Promise) {
      const send = async () => {
        const late = await answer
        await this.#answer(head, late)
      }
      return this.#holdUntil(send())
    }
    const sending = this.#answer(head, answer)
    if (sending === undefined) return this.#goOn()
    this.#holdUntil(sending)`,
      },
      {
        file: connection,
        hole: '#answer',
        by: `    const { upgrade } = answer
    if (upgrade) return this.#upgrade(head, answer, upgrade)
    if (this.#endsAs === undefined && !keepsOpen(head)) this.#endsAs = 'finished'
    let persistence: 'close' | 'say' | 'keep' = 'keep'
    if (head.version === '1.0') persistence = 'say'
    if (this.#endsAs !== undefined) persistence = 'close'
    return this.#sender.answer(answer, head.method === 'HEAD', persistence)`,
      },
      {
        file: connection,
        hole: '#upgrade',
        by: `    const { isOpen } = this.#connection
    if (!isOpen) return
    const isPlain = head.version === '1.1' && !hasBody(head)
    if (!isPlain || this.#endsAs !== undefined) {
      this.#refuse(NO_UPGRADE, head)
      return undefined
    }
    const failing = this.#sender.answer(answer, false, 'keep')
    if (failing === undefined) {
      this.#sender.flush()
      this.#handOver(upgrade)
    }
    return failing`,
      },
      {
        file: connection,
        hole: '#watchForEnd',
        by: `    const limitMs = this.#begun === undefined ? this.#limits.headMs : this.#limits.bodyMs
    const refuse = () => {
      this.#deadline = undefined
      this.#refuse(TOO_SLOW)
    }
    this.#deadline = this.#timers.after(limitMs, refuse)`,
      },
      {
        file: chunked,
        hole: '#scanSize',
        by: `    const digits = endOfRun(bytes, at, HEX)
    const line = endOfRun(bytes, digits, VALUE)
    if (line - at > MAX_SIZE_LINE_BYTES) return LONG_EXTENSION
    if (digits - at > MAX_SIZE_DIGITS) return NO_SIZE
    const extensions = this.#extensionBytes + line - digits
    if (extensions > MAX_EXTENSION_BYTES) return LONG_EXTENSION
    if (digits < bytes.length) {
      if (digits === at) return NO_SIZE
      this.#missing = Number.parseInt(latin1(bytes, at, digits), 16)
      if (this.#come.length + this.#missing > this.#maxBytes) return tooLarge(this.#maxBytes)
    }
    const end = scanLineEnd(bytes, line)
    if (typeof end !== 'number') return end
    if (!EXTENSIONS.test(latin1(bytes, digits, line))) return BAD_EXTENSION
    this.#extensionBytes = extensions
    this.#state = this.#missing === 0 ? 'trailers' : 'data'
    return end`,
      },
      {
        file: file,
        hole: 'openInside',
        by: `  let handle: FileHandle | undefined
  try {
    const folder = await files.realpath(join(root, ...names.slice(0, -1)))
    const [inside, outer] = [folder, root].map((path) => (path.endsWith(sep) ? path : path + sep))
    const isInside = inside.startsWith(outer)
    if (!isInside) return undefined
    handle = await files.open(join(folder, names[names.length - 1]), FLAGS)
    const stat = await handle.stat()
    if (!stat.isFile()) {
      await handle.close()
      return undefined
    }
    return { modifiedMs: stat.mtimeMs, size: stat.size, handle }
  } catch (error) {
    await handle?.close()
    const { code = '' } = error as NodeJS.ErrnoException
    if (!NOT_THERE.has(code)) throw error
    return undefined
  }`,
      },
    ],
  },
  {
    name: 'everything-takes-a-promise',
    style:
      'Treats an answer that is there at once like one that comes late. It costs a turn, and is right.',
    edits: [
      {
        file: connection,
        hole: '#handle',
        by: `    this.#connection.heard()
    const asked = Promise.resolve(this.#ask(head, body))
    this.#holdUntil(asked.then((answer) => this.#answer(head, answer)))`,
      },
      {
        file: parser,
        hole: 'next',
        by: `    const before = this.#keptBytes
    const beganWith = before === 0 ? 0 : this.#kept[before - 1]
    this.#keep(chunk, from)
    const isWorthIt =
      before === 0 ||
      beganWith === CR ||
      chunk.includes(CR, from) ||
      chunk.includes(LF, from) ||
      this.#keptBytes > MAX_HEAD_BYTES
    const parsed = isWorthIt ? parseHead(this.#kept.subarray(0, this.#keptBytes), 0) : INCOMPLETE
    if (parsed.kind === 'incomplete') return parsed
    this.#kept = NOTHING
    this.#keptBytes = 0
    return parsed.kind === 'head' ? { ...parsed, end: parsed.end - before + from } : parsed`,
      },
    ],
  },
]
