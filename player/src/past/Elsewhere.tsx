import { EllipsisVertical, Headphones, Link2, Unlink2 } from 'lucide-react'
import { useQuery } from '@tanstack/react-query'
import { useState, type MouseEvent } from 'react'
import { Link, useSearchParams } from 'react-router'
import type { External } from '../api/types'
import { plural } from '../format'
import { usePagedSource, type Source } from '../lists/source'
import { useTitle } from '../shell/useTitle'
import { Art } from '../ui/Art'
import { IconButton, join } from '../ui/Button'
import { Segmented } from '../ui/Form'
import { openMenu, type MenuItem } from '../ui/menus'
import { EmptyState, ErrorState, RowSkeletons, Skeleton } from '../ui/States'
import { matchExternal } from './acts'
import { FindTrack, type FindTrackProps } from './FindTrack'
import { Imports } from './Imports'
import { EXTERNALS, importsQuery, trackQuery } from './queries'
import { RowGrid, type RowProps } from './RowGrid'

type Show = 'unmatched' | 'matched' | 'imports'

const METHODS: Record<string, string> = { hand: 'by hand', isrc: 'by its ISRC', mbid: 'by its MusicBrainz id' }

export default function Elsewhere() {
  useTitle('Heard elsewhere')
  const [params, setParams] = useSearchParams()
  const imports = useQuery(importsQuery)
  const asked = params.get('show')
  const show: Show = asked === 'matched' || (asked === 'imports' && imports.data) ? asked : 'unmatched'
  const matched = show === 'matched'
  const source = usePagedSource<External>(EXTERNALS, { matched })
  return (
    <>
      <header className="page-head">
        <div>
          <h1 className="page-title">Heard elsewhere</h1>
          <p className="page-count">
            {source.total === null ? (
              ' '
            ) : (
              <>
                {plural(source.total, 'track')} {matched ? 'found in your library' : 'not in your library'} ·{' '}
                <Link to="/history">History</Link>
              </>
            )}
          </p>
        </div>
        <div className="filters">
          <Segmented
            label="Show"
            value={show}
            onChange={(next) => setParams(next === 'unmatched' ? {} : { show: next }, { replace: true })}
            options={[
              { value: 'unmatched', label: 'Not in the library' },
              { value: 'matched', label: 'Found in it' },
              // A server that takes no histories answers 404.
              ...(imports.data ? [{ value: 'imports' as const, label: 'Import and export' }] : []),
            ]}
          />
        </div>
      </header>
      {show === 'imports' && imports.data ? <Imports items={imports.data.items} /> : <List source={source} matched={matched} />}
    </>
  )
}

function List({ source, matched }: { source: Source<External>; matched: boolean }) {
  return (
    <>
      {source.total === null && (source.error ? <ErrorState error={source.error} onRetry={source.retry} /> : <RowSkeletons />)}
      {source.total === 0 && (
        <EmptyState icon={Headphones} title={matched ? 'Nothing found yet' : 'Everything you heard is in your library'}>
          {matched
            ? 'What you heard elsewhere is looked for in the library by itself, and by you.'
            : 'Plays that apps or other services tell of, and that no track here answers to, are listed here.'}
        </EmptyState>
      )}
      {source.total !== null && source.total > 0 && <Externals source={source} matched={matched} />}
    </>
  )
}

function Externals({ source, matched }: { source: Source<External>; matched: boolean }) {
  const [finding, setFinding] = useState<FindTrackProps | null>(null)
  const match = (external: External) =>
    setFinding({
      title: `Which track is “${external.title}”?`,
      words: external.title,
      onChosen: (track) => void matchExternal(external, track),
    })
  const menuOf = (external: External): MenuItem[] => [
    { label: external.track_id ? 'It is another track…' : 'Match…', icon: Link2, onSelect: () => match(external) },
    ...(external.track_id
      ? [{ label: 'It is not in the library', icon: Unlink2, onSelect: () => void matchExternal(external, null) }]
      : []),
  ]
  return (
    <>
      <RowGrid
        listKey={source.key}
        label="Heard elsewhere"
        count={source.total ?? 0}
        whole
        onLook={source.look}
        onEnter={(index) => {
          const external = source.get(index)
          if (external) match(external)
        }}
        render={(index, props) => {
          const external = source.get(index)
          if (!external) {
            return (
              <div {...props} className="row row-external">
                <span role="gridcell" className="cell-title">
                  <Skeleton className="sk-line" />
                  <span className="sr-only">Loading</span>
                </span>
              </div>
            )
          }
          return (
            <Row
              external={external}
              matched={matched}
              props={props}
              onMatch={() => match(external)}
              onUnmatch={() => void matchExternal(external, null)}
              onMenu={(event) => openMenu(event, external.title, menuOf(external))}
            />
          )
        }}
      />
      <FindTrack asked={finding} onClose={() => setFinding(null)} />
    </>
  )
}

function Row({
  external,
  matched,
  props,
  onMatch,
  onUnmatch,
  onMenu,
}: {
  external: External
  matched: boolean
  props: RowProps
  onMatch: () => void
  onUnmatch: () => void
  onMenu: (event: MouseEvent) => void
}) {
  return (
    <div {...props} className={join('row', 'row-external', !matched && 'row-elsewhere')} onContextMenu={onMenu}>
      <span role="gridcell" className="cell-title">
        <Art id={external.id} art={null} size={40} kind="track" />
        <span className="cell-text">
          <span className="row-title ellipsis">{external.title}</span>
          <span className="row-artist ellipsis">
            {[external.artist, external.release].filter(Boolean).join(' · ')}
          </span>
        </span>
      </span>
      <span role="gridcell" className="past-found ellipsis">
        {matched && <Found external={external} />}
      </span>
      <span role="gridcell" className="past-listens tabular">
        {plural(external.listens, 'listen')}
      </span>
      <span role="gridcell" className="past-match">
        <button
          type="button"
          tabIndex={-1}
          className="btn btn-soft btn-s"
          aria-label={matched ? `Unmatch ${external.title}` : `Match ${external.title}`}
          onClick={matched ? onUnmatch : onMatch}
        >
          {matched ? 'Unmatch' : 'Match…'}
        </button>
      </span>
      <span role="gridcell" className="cell-menu">
        <IconButton
          size="s"
          tabIndex={-1}
          label={`More for ${external.title}`}
          title="More"
          icon={EllipsisVertical}
          onClick={onMenu}
        />
      </span>
    </div>
  )
}

/** Which track it was found to be, and how. */
function Found({ external }: { external: External }) {
  const { data: track } = useQuery(trackQuery(external.track_id))
  const how = external.method ? (METHODS[external.method] ?? `by ${external.method}`) : null
  return (
    <>
      {track?.release_id ? (
        <Link to={`/releases/${track.release_id}?track=${track.id}`} tabIndex={-1}>
          {track.title}
        </Link>
      ) : (
        track?.title
      )}
      {track && <span className="faint"> {track.artist}</span>}
      {how && <span className="faint"> · {how}</span>}
    </>
  )
}
