import { ChevronDown, Disc3, EllipsisVertical, Sparkles } from 'lucide-react'
import { useEffect, useId, useRef, useState, type KeyboardEvent } from 'react'
import { Link } from 'react-router'
import { artUrl } from '../api/base'
import { usePlayer, type QueueItem } from '../engine'
import { quality } from '../format'
import { Credits } from '../lists/Credits'
import { useTint } from '../shell/artColour'
import { useTitle } from '../shell/useTitle'
import { Art } from '../ui/Art'
import { IconButton, join } from '../ui/Button'
import { LikeButton } from '../ui/LikeButton'
import { openMenu } from '../ui/menus'
import { EmptyState } from '../ui/States'
import { LyricsView } from './LyricsView'
import { moreMenu } from './more'
import { QueuePanel } from './QueuePanel'
import { SeekSlider } from './SeekSlider'
import { leaveFull } from './shortcuts'
import { SleepButton } from './SleepButton'
import { Transport } from './Transport'

type Tab = 'lyrics' | 'queue' | 'why'

/** The full view, at `/playing`: the picture, the words, what follows and why. */
export function NowPlaying() {
  const current = usePlayer((state) => state.current)
  useTitle(current ? `${current.track.title} · ${current.track.artist}` : 'Now playing')
  const tint = useTint(current?.track.release_id ?? current?.track.id, current?.track.art)
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => heading.current?.focus({ preventScroll: true }), [])
  return (
    <section className="now-playing tinted" style={tint} aria-label="Now playing">
      <Backdrop art={current?.track.art ?? null} />
      <header className="np-head">
        <IconButton label="Close the full view" icon={ChevronDown} onClick={leaveFull} />
        <h1 ref={heading} tabIndex={-1} className="np-where ellipsis">
          {current?.track.release ?? 'Now playing'}
        </h1>
        <More />
      </header>
      {current ? (
        <Stage item={current} />
      ) : (
        <EmptyState icon={Disc3} title="Nothing is playing">
          Choose something, and it will fill this view.
        </EmptyState>
      )}
    </section>
  )
}

/** The picture again, small and blurred: cheap to draw, and never in the way of the text. */
function Backdrop({ art }: { art: string | null }) {
  const url = artUrl(art, 128)
  return (
    <div className="np-backdrop" aria-hidden="true">
      {url && <img key={url} src={url} alt="" draggable={false} />}
    </div>
  )
}

function More() {
  const { current, isPrivate } = usePlayer((state) => ({ current: state.current, isPrivate: state.private }))
  return (
    <span className="np-more">
      <SleepButton size="m" />
      <IconButton
        label="More"
        icon={EllipsisVertical}
        aria-haspopup="menu"
        onClick={(event) => openMenu(event, current?.track.title ?? 'Player', moreMenu({ current, private: isPrivate }))}
      />
    </span>
  )
}

function Stage({ item }: { item: QueueItem }) {
  const { track } = item
  const [chosen, setChosen] = useState<Tab | null>(null)
  const transcoding = usePlayer((state) => state.transcoding)
  const tab: Tab = chosen ?? (track.has_lyrics ? 'lyrics' : 'queue')
  return (
    <div className="np-stage">
      <div className="np-left">
        <div className="np-cover">
          <Art id={track.release_id ?? track.id} art={track.art} size={640} kind="track" alt={track.release ? `Cover of ${track.release}` : ''} eager />
        </div>
        <div className="np-names">
          <div className="np-text">
            <p className="np-title">{track.release_id ? <Link to={`/releases/${track.release_id}`}>{track.title}</Link> : track.title}</p>
            <p className="np-artist">
              <Credits artists={track.artists} text={track.artist} />
            </p>
          </div>
          <LikeButton type="track" entity={track} name={track.title} size="l" />
        </div>
        <div className="np-controls">
          <SeekSlider />
          <Transport large />
        </div>
        <p className="np-quality small">
          {quality(track)}
          {transcoding && ' · converted for this browser'} ·{' '}
          <Link to={`/tracks/${track.id}`} className="np-about">
            About this track
          </Link>
        </p>
      </div>
      <Tabs item={item} tab={tab} onTab={setChosen} />
    </div>
  )
}

const LABELS: Record<Tab, string> = { lyrics: 'Lyrics', queue: 'Up next', why: 'Why this song?' }

function Tabs({ item, tab, onTab }: { item: QueueItem; tab: Tab; onTab: (tab: Tab) => void }) {
  const id = useId()
  const tabs: Tab[] = ['lyrics', 'queue', 'why']
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
    if (step === 0) return
    event.preventDefault()
    const to = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length] ?? 'queue'
    onTab(to)
    event.currentTarget.querySelector<HTMLElement>(`[data-tab=${to}]`)?.focus()
  }
  return (
    <div className="np-right">
      <div className="np-tabs" role="tablist" aria-label="About this track" tabIndex={-1} onKeyDown={onKeyDown}>
        {tabs.map((each) => (
          <button
            key={each}
            type="button"
            role="tab"
            id={`${id}-${each}`}
            data-tab={each}
            aria-selected={each === tab}
            aria-controls={`${id}-panel`}
            tabIndex={each === tab ? 0 : -1}
            className={join('np-tab', each === tab && 'np-tab-on')}
            onClick={() => onTab(each)}
          >
            {LABELS[each]}
          </button>
        ))}
      </div>
      <div className="np-panel" role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${tab}`}>
        {tab === 'lyrics' && <LyricsView track={item.track} />}
        {tab === 'queue' && <QueuePanel embedded />}
        {tab === 'why' && <Reasons item={item} />}
      </div>
    </div>
  )
}

const SOURCES: Record<string, string> = {
  familiar: 'From what you know and like.',
  kindred: 'Close to what you played.',
  unplayed: 'From what you have never played.',
}

function Reasons({ item }: { item: QueueItem }) {
  const reasons = item.reasons?.filter((reason) => reason.text) ?? []
  if (item.origin === 'chosen') {
    return (
      <EmptyState icon={Sparkles} title="You chose it">
        Where Segue chooses, the reasons stand here.
      </EmptyState>
    )
  }
  return (
    <div className="np-reasons">
      {item.source && <p className="np-source">{SOURCES[item.source] ?? `Source: ${item.source}`}</p>}
      <ul>
        {reasons.map((reason) => (
          <li key={reason.code}>
            <Sparkles size={16} aria-hidden="true" />
            {reason.text}
          </li>
        ))}
      </ul>
      {reasons.length === 0 && <p className="muted">It was taken at random.</p>}
    </div>
  )
}
