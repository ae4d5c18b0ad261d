/** Sending a file, with how far it came: `fetch` does not tell that. */
import { ApiError, apiUrl, csrfToken } from '../api/client'
import type { Import, ImportService } from '../api/types'

export interface Upload {
  done: Promise<Import>
  cancel: () => void
}

/** The browser's, as an IANA name. */
export function ownZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC'
}

/** All that this browser knows, the browser's own among them. */
export function zones(): string[] {
  return [...new Set([ownZone(), 'UTC', ...Intl.supportedValuesOf('timeZone')])].sort()
}

/** `zone`: by whose clock it counts. `onProgress`: the part of the file that is sent, 0..1. Rejects with an `ApiError`. */
export function upload(service: ImportService, zone: string, file: Blob, onProgress: (part: number) => void): Upload {
  const request = new XMLHttpRequest()
  const done = new Promise<Import>((resolve, reject) => {
    request.open('POST', apiUrl('me/imports', { service, timezone: zone }))
    request.setRequestHeader('Accept', 'application/json')
    request.setRequestHeader('Content-Type', 'application/octet-stream')
    const csrf = csrfToken()
    if (csrf) request.setRequestHeader('X-Segue-CSRF', csrf)
    request.upload.onprogress = (event) => onProgress(file.size > 0 ? Math.min(1, event.loaded / file.size) : 0)
    request.onload = () => {
      if (request.status === 202) resolve(JSON.parse(request.responseText) as Import)
      else reject(failure(request.status, request.responseText))
    }
    request.onerror = () => reject(new ApiError(0, 'network', 'The server cannot be reached. Check the connection and try again.'))
    request.onabort = () => reject(new ApiError(0, 'cancelled', 'Not sent.'))
    request.send(file)
  })
  return { done, cancel: () => request.abort() }
}

export function failure(status: number, text: string): ApiError {
  try {
    const { error } = JSON.parse(text) as { error?: { code?: string; message?: string } }
    if (error?.code) return new ApiError(status, error.code, error.message ?? error.code)
  } catch {
    // Not the server's own shape: a proxy answered.
  }
  return new ApiError(status, 'bad_answer', `The server answered ${status}.`)
}
