/**
 * What can be set, and where: by a flag, or else the environment, or else the default. `--web-port` is CHAT_WEB_PORT.
 *
 * People who run the server read `--help` and sentences, not stack traces: each value that is wrong gets one sentence,
 * and all of them are reported at once. Nothing here reads the environment by itself.
 */

import { isIP, SocketAddress } from 'node:net'
import { parseArgs } from 'node:util'
import { LEVELS, type Level } from './logs.ts'

export interface Config {
  data: string | undefined
  host: string
  port: number
  webPort: number
  metricsHost: string
  /** If `'off'`, nothing is measured. */
  metricsPort: number | 'off'
  /** Where browsers find the page, if that is not where we listen. */
  publicUrl: string | undefined
  /** Addresses of the proxies in front of us that we trust to say who the client is. */
  trustedProxies: readonly string[]
  tlsKey: string | undefined
  tlsCert: string | undefined
  maxConnections: number
  saysPerSecond: number
  maxLogMegabytes: number
  drainSeconds: number
  logLevel: Level
}

export const DEFAULTS: Config = {
  data: './data',
  host: '127.0.0.1',
  port: 4019,
  webPort: 8019,
  metricsHost: '127.0.0.1',
  metricsPort: 9019,
  publicUrl: undefined,
  trustedProxies: [],
  tlsKey: undefined,
  tlsCert: undefined,
  maxConnections: 10_000,
  saysPerSecond: 5,
  maxLogMegabytes: 1_024,
  drainSeconds: 10,
  logLevel: 'info',
}

export type ConfigRead =
  | { kind: 'config'; config: Config }
  | { kind: 'help'; text: string }
  /** One sentence for each value that is wrong. */
  | { kind: 'invalid'; problems: string[] }

/** Returns the value that a text stands for; throws what is wrong with it, as the end of a sentence. */
type Rule = (text: string) => unknown

interface Setting {
  /** What the value is, in `--help`. */
  value: string
  help: string
  rule: Rule
}

const SETTINGS: Record<keyof Config, Setting> = {
  data: { value: 'FOLDER', help: 'messages and accounts', rule: text },
  host: { value: 'ADDRESS', help: 'where people connect; 0.0.0.0 for everywhere', rule: text },
  port: { value: 'PORT', help: 'frames over TCP', rule: port },
  webPort: { value: 'PORT', help: 'the page, HTTP and WebSocket', rule: port },
  metricsHost: { value: 'ADDRESS', help: 'where metrics and health are asked for', rule: text },
  metricsPort: { value: 'PORT|off', help: 'metrics and health', rule: portOrOff },
  publicUrl: {
    value: 'URL',
    help: 'where browsers find the page: https://chat.example',
    rule: origin,
  },
  trustedProxies: {
    value: 'ADDRESS,…',
    help: 'IP addresses of proxies whose X-Forwarded-For counts',
    rule: addresses,
  },
  tlsKey: {
    value: 'FILE',
    help: 'private key (PEM); with --tls-cert, TLS at both doors',
    rule: text,
  },
  tlsCert: { value: 'FILE', help: 'certificate chain (PEM)', rule: text },
  maxConnections: { value: 'N', help: 'connections at each door', rule: whole(1, 1_000_000) },
  saysPerSecond: {
    value: 'N',
    help: 'messages of an account, in the long run',
    rule: whole(1, 1_000),
  },
  maxLogMegabytes: {
    value: 'MB',
    help: 'messages that are kept; the oldest go first',
    rule: whole(1, 1_000_000),
  },
  drainSeconds: {
    value: 'S',
    help: 'for people to go by themselves when the server ends',
    rule: whole(0, 3_600),
  },
  logLevel: { value: 'LEVEL', help: LEVELS.join(', '), rule: level },
}

const KEYS = Object.keys(SETTINGS) as (keyof Config)[]

/** Reads the configuration from `process.argv.slice(2)` and `process.env`. */
export function readConfig(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): ConfigRead {
  const flags = readFlags(args)
  if ('problem' in flags) return { kind: 'invalid', problems: [flags.problem] }
  if (flags.values.help) return { kind: 'help', text: helpText() }
  const problems: string[] = []
  const config: Record<string, unknown> = { ...DEFAULTS }
  for (const key of KEYS) {
    const flag = flags.values[flagOf(key)]
    const [given, where] =
      flag === undefined
        ? [environment[variableOf(key)], variableOf(key)]
        : [String(flag), `--${flagOf(key)}`]
    if (given === undefined) continue
    try {
      config[key] = SETTINGS[key].rule(given)
    } catch (error) {
      problems.push(`${where} ${(error as Error).message}, not ${JSON.stringify(given)}.`)
    }
  }
  if ((config.tlsKey === undefined) !== (config.tlsCert === undefined))
    problems.push('--tls-key and --tls-cert belong together: give both, or none.')
  else if (config.tlsKey !== undefined && String(config.publicUrl).startsWith('http:'))
    problems.push('With --tls-key and --tls-cert, --public-url has to begin with https://.')
  if (problems.length > 0) return { kind: 'invalid', problems }
  return { kind: 'config', config: config as unknown as Config }
}

type Flags = { values: Record<string, string | boolean | undefined> } | { problem: string }

function readFlags(args: readonly string[]): Flags {
  const options = Object.fromEntries(KEYS.map((key) => [flagOf(key), { type: 'string' as const }]))
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { ...options, help: { type: 'boolean', short: 'h' } },
    })
    return { values: values as Record<string, string | boolean | undefined> }
  } catch (error) {
    // Node's first sentence is a good one; what follows it is advice about positional arguments.
    const [sentence] = (error as Error).message.split('. ')
    return { problem: `${sentence.replace(/\.$/, '')}; see --help.` }
  }
}

function helpText(): string {
  const lines = KEYS.map((key) => {
    const { value, help } = SETTINGS[key]
    const said = DEFAULTS[key]
    const isSaid = said !== undefined && String(said) !== ''
    return `  ${`--${flagOf(key)} ${value}`.padEnd(30)}${help}${isSaid ? ` (${said})` : ''}`
  })
  return [
    'The chat server: frames over TCP, and a page with WebSocket, on one chat.',
    '',
    ...lines,
    '',
    'Each can be set in the environment, too: CHAT_WEB_PORT is --web-port.',
    'SIGTERM ends the server in good order, a second one at once. SIGHUP reads the certificate again.',
    '',
  ].join('\n')
}

/** `webPort` is `--web-port`; a list is named in the singular: `--trusted-proxy`. */
function flagOf(key: string): string {
  const singular = key === 'trustedProxies' ? 'trustedProxy' : key
  return singular.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

function variableOf(key: string): string {
  return `CHAT_${flagOf(key).toUpperCase().replaceAll('-', '_')}`
}

function text(given: string): string {
  if (given.trim() === '') throw new Error('needs a value')
  return given
}

function whole(min: number, max: number): Rule {
  return (given) => {
    const number = /^\d+$/.test(given) ? Number(given) : Number.NaN
    if (number >= min && number <= max) return number
    throw new Error(`has to be a whole number from ${min} to ${max}`)
  }
}

function port(given: string): unknown {
  return whole(0, 65_535)(given)
}

function portOrOff(given: string): unknown {
  return given === 'off' ? given : port(given)
}

/** Addresses as `clientAddress` compares them. A name or a network would never be equal to one. */
function addresses(given: string): string[] {
  return given.split(',').map((each) => {
    const address = each.trim()
    if (isIP(address) === 0) throw new Error('has to be IP addresses, like 127.0.0.1,::1')
    return canonical(address)
  })
}

/** The spelling of a socket: IPv6 is compressed, and `::ffff:10.0.0.1` is 10.0.0.1. A zone (`%eth0`) stays. */
function canonical(address: string): string {
  if (isIP(address) === 4) return address
  const [bare, ...zone] = address.split('%')
  const { address: compressed } = new SocketAddress({ address: bare, family: 'ipv6' })
  return [compressed.replace(/^::ffff:(?=\d+\.)/, ''), ...zone].join('%')
}

function level(given: string): Level {
  const found = LEVELS.find((each) => each === given)
  if (!found) throw new Error(`has to be one of ${LEVELS.join(', ')}`)
  return found
}

/** Scheme, host and port, and no path: the page is always at `/`. */
function origin(given: string): string {
  const url = URL.parse(given)
  const isOrigin = url && /^https?:$/.test(url.protocol) && `${url.origin}/` === url.href
  if (!isOrigin) throw new Error('has to be like https://chat.example, without a path')
  return url.origin
}
