import { useQuery } from '@tanstack/react-query'
import { ChartColumn, Disc3, Folder, Heart, History, House, ListMusic, Mic2, Music, Plus, Shapes, Waypoints } from 'lucide-react'
import { NavLink } from 'react-router'
import { newPlaylist } from '../acts/newPlaylist'
import { playlistMenu } from '../acts/menus'
import { playlistsQuery } from '../api/queries'
import { IconButton } from '../ui/Button'
import { openMenu } from '../ui/menus'
import { Logo } from './Logo'

export const places = [
  { to: '/', label: 'Home', icon: House },
  { to: '/artists', label: 'Artists', icon: Mic2 },
  { to: '/releases', label: 'Releases', icon: Disc3 },
  { to: '/tracks', label: 'Tracks', icon: Music },
  { to: '/genres', label: 'Genres', icon: Shapes },
  { to: '/folders', label: 'Folders', icon: Folder },
  { to: '/map', label: 'Map', icon: Waypoints },
  { to: '/favourites', label: 'Favourites', icon: Heart },
  { to: '/history', label: 'History', icon: History },
  { to: '/statistics', label: 'Statistics', icon: ChartColumn },
]

export function Sidebar() {
  const { data: playlists } = useQuery(playlistsQuery)
  return (
    <nav className="sidebar" aria-label="Main">
      <NavLink to="/" className="brand">
        <Logo size={32} />
        <span>Segue</span>
      </NavLink>
      <ul className="nav-list">
        {places.map(({ to, label, icon: Icon }) => (
          <li key={to}>
            <NavLink to={to} end={to === '/'} className="nav-item">
              <Icon size={19} strokeWidth={1.9} aria-hidden="true" />
              {label}
            </NavLink>
          </li>
        ))}
      </ul>
      <div className="nav-head">
        <NavLink to="/playlists" end>
          Playlists
        </NavLink>
        <IconButton size="s" label="New playlist" icon={Plus} onClick={() => newPlaylist([])} />
      </div>
      <ul className="nav-list nav-playlists">
        {playlists?.items.map((playlist) => (
          <li key={playlist.id}>
            <NavLink
              to={`/playlists/${playlist.id}`}
              className="nav-item nav-item-quiet"
              onContextMenu={(event) => openMenu(event, playlist.name, playlistMenu(playlist))}
            >
              <ListMusic size={17} strokeWidth={1.8} aria-hidden="true" />
              <span className="ellipsis">{playlist.name}</span>
            </NavLink>
          </li>
        ))}
        {playlists?.items.length === 0 && <li className="nav-empty">None yet</li>}
      </ul>
    </nav>
  )
}
