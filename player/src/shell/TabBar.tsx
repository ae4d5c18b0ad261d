import { House, LibraryBig, ListMusic, Search, Settings } from 'lucide-react'
import { NavLink, useLocation } from 'react-router'

const tabs = [
  { to: '/', label: 'Home', icon: House },
  { to: '/library', label: 'Library', icon: LibraryBig },
  { to: '/search', label: 'Search', icon: Search },
  { to: '/playlists', label: 'Playlists', icon: ListMusic },
  { to: '/settings', label: 'Settings', icon: Settings },
]

const inLibrary = /^\/(library|artists|releases|tracks|genres|folders|favourites|history|statistics|year|map|duplicates)/

/** The ways to go, on a phone. */
export function TabBar() {
  const { pathname } = useLocation()
  return (
    <nav className="tabs" aria-label="Tabs">
      {tabs.map(({ to, label, icon: Icon }) => {
        const here = to === '/library' && inLibrary.test(pathname)
        return (
          <NavLink key={to} to={to} end={to === '/'} className={({ isActive }) => (isActive || here ? 'tab tab-on' : 'tab')}>
            <Icon size={22} strokeWidth={1.9} aria-hidden="true" />
            <span>{label}</span>
          </NavLink>
        )
      })}
    </nav>
  )
}
