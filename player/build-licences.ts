/** Writes `third-party-licences.txt`: the licence of every package whose code or fonts are in the build. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import type { Plugin } from 'vite'

export function licences(root: string): Plugin {
  return {
    name: 'segue-licences',
    apply: 'build',
    generateBundle(_, bundle) {
      const names = new Set<string>()
      const seen = (path: string) => {
        const found = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)
        if (found?.[1]) names.add(found[1])
      }
      for (const file of Object.values(bundle)) {
        if (file.type === 'chunk') Object.keys(file.modules).forEach(seen)
        else file.originalFileNames.forEach(seen)
      }
      const parts = [...names].sort().flatMap((name) => {
        const folder = `${root}/node_modules/${name}`
        if (!existsSync(`${folder}/package.json`)) return []
        const { version, license } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')) as { version: string; license?: string }
        const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each))
        const text = file ? readFileSync(`${folder}/${file}`, 'utf8').trim() : `Licence: ${license ?? 'unknown'}`
        return [`${name} ${version} (${license ?? 'see below'})\n\n${text}\n`]
      })
      this.emitFile({ type: 'asset', fileName: 'third-party-licences.txt', source: parts.join(`\n${'-'.repeat(78)}\n\n`) })
    },
  }
}
