/** Names in what a browser says of itself, the telling one first: others claim to be these too. */
const browsers: [pattern: RegExp, name: string][] = [
  [/Edg\/(\d+)/, 'Edge'],
  [/OPR\/(\d+)/, 'Opera'],
  [/Firefox\/(\d+)/, 'Firefox'],
  [/Chrome\/(\d+)/, 'Chrome'],
  [/Version\/(\d+)[\d.]* .*Safari/, 'Safari'],
]
const systems: [pattern: RegExp, name: string][] = [
  [/Android/, 'Android'],
  [/iPhone|iPad/, 'iOS'],
  [/Windows/, 'Windows'],
  [/Mac OS X/, 'macOS'],
  [/Linux/, 'Linux'],
]

function named(userAgent: string): { browser: (string | undefined)[]; system: string | undefined } {
  const browser = browsers.map(([pattern, name]) => [name, pattern.exec(userAgent)?.[1]]).find(([, version]) => version)
  return { browser: browser ?? [], system: systems.find(([pattern]) => pattern.test(userAgent))?.[1] }
}

/** "Firefox 141 · Linux"; empty when nothing in it is known. */
export function browserOf(userAgent: string): string {
  const { browser, system } = named(userAgent)
  return [browser.join(' '), system].filter(Boolean).join(' · ')
}

/** "Linux · Firefox": by what a person knows the machine later, when its browser has another version. */
export function machineOf(userAgent: string): string {
  const { browser, system } = named(userAgent)
  return [system, browser[0]].filter(Boolean).join(' · ')
}
