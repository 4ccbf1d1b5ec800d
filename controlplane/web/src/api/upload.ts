/** A file on its way to the server: `fetch` does not say how far it is. */
import { failed, headersOf, parsed, pathWithQuery, type Query } from './client'
import { ApiError, unreachable } from './problem'

export interface Upload {
  query: Query
  file: Blob
  idempotencyKey: string
  /** Share that the network has taken, 0 to 1. */
  onProgress: (share: number) => void
  signal?: AbortSignal
}

/** POST of a file's bytes. Throws `ApiError`, as every call does. */
export function upload<Data>(path: string, { query, file, idempotencyKey, onProgress, signal }: Upload): Promise<Data> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('POST', pathWithQuery(path, query))
    const headers = headersOf('POST', path, { idempotencyKey })
    headers.set('Content-Type', 'application/octet-stream')
    headers.forEach((value, name) => request.setRequestHeader(name, value))
    request.upload.onprogress = ({ loaded, total }) => onProgress(total ? loaded / total : 0)
    request.onerror = () => reject(new ApiError(unreachable()))
    request.onabort = () => reject(new DOMException('', 'AbortError'))
    request.onload = () => {
      const body = parsed(request.responseText)
      if (request.status >= 200 && request.status < 300) resolve(body as Data)
      else reject(failed(path, request.status, body, request.getResponseHeader('X-Request-Id')))
    }
    signal?.addEventListener('abort', () => request.abort(), { once: true })
    request.send(file)
  })
}
