import { useQuery } from '@tanstack/react-query'
import { Waypoints } from 'lucide-react'
import { Link } from 'react-router'
import { ApiError } from '../api/client'
import { plural } from '../format'
import { useTitle } from '../shell/useTitle'
import { EmptyState, ErrorState, Loading } from '../ui/States'
import { MapView } from './MapView'
import { mapQuery } from './queries'

/** The library as a map: every track a point, alike beside alike. */
export default function MapPage() {
  useTitle('Map')
  const { data, error, refetch } = useQuery(mapQuery)
  const absent = error instanceof ApiError && error.status === 404
  return (
    <>
      <header className="page-head">
        <div>
          <h1 className="page-title">Map</h1>
          <p className="page-count">
            {data?.state === 'ready' ? `${plural(data.ids.length, 'track')}; what sounds alike lies together` : ' '}
          </p>
        </div>
      </header>
      {error && !data && !absent && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Loading label="Loading the map" />}
      {data?.state === 'ready' && data.ids.length > 0 ? (
        <MapView map={data} />
      ) : (
        (data || absent) && (
          <EmptyState
            icon={Waypoints}
            title={data?.state === 'pending' && data.space !== null ? 'The map is being drawn' : 'No map yet'}
            action={
              <Link className="btn btn-soft" to="/tracks">
                All tracks
              </Link>
            }
          >
            It is drawn from how tracks sound, once Segue has listened to enough of them. It appears here by itself.
          </EmptyState>
        )
      )}
    </>
  )
}
