/**
 * The one way to the server: JSON both ways, the CSRF header on unsafe requests, and every failure as an `ApiError`.
 *
 * `code` is the server's own (`not_found`, `throttled`, …), or `network` where no answer came and `bad_answer` where it was
 * not JSON. `retryAfterS` is set from `Retry-After`.
 */
import { apiUrl, type Params } from './base'

export { apiUrl, artUrl, basePath, type Params } from './base'

export class ApiError extends Error {
  readonly status: number
  readonly code: string
  readonly retryAfterS: number | null

  constructor(status: number, code: string, message: string, retryAfterS: number | null = null) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.code = code
    this.retryAfterS = retryAfterS
  }

  /** Whether asking again later may help. */
  get transient(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500
  }
}

let csrf: string | null = null
let onSignedOut: (() => void) | null = null

/** Remembers the value `GET /api/session` gave; unsafe requests carry it. */
export function setCsrf(value: string | null): void {
  csrf = value
}

export function csrfToken(): string | null {
  return csrf
}

/** Called once a request other than signing in answers 401. */
export function whenSignedOut(callback: (() => void) | null): void {
  onSignedOut = callback
}

export interface RequestOptions {
  params?: Params
  signal?: AbortSignal
  /** Lets the request outlive the page (at most 64 KiB of body). */
  keepalive?: boolean
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

async function request<T>(method: Method, path: string, body?: unknown, options: RequestOptions = {}): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json' }
  if (body !== undefined) headers['Content-Type'] = 'application/json'
  if (method !== 'GET' && csrf) headers['X-Segue-CSRF'] = csrf
  let response: Response
  try {
    response = await fetch(apiUrl(path, options.params), {
      method,
      headers,
      credentials: 'same-origin',
      body: body === undefined ? null : JSON.stringify(body),
      signal: options.signal ?? null,
      keepalive: options.keepalive ?? false,
    })
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new ApiError(0, 'network', 'The server cannot be reached. Check the connection and try again.')
  }
  if (!response.ok) {
    const failure = await readError(response)
    if (response.status === 401 && path !== 'session') onSignedOut?.()
    throw failure
  }
  if (response.status === 204 || response.headers.get('Content-Length') === '0') return undefined as T
  const text = await response.text()
  if (!text) return undefined as T
  try {
    return JSON.parse(text) as T
  } catch {
    throw new ApiError(response.status, 'bad_answer', 'The server sent something that is not an answer. Is a proxy in the way?')
  }
}

/** Reads the one error shape; anything else becomes an error that still names the status. */
export async function readError(response: Response): Promise<ApiError> {
  const after = Number(response.headers.get('Retry-After'))
  const retryAfterS = Number.isFinite(after) && after > 0 ? after : null
  try {
    const body = (await response.json()) as { error?: { code?: unknown; message?: unknown } }
    if (typeof body.error?.code === 'string') {
      const message = typeof body.error.message === 'string' ? body.error.message : body.error.code
      return new ApiError(response.status, body.error.code, message, retryAfterS)
    }
  } catch {
    // Not the server's own shape: a proxy answered.
  }
  return new ApiError(response.status, 'bad_answer', `The server answered ${response.status}.`, retryAfterS)
}

export const api = {
  get: <T>(path: string, params?: Params, options?: RequestOptions): Promise<T> =>
    request<T>('GET', path, undefined, { ...options, ...(params ? { params } : {}) }),
  post: <T>(path: string, body?: unknown, options?: RequestOptions): Promise<T> => request<T>('POST', path, body, options),
  put: <T>(path: string, body?: unknown, options?: RequestOptions): Promise<T> => request<T>('PUT', path, body, options),
  patch: <T>(path: string, body?: unknown, options?: RequestOptions): Promise<T> => request<T>('PATCH', path, body, options),
  del: <T = undefined>(path: string, options?: RequestOptions): Promise<T> => request<T>('DELETE', path, undefined, options),
}
