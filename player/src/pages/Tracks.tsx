import { Heart, Music, Shuffle, SlidersHorizontal } from 'lucide-react'
import { useState } from 'react'
import { useSearchParams } from 'react-router'
import { api } from '../api/client'
import type { ListedTrack, Page, Track } from '../api/types'
import { plural } from '../format'
import { usePagedSource } from '../lists/source'
import { TrackTable } from '../lists/TrackTable'
import { SoundFilter, soundOf } from '../sound/SoundFilter'
import { useTitle } from '../shell/useTitle'
import { Button, IconButton } from '../ui/Button'
import { Select } from '../ui/Form'
import { EmptyState } from '../ui/States'
import { LibraryFilter } from './Artists'
import { playAll } from './cards'

const sorts = [
  { value: 'title', label: 'By title' },
  { value: 'artist', label: 'By artist' },
  { value: 'added', label: 'Newest in the library' },
  { value: 'recent', label: 'Recently played' },
  { value: 'frequent', label: 'Most played' },
  { value: 'tempo', label: 'By tempo' },
  { value: 'key', label: 'By key' },
  { value: 'energy', label: 'By energy' },
]

export default function Tracks() {
  useTitle('Tracks')
  const [params, setParams] = useSearchParams()
  const sort = params.get('sort') ?? 'title'
  const liked = params.get('liked') === '1'
  const library = params.get('library') ?? ''
  const sound = soundOf(params)
  const filtered = Object.values(sound).some((value) => value !== null)
  const [open, setOpen] = useState(filtered)
  const source = usePagedSource<ListedTrack>('tracks', { sort, library, liked: liked ? 1 : null, ...sound })
  // In one go: of several changes of the address in one tick only the last would hold.
  const change = (changes: Record<string, string>) =>
    setParams(
      (old) => {
        const next = new URLSearchParams(old)
        for (const [name, value] of Object.entries(changes)) {
          if (value) next.set(name, value)
          else next.delete(name)
        }
        return next
      },
      { replace: true },
    )
  const choose = (name: string, value: string) => change({ [name]: value })
  const shuffle = async () =>
    (await api.get<Page<Track>>('tracks', { sort: 'random', library, liked: liked ? 1 : null, limit: 100, ...sound })).items
  return (
    <>
      <header className="page-head">
        <div>
          <h1 className="page-title">Tracks</h1>
          <p className="page-count">{source.total === null ? ' ' : plural(source.total, 'track')}</p>
        </div>
        <div className="filters">
          <Button variant="primary" size="s" icon={Shuffle} onClick={() => playAll(shuffle)} disabled={!source.total}>
            Shuffle
          </Button>
          <Select
            bare
            label="Order"
            value={sort}
            options={sorts}
            onChange={(event) => choose('sort', event.currentTarget.value)}
          />
          <LibraryFilter value={library} onChange={(value) => choose('library', value)} />
          <IconButton label="Only liked tracks" icon={Heart} pressed={liked} onClick={() => choose('liked', liked ? '' : '1')} />
          <IconButton
            label={filtered ? 'Filter by sound (on)' : 'Filter by sound'}
            icon={SlidersHorizontal}
            variant={filtered ? 'soft' : 'ghost'}
            aria-expanded={open}
            aria-controls="sound-filter"
            onClick={() => setOpen(!open)}
          />
        </div>
      </header>
      {open && <SoundFilter sound={sound} onChange={choose} onClear={() => change({ tempo: '', energy: '', key: '', mode: '' })} />}
      <TrackTable
        source={source}
        kind="sound"
        label="Tracks"
        empty={
          filtered || sort === 'tempo' || sort === 'key' || sort === 'energy' ? (
            <EmptyState icon={Music} title="Nothing sounds like that">
              Only tracks that Segue has listened to are found by sound. Widen the ranges, or wait for it to hear more.
            </EmptyState>
          ) : (
          <EmptyState icon={Music} title={liked ? 'No liked tracks yet' : 'No tracks yet'}>
            {liked ? 'Press the heart beside a track to find it here.' : 'They appear as music is scanned.'}
          </EmptyState>
          )
        }
      />
    </>
  )
}
