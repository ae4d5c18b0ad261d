/**
 * Where the app lives. The server writes the sub-path it is reached under into `<base href>`; everything else follows from it.
 */

const base = new URL(document.baseURI)

/** `''` at the root, `/music` under a sub-path: what the router takes as its basename. */
export const basePath: string = base.pathname.replace(/[^/]*$/, '').replace(/\/$/, '')

/** The address of an `/api` path, e.g. `apiUrl('tracks/abc/stream', { format: 'opus' })`. Absent and null parameters are left out. */
export function apiUrl(path: string, params?: Params): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(params ?? {})) {
    if (value !== undefined && value !== null && value !== '') query.set(name, String(value))
  }
  const text = query.toString()
  return `${basePath}/api/${path.replace(/^\/+/, '')}${text ? `?${text}` : ''}`
}

export type Params = Record<string, string | number | boolean | null | undefined>

/** The address of a picture at `sizePx` (square-bounded), or null where there is none. */
export function artUrl(art: string | null | undefined, sizePx: number): string | null {
  return art ? apiUrl(`art/${encodeURIComponent(art)}`, { size: sizePx }) : null
}
