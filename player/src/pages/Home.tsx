import { useQuery } from '@tanstack/react-query'
import { AudioLines, Play } from 'lucide-react'
import { Link } from 'react-router'
import { releaseMenu, releaseTracks } from '../acts/menus'
import { homeQuery, scanQuery, sessionQuery } from '../api/queries'
import type { Home as HomeShape, Release } from '../api/types'
import { ScanProgress } from '../shell/ScanProgress'
import { useTint } from '../shell/artColour'
import { useTitle } from '../shell/useTitle'
import { Art } from '../ui/Art'
import { IconButton } from '../ui/Button'
import { openMenu } from '../ui/menus'
import { CardSkeletons, EmptyState, ErrorState } from '../ui/States'
import { playAll, ReleaseCard } from './cards'
import { Shelf } from './Shelf'

const shelves: { key: keyof HomeShape; title: string; to?: string }[] = [
  { key: 'recent', title: 'Recently played', to: '/releases?sort=recent' },
  { key: 'newest', title: 'New in the library', to: '/releases?sort=newest' },
  { key: 'favourites', title: 'Favourites', to: '/favourites' },
  { key: 'frequent', title: 'Most played', to: '/releases?sort=frequent' },
  { key: 'random', title: 'Something else', to: '/releases?sort=random' },
]

export default function Home() {
  useTitle('Segue')
  const { data, error, refetch } = useQuery(homeQuery)
  const { data: session } = useQuery(sessionQuery)
  const { data: scan } = useQuery(scanQuery)
  if (error && !data) return <ErrorState error={error} onRetry={() => void refetch()} />
  const empty = data && shelves.every(({ key }) => data[key].length === 0)
  return (
    <>
      <h1 className="page-title">{greeting(new Date().getHours())}</h1>
      {!data && <CardSkeletons />}
      {empty && scan?.state === 'running' && <ScanProgress scan={scan} />}
      {empty && scan?.state !== 'running' && (
        <EmptyState
          icon={AudioLines}
          title="No music yet"
          action={
            session?.user.admin ? (
              <Link className="btn btn-primary" to="/settings/libraries">
                Add a folder of music
              </Link>
            ) : undefined
          }
        >
          {session?.user.admin
            ? 'Tell Segue which folders hold your music. Files stay where they are.'
            : 'Whoever runs this server has not shared a library with you yet.'}
        </EmptyState>
      )}
      {data && data.continue.length > 0 && (
        <section aria-label="Continue" className="continue">
          {data.continue.slice(0, 6).map((release) => (
            <Continue key={release.id} release={release} />
          ))}
        </section>
      )}
      {data &&
        shelves.map(({ key, title, to }) =>
          data[key].length > 0 ? (
            <Shelf key={key} title={title} {...(to ? { to } : {})}>
              {data[key].map((release) => (
                <ReleaseCard key={release.id} release={release} />
              ))}
            </Shelf>
          ) : null,
        )}
    </>
  )
}

/** What was left in the middle: one press goes on with it. */
function Continue({ release }: { release: Release }) {
  const tint = useTint(release.id, release.art)
  return (
    <div
      className="continue-item tinted"
      style={tint}
      onContextMenu={(event) => openMenu(event, release.title, releaseMenu(release))}
    >
      <Link to={`/releases/${release.id}`} className="continue-link">
        <Art id={release.id} art={release.art} size={72} />
        <span className="continue-text">
          <span className="continue-title">{release.title}</span>
          <span className="small ellipsis">{release.artist}</span>
        </span>
      </Link>
      <IconButton
        className="continue-play"
        variant="primary"
        label={`Play ${release.title}`}
        title="Play"
        icon={<Play size={18} fill="currentColor" aria-hidden="true" />}
        onClick={() => playAll(() => releaseTracks(release.id), { release_id: release.id })}
      />
    </div>
  )
}

function greeting(hour: number): string {
  if (hour < 5) return 'Still up'
  if (hour < 12) return 'Good morning'
  if (hour < 18) return 'Good afternoon'
  return 'Good evening'
}
