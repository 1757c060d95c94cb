import type { Explained } from '../explained.ts'

export const explained: Explained[] = [
  {
    file: 'conversation.ts',
    function: '#answer',
    was: "const [command] = line.split(' ', 1)",
    now: "const [command] = line.split(' ', 2)",
    because: 'One name takes the first word, however many there are.',
  },
]
