/** Light, dark, or as the system says. The choice is a preference on the server and kept here, so that the first paint is right. */
import type { Preferences } from '../api/types'

const KEY = 'segue.theme'
export type Theme = Preferences['theme']

export function applyTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme
  try {
    localStorage.setItem(KEY, theme)
  } catch {
    // Then the system's is used until the preferences arrive.
  }
  const dark = theme === 'dark' || (theme === 'system' && matchMedia('(prefers-color-scheme: dark)').matches)
  for (const meta of document.querySelectorAll<HTMLMetaElement>('meta[name=theme-color]'))
    meta.content = dark ? '#131215' : '#f7f5f1'
}

export function rememberedTheme(): Theme {
  try {
    const kept = localStorage.getItem(KEY)
    return kept === 'light' || kept === 'dark' ? kept : 'system'
  } catch {
    return 'system'
  }
}
