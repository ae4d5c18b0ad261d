import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Copy, Play, Star } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'react-router'
import { api } from '../api/client'
import { sessionQuery } from '../api/queries'
import type { DuplicateGroup } from '../api/types'
import { player } from '../engine'
import { bytes, clock, plural, quality } from '../format'
import { useTitle } from '../shell/useTitle'
import { Button, IconButton } from '../ui/Button'
import { EmptyState, ErrorState, RowSkeletons } from '../ui/States'
import { toast } from '../ui/toasts'
import { duplicatesQuery } from './queries'
import { percent } from './words'

const WINDOW = 50

/** Groups of tracks that are the same recording. */
export default function Duplicates() {
  useTitle('Duplicates')
  const client = useQueryClient()
  const { data: session } = useQuery(sessionQuery)
  const [offset, setOffset] = useState(0)
  const { data, error, refetch } = useQuery(duplicatesQuery(offset, WINDOW))
  const change = (group: DuplicateGroup, what: { preferred: string } | { separate: string }, done: string) => {
    api.post(`duplicates/${group.group_id}`, what).then(
      () => {
        toast(done)
        void client.invalidateQueries({ queryKey: ['duplicates'] })
        void client.invalidateQueries({ queryKey: ['analysis'] })
      },
      (failure: unknown) => toast(failure instanceof Error ? failure.message : 'That did not work.', { tone: 'bad' }),
    )
  }
  return (
    <>
      <header className="page-head">
        <div>
          <h1 className="page-title">Duplicates</h1>
          <p className="page-count">{data ? plural(data.total, 'recording') : ' '}</p>
        </div>
      </header>
      <p className="muted sound-head">
        The same recording in several files: other formats, other bitrates, other releases, told by their sound. Nothing is ever
        deleted; of each group one is preferred where Segue chooses.
      </p>
      {error && !data && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!data && !error && <RowSkeletons />}
      {data?.total === 0 && (
        <EmptyState icon={Copy} title="No duplicates">
          Every track that was listened to is a recording of its own.
        </EmptyState>
      )}
      {data && data.total > 0 && (
        <div className="copies">
          {data.items.map((group) => (
            <Group key={group.group_id} group={group} admin={session?.user.admin ?? false} onChange={change} />
          ))}
        </div>
      )}
      {data && data.total > WINDOW && (
        <div className="pager">
          <Button size="s" disabled={offset === 0} onClick={() => setOffset(Math.max(0, offset - WINDOW))}>
            Earlier
          </Button>
          <span className="small muted">
            {offset + 1}–{Math.min(data.total, offset + WINDOW)} of {plural(data.total, 'recording')}
          </span>
          <Button size="s" disabled={offset + WINDOW >= data.total} onClick={() => setOffset(offset + WINDOW)}>
            Later
          </Button>
        </div>
      )}
    </>
  )
}

function Group({
  group,
  admin,
  onChange,
}: {
  group: DuplicateGroup
  admin: boolean
  onChange: (group: DuplicateGroup, what: { preferred: string } | { separate: string }, done: string) => void
}) {
  const first = group.tracks.find((one) => one.preferred) ?? group.tracks[0]
  const title = first ? `${first.track.title} by ${first.track.artist}` : 'A recording'
  return (
    <section className="past-card" aria-label={title}>
      <h2 className="ellipsis">
        {first?.track.title}
        <span className="muted small"> {first?.track.artist}</span>
      </h2>
      <ul className="rows">
        {group.tracks.map(({ track, similarity, preferred }) => {
          const where = track.release ?? 'no release'
          const named = `${track.title} from ${where}, ${track.suffix.toUpperCase()}`
          return (
            <li key={track.id} className="line">
              <IconButton label={`Play ${named}`} icon={Play} onClick={() => player.playTracks([track])} />
              <span className="line-text">
                <Link to={`/tracks/${track.id}`} className="ellipsis">
                  {track.title} · {where}
                </Link>
                <span className="small muted">
                  {[quality(track), bytes(track.size_bytes), clock(track.duration_ms), !preferred && `${percent(similarity)} alike`]
                    .filter(Boolean)
                    .join(' · ')}
                </span>
              </span>
              {preferred && <span className="badge">Preferred</span>}
              {admin && !preferred && (
                <Button
                  size="s"
                  icon={Star}
                  aria-label={`Prefer ${named}`}
                  onClick={() => onChange(group, { preferred: track.id }, 'This one is preferred now.')}
                >
                  Prefer
                </Button>
              )}
              {admin && (
                <Button
                  size="s"
                  variant="ghost"
                  aria-label={`${named} is not the same recording`}
                  onClick={() => onChange(group, { separate: track.id }, 'It stands on its own now.')}
                >
                  Not the same
                </Button>
              )}
            </li>
          )
        })}
      </ul>
    </section>
  )
}
