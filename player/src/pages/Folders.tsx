import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Blend, ChevronRight, Folder, FolderOpen, HardDrive } from 'lucide-react'
import { useState } from 'react'
import { Link, useParams } from 'react-router'
import { startMix } from '../acts/mixes'
import { folderQuery, foldersQuery } from '../api/queries'
import { plural } from '../format'
import { useListSource } from '../lists/source'
import { TrackTable } from '../lists/TrackTable'
import { useTitle } from '../shell/useTitle'
import { Button } from '../ui/Button'
import { EmptyState, ErrorState, RowSkeletons } from '../ui/States'

const WINDOW = 500

export default function Folders() {
  useTitle('Folders')
  const { data, error, refetch } = useQuery(foldersQuery)
  return (
    <>
      <header className="page-head">
        <h1 className="page-title">Folders</h1>
      </header>
      {error && !data && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!data && !error && <RowSkeletons rows={3} />}
      {data?.items.length === 0 && (
        <EmptyState icon={FolderOpen} title="No folders yet">
          They appear once a folder of music is added.
        </EmptyState>
      )}
      <ul className="folder-list">
        {data?.items.map((root) => (
          <li key={root.folder_id}>
            <Link to={`/folders/${root.folder_id}`} className="folder">
              <HardDrive size={20} aria-hidden="true" />
              <span className="ellipsis">{root.name}</span>
              <ChevronRight size={18} aria-hidden="true" className="folder-go" />
            </Link>
          </li>
        ))}
      </ul>
    </>
  )
}

const none: never[] = []

export function FolderView() {
  const { id = '' } = useParams()
  return <Contents key={id} id={id} />
}

function Contents({ id }: { id: string }) {
  const [offset, setOffset] = useState(0)
  const { data, error, refetch } = useQuery({ ...folderQuery(id, offset, WINDOW), placeholderData: keepPreviousData })
  useTitle(data?.folder.name)
  const { data: roots } = useQuery(foldersQuery)
  const root = roots?.items.find((each) => each.library_id === data?.folder.library_id)
  const source = useListSource(data?.tracks ?? none)
  if (error && !data) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (!data) return <RowSkeletons />
  const { folder, folders, tracks, total } = data
  const parts = folder.path.split('/').filter(Boolean)
  return (
    <>
      <header className="page-head">
        <div>
          <nav aria-label="Where this is" className="crumbs">
            <Link to="/folders">Folders</Link>
            {folder.parent_id && (
              <>
                <ChevronRight size={14} aria-hidden="true" />
                <Link to={`/folders/${folder.parent_id}`}>{parts.at(-2) ?? root?.name ?? 'Up'}</Link>
              </>
            )}
          </nav>
          <h1 className="page-title">{folder.name}</h1>
        </div>
        {(folders.length > 0 || tracks.length > 0) && (
          <Button size="s" icon={Blend} onClick={() => startMix('folder', folder.id, folder.name)}>
            Start a mix
          </Button>
        )}
      </header>
      {folders.length > 0 && (
        <ul className="folder-list">
          {folders.map((each) => (
            <li key={each.id}>
              <Link to={`/folders/${each.id}`} className="folder">
                <Folder size={20} aria-hidden="true" />
                <span className="ellipsis">{each.name}</span>
                {each.track_count > 0 && <span className="small faint folder-count">{plural(each.track_count, 'track')}</span>}
                <ChevronRight size={18} aria-hidden="true" className="folder-go" />
              </Link>
            </li>
          ))}
        </ul>
      )}
      {tracks.length > 0 && <TrackTable key={offset} source={source} label={`Tracks in ${folder.name}`} />}
      {folders.length === 0 && tracks.length === 0 && <EmptyState icon={FolderOpen} title="This folder is empty" />}
      {(offset > 0 || total > offset + WINDOW) && (
        <div className="pager">
          <Button size="s" disabled={offset === 0} onClick={() => setOffset(Math.max(0, offset - WINDOW))}>
            Earlier
          </Button>
          <Button size="s" disabled={total <= offset + WINDOW} onClick={() => setOffset(offset + WINDOW)}>
            Later
          </Button>
        </div>
      )}
    </>
  )
}
