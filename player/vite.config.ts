/// <reference types="vitest/config" />
import react from '@vitejs/plugin-react'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'
import { licences } from './build-licences.ts'
import { shellWorker } from './build-shell-worker.ts'

const server = process.env['SEGUE_SERVER'] ?? 'http://127.0.0.1:4533'

// Asset addresses stay relative to `<base href>`, which the server rewrites to the sub-path it is reached under. Deep routes
// therefore load the same files; an absolute base would tie a build to one path.
export default defineConfig(({ command }) => ({
  base: command === 'build' ? './' : '/',
  plugins: [react(), licences(fileURLToPath(new URL('.', import.meta.url))), shellWorker(fileURLToPath(new URL('./public', import.meta.url)))],
  build: {
    outDir: '../src/segue/serve/web',
    emptyOutDir: true,
    target: 'es2022',
    cssTarget: ['chrome123', 'firefox121', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
  server: { port: 5173, proxy: { '/api': { target: server, changeOrigin: false, ws: true } } },
  test: {
    environment: 'jsdom',
    environmentOptions: { jsdom: { url: 'http://segue.test/' } },
    include: ['src/**/*.test.{ts,tsx}'],
    restoreMocks: true,
  },
}))
