import '@fontsource-variable/figtree/index.css'
import '@fontsource-variable/bricolage-grotesque/wght.css'
import './styles/tokens.css'
import './styles/base.css'
import './styles/ui.css'
import './styles/shell.css'
import './styles/lists.css'
import './styles/pages.css'
import './styles/past.css'
import './styles/sound.css'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app'
import { applyTheme, rememberedTheme } from './shell/theme'

applyTheme(rememberedTheme())

const root = document.getElementById('root')
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  )
}

if (import.meta.env.PROD && 'serviceWorker' in navigator) {
  window.addEventListener('load', () => {
    navigator.serviceWorker
      .register(new URL('sw.js', document.baseURI), { scope: new URL('./', document.baseURI).pathname })
      .catch(() => {
        // Plain HTTP off this machine has no service worker: the player then needs the server to start, and works all the same.
      })
  })
}
