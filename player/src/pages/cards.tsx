import { EllipsisVertical, Play } from 'lucide-react'
import type { MouseEvent, ReactNode } from 'react'
import { Link } from 'react-router'
import { artistMenu, artistTracks, playlistMenu, playlistTracks, releaseMenu, releaseTracks } from '../acts/menus'
import type { Artist, EventContext, Playlist, Release, Track } from '../api/types'
import { player } from '../engine'
import { plural } from '../format'
import { Credits } from '../lists/Credits'
import { Art, type ArtKind } from '../ui/Art'
import { IconButton } from '../ui/Button'
import { openMenu, type MenuItem } from '../ui/menus'
import { toast } from '../ui/toasts'

interface CardProps {
  to: string
  id: string
  art: string | null
  kind: ArtKind
  title: string
  below: ReactNode
  round?: boolean
  menu: () => MenuItem[]
  load: () => Promise<Track[]>
  context?: EventContext
}

export function playAll(load: () => Promise<Track[]>, context?: EventContext): void {
  load().then(
    (tracks) => {
      const there = tracks.filter((track) => !track.missing)
      if (there.length > 0) player.playTracks(there, 0, context)
      else toast('There is nothing to play here.')
    },
    (error: unknown) => toast(error instanceof Error ? error.message : 'That could not be played.', { tone: 'bad' }),
  )
}

/** A picture that leads somewhere, a button that plays it, and a menu. */
function Card({ to, id, art, kind, title, below, round, menu, load, context }: CardProps) {
  const onMenu = (event: MouseEvent) => openMenu(event, title, menu())
  return (
    <div className={round ? 'card card-round' : 'card'} onContextMenu={onMenu}>
      <div className="card-art">
        <Link to={to} tabIndex={-1} aria-hidden="true" draggable={false}>
          <Art id={id} art={art} size={200} kind={kind} round={round ?? false} />
        </Link>
        <IconButton
          className="card-play"
          variant="primary"
          label={`Play ${title}`}
          title="Play"
          icon={<Play size={20} fill="currentColor" aria-hidden="true" />}
          onClick={() => playAll(load, context)}
        />
        <IconButton
          className="card-more"
          size="s"
          label={`More for ${title}`}
          title="More"
          icon={EllipsisVertical}
          onClick={onMenu}
        />
      </div>
      <Link to={to} className="card-title ellipsis" title={title}>
        {title}
      </Link>
      <span className="card-below ellipsis">{below}</span>
    </div>
  )
}

export function ReleaseCard({ release, byYear }: { release: Release; byYear?: boolean }) {
  return (
    <Card
      to={`/releases/${release.id}`}
      id={release.id}
      art={release.art}
      kind="release"
      title={release.title}
      below={
        byYear ? (
          [release.year, plural(release.track_count, 'track')].filter(Boolean).join(' · ')
        ) : (
          <Credits artists={release.artists} text={release.artist} />
        )
      }
      menu={() => releaseMenu(release)}
      load={() => releaseTracks(release.id)}
      context={{ release_id: release.id }}
    />
  )
}

export function ArtistCard({ artist }: { artist: Artist }) {
  return (
    <Card
      to={`/artists/${artist.id}`}
      id={artist.id}
      art={artist.art}
      kind="artist"
      round
      title={artist.name}
      below={artist.release_count > 0 ? plural(artist.release_count, 'release') : plural(artist.track_count, 'track')}
      menu={() => artistMenu(artist)}
      load={() => artistTracks(artist.id)}
    />
  )
}

export function PlaylistCard({ playlist }: { playlist: Playlist }) {
  return (
    <Card
      to={`/playlists/${playlist.id}`}
      id={playlist.id}
      art={playlist.art}
      kind="playlist"
      title={playlist.name}
      below={`${plural(playlist.track_count, 'track')}${playlist.editable ? '' : ` · ${playlist.owner}`}`}
      menu={() => playlistMenu(playlist)}
      load={() => playlistTracks(playlist.id)}
      context={{ playlist_id: playlist.id }}
    />
  )
}
