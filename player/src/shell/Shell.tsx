import { useQuery } from '@tanstack/react-query'
import { Suspense, useEffect, useRef, useState } from 'react'
import { Outlet, useLocation, useNavigate } from 'react-router'
import { AddToPlaylist } from '../acts/AddToPlaylist'
import { preferencesQuery } from '../api/queries'
import { player } from '../engine'
import { OtherDevice } from '../live'
import { PlayerBar, QueuePanel, ShortcutsDialog } from '../playing'
import { MenuHost } from '../ui/MenuHost'
import { Loading } from '../ui/States'
import { ToastHost } from '../ui/ToastHost'
import { DockContext } from './dock'
import { Failures } from './Failures'
import { navigateWith } from './navigation'
import { usePanel } from './panel'
import { ScrollerProvider, useScrollRestoration } from './scroller'
import { Sidebar } from './Sidebar'
import { TabBar } from './TabBar'
import { applyTheme } from './theme'
import { TopBar } from './TopBar'

/** Everything around a page: the ways to go on the left (below, on a phone), the player underneath, the queue on the right. */
export function Shell() {
  const navigate = useNavigate()
  navigateWith((to) => void navigate(to))
  const { pathname } = useLocation()
  const [main, setMain] = useState<HTMLElement | null>(null)
  const [dock, setDock] = useState<HTMLElement | null>(null)
  const panel = usePanel()
  useScrollRestoration(main)
  const announced = useArrival(main, pathname)

  const { data: preferences } = useQuery(preferencesQuery)
  useEffect(() => {
    if (!preferences) return
    applyTheme(preferences.theme)
    player.setPreferences(preferences)
  }, [preferences])

  return (
    <ScrollerProvider value={main}>
      <DockContext value={dock}>
        <div className={panel ? 'shell shell-with-panel' : 'shell'}>
          <button type="button" className="skip-link" onClick={() => main?.focus()}>
            Skip to the page
          </button>
          <Sidebar />
          <div className="stage">
            <TopBar scroller={main} />
            <main id="main" ref={setMain} tabIndex={-1} className="main">
              <div className="page">
                <Failures key={pathname}>
                  <Suspense fallback={<Loading />}>
                    <Outlet />
                  </Suspense>
                </Failures>
              </div>
            </main>
            <div className="dock" ref={setDock} />
            <ToastHost />
          </div>
          {panel && (
            <aside className="panel" aria-label="Queue">
              <QueuePanel />
            </aside>
          )}
          <div className="bar-slot">
            <OtherDevice />
            <PlayerBar />
          </div>
          <TabBar />
          <div className="sr-only" aria-live="polite">
            {announced}
          </div>
          <AddToPlaylist />
          <ShortcutsDialog />
          <MenuHost />
        </div>
      </DockContext>
    </ScrollerProvider>
  )
}

/** Moves focus to the page on each arrival but the first, and says its title once it is known. */
function useArrival(main: HTMLElement | null, pathname: string): string {
  const [title, setTitle] = useState('')
  const arrived = useRef<string | null>(null)
  useEffect(() => {
    if (!main) return
    if (arrived.current === null) {
      arrived.current = pathname
      return
    }
    if (arrived.current === pathname) return
    arrived.current = pathname
    const within = document.activeElement?.closest('.topbar, dialog, .now-playing')
    if (!within) main.focus({ preventScroll: true })
    const timer = setTimeout(() => setTitle(document.title), 400)
    return () => clearTimeout(timer)
  }, [main, pathname])
  return title
}
