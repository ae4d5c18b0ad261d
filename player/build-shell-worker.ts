/**
 * Writes `sw.js`: it keeps the shell (the page, its scripts, styles, fonts and icons) so that the player opens without a network.
 * It never touches the API, pictures or audio: those belong to the browser's own cache, or to nobody.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import type { Plugin } from 'vite'

export function shellWorker(publicDir: string): Plugin {
  return {
    name: 'segue-shell-worker',
    apply: 'build',
    enforce: 'post',
    generateBundle(_, bundle) {
      const hash = createHash('sha256')
      const files = Object.values(bundle).flatMap((file) => {
        hash.update(file.fileName).update(file.type === 'chunk' ? file.code : file.source)
        return file.fileName.endsWith('.html') || file.fileName.endsWith('.map') || file.fileName.endsWith('.txt') ? [] : [file.fileName]
      })
      for (const name of readdirSync(publicDir)) {
        hash.update(name).update(readFileSync(`${publicDir}/${name}`))
        files.push(name)
      }
      const source = readFileSync(new URL('./shell-worker.js', import.meta.url), 'utf8')
        .replace('__VERSION__', hash.digest('hex').slice(0, 16))
        .replace('__FILES__', JSON.stringify(files.sort()))
      this.emitFile({ type: 'asset', fileName: 'sw.js', source })
    },
  }
}
