import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Cable, ChevronLeft, CircleUser, LogOut, RefreshCw, Search, Settings, X } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { useLocation, useNavigate, useSearchParams } from 'react-router'
import { forget } from '../acts/store'
import { api, setCsrf } from '../api/client'
import { scanQuery, sessionQuery } from '../api/queries'
import { IconButton, join } from '../ui/Button'
import { openMenu } from '../ui/menus'
import { toast } from '../ui/toasts'

const TYPING_MS = 180

export function TopBar({ scroller }: { scroller: HTMLElement | null }) {
  const navigate = useNavigate()
  const client = useQueryClient()
  const { pathname } = useLocation()
  const { data: session } = useQuery(sessionQuery)
  const { data: scan } = useQuery(scanQuery)
  const raised = useScrolled(scroller)
  const name = session?.user.name ?? ''

  const signOut = async () => {
    try {
      await api.del('session')
    } catch {
      toast('The server could not be told; sign in again to be sure.', { tone: 'bad' })
      return
    }
    setCsrf(null)
    forget()
    client.clear()
    await client.invalidateQueries({ queryKey: sessionQuery.queryKey })
    location.reload()
  }

  return (
    <header className={join('topbar', raised && 'topbar-raised', pathname === '/search' && 'topbar-search')}>
      {pathname !== '/' && (
        <IconButton label="Back" icon={ChevronLeft} className="topbar-back" onClick={() => void navigate(-1)} />
      )}
      <SearchBox />
      <span className="topbar-gap" />
      {scan?.state === 'running' && (
        <IconButton
          label="A scan is running"
          className="scanning"
          icon={<RefreshCw size={18} aria-hidden="true" className="turning" />}
          onClick={() => void navigate('/scan')}
        />
      )}
      <IconButton
        label={`Account of ${name}`}
        title={name}
        className="avatar"
        icon={name ? <span aria-hidden="true">{[...name][0]?.toUpperCase()}</span> : CircleUser}
        aria-haspopup="menu"
        onClick={(event) =>
          openMenu(event, name, [
            { label: 'Settings', icon: Settings, onSelect: () => void navigate('/settings') },
            { label: 'Connect an app', icon: Cable, onSelect: () => void navigate('/settings/apps') },
            { label: 'Scan and findings', icon: RefreshCw, onSelect: () => void navigate('/scan') },
            { kind: 'separator' },
            { label: 'Sign out', icon: LogOut, onSelect: () => void signOut() },
          ])
        }
      />
    </header>
  )
}

/** Searches as one types; the address holds the words, so that Back and a reload find them again. Going elsewhere drops what was typed. */
function SearchBox() {
  const navigate = useNavigate()
  const { key, pathname } = useLocation()
  const [params] = useSearchParams()
  const here = pathname === '/search'
  const asked = here ? (params.get('q') ?? '') : ''
  const [text, setText] = useState(asked)
  const [seen, setSeen] = useState({ asked, key })
  const input = useRef<HTMLInputElement>(null)
  if (seen.asked !== asked || (seen.key !== key && !here)) {
    setSeen({ asked, key })
    setText(asked)
  }
  useEffect(() => {
    if (text.trim() === asked) return
    const from = window.location.href
    const timer = setTimeout(() => {
      if (window.location.href !== from) return // Gone to another page, which may still be on its way.
      if (text.trim()) void navigate(`/search?q=${encodeURIComponent(text.trim())}`, { replace: here })
      else if (here) void navigate('/search', { replace: true })
    }, TYPING_MS)
    return () => clearTimeout(timer)
    // Only typing searches; the address changing does not.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [text])
  return (
    <div role="search" className="search-box">
      <Search size={18} aria-hidden="true" />
      <input
        ref={input}
        id="search"
        type="search"
        aria-label="Search artists, releases and tracks"
        placeholder="Search"
        autoComplete="off"
        spellCheck={false}
        maxLength={200}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape' && text) {
            event.stopPropagation()
            setText('')
          } else if (event.key === 'Enter' && text.trim())
            void navigate(`/search?q=${encodeURIComponent(text.trim())}`, { replace: here })
        }}
      />
      {text && (
        <IconButton
          size="s"
          label="Clear the search"
          icon={X}
          onClick={() => {
            setText('')
            input.current?.focus()
          }}
        />
      )}
    </div>
  )
}

function useScrolled(scroller: HTMLElement | null): boolean {
  const [scrolled, setScrolled] = useState(false)
  useEffect(() => {
    if (!scroller) return
    const read = () => setScrolled(scroller.scrollTop > 8)
    read()
    scroller.addEventListener('scroll', read, { passive: true })
    return () => scroller.removeEventListener('scroll', read)
  }, [scroller])
  return scrolled
}
