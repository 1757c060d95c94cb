import type { Explained } from '../explained.ts'

export const explained: Explained[] = [
  {
    file: 'head-parser.ts',
    function: 'next',
    was: 'if (!hasLineEnd(come, before - 1) && come.length <= MAX_HEAD_BYTES) return INCOMPLETE',
    now: 'if (!hasLineEnd(come, before - 1) && come.length < MAX_HEAD_BYTES) return INCOMPLETE',
    because:
      'So many bytes and no empty line among them: the next byte is one too many. The same 431, a byte earlier.',
  },
  {
    file: 'head-parser.ts',
    function: 'next',
    was: 'this.#kept = NOTHING',
    now: '',
    because: 'The room of a head that was cut stays, and the next one that is cut uses it.',
  },
  {
    file: 'head-parser.ts',
    function: 'next',
    was: "return parsed.kind === 'head' ? { ...parsed, end: from + parsed.end - before } : parsed",
    now: 'return true ? { ...parsed, end: from + parsed.end - before } : parsed',
    because: 'Something invalid has no end, and nobody asks for it.',
  },
  {
    file: 'head-scan.ts',
    function: 'scanRequestLine',
    was: 'const version = endOfRun(bytes, target + 1, TARGET)',
    now: 'const version = endOfRun(bytes, target + 2, TARGET)',
    because: 'The first byte of a version has to be an H in any case: checkVersion() looks at it.',
  },
  {
    file: 'head-scan.ts',
    function: 'scanField',
    was: "if (typeof end === 'number') spans.push(at, colon, value, withoutBlanks(bytes, value, stop))",
    now: 'if (true) spans.push(at, colon, value, withoutBlanks(bytes, value, stop))',
    because: 'Without an end of the line, nobody looks at the places: the next scan has new ones.',
  },
  {
    file: 'chunked-reader.ts',
    function: '#takeData',
    was: "if (this.#missing === 0) this.#state = 'dataEnd'",
    now: 'if (this.#missing === 0) this.#state = ""',
    because: 'Of the four states it is the one that #scan() does not ask for.',
  },
  {
    file: 'chunked-reader.ts',
    function: '#scanTrailer',
    was: 'const end = isLast ? scanLineEnd(window, at) : scanField(window, at, [])',
    now: 'const end = isLast ? scanLineEnd(window, at) : scanField(window, at, ["Stryker was here"])',
    because: 'The places of a trailer are thrown away.',
  },
  {
    file: 'chunked-reader.ts',
    function: '#scanTrailer',
    was: "if (end === 'incomplete' && bytes.length > limit) return LONG_TRAILERS",
    now: "if (end === 'incomplete' && bytes.length >= limit) return LONG_TRAILERS",
    because:
      'When so many bytes have come and the end has not, the next one is one too many: the same outcome, a byte earlier.',
  },
  {
    file: 'http-connection.ts',
    function: '#upgrade',
    was: "const unsaid = this.#sender.answer(answer, false, 'keep')",
    now: "const unsaid = this.#sender.answer(answer, true, 'keep')",
    because: 'A 101 has no body, whatever was asked.',
  },
  {
    file: 'http-connection.ts',
    function: '#meetExpectation',
    was: "if (headers.get('expect')?.toLowerCase() !== '100-continue') return UNMET",
    now: "if (headers.get('expect').toLowerCase() !== '100-continue') return UNMET",
    because: 'It is called only for a request that has an Expect.',
  },
  {
    file: 'site-file.ts',
    function: 'openInside',
    was: 'return await keepRegular(await files.open(join(folder, names.at(-1)!), FLAGS))',
    now: 'return keepRegular(await files.open(join(folder, names.at(-1)!), FLAGS))',
    because: 'fstat() fails with none of the errors that mean that there is nothing.',
  },
  {
    file: 'site-file.ts',
    function: 'openInside',
    was: "if (NOT_THERE.has((error as NodeJS.ErrnoException).code ?? '')) return undefined",
    now: 'if (NOT_THERE.has((error as NodeJS.ErrnoException).code ?? "Stryker was here!")) return undefined',
    because: 'Neither of the two is the code of an error.',
  },
  {
    file: 'site-path.ts',
    function: 'namesIn',
    was: '} catch {',
    now: '} catch {}',
    because: 'A function without a return returns undefined.',
  },
]
