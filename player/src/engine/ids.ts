/** Who is speaking: this browser, this sitting, and one id per event. */

/** A UUID. `randomUUID` exists on secure pages only, and many a home server is plain HTTP. */
export function newId(): string {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID()
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/** This long without a sign of listening ends a sitting. */
const SITTING_MS = 30 * 60_000

function read(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value)
  } catch {
    // Private windows may refuse; the ids then last as long as the page.
  }
}

let device: string | null = null
let sitting: { id: string; at: number } | null = null

/** Stays with this browser. */
export function deviceId(): string {
  device ??= read('segue.device')
  if (!device) {
    device = newId()
    write('segue.device', device)
  }
  return device
}

/** Stays across reloads and tabs; a new one after half an hour of silence. */
export function sessionId(now = Date.now()): string {
  const [storedId, storedAt] = (read('segue.sitting') ?? '').split(' ')
  if (storedId && Number(storedAt) > (sitting?.at ?? 0)) sitting = { id: storedId, at: Number(storedAt) }
  if (!sitting || now - sitting.at > SITTING_MS) sitting = { id: newId(), at: now }
  sitting.at = now
  write('segue.sitting', `${sitting.id} ${now}`)
  return sitting.id
}
