import type { Explained } from '../explained.ts'

const BEHIND = 'What is looked for lies behind byte 0, where the first group is.'

export const explained: Explained[] = [
  {
    file: 'recovery.ts',
    function: 'hasGroupBehind',
    was: 'let next = bytes.indexOf(MAGIC, at + 1)',
    now: 'let next = bytes.indexOf(MAGIC, at - 1)',
    because:
      'It begins at the last byte of a good group, and looks at the bad one once more. Only a group whose magic reaches over the end of the good one would be found, and nobody writes such a thing.',
  },
  ...['> 0', '>= 1'].map((now) => ({
    file: 'recovery.ts',
    function: 'hasGroupBehind',
    was: "while (next >= 0 && decodeGroup(bytes, next).kind !== 'group') {",
    now: `while (next ${now} && decodeGroup(bytes, next).kind !== 'group') {`,
    because: BEHIND,
  })),
  {
    file: 'recovery.ts',
    function: 'hasGroupBehind',
    was: 'next = bytes.indexOf(MAGIC, next + 1)',
    now: 'next = bytes.indexOf(MAGIC, next + 2)',
    because: 'Two magics cannot begin one byte apart: the second byte of a magic is not its first.',
  },
  ...['> 0', '>= 1'].map((now) => ({
    file: 'recovery.ts',
    function: 'hasGroupBehind',
    was: 'return next >= 0',
    now: `return next ${now}`,
    because: BEHIND,
  })),
  ...['from + 1', 'from - 2'].map((now) => ({
    file: 'log-journal.ts',
    function: '#readPage',
    was: 'const messages = new RecentMessages(from - 1, UNBOUNDED)',
    now: `const messages = new RecentMessages(${now}, UNBOUNDED)`,
    because:
      'The first message that is added says where the page begins, and without one it is empty.',
  })),
]
