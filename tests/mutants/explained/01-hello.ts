import type { Explained } from '../explained.ts'

export const explained: Explained[] = [
  ...['if (false)', 'if (error.code === "")'].map((now) => ({
    file: 'server.ts',
    function: 'listenProblem',
    was: "if (error.code === 'EACCES')",
    now,
    because:
      'It falls through to the last sentence, which names the port and says what the system says: permission denied. Only a taken port is promised to have words of its own.',
  })),
]
