import { useQuery, useQueryClient } from '@tanstack/react-query'
import { AudioWaveform, CircleAlert, Copy, EllipsisVertical, Ear, Pencil, Play } from 'lucide-react'
import { useMemo, useState, type ReactNode } from 'react'
import { Link, useParams } from 'react-router'
import { setRating } from '../acts/acts'
import { trackMenu } from '../acts/menus'
import { useStanding } from '../acts/store'
import { api } from '../api/client'
import { sessionQuery } from '../api/queries'
import type { Analysis, Track } from '../api/types'
import { player } from '../engine'
import { bytes, clock, count, plural, quality, span } from '../format'
import { Credits } from '../lists/Credits'
import { useListSource } from '../lists/source'
import { TrackTable } from '../lists/TrackTable'
import { Hero, HeroSkeleton } from '../pages/Hero'
import { trackQuery } from '../past/queries'
import { useTitle } from '../shell/useTitle'
import { Button, IconButton } from '../ui/Button'
import { LikeButton } from '../ui/LikeButton'
import { openMenu } from '../ui/menus'
import { Stars } from '../ui/Stars'
import { EmptyState, ErrorState, RowSkeletons } from '../ui/States'
import { toast } from '../ui/toasts'
import { Correct } from './Correct'
import { PathTo } from './PathTo'
import { alikeQuery, analysisQuery, analysisStatusQuery, tracksByIdQuery } from './queries'
import { Measures, Moments, Proxies } from './Values'
import { Structure, Waveform } from './Waveform'
import { percent } from './words'

export default function TrackPage() {
  const { id = '' } = useParams()
  const { data: track, error, refetch } = useQuery(trackQuery(id))
  useTitle(track ? `${track.title} by ${track.artist}` : undefined)
  if (error && !track) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (!track) {
    return (
      <>
        <HeroSkeleton />
        <RowSkeletons />
      </>
    )
  }
  return (
    <div key={id}>
      <Head track={track} />
      <Sound track={track} />
    </div>
  )
}

function Head({ track }: { track: Track }) {
  const { rating } = useStanding(track)
  return (
    <Hero
      id={track.release_id ?? track.id}
      art={track.art}
      kind="track"
      over="Track"
      title={track.title}
      actions={
        <>
          <Button variant="primary" size="l" icon={Play} disabled={track.missing} onClick={() => player.playTracks([track])}>
            Play
          </Button>
          <LikeButton type="track" entity={track} name={track.title} size="l" />
          <IconButton
            size="l"
            label={`More for ${track.title}`}
            title="More"
            icon={EllipsisVertical}
            onClick={(event) =>
              openMenu(
                event,
                track.title,
                trackMenu([track], async () => [track]).filter((item) => !('label' in item) || item.label !== 'About this track'),
              )
            }
          />
        </>
      }
    >
      <p className="hero-artist">
        <Credits artists={track.artists} text={track.artist} />
      </p>
      {track.release && (
        <p>{track.release_id ? <Link to={`/releases/${track.release_id}?track=${track.id}`}>{track.release}</Link> : track.release}</p>
      )}
      <p className="muted">
        {[track.year, clock(track.duration_ms), quality(track), bytes(track.size_bytes)].filter(Boolean).join(' · ')}
      </p>
      <Stars value={rating} label={track.title} size={18} onChange={(value) => setRating('track', track, value)} />
    </Hero>
  )
}

function Sound({ track }: { track: Track }) {
  const { data: analysis, error, refetch } = useQuery(analysisQuery(track.id))
  if (error && !analysis) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (!analysis) return <RowSkeletons rows={4} />
  if (analysis.state === 'pending') return <Pending />
  if (analysis.state === 'failed') return <Failed id={track.id} analysis={analysis} />
  return <Heard track={track} analysis={analysis} />
}

function Pending() {
  const { data: status } = useQuery(analysisStatusQuery(5_000))
  const resting = status?.state === 'paused' || status?.state === 'off' || status?.state === 'waiting'
  return (
    <EmptyState icon={Ear} title="Not listened to yet">
      Segue listens to every track once and then tells its tempo, key, structure and more here.{' '}
      {status &&
        `So far ${count(status.done)} of ${plural(status.total, 'track')}${
          status.left_s !== null ? `; about ${span(status.left_s * 1000)} left` : ''
        }.`}{' '}
      {resting && 'It is not working at the moment.'}
    </EmptyState>
  )
}

function Failed({ id, analysis }: { id: string; analysis: Analysis }) {
  const client = useQueryClient()
  const { data: session } = useQuery(sessionQuery)
  const again = () => {
    api.post('analysis', { retry: true }).then(
      () => {
        toast('What failed will be tried again.')
        void client.invalidateQueries({ queryKey: analysisQuery(id).queryKey })
      },
      (failure: unknown) => toast(failure instanceof Error ? failure.message : 'That did not work.', { tone: 'bad' }),
    )
  }
  return (
    <EmptyState
      icon={CircleAlert}
      title="It could not be listened to"
      action={session?.user.admin ? <Button onClick={again}>Try what failed again</Button> : undefined}
    >
      {analysis.error ?? 'Why is not known.'}{' '}
      {session?.user.admin ? 'Replace or repair the file, or try again.' : 'Whoever runs this server can repair the file or have it tried again.'}
    </EmptyState>
  )
}

function Heard({ track, analysis }: { track: Track; analysis: Analysis }) {
  const client = useQueryClient()
  const { data: session } = useQuery(sessionQuery)
  const admin = session?.user.admin ?? false
  const [correcting, setCorrecting] = useState(false)
  const send = async (values: Record<string, number | null>) => {
    const next = await api.patch<Analysis>(`tracks/${track.id}/analysis`, { values })
    client.setQueryData(analysisQuery(track.id).queryKey, next)
  }
  const undo = (names: string[]) => {
    const back = names.filter((name) => analysis.values[name]?.origin === 'corrected')
    send(Object.fromEntries(back.map((name) => [name, null]))).then(
      () => toast('Back to what was measured.'),
      (failure: unknown) => toast(failure instanceof Error ? failure.message : 'That did not work.', { tone: 'bad' }),
    )
  }
  const onUndo = admin ? undo : undefined
  return (
    <>
      <section className="past-card sound-card" aria-label="Waveform and structure">
        <Waveform id={track.id} durationMs={track.duration_ms} analysis={analysis} />
        <Structure
          id={track.id}
          sections={analysis.sections}
          beats={analysis.beats_s.length}
          bars={analysis.downbeats_s.length}
        />
        <Moments analysis={analysis} onUndo={onUndo} />
      </section>
      {analysis.findings.length > 0 && (
        <ul className="sound-findings" aria-label="Findings">
          {analysis.findings.map((finding) => (
            <li key={`${finding.kind} ${finding.message}`} className="notice">
              {finding.message}
            </li>
          ))}
        </ul>
      )}
      <div className="sound-head">
        <h2>Measured</h2>
        {admin && (
          <Button size="s" icon={Pencil} onClick={() => setCorrecting(true)}>
            Correct values
          </Button>
        )}
      </div>
      <Measures analysis={analysis} onUndo={onUndo} />
      <div className="past-charts">
        <Proxies analysis={analysis} onUndo={onUndo} />
        <div className="stack sound-side">
          <Tags track={track} analysis={analysis} />
          <Copies ids={analysis.duplicates} />
        </div>
      </div>
      <SoundsLike track={track} />
      <PathTo track={track} />
      {correcting && <Correct analysis={analysis} onClose={() => setCorrecting(false)} onSave={send} />}
    </>
  )
}

const LIKELY = 0.05
const FEW_TAGS = 3

function Tags({ track, analysis }: { track: Track; analysis: Analysis }) {
  const [all, setAll] = useState(false)
  const likely = analysis.tags.filter((tag, at) => at < FEW_TAGS || tag.probability >= LIKELY)
  if (analysis.tags.length === 0 && track.genres.length === 0) return null
  return (
    <section className="past-card">
      <h2>Genres and tags</h2>
      <Labels title="In the file">
        {track.genres.map((genre) => (
          <Link key={genre} className="chip" to={`/genre?name=${encodeURIComponent(genre)}`}>
            {genre}
          </Link>
        ))}
      </Labels>
      {track.genres.length === 0 && <p className="small muted">The file names no genre.</p>}
      {analysis.tags.length > 0 && (
        <Labels title={`Guessed from the sound by ${analysis.tagger ?? 'the tagger'}; these can be wrong`}>
          {(all ? analysis.tags : likely).map((tag) => (
            <span key={tag.name} className="chip chip-guess">
              {tag.name}
              <span className="tabular">{percent(tag.probability)}</span>
            </span>
          ))}
        </Labels>
      )}
      {likely.length < analysis.tags.length && (
        <Button size="s" variant="ghost" onClick={() => setAll(!all)}>
          {all ? 'Only the likely ones' : `All ${analysis.tags.length} guesses`}
        </Button>
      )}
    </section>
  )
}

function Labels({ title, children }: { title: string; children: ReactNode }) {
  return (
    <>
      <h3 className="small muted">{title}</h3>
      <div className="chips sound-chips">{children}</div>
    </>
  )
}

function Copies({ ids }: { ids: string[] }) {
  const { data: tracks } = useQuery(tracksByIdQuery(ids.slice(0, 100)))
  if (ids.length === 0) return null
  return (
    <section className="past-card">
      <div className="past-card-head">
        <h2>The same recording</h2>
        <Link className="btn btn-soft btn-s" to="/duplicates">
          All duplicates
        </Link>
      </div>
      <ul className="rows">
        {tracks?.map((track) => (
          <li key={track.id} className="line">
            <Copy size={18} aria-hidden="true" />
            <span className="line-text">
              <Link to={`/tracks/${track.id}`} className="ellipsis">
                {track.title} · {track.release ?? 'no release'}
              </Link>
              <span className="small muted">
                {quality(track)} · {bytes(track.size_bytes)}
              </span>
            </span>
            <IconButton label={`Play ${track.title} from ${track.release ?? 'this file'}`} icon={Play} onClick={() => player.playTracks([track])} />
          </li>
        ))}
      </ul>
    </section>
  )
}

function SoundsLike({ track }: { track: Track }) {
  const { data, error, refetch } = useQuery(alikeQuery(track.id))
  const tracks = useMemo(() => data?.items.map((item) => item.track) ?? [], [data])
  const source = useListSource(tracks)
  return (
    <section className="section">
      <div className="sound-head">
        <div>
          <h2>Sounds like</h2>
          {data?.space && <p className="small muted">By how they sound alone ({data.space}), the most alike first.</p>}
        </div>
        {tracks.length > 0 && (
          <Button size="s" variant="primary" icon={Play} onClick={() => player.playTracks(tracks)}>
            Play all
          </Button>
        )}
      </div>
      {error && !data && <ErrorState error={error} onRetry={() => void refetch()} />}
      {data && (
        <TrackTable
          source={source}
          label={`Tracks that sound like ${track.title}`}
          empty={
            <EmptyState icon={AudioWaveform} title="Nothing to compare with yet">
              Tracks appear here as Segue listens to more of the library.
            </EmptyState>
          }
        />
      )}
    </section>
  )
}
