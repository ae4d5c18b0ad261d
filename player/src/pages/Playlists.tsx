import { useQuery } from '@tanstack/react-query'
import { ListMusic, Plus } from 'lucide-react'
import { newPlaylist } from '../acts/newPlaylist'
import { playlistsQuery } from '../api/queries'
import { plural } from '../format'
import { useTitle } from '../shell/useTitle'
import { Button } from '../ui/Button'
import { CardSkeletons, EmptyState, ErrorState } from '../ui/States'
import { PlaylistCard } from './cards'

export default function Playlists() {
  useTitle('Playlists')
  const { data, error, refetch } = useQuery(playlistsQuery)
  return (
    <>
      <header className="page-head">
        <div>
          <h1 className="page-title">Playlists</h1>
          <p className="page-count">{data ? plural(data.total, 'playlist') : ' '}</p>
        </div>
        <div className="filters">
          <Button variant="primary" size="s" icon={Plus} onClick={() => newPlaylist([])}>
            New playlist
          </Button>
        </div>
      </header>
      {error && !data && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!data && !error && <CardSkeletons cards={6} />}
      {data?.items.length === 0 && (
        <EmptyState icon={ListMusic} title="No playlists yet">
          Make one here, or select tracks anywhere and add them to a new one.
        </EmptyState>
      )}
      <div className="grid">
        {data?.items.map((playlist) => (
          <PlaylistCard key={playlist.id} playlist={playlist} />
        ))}
      </div>
    </>
  )
}
