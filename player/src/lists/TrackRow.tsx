import { EllipsisVertical, GripVertical, Play, TriangleAlert } from 'lucide-react'
import { memo, type MouseEvent, type PointerEvent } from 'react'
import { Link } from 'react-router'
import type { ListedTrack, TrackSound } from '../api/types'
import { usePlayer } from '../engine'
import { clock, plural } from '../format'
import { camelot, keyShort, percent } from '../sound/words'
import { Art } from '../ui/Art'
import { IconButton, join } from '../ui/Button'
import { LikeButton } from '../ui/LikeButton'
import { Credits } from './Credits'

/** `sound` is a list with columns for tempo, key and energy where there is room. */
export type TrackTableKind = 'release' | 'list' | 'playlist' | 'sound'

export interface TrackRowProps {
  track: ListedTrack
  index: number
  kind: TrackTableKind
  selected: boolean
  /** Where the keyboard is: the one row that Tab reaches. */
  active: boolean
  onClick: (event: MouseEvent, index: number) => void
  onPlay: (index: number) => void
  onMenu: (event: MouseEvent, index: number) => void
  onFocus: (index: number) => void
  onGrip?: ((event: PointerEvent, index: number) => void) | undefined
}

export const TrackRow = memo(function TrackRow({
  track,
  index,
  kind,
  selected,
  active,
  onClick,
  onPlay,
  onMenu,
  onFocus,
  onGrip,
}: TrackRowProps) {
  const playing = usePlayer((state) => (state.current?.track.id === track.id ? state.status : null))
  const number = kind === 'release' ? (track.number ?? '–') : index + 1
  return (
    // Keys are handled once, on the grid around the rows.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      role="row"
      aria-rowindex={index + 1}
      aria-selected={selected}
      tabIndex={active ? 0 : -1}
      data-index={index}
      className={join('row', `row-${kind}`, selected && 'row-selected', playing && 'row-playing', track.missing && 'row-missing')}
      onClick={(event) => onClick(event, index)}
      onDoubleClick={() => onPlay(index)}
      onContextMenu={(event) => onMenu(event, index)}
      onFocus={(event) => event.target === event.currentTarget && onFocus(index)}
    >
      <span role="gridcell" className="cell-number tabular">
        {onGrip && (
          <span className="grip" aria-hidden="true" onPointerDown={(event) => onGrip(event, index)}>
            <GripVertical size={16} />
          </span>
        )}
        <span className="number">{playing ? <Bars still={playing !== 'playing'} /> : number}</span>
        <button
          type="button"
          tabIndex={-1}
          className="row-play"
          aria-label={`Play ${track.title}`}
          onClick={(event) => {
            event.stopPropagation()
            onPlay(index)
          }}
        >
          <Play size={16} fill="currentColor" aria-hidden="true" />
        </button>
      </span>
      <span role="gridcell" className="cell-title">
        {kind !== 'release' && <Art id={track.release_id ?? track.id} art={track.art} size={40} kind="track" />}
        <span className="cell-text">
          <span className="row-title ellipsis">
            {track.title}
            {track.explicit && (
              <abbr className="explicit" title="Explicit">
                E
              </abbr>
            )}
            {track.missing && (
              <span className="row-flag" title="The file is missing">
                <TriangleAlert size={14} aria-label="The file is missing" />
              </span>
            )}
          </span>
          {(kind !== 'release' || track.artist !== track.release_artist) && (
            <span className="row-artist ellipsis">
              <Credits artists={track.artists} text={track.artist} inert />
              {kind === 'sound' && track.sound && <span className="row-hearing"> · {hearing(track.sound)}</span>}
            </span>
          )}
        </span>
      </span>
      {kind !== 'release' && (
        <span role="gridcell" className="cell-release ellipsis">
          {track.release_id ? (
            <Link to={`/releases/${track.release_id}`} tabIndex={-1} onClick={(event) => event.stopPropagation()}>
              {track.release}
            </Link>
          ) : (
            track.release
          )}
        </span>
      )}
      {kind === 'sound' && <SoundCells sound={track.sound ?? null} />}
      <span role="gridcell" className="cell-plays tabular" title={plural(track.play_count, 'play')}>
        {track.play_count > 0 ? track.play_count : ''}
      </span>
      <span role="gridcell" className="cell-like">
        <LikeButton type="track" entity={track} name={track.title} size="s" />
      </span>
      <span role="gridcell" className="cell-time tabular">
        {clock(track.duration_ms)}
      </span>
      <span role="gridcell" className="cell-menu">
        <IconButton
          size="s"
          tabIndex={-1}
          label={`More for ${track.title}`}
          title="More"
          icon={EllipsisVertical}
          onClick={(event) => onMenu(event, index)}
        />
      </span>
    </div>
  )
})

/** `90 BPM · F♯ · 86 %`, where there is no room for columns. */
function hearing({ tempo_bpm, key, mode, energy }: TrackSound): string {
  return [tempo_bpm && `${Math.round(tempo_bpm)}\u00a0BPM`, key !== null && keyShort(key, mode), energy !== null && percent(energy)]
    .filter(Boolean)
    .join(' · ')
}

function SoundCells({ sound }: { sound: TrackSound | null }) {
  const key = sound?.key ?? null
  const mode = sound?.mode ?? null
  return (
    <>
      <span role="gridcell" className="cell-sound tabular">
        {sound?.tempo_bpm ? Math.round(sound.tempo_bpm) : ''}
      </span>
      <span role="gridcell" className="cell-sound" title={key !== null && mode !== null ? `Camelot ${camelot(key, mode)}` : undefined}>
        {key === null ? '' : keyShort(key, mode)}
      </span>
      <span role="gridcell" className="cell-sound tabular">
        {sound?.energy === null || sound?.energy === undefined ? '' : percent(sound.energy)}
      </span>
    </>
  )
}

/** Three bars that dance while it sounds. */
export function Bars({ still }: { still?: boolean }) {
  return (
    <span className={join('bars', still && 'bars-still')}>
      <span />
      <span />
      <span />
      <span className="sr-only">{still ? 'Paused' : 'Playing'}</span>
    </span>
  )
}
