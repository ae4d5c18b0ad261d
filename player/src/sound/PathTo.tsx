import { useQuery } from '@tanstack/react-query'
import { Play, Route, X } from 'lucide-react'
import { useMemo, useState } from 'react'
import { play } from '../acts/mixes'
import type { Track } from '../api/types'
import { plural } from '../format'
import { useListSource } from '../lists/source'
import { TrackTable } from '../lists/TrackTable'
import { FindTrack } from '../past/FindTrack'
import { Button, IconButton } from '../ui/Button'
import { Select } from '../ui/Form'
import { ErrorState, RowSkeletons } from '../ui/States'
import { pathQuery } from './queries'

const LENGTHS = [10, 25, 50, 100].map((n) => ({ value: String(n), label: plural(n, 'track') }))

/** From this track to another in even steps of sound. */
export function PathTo({ track }: { track: Track }) {
  const [asking, setAsking] = useState(false)
  const [to, setTo] = useState<Track | null>(null)
  const [n, setN] = useState(25)
  return (
    <section className="section" aria-label="A path to another track">
      <div className="sound-head">
        <div>
          <h2>{to ? `A path to ${to.title}` : 'A path to…'}</h2>
          <p className="small muted">From this track to another in even steps, each a little less like the one and more like the other.</p>
        </div>
        <div className="filters">
          {to && (
            <Select bare label="Length" value={String(n)} options={LENGTHS} onChange={(event) => setN(Number(event.currentTarget.value))} />
          )}
          <Button size="s" icon={Route} onClick={() => setAsking(true)}>
            {to ? 'Another track' : 'Choose a track'}
          </Button>
          {to && <IconButton size="s" label="Close the path" icon={X} onClick={() => setTo(null)} />}
        </div>
      </div>
      {to && <Way key={`${to.id} ${n}`} from={track} to={to} n={n} />}
      <FindTrack
        asked={asking ? { title: `A path from ${track.title} to…`, words: '', onChosen: setTo } : null}
        onClose={() => setAsking(false)}
      />
    </section>
  )
}

function Way({ from, to, n }: { from: Track; to: Track; n: number }) {
  const { data, error, refetch } = useQuery(pathQuery(from.id, to.id, n))
  const tracks = useMemo(() => data?.items.map((item) => item.track) ?? [], [data])
  const source = useListSource(tracks)
  if (error && !data) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (!data) return <RowSkeletons rows={5} />
  return (
    <>
      <div className="sound-head">
        <p className="small muted" role="status">
          {plural(tracks.length, 'track')}
          {data.fell_back && '; not everything was heard yet, so some were chosen by tags'}
        </p>
        <Button size="s" variant="primary" icon={Play} onClick={() => play(data)}>
          Play the path
        </Button>
      </div>
      <TrackTable source={source} label={`Path from ${from.title} to ${to.title}`} />
    </>
  )
}
